"""Looks after runs that nobody is at: those that a killed process left, and what old ones leave behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from catalog.imports import journal, sql, staging
from catalog.imports.life import files
from catalog.imports.life.work import CANCELLED, INTERRUPTED, end, holds, lock_of
from catalog.models import WAITING, WORKING, ImportOrigin, ImportRun, ImportState

# A live process writes `seen_at` every second. A machine that lost its power leaves a connection that the
# database takes for alive, with the run's lock.
SILENT = timedelta(seconds=45)
NEW = timedelta(seconds=5)  # a command stores its run a moment before it takes the run's lock
UNCONFIRMED_DAYS = 7  # a week off; the catalogue has moved on since, and the preview would be made anew
STAGING_DAYS = (
    30  # previews and rejected rows of finished runs are looked at within the month; they take room
)
FILE_DAYS = 90  # a quarter's stock lists, to see what a dealer really sent
# Both states that a killed process leaves, and the ones that wait for a worker, with where they go on from.
AGAIN = {
    ImportState.QUEUED: ImportState.QUEUED,
    ImportState.READING: ImportState.QUEUED,
    ImportState.CONFIRMED: ImportState.CONFIRMED,
    ImportState.LANDING: ImportState.CONFIRMED,
    ImportState.UNDOING: ImportState.UNDOING,
}
GOES_ON = "The process that was at it ended; it goes on"
MOST_ENDINGS = 10  # more than releases and bad luck bring about: it is the run that ends its processes
FATAL = (
    f"The process that was at it ended {MOST_ENDINGS} times; nothing landed. The server's log may tell why."
)
EXPIRED = f"Not confirmed within {UNCONFIRMED_DAYS} days; nothing landed."
FINISHED = [state for state in ImportState if state not in (*WAITING, *WORKING)]


def pick_up() -> list[int]:
    """Let runs that no process is at go on from their last step; return which. Safe at any time, by many at once.

    A command's run is FAILED: whoever started the command runs it again.
    """
    files.sweep()
    _end_silent()
    beginning = Q(origin=ImportOrigin.COMMAND, seen_at=None, started_at__gt=Now() - NEW)
    left = ImportRun.objects.filter(~beginning, state__in=WORKING)
    return [run.pk for run in left.order_by("id") if _pick_up(run)]


def _pick_up(run: ImportRun) -> bool:
    with _nobody_at(run) as free:
        if not free:
            return False
        run.refresh_from_db()
        if run.state not in AGAIN:
            return False
        if run.cancel_requested and run.state != ImportState.UNDOING:
            return end(run, WORKING, ImportState.CANCELLED, CANCELLED)
        if run.origin == ImportOrigin.COMMAND and run.state != ImportState.UNDOING:
            return end(run, WORKING, ImportState.FAILED, INTERRUPTED)
        again = AGAIN[ImportState(run.state)]
        entry = "" if again == run.state else GOES_ON
        if entry and [text for _, text in run.log].count(GOES_ON) >= MOST_ENDINGS - 1:
            return end(run, WORKING, ImportState.FAILED, FATAL)
        journal.move(run, [run.state], again, entry)
    journal.enqueue(run)
    return bool(entry)


@contextmanager
def _nobody_at(run: ImportRun) -> Iterator[bool]:
    """Give whether no process is at the run, and keep others from it meanwhile."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock({lock_of(run.pk)})")
        yield bool(cursor.fetchone()[0])


def _end_silent() -> None:
    """End the connections of processes that have been silent for long; their transactions are rolled back."""
    silent = ImportRun.objects.filter(
        state__in=[ImportState.READING, ImportState.LANDING, ImportState.UNDOING], seen_at__lt=Now() - SILENT
    )
    for key in silent.values_list("pk", flat=True):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_terminate_backend(l.pid) FROM pg_locks AS l WHERE {holds('l', key)}")


def prune() -> None:
    """Delete what nobody needs any more: previews that nobody confirmed, staged rows, files in the bucket."""
    _expire()
    _drop_staging()
    _forget_files()


def _expire() -> None:
    old = timezone.now() - timedelta(days=UNCONFIRMED_DAYS)
    for run in ImportRun.objects.filter(
        Q(seen_at__lt=old) | Q(seen_at=None, started_at__lt=old), state__in=WAITING
    ):
        end(run, WAITING, ImportState.CANCELLED, EXPIRED)


def _drop_staging() -> None:
    """Drop the staged rows of runs that ended a month ago, and of runs that are deleted."""
    with connection.cursor() as cursor:
        names = sql.rows(cursor, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^import_[0-9]+_[0-9]+$'")
    staged = {int(name.split("_")[1]) for (name,) in names}
    kept = ImportRun.objects.exclude(
        state__in=FINISHED, finished_at__lt=timezone.now() - timedelta(days=STAGING_DAYS)
    )
    for key in sorted(staged - set(kept.filter(pk__in=staged).values_list("pk", flat=True))):
        staging.drop(ImportRun(pk=key))


def _forget_files() -> None:
    """Delete the files of runs that ended a quarter ago, and those that belong to no run."""
    old = timezone.now() - timedelta(days=FILE_DAYS)
    for run in ImportRun.objects.filter(state__in=FINISHED, finished_at__lt=old).exclude(file_key=""):
        default_storage.delete(run.file_key)
        ImportRun.objects.filter(pk=run.pk).update(file_key="")
    for number, folder in files.folders():
        if not ImportRun.objects.filter(pk=number, file_key__startswith=f"{folder}/").exists():
            files.forget_stray(folder)
