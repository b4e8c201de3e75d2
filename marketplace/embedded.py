"""PostgreSQL and S3 servers of our own, for machines where DATABASE_URL or S3_ENDPOINT_URL is unset.

They live under VAR_DIR (default `var/`) and serve every process of this checkout. A process that
needs them calls `start()`; each holds a shared lock for its life, and the last one to end stops
them. Locks, not counters: the kernel drops them when a process is killed.
"""

import atexit
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from marketplace import environment, processes
from marketplace.processes import EmbeddedError
from marketplace.servers import S3, Postgres, socket_directory

S3_ACCESS_KEY_ID = "CATALOGUEEMBEDDED01"
DATABASE_NAME = "catalogue"
BUCKET = "catalogue"
_users: list[IO[str]] = []  # the open file whose lock says that this process uses the services


def var_dir() -> Path:
    return Path(os.environ.get("VAR_DIR") or Path(__file__).resolve().parent.parent / "var").resolve()


def secret(name: str) -> str:
    """Return the secret kept under VAR_DIR, made at random by whoever asks first; only its owner can read it."""
    path = var_dir() / name
    with _usable_directory():
        if not path.exists():
            draft = path.with_name(f".{name}.{os.getpid()}.{threading.get_ident()}")
            with contextlib.ExitStack() as stack:
                stack.callback(draft.unlink)
                draft.touch(mode=0o600)
                draft.write_text(secrets.token_urlsafe(48))
                # A hard link makes the file whole or fails: two first starts agree on one secret.
                with contextlib.suppress(FileExistsError):
                    path.hardlink_to(draft)
        return path.read_text()


def database_url() -> str:
    return str(_state().get("database_url") or _postgres().address(DATABASE_NAME))


def s3_endpoint_url() -> str:
    return str(_state().get("s3_endpoint_url") or "http://127.0.0.1:9000")


def wanted() -> tuple[bool, bool]:
    """Return whether PostgreSQL and whether S3 is ours to serve."""
    return not environment.is_set("DATABASE_URL"), not environment.is_set("S3_ENDPOINT_URL")


def start() -> None:
    """Make sure that the services this configuration needs are up; leave them up while this process lives."""
    if not any(wanted()):
        return
    if not _users:
        with _exclusive():
            users = (var_dir() / "users.lock").open("a")
            fcntl.flock(users, fcntl.LOCK_SH)
            _users.append(users)
        atexit.register(_stop_in, os.getpid())
    ensure_up()


def down() -> list[str]:
    """Return the names of the services that should be up and are not."""
    postgres, s3 = wanted()
    missing = ["PostgreSQL"] if postgres and not _postgres().is_up() else []
    return [*missing, "S3"] if s3 and not _s3().is_up(_state().get("s3_pid")) else missing


def ensure_up() -> None:
    """Start what is down, at the addresses it had before."""
    postgres, s3 = wanted()
    with _exclusive():
        if postgres:
            _start_postgres()
        if s3:
            _start_s3()


def stop_if_last() -> None:
    """Stop the services unless another process uses them."""
    if not _users or not var_dir().exists():
        return
    with _exclusive(), _users.pop() as users, contextlib.suppress(BlockingIOError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _s3().stop(_state().get("s3_pid"))
        server = _postgres()
        server.stop()
        if server.sockets != server.data:
            shutil.rmtree(server.sockets, ignore_errors=True)


def _stop_in(pid: int) -> None:
    """Stop the services at the end of the process that started them, but not of its forks."""
    if os.getpid() != pid:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave them half stopped
    try:
        stop_if_last()
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
    processes.disown()


def _postgres() -> Postgres:
    return Postgres(var_dir(), Path(_state().get("socket_directory") or var_dir() / "postgres"))


def _s3() -> S3:
    return S3(var_dir(), S3_ACCESS_KEY_ID, secret("s3_secret_key"))


def _start_postgres() -> None:
    sockets = socket_directory(var_dir() / "postgres", _state().get("socket_directory"))
    _write_state(socket_directory=str(sockets))  # first, so that a start cut short leaves no directory behind
    server = _postgres()
    server.start(DATABASE_NAME)
    _write_state(database_url=server.address(DATABASE_NAME))


def _start_s3() -> None:
    server = _s3()
    if not server.is_up(_state().get("s3_pid")):
        port, pid = server.start(_state().get("s3_port"))
        _write_state(s3_port=port, s3_pid=pid, s3_endpoint_url=f"http://127.0.0.1:{port}")
    if not environment.is_set("S3_BUCKET"):  # a bucket that is named and absent is a mistake to be told of
        server.make_bucket(BUCKET)


@contextlib.contextmanager
def _exclusive() -> Iterator[None]:
    """Let one process at a time start or stop services."""
    with _usable_directory(), (var_dir() / "start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _usable_directory() -> Iterator[None]:
    """Make VAR_DIR; turn what the file system refuses below it into one sentence."""
    if not str(var_dir()).isprintable():
        raise EmbeddedError(
            f"VAR_DIR must be a path of printable characters in UTF-8, not {str(var_dir())!r}."
        )
    try:
        var_dir().mkdir(parents=True, exist_ok=True)
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise EmbeddedError(
            f"VAR_DIR ({var_dir()}) cannot be used: {error.filename} is not a directory."
        ) from error
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise EmbeddedError(f"VAR_DIR ({var_dir()}) cannot be used: {error.strerror}{where}.") from error


def _state() -> dict[str, Any]:
    try:
        return dict(json.loads((var_dir() / "services.json").read_text()))
    except (OSError, ValueError):
        return {}


def _write_state(**changes: Any) -> None:
    draft = var_dir() / ".services.json"
    draft.write_text(json.dumps(_state() | changes))
    draft.replace(var_dir() / "services.json")
