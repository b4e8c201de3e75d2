"""Brings the catalogue's media assets into agreement with the bucket: listing -> staging -> set-based diff.

A sync reads the bucket and never writes to it. Killed at any point it leaves the catalogue as it was, and
the next run does its work.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial

import pghistory
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from media_sync import diff, storage
from media_sync.errors import BucketUnavailable, SyncRefused
from media_sync.inventory import listing
from media_sync.keys import LONGEST_KEY, UNSTORABLE
from media_sync.models import SyncRun, SyncState
from media_sync.report import SyncResult

LOCK = "media_sync.sync"
MEASURE_TASK = "media_sync.tasks.measure_images"  # by name: tasks import this module


def sync_bucket(
    *,
    prefix: str = "",
    dry_run: bool = False,
    cap: diff.Cap = diff.Cap(),  # noqa: B008  (immutable)
    progress: Callable[[int], None] = lambda listed: None,
) -> SyncResult:
    """Compare the bucket's objects under the prefix with the catalogue and bring the catalogue up to date.

    A dry run does the same and rolls it back. What is listed and new becomes an asset of the item that its
    key names; staff's own choices (item, position, texts) are never overwritten. What is not listed any
    more is marked missing, within the cap and never after an empty listing.

    `progress` hears of the number of objects listed so far. Raises BucketUnavailable (nothing is changed
    then) and SyncRefused; both carry one sentence.
    """
    _check_prefix(prefix)
    with _alone():
        if dry_run:
            return _reconcile(prefix, dry_run=True, cap=cap, progress=progress)
        with _recorded(prefix) as run:
            result = _reconcile(prefix, dry_run=False, cap=cap, progress=progress)
            _record(run, result)
            return result


def _check_prefix(prefix: str) -> None:
    if UNSTORABLE.search(prefix) or len(prefix) > LONGEST_KEY:
        raise SyncRefused(f"No object's key can begin with the prefix {prefix[:40]!r}.")


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock that keeps two syncs apart; the database drops it when this process dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [LOCK])
        if not cursor.fetchone()[0]:
            raise SyncRefused("Another sync of the bucket is running; wait until it has ended.")
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [LOCK])


@contextmanager
def _recorded(prefix: str) -> Iterator[SyncRun]:
    """Keep a record of the run, of its failure too."""
    # We hold the lock, so whatever still claims to run was killed.
    SyncRun.objects.filter(state=SyncState.RUNNING).update(
        state=SyncState.FAILED, message="The sync was cut short.", finished_at=timezone.now()
    )
    run = SyncRun.objects.create(bucket=settings.S3_BUCKET, prefix=prefix)
    try:
        with pghistory.context(sync_run=run.pk):
            yield run
    except (BucketUnavailable, DatabaseError) as error:
        run.state, run.message, run.finished_at = SyncState.FAILED, str(error), timezone.now()
        with suppress(DatabaseError):
            run.save()
        raise


def _record(run: SyncRun, result: SyncResult) -> None:
    for name in (
        "listed",
        "created",
        "changed",
        "returned",
        "missing",
        "unchanged",
        "assigned",
        "unassigned",
        "ignored",
    ):
        setattr(run, name, getattr(result, name))
    run.state, run.message, run.finished_at = SyncState.DONE, result.refused, timezone.now()
    run.save()


def _reconcile(prefix: str, *, dry_run: bool, cap: diff.Cap, progress: Callable[[int], None]) -> SyncResult:
    began = time.monotonic()
    storage.check_bucket()  # gives up within seconds; the listing's patience would wait for minutes
    started = _database_time()
    with transaction.atomic(), connection.cursor() as cursor:
        diff.prepare(cursor)
        staged = diff.stage(cursor, listing(prefix), progress)
        counts = diff.write_listed(cursor)
        gone = diff.write_gone(cursor, prefix, started, cap, listed=staged.listed)
        loose = diff.unassigned(cursor, prefix)
        if dry_run:
            transaction.set_rollback(True)
        elif counts["created"] or counts["changed"] or counts["returned"]:
            transaction.on_commit(partial(_measure_later, started))
    touched = counts["created"] + counts["changed"] + counts["returned"]
    return SyncResult(
        bucket=settings.S3_BUCKET,
        prefix=prefix,
        dry_run=dry_run,
        listed=staged.listed,
        unchanged=staged.listed - staged.ignored.total() - touched,
        ignored=staged.ignored.total(),
        ignored_by_reason={reason.value: count for reason, count in staged.ignored.items()},
        unstorable_keys=tuple(staged.unstorable),
        seconds=round(time.monotonic() - began, 3),
        **counts,
        **gone,
        **loose,
    )


def _database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        started: datetime = cursor.fetchone()[0]
    return started


def _measure_later(since: datetime) -> None:
    """Let a worker read the sizes of the pictures that are new or changed."""
    app.configure_task(MEASURE_TASK).defer(since=since.isoformat())
