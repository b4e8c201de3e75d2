"""`manage.py prepare`."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser
from django.db import OperationalError, connection

from accounts.provisioning import Provisioned, provision_admin
from catalog.models import Item
from marketplace import faults
from marketplace.commands import CannotRun, OperatorCommand

LOCK_SECONDS = 600  # for the migration of another process or container
LOCK = 4_115_901_002  # names our lock among the database's advisory locks; any fixed number does


@dataclass(frozen=True)
class Prepared:
    """What there is to serve: who the first superuser is (None: not asked for), and whether there are items."""

    admin: Provisioned | None
    has_items: bool
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"admin": self.admin and self.admin.as_json(), "has_items": self.has_items}

    def lines(self) -> Iterator[str]:
        yield "The database is migrated."
        if self.admin:
            yield from self.admin.lines()
        yield f"The catalogue has {'items' if self.has_items else 'no items yet'}."


class Command(OperatorCommand):
    help = (
        "Make the database ready to serve: apply the migrations and create the first superuser. "
        "Safe to repeat, and by several at once."
    )
    examples = "  manage.py prepare\n  manage.py prepare --wait 60 --json\n"
    requires_system_checks = ()

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--wait", type=int, default=0, metavar="SECONDS", help="wait so long for the database"
        )
        parser.add_argument("--without-admin", action="store_true", help="create no superuser")

    def perform(self, **options: Any) -> Prepared:
        wait_for_database(options["wait"])
        migrate_alone()
        admin = None if options["without_admin"] else provision_admin()
        return Prepared(admin, has_items=Item.objects.exists())


def wait_for_database(seconds: int) -> None:
    """Return when the database answers; raise its own error, or CannotRun after waiting in vain."""
    deadline, reason = time.monotonic() + seconds, ""
    while True:
        try:
            return connection.ensure_connection()
        except OperationalError as error:
            if not seconds:
                raise
            if faults.database_reason(error) != reason:
                reason = faults.database_reason(error)
                sys.stderr.write(f"Waiting for the database: {reason}\n")
        if time.monotonic() > deadline:
            raise CannotRun(f"The database did not answer in {seconds} seconds: {reason}")
        time.sleep(1)


def migrate_alone() -> None:
    """Apply the migrations while no other process does.

    The lock is asked for again and again rather than waited for inside PostgreSQL: a statement that
    waits holds a snapshot, and CREATE INDEX CONCURRENTLY in the other process would wait for that.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")  # the limit is for requests; a migration may take long
        while not _holds(cursor, "SELECT pg_try_advisory_lock(%s)"):
            if time.monotonic() > deadline:
                raise CannotRun(f"Another process has been migrating for {LOCK_SECONDS} seconds.")
            time.sleep(0.5)
        # The command's own words would stand before the JSON.
        call_command("migrate", interactive=False, verbosity=0, stdout=StringIO())
        _holds(cursor, "SELECT pg_advisory_unlock(%s)")


def _holds(cursor: Any, statement: str) -> bool:
    cursor.execute(statement, [LOCK])
    return bool(cursor.fetchone()[0])
