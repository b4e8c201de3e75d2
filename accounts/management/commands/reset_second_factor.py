"""`manage.py reset_second_factor`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser

from accounts import second_factor
from accounts.management.lookup import account_named
from marketplace.commands import OperatorCommand


@dataclass(frozen=True)
class Reset:
    """What was taken away from whom."""

    username: str
    factors: int
    dry_run: bool
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"username": self.username, "factors": self.factors, "dry_run": self.dry_run}

    def lines(self) -> Iterator[str]:
        if self.dry_run:
            yield f"{self.username!r} would have no second factor ({self.factors} taken away), and its sessions would end."
        else:
            yield f"{self.username!r} has no second factor now ({self.factors} taken away); its sessions have ended."


class Command(OperatorCommand):
    help = (
        "Take the second factor (authenticator app, passkeys, recovery codes) away from an account whose owner"
        " has lost it, and end its sessions. The password stays."
    )
    examples = "  manage.py reset_second_factor ada\n  manage.py reset_second_factor ada --json\n"

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="whose second factor to take away")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be taken away, and take nothing"
        )

    def perform(self, **options: Any) -> Reset:
        user, dry_run = account_named(options["username"]), options["dry_run"]
        factors = len(second_factor.factors_of(user)) if dry_run else second_factor.reset(user, by=None)
        return Reset(user.username, factors, dry_run)
