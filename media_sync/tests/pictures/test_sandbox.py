"""The child process: what it cannot see, and what becomes of its deaths."""

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from marketplace.tests.stack import wait_until
from media_sync.pictures import child, confinement
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


def test_child_gives_way_to_answers(sandbox, small):
    look(sandbox, small)

    assert os.getpriority(os.PRIO_PROCESS, sandbox.pid) - os.getpriority(os.PRIO_PROCESS, 0) == child.NICENESS


def test_child_has_limits(sandbox, small):
    look(sandbox, small)

    limits = [resource.prlimit(sandbox.pid, which) for which in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)]  # fmt: skip
    assert limits == [(most, most) for most in (child.MEMORY_BYTES, child.FILE_BYTES, child.FILES, 0)]


def within_limits(program: str) -> str:
    """Return what a process prints that gave up what the child gives up."""
    start = "import os, pathlib, signal, socket, subprocess, sys; from media_sync.pictures import child; child._limit()"
    ran = subprocess.run(
        [sys.executable, "-c", f"{start}\n{program}"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    return (ran.stdout + ran.stderr).strip().rpartition("\n")[2]


def test_child_cannot_take_more_memory_than_it_may():
    assert within_limits("bytearray(child.MEMORY_BYTES)") == "MemoryError"


def test_child_can_write_in_the_folder_of_its_work(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    path = tmp_path / "folder" / "file"

    assert (
        within_limits(f"path = pathlib.Path({str(path)!r}); path.parent.mkdir(); path.write_text('x')") == ""
    )
    assert path.read_text() == "x"


@pytest.mark.skipif(
    confinement.version() < 1, reason="needs Linux with Landlock, which keeps the child from it"
)
@pytest.mark.parametrize(
    "program",
    [
        pytest.param("pathlib.Path({elsewhere!r}, 'file').write_text('x')", id="write elsewhere"),
        pytest.param("os.remove({file!r})", id="remove elsewhere"),
        pytest.param("subprocess.run([sys.executable, '-V'])", id="start a program"),
        pytest.param("pathlib.Path('manage.py').read_bytes()", id="read what lies beside the programs"),
        pytest.param("pathlib.Path('/proc', str(os.getppid()), 'environ').read_bytes()", id="read the worker's keys"),
    ],
)  # fmt: skip
def test_child_is_kept_from(tmp_path, monkeypatch, program):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "work"))
    elsewhere, file = tmp_path / "elsewhere", tmp_path / "elsewhere" / "mine"
    elsewhere.mkdir()
    file.write_text("mine")
    (tmp_path / "work").mkdir()

    said = within_limits(program.format(elsewhere=str(elsewhere), file=str(file)))

    assert said.startswith("PermissionError")
    assert [path.read_text() for path in elsewhere.iterdir()] == ["mine"]


@pytest.mark.skipif(confinement.version() < 4, reason="needs Linux 6.7, which keeps the child from it")
def test_child_connects_to_nobody():
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = within_limits(f"socket.create_connection({server.getsockname()!r})")

    assert said.startswith("PermissionError")


def test_sandbox_says_when_files_cannot_be_written(sandbox, small, tmp_path):
    job = {"name": "full-40.webp", "format": "webp", "crop": [0, 0, 40, 30], "width": 40, "height": 30}
    command = {"do": "render", "path": str(small), "width": 40, "height": 30, "frames": 1, "jobs": [job]}

    with pytest.raises(
        ReaderUnavailable, match=r"^The server cannot read or write the files of pictures: No such"
    ):
        sandbox.ask({**command, "out": str(tmp_path / "no such folder")})


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()
