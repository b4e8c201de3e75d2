"""`make run`: the embedded services, the web server and the worker, kept up until Ctrl-C or SIGTERM.

The supervisor holds the listening socket itself: a port that is taken is known before anything else
starts, and requests wait while a web server that ended is started again. Its children die with it,
also when it is killed; the services go with the last process that uses them (marketplace.embedded).
"""

import contextlib
import ctypes
import errno
import http.client
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from marketplace import embedded, environment

BASE_DIR = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(BASE_DIR / "manage.py")]
LOOK_SECONDS = 1.0  # how often children and services are looked after
PORT_SECONDS = 3  # how long a start waits for the web server of one that was killed to let go of the port
# As in docker/entrypoint: a long sync holds up no import, and of the jobs that are over only failures are kept.
WORKER_OPTIONS = ["--concurrency=4", "--delete-jobs=successful"]
STOP_SECONDS = 15  # what running requests and jobs may take to end
ANSWER_SECONDS = 60
RESTARTS, RESTART_SECONDS = 5, 60  # more ends than that within the time: something is wrong for good
EVERYWHERE = "0.0.0.0"  # noqa: S104  (what HOST may be; to be reached by this machine's own name too)
PR_SET_PDEATHSIG = 1


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, SIGTERM or a closed terminal."""


class CannotServe(ImproperlyConfigured):
    """The service cannot start or go on; the message is one sentence for the person at the terminal."""


class Signals:
    """Notes what is asked of the supervisor; a signal never interrupts it in the middle of a step."""

    def __init__(self) -> None:
        self.stops = 0
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake up
        # A shell without job control starts what it puts in the background with SIGINT ignored.
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(signal.SIGHUP, self._note)

    def wait(self, seconds: float) -> None:
        """Sleep until a signal comes; raise Stopped once the end was asked for."""
        self.sleep(seconds)
        if self.stops:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        if select.select([self._reader], [], [], seconds)[0]:
            os.read(self._reader, 4096)

    def _note(self, *_: object) -> None:
        self.stops += 1


@dataclass
class Child:
    """A process of ours; `name` is what the person at the terminal reads."""

    name: str
    arguments: list[str]
    on_orphaned: signal.Signals = signal.SIGTERM  # what the kernel sends it when the supervisor is killed
    pass_fds: tuple[int, ...] = ()
    capture: bool = False
    process: subprocess.Popen[str] | None = None
    endings: list[float] = field(default_factory=list)

    def start(self) -> None:
        parent = os.getpid()
        self.process = subprocess.Popen(
            self.arguments,
            cwd=BASE_DIR,
            env=os.environ | {"VAR_DIR": str(embedded.var_dir()), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if self.capture else None,
            text=True,
            pass_fds=self.pass_fds,
            start_new_session=True,  # the terminal's Ctrl-C is for the supervisor, which stops all in order
            preexec_fn=lambda: _die_with(parent, self.on_orphaned),  # noqa: PLW1509  (we have no threads)
        )

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def ask_to_stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        """End the process and what it may have left behind in its session."""
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def how_it_ended(self) -> str:
        code = self.process.poll() if self.process else None
        return signal.Signals(-code).name if code and code < 0 else f"exit code {code}"


def how_to_sign_in(admin: dict[str, Any]) -> str:
    """Return who the administrator is and where the password is, from what `manage.py prepare` tells."""
    user, file, until = admin["username"], admin["password_file"], admin["change_by"]
    if file is None:
        return f"user {user}; the password is the one it was given"
    if until is not None:
        until = f"{datetime.fromisoformat(until):%Y-%m-%d %H:%M} UTC"
        return f"user {user}; the password is in {file} and must be changed by {until}"
    is_new = admin["created"] or admin["renewed"]
    return f"user {user}; the password is in {file}{'' if is_new else ', unless it was changed'}"


class Supervisor:
    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.url = f"http://{'127.0.0.1' if host == EVERYWHERE else host}:{port}"
        self.signals = Signals()
        self.sign_in = ""  # who may, and where the password is
        self.service_restarts: list[float] = []
        self.children: list[Child] = []

    def run(self) -> None:
        """Serve until the end is asked for; raise ImproperlyConfigured when that cannot be."""
        # Reads its variables: what is wrong with them is one sentence here, and a traceback of gunicorn's later.
        importlib.import_module("marketplace.gunicorn")
        listener = self._listener()
        try:
            embedded.start()
            self._prepare()
            self._serve(listener.fileno())
            self._look_after()
        except Stopped:
            _say("Stopping ...")
        finally:
            listener.close()
            self._stop_children()
            embedded.stop_if_last()

    def _listener(self) -> socket.socket:
        """Take the port; it refuses connections until the web server listens on it."""
        deadline = time.monotonic() + PORT_SECONDS
        while True:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((self.host, self.port))
            except OSError as error:
                listener.close()
                self._refuse_port(error, last=time.monotonic() > deadline)
            else:
                return listener
            self.signals.wait(0.1)

    def _refuse_port(self, error: OSError, *, last: bool) -> None:
        if error.errno != errno.EADDRINUSE:
            raise CannotServe(
                f"PORT {self.port} of HOST {self.host} cannot be used: {error.strerror}."
            ) from error
        if last:
            raise CannotServe(
                f"PORT {self.port} is taken by another process: stop it, or set PORT to another."
            )

    def _prepare(self) -> None:
        _say("Preparing the database ...")
        said = self._run_to_end(Child("The preparation", [*MANAGE, "prepare", "--json"], capture=True))
        if said is None:
            raise CannotServe("The database could not be prepared (see above).")
        os.environ.pop("ADMIN_PASSWORD", None)  # whoever serves need not know it
        prepared = json.loads(said)
        self.sign_in = how_to_sign_in(prepared["admin"])
        self._load_demo(is_wanted=not prepared["has_items"])

    def _load_demo(self, *, is_wanted: bool) -> None:
        """Load the demo into an empty catalogue, or what is missing of it when a start before was cut short."""
        mark = embedded.var_dir() / "demo_unfinished"
        if not is_wanted and not mark.exists():
            return
        _say("Loading the demo catalogue ...")
        with contextlib.suppress(OSError):  # with nothing embedded there may be no VAR_DIR
            mark.touch()
        if self._run_to_end(Child("The demo", [*MANAGE, "load_demo"])) is None:
            _say("The demo catalogue could not be loaded (see above); the service goes on without it.")
        mark.unlink(missing_ok=True)

    def _run_to_end(self, child: Child) -> str | None:
        """Run a command; return what it printed, or None if it failed."""
        self.children.append(child)
        child.start()
        while not child.has_ended():
            self.signals.wait(LOOK_SECONDS)
        self.children.remove(child)
        said = child.process.stdout.read() if child.process and child.process.stdout else ""
        return None if child.process and child.process.returncode > 1 else said

    def _serve(self, listener: int) -> None:
        gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:marketplace.gunicorn", "marketplace.wsgi"]
        web = Child(
            "The web server", [*gunicorn, "--bind", f"fd://{listener}"],
            on_orphaned=signal.SIGQUIT,  # at once: the next start wants the port
            pass_fds=(listener,),
        )  # fmt: skip
        worker = Child("The worker", [*MANAGE, "procrastinate", "worker", *WORKER_OPTIONS])
        self.children += [web, worker]
        for child in self.children:
            child.start()
        deadline = time.monotonic() + ANSWER_SECONDS
        while not _answers(self.host, self.port):
            self._restart_what_ended()
            if time.monotonic() > deadline:
                raise CannotServe(f"The web server has not answered for {ANSWER_SECONDS} s (see above).")
            self.signals.wait(0.1)
        self._say_where()

    def _say_where(self) -> None:
        _say(
            f"\nThe catalogue is served at {self.url}/\n"
            f"  admin     {self.url}/admin/   {self.sign_in}\n"
            f"  API       {self.url}/v1/vehicles/\n"
            f"  API docs  {self.url}/v1/docs/\n"
            "Ctrl-C stops it all."
        )

    def _look_after(self) -> None:
        while True:
            self._restart_what_ended()
            self.signals.wait(LOOK_SECONDS)

    def _restart_what_ended(self) -> None:
        self._restart_services()
        for child in self.children:
            if child.has_ended():
                _say(f"{child.name} ended ({child.how_it_ended()}); starting it again.")
                count_end(child.endings, child.name)
                child.kill()
                child.start()

    def _restart_services(self) -> None:
        missing = embedded.down()
        if not missing:
            return
        _say(f"{' and '.join(missing)} ended; starting again.")
        count_end(self.service_restarts, " and ".join(missing))
        before = embedded.database_url(), embedded.s3_endpoint_url()
        embedded.ensure_up()
        if (embedded.database_url(), embedded.s3_endpoint_url()) != before:
            _say("The services have new addresses; starting the web server and the worker again.")
            self._stop_children()
            for child in self.children:
                child.start()

    def _stop_children(self) -> None:
        """Let running requests and jobs end; after STOP_SECONDS, or when asked again, kill."""
        asked, deadline = self.signals.stops, time.monotonic() + STOP_SECONDS
        for child in self.children:
            child.ask_to_stop()
        while any(not child.has_ended() for child in self.children if child.process):
            if self.signals.stops > asked or time.monotonic() > deadline:
                break
            self.signals.sleep(0.1)
        for child in self.children:
            child.kill()


def main() -> int:
    try:
        host, port = environment.text("HOST", "127.0.0.1"), environment.integer(
            "PORT", 8000, low=1, high=65535
        )
        Supervisor(host, port).run()
    except Stopped:
        return 0
    except ImproperlyConfigured as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _answers(host: str, port: int) -> bool:
    """Return whether the web server answers at all; what it answers is not asked here."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/healthz")
        return bool(connection.getresponse().status)
    return False


def count_end(endings: list[float], name: str) -> None:
    """Note one more end; raise when there were too many of late."""
    now = time.monotonic()
    endings[:] = [ending for ending in endings if now - ending < RESTART_SECONDS] + [now]
    if len(endings) > RESTARTS:
        raise CannotServe(
            f"{name} ended {len(endings)} times within {RESTART_SECONDS} s (see above); giving up."
        )


def _die_with(parent: int, number: signal.Signals) -> None:
    """Run in the child before its program: have the kernel signal it when the supervisor ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it ended in between
            os._exit(1)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
