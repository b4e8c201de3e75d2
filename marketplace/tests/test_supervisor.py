"""`make run` as a whole: real processes on ports of their own. Starting takes seconds, so tests share what runs."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from marketplace import supervisor
from marketplace.tests.stack import BASE_DIR, environment, free_port, processes_of, wait_until

START_SECONDS = 90  # the first start fills an empty database
COMMAND = [sys.executable, "-m", "marketplace.supervisor"]
# As a script's `make run &` starts it: in the background, where the shell has SIGINT ignored. Not SIGHUP, which the
# supervisor would heed as nohup's, though it may be the tests that run under nohup.
HEARS_HANGUP = ["env", "--default-signal=HUP"]
IN_BACKGROUND = [*HEARS_HANGUP, "/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", *COMMAND]


class Stack:
    """One `make run`; it may be stopped and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.var_dir = home / "var"
        self.port = free_port()
        self.log = home / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                IN_BACKGROUND,
                cwd=BASE_DIR,
                env=environment(self.var_dir, PORT=str(self.port)),
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: "Ctrl-C stops it all." in self.said() or not self.is_running(), START_SECONDS)
        assert self.is_running(), self.said()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def running(self) -> subprocess.Popen[bytes]:
        assert self.process
        return self.process

    def said(self) -> str:
        return self.log.read_text()

    def stop(self, number: signal.Signals) -> int:
        self.running().send_signal(number)
        return self.running().wait(timeout=60)

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read()

    def is_ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def pid(self, words: str) -> int:
        """Return the process id of the one process of this stack with these words in its command line."""
        # A service may be an older start's child, so it is known by its directory.
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                line = " ".join(process.cmdline())
                ours = process.ppid() == self.running().pid or f"{self.var_dir}/" in line
                if words in line and ours:
                    found.append(process.pid)
        assert len(found) == 1, found
        return int(found[0])

    def kill(self, words: str) -> None:
        """Kill a child and wait until the supervisor has put another in its place."""
        killed = self.pid(words)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: self.pid_or_none(words) not in {None, killed})

    def pid_or_none(self, words: str) -> int | None:
        try:
            return self.pid(words)
        except (AssertionError, psutil.Error):
            return None


@pytest.fixture(scope="module")
def shared() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="home-") as name:
        home = Path(name).resolve()
        home.chmod(0o711)
        stack = Stack(home)
        yield stack
        if stack.is_running():
            stack.stop(signal.SIGTERM)


@pytest.fixture
def stack(shared: Stack) -> Stack:
    """A stack that runs, whatever the test before has done to it."""
    if not shared.is_running():
        shared.start()
    return shared


def test_first_start_serves_the_demo_catalogue(stack):
    status, body = stack.get("/v1/vehicles/")
    assert status == 200
    assert json.loads(body)["count"] >= 60


@pytest.mark.parametrize(
    ("told", "known"),
    [
        pytest.param({"password_file": None}, "the password is the one it was given", id="given"),
        pytest.param({"created": True}, "the password is in /var/it", id="made up"),
        pytest.param({}, "the password is in /var/it, unless it was changed", id="there before"),
        pytest.param(
            {"created": True, "change_by": "2026-11-26T08:26:46.452618+00:00"},
            "the password is in /var/it and must be changed by 2026-11-26 08:26 UTC",
            id="temporary",
        ),
        pytest.param(
            {"renewed": True, "change_by": "2026-11-26T08:26:46.452Z"},
            "the password is in /var/it and must be changed by 2026-11-26 08:26 UTC",
            id="renewed",
        ),
    ],
)
def test_sentence_on_signing_in_holds_for_the_administrator(told, known):
    admin = {
        "username": "ada", "created": False, "renewed": False, "password_file": "/var/it", "change_by": None,
    }  # fmt: skip

    assert supervisor.how_to_sign_in(admin | told) == f"user ada; {known}"


def test_start_says_where_to_look_and_not_the_password(stack):
    said = stack.said()
    for place in (f"http://127.0.0.1:{stack.port}/admin/", "/v1/docs/", f"{stack.var_dir}/admin_password"):
        assert place in said
    assert (stack.var_dir / "admin_password").read_text().strip() not in said


