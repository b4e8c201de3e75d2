"""Starting, finding and ending the processes of our own servers, whoever started them."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

START_SECONDS = 60  # PostgreSQL's recovery after a crash may take most of it
LOG_BYTES = 10_000_000  # a log longer than this is set aside when the server starts
POLL_SECONDS = 0.03
ACCOUNT_PAUSES = (
    0,
    0.2,
    1,
)  # two first starts may make an account at once: one fails, and finds it next time

_started: list[subprocess.Popen[bytes]] = []  # kept, so that those that end while we live are reaped


class EmbeddedError(ImproperlyConfigured):
    """The embedded services cannot serve; the message is one sentence for the person at the terminal."""


class Attempt:
    """Starting one server: its process, what it has written to its log since, and how long it may take.

    Use it as a context: a start that is interrupted leaves no half-started server behind.
    """

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self.deadline = time.monotonic() + START_SECONDS
        self._process: subprocess.Popen[bytes] | None = None
        self._offset = 0

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # One that is only slow may go on: recovering anew each time would never end.
        if self.is_running() and kind and not issubclass(kind, EmbeddedError):
            os.kill(self.pid, signal.SIGTERM)

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self, command: list[str], **how: Any) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        with self.log.open("ab") as log:
            self._offset = log.tell()
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **how
            )
        _started.append(self._process)

    def said(self, *words: str) -> str:
        """Return the last line since the launch that holds one of the words, from that word on."""
        if self._process is None:
            return ""
        lines = self._lines()
        return next((line[line.index(word) :] for line in lines[::-1] for word in words if word in line), "")

    def failure(self, *words: str) -> str:
        """Return why the server ended, best in a line with one of the words; "" if it was not launched."""
        if self._process is None:
            return ""
        return self.said(*words) or (self._lines() or [f"exit code {self._process.poll()}"])[-1]

    def pause(self) -> None:
        """Wait a moment; raise EmbeddedError when it has been long enough."""
        if time.monotonic() > self.deadline:
            raise EmbeddedError(
                f"The embedded {self.name} has not answered for {START_SECONDS} s; {self.log} says what it does."
            )
        time.sleep(POLL_SECONDS)

    def _lines(self) -> list[str]:
        with self.log.open("rb") as log:
            log.seek(self._offset)
            return log.read().decode(errors="replace").splitlines()


def is_alive(pid: int | None, *words: str) -> bool:
    """Return whether the process lives and was started with all these words among its arguments.

    A number alone says nothing: it may belong to anybody by now.
    """
    psutil = _psutil()
    try:
        process = psutil.Process(pid or -1)
        return process.status() != psutil.STATUS_ZOMBIE and set(words) <= set(process.cmdline())
    except (psutil.Error, ValueError):
        return False


def exists(pid: int) -> bool:
    return bool(_psutil().pid_exists(pid))


def end(pid: int, lives: Callable[[], bool], *steps: tuple[signal.Signals, float]) -> None:
    """Send the process each signal in turn until it has gone; each has its seconds to work."""
    for number, seconds in steps:
        deadline = time.monotonic() + seconds
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        while lives() and time.monotonic() < deadline:
            reap()
            time.sleep(POLL_SECONDS)
        if not lives():
            return


def reap() -> None:
    """Let go of those of our own children that have ended."""
    for process in _started[:]:
        if process.poll() is not None:
            _started.remove(process)


def disown() -> None:
    """Forget our children that go on for other processes, which Python would warn of at our end."""
    reap()
    for process in _started:
        process.returncode = 0


def environment(**extra: str) -> dict[str, str]:
    """Return the environment of a server: ours, without what would configure it from outside."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PG", "RCLONE_", "LC_"))
    }
    return kept | {"LC_ALL": "C"} | extra


def account(name: str) -> pwd.struct_passwd:
    """Return a system account, made if it does not exist; only root can."""
    program = shutil.which("useradd") or "/usr/sbin/useradd"
    reason = ""
    for pause in ACCOUNT_PAUSES:
        time.sleep(pause)
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
        try:
            made = subprocess.run([program, "--system", name], capture_output=True, text=True, check=False)
            reason = made.stderr.strip()
        except OSError as error:
            reason = f"{program}: {error.strerror}"
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name)
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and the account {name} for it cannot be made ({reason});"
        " run this as another user."
    )


def let_through(uid: int, *paths: Path) -> None:
    """Let the account pass through the directories above the paths. It can see no more of them than names it knows."""
    for directory in {parent for path in paths for parent in path.parents}:
        state = directory.stat()
        if state.st_uid != uid and not state.st_mode & 0o001:
            directory.chmod(state.st_mode | 0o001)
            sys.stderr.write(
                f"Other users may now pass through {directory} (chmod o+x): PostgreSQL does not run as root.\n"
            )


def let_read(tree: Path) -> None:
    """Let everybody read the files of a tree and run its programs, as an installation under umask 077 does not."""
    for path in (tree, *tree.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o055 if mode & 0o100 else 0o044))


def _psutil() -> Any:
    try:
        import psutil  # noqa: PLC0415  (absent from the container image, which embeds no servers)
    except ImportError as error:
        raise EmbeddedError(
            "DATABASE_URL or S3_ENDPOINT_URL is not set, and the servers to use instead are not installed"
            " (requirements/embedded.txt)."
        ) from error
    return psutil
