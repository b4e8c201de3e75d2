"""A limit on how long a request that somebody waits for is held up by the bucket, whatever the bucket does.

A connection's timeouts are for each piece that comes: a server that sends a byte a second never meets one; and tries
and calls add up. So the calls of such a request are made by threads of their own, and left there when its time is over.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, TypeVar

from media_sync.errors import NO_ANSWER, BucketUnavailable, sentence

SECONDS = 3.5  # for all calls of one request
BYTES_A_SECOND = 4 * 1024 * 1024  # time in which a file moves as fast as this does not count
# How often is looked at the file: what is read of it at once, to sign it, earns no more than this.
LOOK_SECONDS = 0.5
AT_ONCE = 32  # calls of one process, with those that were left: as many as there are connections

Result = TypeVar("Result")
_free = threading.BoundedSemaphore(AT_ONCE)


class OutOfTime(BucketUnavailable):
    """The bucket is silent, or too slow to be waited for. It may still do what it was asked."""


class _Time:
    """What is left of a request's time."""

    def __init__(self) -> None:
        self.seconds = SECONDS

    @contextmanager
    def passing(self, file: IO[bytes] | None = None) -> Iterator[None]:
        """Take off what passes here, but for the time in which the file moves fast enough."""
        began, moved = time.monotonic(), -_position(file)
        try:
            yield
        finally:
            moved += _position(file)
            self.seconds -= max(time.monotonic() - began - max(moved, 0) / BYTES_A_SECOND, 0)


_left: ContextVar[_Time | None] = ContextVar("left", default=None)


@contextmanager
def hurried() -> Iterator[None]:
    """Let what is made `in_time` here take SECONDS in all, and no longer."""
    token = _left.set(_Time())
    try:
        yield
    finally:
        _left.reset(token)


def in_time(call: Callable[[], Result], moving: IO[bytes] | None = None) -> Result:
    """Make a call to the bucket; inside `hurried`, raise OutOfTime when the time is over.

    `moving` is the file that it reads or writes. A call that was left ends by itself, at the latest when the file is
    closed; it touches nothing else of the caller's.
    """
    left = _left.get()
    if left is None:
        return call()
    with left.passing():
        if not _free.acquire(timeout=max(left.seconds, 0)):
            raise OutOfTime(sentence(NO_ANSWER))
    future: Future[Result] = Future()
    threading.Thread(target=_make, args=(call, future), daemon=True).start()
    while left.seconds > 0:
        with left.passing(moving):
            wait([future], timeout=min(left.seconds, LOOK_SECONDS))
        if future.done():
            return future.result()
    raise OutOfTime(sentence(NO_ANSWER))


def _make(call: Callable[[], Result], future: Future[Result]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # a thread has nobody else to tell
        future.set_exception(error)
    finally:
        _free.release()


def _position(file: IO[bytes] | None) -> int:
    return file.tell() if file else 0
