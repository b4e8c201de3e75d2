"""The record of a run: what it counted, where it stands, what happened, and how it ended."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from marketplace import faults
from media_sync.errors import BucketUnavailable, SyncRefused
from media_sync.models import SyncRun, SyncState
from media_sync.reconcile import staging
from media_sync.reconcile.guards import address

RESUMABLE = timedelta(hours=1)  # older listings say too little about the bucket
STAGED = r"SELECT substr(nspname, 6)::bigint FROM pg_namespace WHERE nspname ~ '^sync_[0-9]{1,18}$'"
BEGIN = """
UPDATE media_sync_syncrun SET started_at = least(started_at, clock_timestamp()) WHERE id = %s RETURNING started_at
"""
CUT_SHORT = "The sync was cut short."
LOG_LINES = 200
BEAT_SECONDS = 5.0


@contextmanager
def recorded(
    *, prefix: str = "", dry_run: bool, by: int | None = None, deleted: int | None = None
) -> Iterator[SyncRun]:
    """Make a run's record and keep it, of failures too; `deleted` is 0 for a purge. Whoever calls holds the lock."""
    _tidy()
    run = SyncRun.objects.create(
        bucket=settings.S3_BUCKET,
        endpoint=address(),
        prefix=prefix,
        dry_run=dry_run,
        started_by_id=by,
        deleted=deleted,
        seen_at=timezone.now(),
    )
    with (
        connection.cursor() as cursor
    ):  # rows are compared with this, some of them written by the database's clock
        cursor.execute(BEGIN, [run.pk])
        (run.started_at,) = cursor.fetchone()
    began = time.monotonic()
    try:
        yield run
    except (BucketUnavailable, SyncRefused, *faults.FAULTS) as error:
        _fail(
            run,
            began,
            str(error) if isinstance(error, BucketUnavailable | SyncRefused) else faults.sentence(error),
        )
        raise
    except (KeyboardInterrupt, SystemExit):
        _fail(run, began, CUT_SHORT)
        raise
    end(run, began)


def end(run: SyncRun, began: float) -> None:
    """Note the end of a run that has not failed, and drop what it staged."""
    if run.state == SyncState.RUNNING:
        run.state = SyncState.DONE
    run.phase, run.shards = "", []
    run.finished_at, run.seconds = timezone.now(), round(time.monotonic() - began, 3)
    with transaction.atomic(), connection.cursor() as cursor:
        staging.drop(cursor, run.pk)
        run.save()


def _fail(run: SyncRun, began: float, sentence: str) -> None:
    """Note a failure, as far as the database lets us; what is staged stays for the next run."""
    with suppress(DatabaseError):
        run.refresh_from_db()  # the last checkpoint; what came after it was rolled back
        run.state, run.phase, run.message = SyncState.FAILED, "", sentence
        run.finished_at, run.seconds = timezone.now(), round(time.monotonic() - began, 3)
        run.save()


def _tidy() -> None:
    """Note which runs were killed (we hold the lock, so none runs), and drop what nobody can go on with."""
    SyncRun.objects.filter(state=SyncState.RUNNING).update(
        state=SyncState.FAILED, phase="", message=CUT_SHORT, finished_at=timezone.now()
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STAGED)
        staged = [run_id for (run_id,) in cursor.fetchall()]
        kept = set(_resumable().values_list("pk", flat=True))
        for run_id in staged:
            if run_id not in kept:
                staging.drop(cursor, run_id)


def _resumable() -> QuerySet[SyncRun]:
    return SyncRun.objects.filter(
        state=SyncState.FAILED,
        started_at__gt=timezone.now() - RESUMABLE,
        endpoint=address(),
        bucket=settings.S3_BUCKET,
    ).exclude(shards=[])


def resume(run: SyncRun) -> SyncRun | None:
    """Let the run go on with the listing of the newest one of its prefix that stopped; return that one."""
    stopped = _resumable().filter(prefix=run.prefix).order_by("-pk").first()
    if stopped is None or not staging.take_over(run, stopped):
        return None
    run.started_at = stopped.started_at  # what is staged is as old as that
    run.save(update_fields=["started_at"])
    note(run, f"Goes on with the listing of run {stopped.pk}: {run.listed:,} objects are listed already.")
    return stopped


def phase(run: SyncRun, words: str) -> None:
    """Tell what the run does now; committed at once, unless a transaction is open."""
    run.phase, run.seen_at = words, timezone.now()
    note(run, words)


@contextmanager
def heard_of(run: SyncRun) -> Iterator[None]:
    """Give a sign of life every few seconds while the block waits for the database, over a connection of its own."""
    closed = threading.Event()

    def beat() -> None:
        while not closed.wait(BEAT_SECONDS):
            with suppress(DatabaseError):  # what ails the database, the block itself finds
                SyncRun.objects.filter(pk=run.pk).update(seen_at=timezone.now())
            connection.close()

    thread = threading.Thread(target=beat, name=f"signs of life of sync {run.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        closed.set()
        thread.join()


def note(run: SyncRun, line: str) -> None:
    """Add a line to the run's log."""
    lines = [*run.log.splitlines(), f"{timezone.now():%H:%M:%S} {line}"]
    run.log = "\n".join(lines[-LOG_LINES:])
    run.save(update_fields=["phase", "seen_at", "log"])
