"""The listing on its way into the database: one unlogged table in a schema of the run's own.

What is staged is committed every second together with how far each part of the listing has come, so a run
that is killed loses a second of work: the next one takes the schema over. A crash of the database server
empties unlogged tables; the number of rows tells.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from media_sync.keys import LONGEST_KEY, UNSTORABLE, Ignored
from media_sync.models import SyncRun
from media_sync.reconcile.inventory import ObjectListed, Page
from media_sync.reconcile.shards import Part

CHECKPOINT_SECONDS = 1.0
CREATE_LISTING = """
CREATE UNLOGGED TABLE listing (
    key text COLLATE "C", etag text, size bigint, modified timestamptz, storage_class text
) WITH (autovacuum_enabled = false)
"""
COPY_LISTING = "COPY listing (key, etag, size, modified, storage_class) FROM STDIN"
DROP_REPEATED = """
DELETE FROM listing WHERE ctid IN (
    SELECT ctid FROM (SELECT ctid, row_number() OVER (PARTITION BY key ORDER BY modified DESC) AS n FROM listing) AS o
    WHERE n > 1
)
"""
ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
COLUMNS = len(ObjectListed._fields)
SAMPLE = 5  # keys named of each sort

Stream = Iterator[tuple[Part, Page | None]]


def schema_of(run_id: int) -> str:
    """Return the name of the PostgreSQL schema that holds the run's tables."""
    return f"sync_{int(run_id)}"


@contextmanager
def inside(run: SyncRun) -> Iterator[CursorWrapper]:
    """Open a transaction for long work, in which plain names of tables mean the run's own too."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        (before,) = cursor.fetchone()
        # Lifted for this transaction only; a listing takes as long as it takes.
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SET LOCAL lock_timeout = '60s'; SET LOCAL work_mem = '64MB'")
        _search(cursor, f"{schema_of(run.pk)}, {before}")
        yield cursor
        _search(cursor, before)


def _search(cursor: CursorWrapper, path: str) -> None:
    cursor.execute("SELECT set_config('search_path', %s, true)", [path])


def create(run: SyncRun) -> None:
    """Make the run's empty table, in place of what there is."""
    with transaction.atomic(), connection.cursor() as cursor:
        drop(cursor, run.pk)
        cursor.execute(f"CREATE SCHEMA {schema_of(run.pk)}")
        cursor.execute(CREATE_LISTING.replace("listing", f"{schema_of(run.pk)}.listing"))


def drop(cursor: CursorWrapper, run_id: int) -> None:
    cursor.execute(f"DROP SCHEMA IF EXISTS {schema_of(run_id)} CASCADE")


def take_over(run: SyncRun, stopped: SyncRun) -> bool:
    """Give the run what a stopped one has staged; return whether all of it was still there."""
    theirs = schema_of(stopped.pk)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{theirs}.listing"])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(f"SELECT count(*) FROM {theirs}.listing")
        (count,) = cursor.fetchone()
        if count != sum(part["staged"] for part in stopped.shards):
            return False
        cursor.execute(f"DROP SCHEMA IF EXISTS {schema_of(run.pk)} CASCADE")
        cursor.execute(f"ALTER SCHEMA {theirs} RENAME TO {schema_of(run.pk)}")
        run.shards, run.listed = stopped.shards, stopped.listed
        SyncRun.objects.filter(pk=stopped.pk).update(shards=[])
        run.save(update_fields=["shards", "listed"])
    return True


def fill(
    run: SyncRun, stream: Stream, parts: list[Part], progress: Callable[[int], None], *, resumable: bool
) -> None:
    """Copy the pages to the run's table as they come: memory stays flat."""
    is_open = True
    while is_open:
        with inside(run) as cursor:
            is_open = _copy(cursor, stream, parts, progress)
            run.listed, run.seen_at = sum(part.listed for part in parts), timezone.now()
            run.shards = [part.as_json() for part in parts] if resumable else []
            run.save(update_fields=["listed", "seen_at", "shards"])


def _copy(cursor: CursorWrapper, stream: Stream, parts: list[Part], progress: Callable[[int], None]) -> bool:
    """Copy what comes until it is time for a checkpoint; return whether there may be more."""
    until = time.monotonic() + CHECKPOINT_SECONDS
    with cursor.copy(COPY_LISTING) as copy:
        for part, page in stream:
            if page is None:
                part.done = True
            else:
                copy.write(block(page, part))
                progress(sum(each.listed for each in parts))
            if time.monotonic() > until:
                return True
    return False


def block(page: Page, part: Part) -> bytes:
    """Return the page as COPY's text, and take note of it in the part."""
    if page:
        part.last = page[-1].key
    part.listed += len(page)
    text = _lines(page)
    if not _is_plain(text, page):
        page = [found for found in page if not _is_odd(found.key, part)]
        text = _lines(found._replace(key=found.key.translate(ESCAPES)) for found in page)
    part.staged += len(page)
    return text.encode()


def _lines(page: Iterable[ObjectListed]) -> str:
    return "".join([f"{key}\t{etag}\t{size}\t{modified}\t{cls}\n" for key, etag, size, modified, cls in page])


def _is_plain(text: str, page: Page) -> bool:
    """Whether COPY reads the lines as they are, and every key can be kept."""
    return (
        not ("\\" in text or "\r" in text or UNSTORABLE.search(text))
        and text.count("\n") == len(page)
        and text.count("\t") == len(page) * (COLUMNS - 1)
        and max(map(len, text.split("\n"))) <= LONGEST_KEY
    )


def _is_odd(key: str, part: Part) -> bool:
    """Whether the key cannot be kept; the part notes how many, and a few of them."""
    if UNSTORABLE.search(key):
        reason = Ignored.UNSTORABLE.value
    elif len(key) > LONGEST_KEY:
        reason = Ignored.TOO_LONG.value
    else:
        return False
    part.odd[reason] = part.odd.get(reason, 0) + 1
    if len(part.odd_keys) < SAMPLE:
        part.odd_keys.append(ascii(key)[1:-1])
    return True


def without_repetitions(run: SyncRun) -> None:
    """Keep one of each key, the newest: what is listed out of order may come twice."""
    with inside(run) as cursor:
        cursor.execute(DROP_REPEATED)
