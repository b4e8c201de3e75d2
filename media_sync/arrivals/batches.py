"""A batch from its first listing to its last file: recorded file by file, so that it goes on where it was cut short."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from itertools import islice
from typing import TypeVar

import pghistory
from django.db import DatabaseError, connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from marketplace import faults
from media_sync.arrivals.errors import ArrivalRefused
from media_sync.arrivals.fetching import fetches
from media_sync.arrivals.files import Entry
from media_sync.arrivals.matching import Match, match_names, match_paths
from media_sync.arrivals.prefix import BucketPart, take_page
from media_sync.arrivals.report import Arrived
from media_sync.arrivals.settling import store_file
from media_sync.arrivals.sources import Source
from media_sync.errors import BucketUnavailable
from media_sync.models import BatchState, FileState, MediaBatch, MediaBatchFile
from media_sync.pictures.errors import ReaderBusy, ReaderUnavailable
from media_sync.pictures.sandbox import Sandbox

AT_ONCE = 500  # files that are matched by one statement
GOES_ON = timedelta(days=1)  # later the files may be others, under the same names
OPEN = (BatchState.MATCHING, BatchState.STORING, BatchState.FAILED)
CUT_SHORT = "It was cut short; the same command goes on with it."
BUSY = "Another import of {name} is running; wait until it has ended."
Some = TypeVar("Some")
Progress = Callable[[int, int], None]


def preview(source: Source | BucketPart) -> Arrived:
    """Return what matches what. Writes nothing."""
    result = Arrived(source=source.kind, name=source.name, dry_run=True)
    for block in _blocks(source.entries()):
        for entry, match in zip(block, matches_of(block), strict=True):
            result.tell(entry, match)
    return result


def run(
    source: Source | BucketPart, *, keep_unmatched: bool = False, progress: Progress = lambda done, of: None
) -> Arrived:
    """Store what the source holds, and record it; a run of the same that was cut short within a day goes on.

    With `keep_unmatched` files without an item are stored, too, for somebody to assign. Raises ArrivalRefused,
    BucketUnavailable, ReaderUnavailable; what was stored until then stays, and the next run does the rest.
    """
    began = time.monotonic()
    with _alone(source.name), _recorded(source) as batch:
        if isinstance(source, BucketPart):
            _take_in_place(batch, source, progress)
        else:
            _register(batch, source, keep_unmatched=keep_unmatched)
            _store(batch, source, progress)
        _end(batch)
    return Arrived.of(batch, seconds=time.monotonic() - began)


def matches_of(entries: tuple[Entry, ...]) -> list[Match]:
    """Return the items of these entries: as a column says, else by their names."""
    named = iter(match_names([entry.name for entry in entries if entry.name]))
    by_path = iter(match_paths([entry.path for entry in entries if not entry.name]))
    return [next(named) if entry.name else next(by_path) for entry in entries]


def _register(batch: MediaBatch, source: Source, *, keep_unmatched: bool) -> None:
    """List the files with their items. What waits already stays as it was; what found none is looked at anew."""
    open_ends = Q(state__in=[FileState.UNMATCHED, FileState.REFUSED], asset=None)
    batch.files.filter(open_ends).delete()
    for block in _blocks(source.entries()):
        rows = [
            _row(batch, entry, match, keep_unmatched=keep_unmatched)
            for entry, match in zip(block, matches_of(block), strict=True)
        ]
        MediaBatchFile.objects.bulk_create(rows, ignore_conflicts=True)
        _seen(batch)
    _set_state(batch, BatchState.STORING)


def _row(batch: MediaBatch, entry: Entry, match: Match, *, keep_unmatched: bool) -> MediaBatchFile:
    state = FileState.WAITING
    if entry.refusal:
        state = FileState.REFUSED
    elif match.item_id is None and not keep_unmatched:
        state = FileState.UNMATCHED
    return MediaBatchFile(
        batch=batch,
        path=entry.path,
        size=entry.size,
        item_id=match.item_id,
        matched_by=match.matched_by,
        position=match.position if entry.position is None else entry.position,
        state=state,
        message=entry.refusal or match.message,
    )


def _store(batch: MediaBatch, source: Source, progress: Progress) -> None:
    """Store what waits, in the order of the listing, so that files without a number keep it."""
    waiting = batch.files.filter(state=FileState.WAITING)
    total = batch.files.count()
    done = total - waiting.count()
    with Sandbox() as sandbox, closing(fetches(source, _in_order(waiting))) as files:
        for row, fetch in files:
            with suppress(ReaderBusy):  # the file waits for the next run
                store_file(row, fetch, sandbox)
            done += 1
            progress(done, total)
            _seen(batch)


def _in_order(waiting: QuerySet[MediaBatchFile]) -> Iterator[MediaBatchFile]:
    last = 0
    while rows := list(waiting.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        yield from rows
        last = rows[-1].pk


def _take_in_place(batch: MediaBatch, part: BucketPart, progress: Progress) -> None:
    """Assign what lies in the bucket already; its objects stay where they are."""
    batch.files.exclude(state=FileState.STORED).delete()
    _set_state(batch, BatchState.STORING)
    done = 0
    for page in part.pages():
        for block in _blocks(page):
            take_page(batch, block, match_paths([each.key for each in block]))
            done += len(block)
            progress(done, 0)
            _seen(batch)


def _blocks(many: Iterable[Some]) -> Iterator[tuple[Some, ...]]:
    """Yield as many at once as one statement matches."""
    left = iter(many)
    while block := tuple(islice(left, AT_ONCE)):
        yield block


def _end(batch: MediaBatch) -> None:
    waiting = batch.files.filter(state=FileState.WAITING).count()
    batch.state = BatchState.STORING if waiting else BatchState.DONE
    batch.message = (
        f"{waiting} files wait: this machine was too busy to read them; run it again." if waiting else ""
    )
    batch.seen_at = timezone.now()
    batch.finished_at = None if waiting else batch.seen_at
    batch.save(update_fields=["state", "message", "seen_at", "finished_at"])


@contextmanager
def _recorded(source: Source | BucketPart) -> Iterator[MediaBatch]:
    """Give the batch of this source: one that was cut short lately, or a new one; its failure is told in it."""
    youngest = timezone.now() - GOES_ON
    same = MediaBatch.objects.filter(
        source=source.kind, name=source.name, state__in=OPEN, seen_at__gt=youngest
    )
    batch = same.order_by("-pk").first() or MediaBatch.objects.create(source=source.kind, name=source.name)
    _set_state(batch, BatchState.MATCHING)
    with pghistory.context(action="media import", batch=batch.pk):
        try:
            yield batch
        except (ArrivalRefused, BucketUnavailable, ReaderUnavailable) as error:
            _fail(batch, str(error))
            raise
        except faults.FAULTS as error:
            _fail(batch, faults.sentence(error))
            raise
        except (KeyboardInterrupt, SystemExit):
            _fail(batch, CUT_SHORT)
            raise


def _fail(batch: MediaBatch, sentence: str) -> None:
    with suppress(DatabaseError):
        _set_state(batch, BatchState.FAILED, sentence)


def _set_state(batch: MediaBatch, state: BatchState, message: str = "") -> None:
    batch.state, batch.message, batch.seen_at = state, message, timezone.now()
    batch.save(update_fields=["state", "message", "seen_at"])


def _seen(batch: MediaBatch) -> None:
    """Give a sign of life, every few seconds."""
    now = timezone.now()
    if not batch.seen_at or (now - batch.seen_at).total_seconds() > 2:  # noqa: PLR2004
        batch.seen_at = now
        MediaBatch.objects.filter(pk=batch.pk).update(seen_at=now)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Keep two runs of the same source apart; the database lets go when this process dies."""
    lock = f"media_sync.batch:{name}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [lock])
        if not cursor.fetchone()[0]:
            raise ArrivalRefused(BUSY.format(name=name))
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [lock])
