"""Makes ready what a container's process relies on, then becomes that process.

    python -m docker.prepare database COMMAND [ARGUMENT ...]    `manage.py prepare`, then run COMMAND
    python -m docker.prepare bucket                             make the bucket

What cannot be done ends in one sentence and exit code 2.
"""

import os
import signal
import sys
from importlib import import_module
from types import FrameType

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection

from marketplace import environment, faults
from marketplace.commands import CannotRun
from media_sync.errors import BucketUnavailable
from media_sync.storage import ensure_bucket

WAIT_SECONDS = 60  # for a database that is still starting


def main(arguments: list[str]) -> None:
    # As process 1 we would ignore SIGTERM, since the kernel gives it no default action.
    signal.signal(signal.SIGTERM, stop)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    try:
        django.setup()
        if arguments[0] == "bucket":
            ensure_bucket()
        else:
            prepare_database()
    except (ImproperlyConfigured, CannotRun, BucketUnavailable) as error:
        sys.exit(refuse(str(error)))
    except faults.FAULTS as error:
        sys.exit(refuse(faults.sentence(error)))
    if command := arguments[1:]:
        connection.close()
        os.environ.pop("ADMIN_PASSWORD", None)  # whoever serves need not know it
        sys.stdout.flush()
        os.execvp(command[0], command)  # noqa: S606 (the entrypoint's own command)


def stop(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def refuse(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 2


def prepare_database() -> None:
    import_module("marketplace.gunicorn")  # reads its settings here, where a fault is one sentence
    # Without a password the command would make one up, in a directory that ends with the container.
    given = environment.is_set("ADMIN_PASSWORD")
    call_command("prepare", wait=WAIT_SECONDS, without_admin=not given)
    if not given:
        sys.stdout.write("ADMIN_PASSWORD is not set, so no admin is provisioned.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
