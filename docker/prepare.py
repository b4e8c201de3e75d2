"""Makes ready what a container's process relies on, then becomes that process.

    python -m docker.prepare database COMMAND [ARGUMENT ...]    migrate, provision the admin, run COMMAND
    python -m docker.prepare bucket                             make the bucket

Many containers may start at once on one database: an advisory lock lets one of them migrate at a time.
What cannot be done ends in one sentence and exit code 2.
"""

import os
import signal
import sys
import time
from types import FrameType

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError, connection

from marketplace import environment
from media_sync.errors import BucketUnavailable
from media_sync.storage import ensure_bucket

WAIT_SECONDS = 60  # for a database that is still starting
LOCK_SECONDS = 600  # for another container's migration
LOCK = 4_115_901_002  # names our lock among the database's advisory locks; any fixed number does


class NotReadyError(Exception):
    """Something the container relies on is not there; the message is one sentence."""


def main(arguments: list[str]) -> None:
    # As process 1 we would ignore SIGTERM, since the kernel gives it no default action.
    signal.signal(signal.SIGTERM, stop)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    try:
        django.setup()
        if arguments[0] == "bucket":
            prepare_bucket()
        else:
            check_server_settings()
            prepare_database()
    except (ImproperlyConfigured, NotReadyError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    if command := arguments[1:]:
        connection.close()
        sys.stdout.flush()
        os.execvp(command[0], command)  # noqa: S606 (the entrypoint's own command)


def stop(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def check_server_settings() -> None:
    """Raise ImproperlyConfigured here, where it is one sentence, and not as gunicorn's traceback."""
    from marketplace import gunicorn  # noqa: F401, PLC0415 (importing it is what reads them)


def prepare_database() -> None:
    """Bring the database to this version of the code, and give it an admin."""
    wait_for_database()
    try:
        lock_migrations()
        call_command("migrate", interactive=False, verbosity=1)
    except OperationalError as error:
        raise NotReadyError(f"The database cannot be migrated: {first_line(error)}") from error
    if environment.text("ADMIN_PASSWORD"):
        call_command("provision_admin")
    else:
        # The command would make up a password and keep it in a directory that ends with the container.
        sys.stdout.write("ADMIN_PASSWORD is not set, so no admin is provisioned.\n")


def wait_for_database() -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    reason = ""
    while True:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            if first_line(error) != reason:
                reason = first_line(error)
                sys.stderr.write(f"Waiting for the database: {reason}\n")
        else:
            return
        if time.monotonic() > deadline:
            raise NotReadyError(f"The database did not answer in {WAIT_SECONDS} seconds: {reason}")
        time.sleep(1)


def lock_migrations() -> None:
    """Take the lock for as long as our connection lives.

    Asking again and again, rather than waiting inside PostgreSQL: a statement that waits holds a
    snapshot, and CREATE INDEX CONCURRENTLY in the other container would wait for that in turn.
    """

    deadline = time.monotonic() + LOCK_SECONDS
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")  # the limit is for requests; a migration may take long
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            if cursor.fetchone() == (True,):
                return
            if time.monotonic() > deadline:
                raise NotReadyError(f"Another container has been migrating for {LOCK_SECONDS} seconds.")
            time.sleep(0.5)


def prepare_bucket() -> None:

    try:
        ensure_bucket()
    except BucketUnavailable as error:
        raise NotReadyError(str(error)) from error


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


if __name__ == "__main__":
    main(sys.argv[1:])
