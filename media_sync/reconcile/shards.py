"""The listing in parts: cut at keys, listed by several threads at once, each part resumable behind its last key."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from queue import Empty, Full, Queue
from typing import Any
from urllib.parse import quote, unquote

from django.db.backends.utils import CursorWrapper

from media_sync.keys import FOLDERS
from media_sync.reconcile.inventory import Lister, OutOfOrder, Page

MANY_KNOWN = 200_000  # records, from which on several streams pay by themselves
STREAMS = 4  # then
PARTS_PER_STREAM = 2  # parts are never of quite the same size
PAGES_AHEAD = 1  # of each stream
LONGEST_WAIT = 0.2  # seconds until a thread that waits for room notices that nobody listens any more
SAMPLED = 20_000  # records that tell well enough where to cut
# Where the known keys under the prefix can be cut into parts of the same number.
CUTS = """
SELECT percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY key)
FROM catalog_mediaasset TABLESAMPLE SYSTEM (%s) WHERE state = 'present' AND starts_with(key, %s)
"""
COUNT_KNOWN = "SELECT count(*) FROM catalog_mediaasset WHERE state = 'present' AND starts_with(key, %s)"


@dataclass
class Part:
    """A range of keys: those behind `above`, up to and with `upto` (empty: to the end)."""

    above: str = ""
    upto: str = ""
    last: str = ""  # the last key that is staged
    listed: int = 0
    staged: int = 0
    done: bool = False
    odd: dict[str, int] = field(default_factory=dict)  # how many keys cannot be staged, by reason
    odd_keys: list[str] = field(default_factory=list)  # a few of them

    def as_json(self) -> dict[str, Any]:
        """Return it for the record; a key may hold what JSON in PostgreSQL cannot."""
        return asdict(self) | {name: _quoted(getattr(self, name)) for name in ("above", "upto", "last")}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Part":
        keys = {name: unquote(value[name], errors="surrogateescape") for name in ("above", "upto", "last")}
        return cls(**(value | keys))


def _quoted(key: str) -> str:
    return quote(key, errors="surrogateescape")


def cut(cursor: CursorWrapper, lister: Lister, prefix: str, workers: int | None) -> tuple[list[Part], int]:
    """Return the parts to list, and how many streams to list them with; `workers` None: as many as pay."""
    cursor.execute(COUNT_KNOWN, [prefix])
    (known,) = cursor.fetchone()
    streams = workers or (STREAMS if known >= MANY_KNOWN else 1)
    if streams == 1:
        return [Part()], 1
    number = streams * PARTS_PER_STREAM
    bounds = (
        _percentiles(cursor, prefix, number, known)
        if known >= MANY_KNOWN
        else _folders(lister, prefix, number)
    )
    starts = ["", *bounds]
    parts = [Part(above, upto) for above, upto in zip(starts, [*bounds, ""], strict=True)]
    return parts, min(streams, len(parts))


def _percentiles(cursor: CursorWrapper, prefix: str, number: int, known: int) -> list[str]:
    share = min(100, 100 * SAMPLED / known)
    cursor.execute(CUTS, [[n / number for n in range(1, number)], share, prefix])
    (keys,) = cursor.fetchone()
    return sorted(set(keys or ()))


def _folders(lister: Lister, prefix: str, number: int) -> list[str]:
    """Return keys to cut at, by the folders that the bucket has; their sizes are not known."""
    found = lister.folders(prefix)
    for folder in FOLDERS:
        if f"{folder}/" in found:
            found += lister.folders(f"{folder}/")
    # A folder's own name stands before all that is in it.
    found = sorted(set(found))
    step = max(1, len(found) // number)
    return found[step::step][: number - 1]


def in_turn(lister: Lister, prefix: str, parts: list[Part]) -> Iterator[tuple[Part, Page | None]]:
    """Yield the parts' pages, one part after another; None says that a part has ended."""
    for part in parts:
        for page in lister.pages_in_order(prefix, after=part.last or part.above, upto=part.upto):
            yield part, page
        yield part, None


def at_once(
    lister: Lister, prefix: str, parts: list[Part], streams: int
) -> Iterator[tuple[Part, Page | None]]:
    """Yield the same as they come, from several threads. The first error of any of them is raised."""
    found: Queue[tuple[Part, Page | None]] = Queue(streams * PAGES_AHEAD)
    closed = threading.Event()

    def work(part: Part) -> None:
        for told in in_turn(lister, prefix, [part]):
            while not closed.is_set():
                with suppress(Full):
                    found.put(told, timeout=LONGEST_WAIT)
                    break

    with ThreadPoolExecutor(streams) as pool:
        try:
            yield from _told(found, [pool.submit(work, part) for part in parts])
        finally:
            closed.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _told(
    found: "Queue[tuple[Part, Page | None]]", work: "list[Future[None]]"
) -> Iterator[tuple[Part, Page | None]]:
    unfinished = len(work)
    while unfinished:
        errors = [error for each in work if each.done() and (error := each.exception())]
        # What was listed before the bucket failed is kept for the next run; a wrong order spoils it.
        if errors and (found.empty() or any(isinstance(error, OutOfOrder) for error in errors)):
            raise errors[0]
        with suppress(Empty):
            told = found.get(timeout=LONGEST_WAIT)
            unfinished -= told[1] is None
            yield told
