"""What the tests of runs share: people, files that are brought, and steps taken in this process."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import User
from accounts.roles import ROLES, keep
from accounts.tests.factories import UserFactory
from catalog.imports.life import runs, work
from catalog.imports.options import ImportOptions
from catalog.models import ImportOrigin, ImportRun, Item
from marketplace.tests.database import database_address

CARS = "reference,name\nA-1,One\nA-2,Two\n"


def curator(role: str = "Curator") -> User:
    """Return a new member of staff with the role."""
    keep({role: ROLES[role]})
    user = UserFactory.create(is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def brought(
    by: User, text: str | bytes = CARS, name: str = "cars.csv", target: str = "vehicle", **options
) -> ImportRun:
    """Bring a file as the admin does."""
    more = {key: options.pop(key) for key in ("mapping", "at_once") if key in options}
    content = text if isinstance(text, bytes) else text.encode()
    return runs.create(
        file=SimpleUploadedFile(name, content), file_name=name, target=target, options=ImportOptions(**options),
        by=by, origin=ImportOrigin.ADMIN, **more,
    )  # fmt: skip


def previewed(by: User, *args, **options) -> ImportRun:
    """Bring a file and read it."""
    run = brought(by, *args, **options)
    work.read_now(run.pk)
    run.refresh_from_db()
    return run


def landed(by: User, *args, **options) -> ImportRun:
    """Bring a file, read it, confirm it and land it."""
    run = previewed(by, *args, **options)
    runs.confirm(run, by=by)
    work.land_now(run.pk)
    run.refresh_from_db()
    return run


def jobs() -> list[tuple[str, dict[str, int]]]:
    """Return what waits for a worker, or did."""
    return list(ProcrastinateJob.objects.order_by("id").values_list("task_name", "args"))


def state_of(run: ImportRun) -> tuple[str, str]:
    return ImportRun.objects.values_list("state", "message").get(pk=run.pk)


HEADER = "reference,name,make,genres,price"


def many(count: int, first: int = 0) -> str:
    """Return the text of a file of so many rows."""
    rows = (
        f"C-{n:07d},Car {n},Make {n % 50},Genre {n % 7}|Genre {n % 5},{n % 9000}.50"
        for n in range(first, first + count)
    )
    return "\n".join([HEADER, *rows, ""])


def stored() -> list[tuple[str, ...]]:
    """Return all items, as the lines of such a file."""
    fields = ("reference", "name", "make", "genres", "price")
    return [
        (reference, name, make, "|".join(genres), str(price))
        for reference, name, make, genres, price in Item.objects.order_by("reference").values_list(*fields)
    ]


def lines_of(text: str) -> list[tuple[str, ...]]:
    """Return the rows of such a text as they will be stored."""
    cells = (line.split(",") for line in text.splitlines()[1:])
    return sorted((r, n, m, "|".join(dict.fromkeys(g.split("|"))), p) for r, n, m, g, p in cells)


def surroundings() -> dict[str, str]:
    """Return the environment in which another process sees the test's database and bucket."""
    names = ("S3_ENDPOINT_URL", "S3_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return (
        os.environ | {"DATABASE_URL": database_address()} | {name: getattr(settings, name) for name in names}
    )


def process(*words: str) -> "subprocess.Popen[str]":
    """Start a management command. It hears Ctrl-C's signal, also where the tests run in a script's background."""
    return subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, "manage.py", *words], env=surroundings(), cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@contextmanager
def worker() -> Iterator["subprocess.Popen[str]"]:
    """A worker process, as `make run` has one; killed at the end, if it was not before."""
    started = process("procrastinate", "worker", "--concurrency=4")
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


@contextmanager
def in_background(task: Callable[[], object]) -> Iterator["Future[object]"]:
    """Do something in a thread with a database connection of its own; wait for its end."""

    def do() -> object:
        try:
            return task()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(do)


def hold(statement: str, until: threading.Event) -> None:
    """Run a statement that locks, and keep its transaction open."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        until.wait(60)
