"""Brings the bytes of files, one after the other; addresses some ahead, so that slow servers are waited for together."""

from collections import defaultdict, deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import BoundedSemaphore

from media_sync.arrivals.settling import Fetch
from media_sync.arrivals.sources import Source
from media_sync.models import BatchSource, MediaBatchFile
from media_sync.pictures import scratch

AHEAD, PER_HOST = 6, 2  # addresses that are asked at once, of all hosts and of one
Fetches = Generator[tuple[MediaBatchFile, Fetch], None, None]


def fetches(source: Source, rows: Iterable[MediaBatchFile]) -> Fetches:
    """Yield the rows in their order, each with what fetches it. Close it, if it is not read to its end."""
    if source.kind != BatchSource.ADDRESSES:
        yield from ((row, partial(source.fetch, row.path)) for row in rows)
        return
    with scratch.folder() as folder, ThreadPoolExecutor(AHEAD) as pool:
        try:
            yield from _ahead(source, rows, folder, pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _ahead(
    source: Source, rows: Iterable[MediaBatchFile], folder: Path, pool: ThreadPoolExecutor
) -> Iterator[tuple[MediaBatchFile, Fetch]]:
    hosts: defaultdict[str, BoundedSemaphore] = defaultdict(partial(BoundedSemaphore, PER_HOST))
    asked: deque[tuple[MediaBatchFile, Fetch]] = deque()
    for row in rows:
        path = folder / str(row.pk)
        fetching = pool.submit(_fetch, source, row.path, path, hosts[_host(row.path)])
        asked.append((row, partial(_take, fetching, path)))
        if len(asked) == AHEAD:
            yield asked.popleft()
    yield from asked


def _fetch(source: Source, path: str, to: Path, host: BoundedSemaphore) -> None:
    with host:
        source.fetch(path, to)


def _take(fetching: "Future[None]", path: Path, to: Path) -> None:
    """Move what was fetched to where it is wanted. Raises FileRefused."""
    fetching.result()
    path.replace(to)


def _host(path: str) -> str:
    return path.rpartition("://")[2].partition("/")[0].lower()
