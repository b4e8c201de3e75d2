"""The child process: what it cannot see, and what becomes of its deaths."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from marketplace.tests.stack import wait_until
from media_sync.pictures import sandbox as module
from media_sync.pictures.errors import PictureRefused, ReaderBusy, ReaderUnavailable
from media_sync.pictures.sandbox import Sandbox
from media_sync.tests.fixtures import picture
from media_sync.tests.pictures.bombs import png


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.jpg"
    path.write_bytes(picture(40, 30))
    return path


def look(sandbox: Sandbox, path: Path, **how: float) -> tuple[int, int]:
    found = sandbox.ask({"do": "inspect", "path": str(path)}, **how)
    return found["width"], found["height"]


def test_sandbox_keeps_one_child_for_many_pictures(sandbox, small):
    look(sandbox, small)
    first = sandbox.pid

    assert (look(sandbox, small), sandbox.pid) == ((40, 30), first)


def test_sandbox_gives_the_child_no_secret(sandbox, small):
    look(sandbox, small)

    names = {
        line.split("=")[0] for line in Path(f"/proc/{sandbox.pid}/environ").read_text().split("\0") if line
    }
    assert names == {"VIPS_CONCURRENCY", "VIPS_BLOCK_UNTRUSTED", "TMPDIR"}


def test_sandbox_makes_a_killed_child_anew(sandbox, small):
    look(sandbox, small)
    os.kill(sandbox.pid, signal.SIGKILL)

    assert look(sandbox, small) == (40, 30)


def test_sandbox_asks_again_when_the_child_is_killed_at_work(sandbox, small):
    look(sandbox, small)
    killed = sandbox.pid
    os.kill(killed, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (killed, signal.SIGKILL)).start()

    assert look(sandbox, small) == (40, 30)
    assert sandbox.pid != killed


def test_sandbox_says_busy_when_the_child_got_no_time(sandbox, small):
    look(sandbox, small)
    os.kill(sandbox.pid, signal.SIGSTOP)

    with pytest.raises(ReaderBusy, match=r"^This machine is too busy to decode pictures\.$"):
        look(sandbox, small, seconds=0.5)
    assert sandbox.pid is None


def test_sandbox_refuses_what_takes_the_processor_too_long(sandbox, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "GRACE", 2_000)
    path = tmp_path / "large.png"
    path.write_bytes(png(7_000, 7_000, depth=8, colour=2))

    with pytest.raises(
        PictureRefused, match=r"^Decoding it takes longer than the 0 seconds that a picture may take\.$"
    ):
        look(sandbox, path, seconds=0.05)


def test_sandbox_refuses_what_breaks_the_child(sandbox, small):
    with pytest.raises(PictureRefused, match=r"^It is damaged in a way that breaks the decoder\.$"):
        sandbox.ask({"do": "no such thing"})
    assert look(sandbox, small) == (40, 30)


def test_sandbox_refuses_at_which_the_child_is_killed_each_time(sandbox, small, monkeypatch):
    monkeypatch.setattr(module, "KILLINGS", 2)
    stop = threading.Event()
    killer = threading.Thread(target=kill_children, args=(sandbox, stop))
    killer.start()
    try:
        with pytest.raises(PictureRefused, match=r"^The decoder was killed three times at it"):
            sandbox.ask({"do": "inspect", "path": "/dev/stdin"}, seconds=60)
    finally:
        stop.set()
        killer.join()


def kill_children(sandbox: Sandbox, stop: threading.Event) -> None:
    """Kill each child as the machine does when it has no memory left; one reads without end what nobody writes."""
    while not stop.wait(0.2):
        if sandbox.pid and sandbox._asked:
            os.kill(sandbox.pid, signal.SIGKILL)


def test_sandbox_says_when_no_child_can_be_had(sandbox, small, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(
        ReaderUnavailable, match=r"^The process that decodes pictures does not start; see the log"
    ):
        look(sandbox, small)


def test_child_ends_with_the_process_that_asked_it():
    program = (
        "from django.conf import settings; settings.configure(BASE_DIR='.');"
        "from media_sync.pictures.sandbox import Sandbox; import time;"
        "sandbox = Sandbox(); child = sandbox._running(); print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()

    wait_until(lambda: not Path(f"/proc/{child}").exists() or "(zombie)" in state_of(child), seconds=30)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()
