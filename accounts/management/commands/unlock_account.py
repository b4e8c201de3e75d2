"""`manage.py unlock_account`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser

from accounts import attempts
from accounts.management.lookup import account_named
from marketplace.addresses import read_address
from marketplace.commands import CannotRun, OperatorCommand


@dataclass(frozen=True)
class Unlocked:
    """Whose attempts were forgotten, and from where sign-in is open whatever strangers do."""

    username: str
    counts: int
    address: str
    dry_run: bool
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "username": self.username,
            "counts": self.counts,
            "address": self.address or None,
            "dry_run": self.dry_run,
        }

    def lines(self) -> Iterator[str]:
        would = "would be" if self.dry_run else "are"
        yield f"The attempts to sign in as {self.username!r} {would} forgotten (counts: {self.counts})."
        if self.address:
            yield f"From {self.address} they {would} counted by themselves until the next sign-in there."


class Command(OperatorCommand):
    help = (
        "Forget the attempts to sign in to an account, so that it opens again before their 15 minutes are over."
        " With --address, what that address tried is forgotten too, and from there the account can be signed in"
        " to while strangers elsewhere go on guessing. Passwords and sessions stay as they are."
    )
    examples = (
        "  manage.py unlock_account ada\n"
        "  manage.py unlock_account admin --address 203.0.113.7\n"
        "  manage.py unlock_account ada --json\n"
    )

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="as the account's list in the admin has it")
        parser.add_argument("--address", default="", help="where its owner is about to sign in from")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be forgotten, and forget nothing"
        )

    def perform(self, **options: Any) -> Unlocked:
        user, address, dry_run = account_named(options["username"]), options["address"], options["dry_run"]
        if address and read_address(address) is None:
            raise CannotRun(f"--address must be one address like 203.0.113.7, not {address!r}.")
        counts = attempts.unlock(user, address=address, dry_run=dry_run)
        return Unlocked(username=user.username, counts=counts, address=address, dry_run=dry_run)