def test_second_start_on_the_port_is_refused_in_a_sentence(stack):
    before = {child.pid for child in psutil.Process(stack.running().pid).children()}
    done = subprocess.run(
        COMMAND, cwd=BASE_DIR, env=environment(stack.home / "other", PORT=str(stack.port)),
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        f"PORT {stack.port} is taken by another process: stop it, or set PORT to another.\n",
    )
    assert not (stack.home / "other").exists()
    assert {child.pid for child in psutil.Process(stack.running().pid).children()} == before


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "70000", "PORT must be a whole number from 1 to 65535, not '70000'.\n"),
        (
            "HOST",
            "192.0.2.1",
            "PORT {port} of HOST 192.0.2.1 cannot be used: Cannot assign requested address.\n",
        ),
        ("WEB_CONCURRENCY", "many", "WEB_CONCURRENCY must be a whole number from 1 to 64, not 'many'.\n"),
    ],
)
def test_start_with_a_wrong_variable_is_refused_in_a_sentence(tmp_path, name, value, sentence):
    variables = {"PORT": str(free_port()), name: value}
    done = subprocess.run(
        COMMAND, cwd=BASE_DIR, env=environment(tmp_path, **variables),
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence.format(port=variables["PORT"]))
    assert list(tmp_path.iterdir()) == []


def test_start_with_the_database_down_is_refused_in_a_sentence(tmp_path):
    address = "postgresql://u:secret@127.0.0.1:1/db"
    done = subprocess.run(
        COMMAND, cwd=BASE_DIR, env=environment(tmp_path, PORT=str(free_port()), DATABASE_URL=address),
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        'The database of DATABASE_URL cannot be used: connection to server at "127.0.0.1", port 1 failed:'
        " Connection refused.",
        "The database could not be prepared (see above).",
    ]
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        pytest.param("gunicorn", "The web server ended (SIGKILL); starting it again.", id="web server"),
        pytest.param("procrastinate", "The worker ended (SIGKILL); starting it again.", id="worker"),
        pytest.param("/bin/postgres", "PostgreSQL ended; starting again.", id="PostgreSQL"),
        pytest.param("rclone", "S3 ended; starting again.", id="S3"),
    ],
)
def test_process_that_was_killed_is_started_again(stack, words, line):
    stack.kill(words)
    # First the line: in the moment of the kill a backend of PostgreSQL may still answer.
    wait_until(lambda: line in stack.said().splitlines())
    wait_until(stack.is_ready)


def test_gunicorn_worker_that_was_killed_is_replaced(stack):
    master = psutil.Process(stack.pid("gunicorn"))
    wait_until(lambda: len(master.children()) == 2)
    master.children()[0].kill()
    wait_until(lambda: len(master.children()) == 2)
    assert stack.is_ready()


def test_child_that_ends_again_and_again_is_given_up():
    ends: list[float] = []
    for _ in range(supervisor.RESTARTS):
        supervisor.count_end(ends, "The worker")
    with pytest.raises(supervisor.CannotServe, match="The worker ended 6 times within 60 s"):
        supervisor.count_end(ends, "The worker")


def test_start_after_a_load_of_the_demo_that_was_cut_short_completes_it(stack):
    stack.stop(signal.SIGTERM)
    (stack.var_dir / "demo_unfinished").touch()
    picture = stack.var_dir / "s3" / "catalogue" / "vehicles" / "DEMO-V-001" / "1.jpg"
    picture.unlink()
    stack.start()
    assert picture.exists()
    assert not (stack.var_dir / "demo_unfinished").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stop_leaves_no_process_behind(stack, number):
    assert stack.stop(number) == 0
    assert processes_of(stack.var_dir) == []


def test_kill_of_the_supervisor_hinders_no_next_start(stack):
    stack.stop(signal.SIGKILL)
    stack.start()
    assert stack.is_ready()


def test_request_that_never_ends_hinders_no_start_after_a_kill(stack):
    head = "POST /v1/auth/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    with socket.create_connection(("127.0.0.1", stack.port)) as client:
        client.sendall(head.encode())
        stack.get("/healthz")  # by now a thread waits for the body
        stack.stop(signal.SIGKILL)
        stack.start()
    assert stack.is_ready()


def test_kill_of_everything_hinders_no_next_start(stack):
    for child in psutil.Process(stack.running().pid).children(recursive=True):
        child.kill()
    stack.stop(signal.SIGKILL)
    stack.start()
    assert stack.is_ready()
