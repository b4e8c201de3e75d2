"""Runs the child that decodes pictures, and survives whatever becomes of it."""

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

from django.conf import settings

from media_sync.pictures.errors import PictureRefused, ReaderBusy, ReaderUnavailable

logger = logging.getLogger(__name__)

START_SECONDS = 30  # a busy machine takes that long to import a library
COMMANDS = 500  # after so many a child is made anew: what a library forgets to free is freed
DYING_SECONDS = 5
KILLINGS = 3  # of the child by somebody else, at the same picture
ANSWER_BYTES = 1024 * 1024
SECONDS = 8  # of the processor, to look at a picture: the heaviest that is allowed was seen to take 6
GRACE = 4  # as many times as long the clock may run: other work on the machine is no fault of a picture
TOO_SLOW = "Decoding it takes longer than the {seconds:.0f} seconds that a picture may take."
TOO_HARD = "It is damaged in a way that breaks the decoder."
KILLED = "The decoder was killed three times at it: the server may have too little memory for it."


class Sandbox:
    """One child process for many pictures; a context manager. Not for several threads at once.

    The child has no environment of ours: neither keys nor the database's address.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._child.pid if self._child else None

    def ask(self, command: dict[str, Any], *, seconds: float = SECONDS) -> dict[str, Any]:
        """Return the child's answer to a command, which may take so many seconds of the processor.

        Raises PictureRefused with the child's sentence, or when the picture broke it or took too long;
        ReaderUnavailable when no child can be had, its files cannot be written, or the machine is too busy to give it
        its time.
        """
        for _ in range(KILLINGS):
            answer = self._ask_once({**command, "seconds": seconds}, seconds)
            if answer is not None:
                break
        else:
            raise PictureRefused(KILLED)
        if "unavailable" in answer:
            raise ReaderUnavailable(answer["unavailable"])
        if "refused" in answer:
            raise PictureRefused(answer["refused"])
        return dict(answer["ok"])

    def close(self) -> None:
        """End the child, at once."""
        if self._child:
            self._end(self._child)

    def _ask_once(self, command: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """Return the answer; None if somebody else killed the child, which may be had anew."""
        child = self._running()
        self._asked += 1
        try:
            line = self._exchange(child, json.dumps(command).encode() + b"\n", seconds * GRACE)
        except BaseException:  # whatever ends the wait, a child that still works at it is of no use
            self._end(child)
            raise
        if line is not None and line.endswith(b"\n"):
            return self._heard(line)
        self._bury(child, seconds, is_late=line is None)
        return None

    def _bury(self, child: subprocess.Popen[bytes], seconds: float, *, is_late: bool) -> None:
        """See to a child that gave no answer; raise for whatever was not somebody else's killing."""
        if not is_late:
            with suppress(subprocess.TimeoutExpired):  # its pipe ends a moment before it does
                child.wait(DYING_SECONDS)
        status, said = self._end(child)
        logger.warning("The decoder %s: %s", "took too long" if is_late else f"ended with {status}", said)
        if is_late:  # it had not its seconds of the processor, which would have ended it
            raise ReaderBusy("This machine is too busy to decode pictures.")
        if status == -signal.SIGPROF:
            raise PictureRefused(TOO_SLOW.format(seconds=seconds))
        if status != -signal.SIGKILL:
            raise PictureRefused(TOO_HARD)

    def _running(self) -> subprocess.Popen[bytes]:
        """Return the child; a new one if there is none, it has died, or it has served long enough."""
        child = self._child
        if child and child.poll() is None and self._asked < COMMANDS:
            return child
        if child:
            self._end(child)
        return self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self._asked = 0
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child that writes to it
        child = self._child = subprocess.Popen(
            [sys.executable, "-m", "media_sync.pictures.child"],
            cwd=settings.BASE_DIR,
            env={"VIPS_CONCURRENCY": "1", "VIPS_BLOCK_UNTRUSTED": "1", "TMPDIR": tempfile.gettempdir()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
        )
        line = self._exchange(child, b"", START_SECONDS)
        if not line or not line.endswith(b"\n"):
            status, said = self._end(child)
            logger.error("The decoder does not start (%s): %s", status, said)
            raise ReaderUnavailable("The process that decodes pictures does not start; see the log.")
        self._heard(line)
        return child

    def _heard(self, line: bytes) -> dict[str, Any]:
        try:
            return dict(json.loads(line))
        except (ValueError, TypeError) as error:  # something else than our program speaks
            self.close()
            raise PictureRefused(TOO_HARD) from error

    def _exchange(self, child: subprocess.Popen[bytes], question: bytes, seconds: float) -> bytes | None:
        """Write a line and read one; None if the time is over, less than a line if the child has died."""
        if child.stdin is None or child.stdout is None:
            raise TypeError("The child has no pipes.")
        try:
            child.stdin.write(question)
        except BrokenPipeError:
            return b""
        return _line(child.stdout.fileno(), time.monotonic() + seconds)

    def _end(self, child: subprocess.Popen[bytes]) -> tuple[int, str]:
        """Kill the child unless it has died, and reap it; return its status and its last words."""
        child.kill()
        status = child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()
        said = _last_words(self._log)
        self._child = self._log = None
        return status, said


def _line(descriptor: int, deadline: float) -> bytes | None:
    """Read up to the end of a line or of the stream, without a wait beyond the deadline (None then)."""
    found = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while not found.endswith(b"\n") and len(found) < ANSWER_BYTES:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return None
            piece = os.read(descriptor, 65536)
            if not piece:
                break
            found += piece
    return found


def _last_words(log: IO[bytes] | None) -> str:
    if log is None:
        return ""
    with log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - 1000))
        return log.read().decode(errors="replace").strip()
