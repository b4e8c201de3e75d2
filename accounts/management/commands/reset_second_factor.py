"""`manage.py reset_second_factor`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser

from accounts import second_factor
from accounts.models import User
from marketplace.commands import CannotRun, OperatorCommand


@dataclass(frozen=True)
class Reset:
    """What was taken away from whom."""

    username: str
    factors: int
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"username": self.username, "factors": self.factors}

    def lines(self) -> Iterator[str]:
        yield f"{self.username!r} has no second factor now ({self.factors} taken away); its sessions have ended."


class Command(OperatorCommand):
    help = (
        "Take the second factor (authenticator app, passkeys, recovery codes) away from an account whose owner"
        " has lost it, and end its sessions. The password stays."
    )
    examples = "  manage.py reset_second_factor ada\n  manage.py reset_second_factor ada --json\n"

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="whose second factor to take away")

    def perform(self, **options: Any) -> Reset:
        user = User.objects.filter(username=User.normalize_username(options["username"])).first()
        if user is None:
            raise CannotRun(f"There is no account named {options['username']!r}.")
        return Reset(user.username, second_factor.reset(user, by=None))
