"""The embedded services as processes: each test has a VAR_DIR of its own."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from marketplace import embedded
from marketplace.tests.stack import ServiceUser, environment, processes_of

NOBODY = pwd.getpwnam("nobody").pw_uid


@contextlib.contextmanager
def directory() -> Iterator[Path]:
    """A short path: pytest's own are long enough to move PostgreSQL's socket elsewhere."""
    path = Path(tempfile.mkdtemp(prefix="home-")).resolve()
    path.chmod(0o711)  # so that no start has to
    try:
        yield path
    finally:
        for process in psutil.process_iter(["cmdline"]):
            if any(word.startswith(f"{path}/") for word in process.info["cmdline"] or []):
                process.kill()
        shutil.rmtree(path)


@pytest.fixture
def bare() -> Iterator[Path]:
    """A VAR_DIR that nothing has used."""
    with directory() as path:
        yield path


@pytest.fixture(scope="module")
def used() -> Iterator[Path]:
    with directory() as path:
        with ServiceUser(path):
            pass
        yield path


@pytest.fixture
def home(used: Path) -> Iterator[Path]:
    """A VAR_DIR whose services have run before: a copy, which takes a fraction of making one."""
    with directory() as path:
        subprocess.run(["cp", "-a", f"{used}/.", str(path)], check=True)
        yield path


def works(answer: str) -> bool:
    """Whether both services do what they are for: SQL, and refusing who has no key."""
    database_url, s3_endpoint_url = json.loads(answer)
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT 1")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(s3_endpoint_url, timeout=5)
    return True


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def rclone(home: Path) -> int:
    return int(json.loads((home / "services.json").read_text())["s3_pid"])


def test_services_on_first_start_work_and_go_with_their_last_user(bare):
    first, second = ServiceUser(bare), ServiceUser(bare)
    answers = {first.answer(), second.answer()}
    assert first.end() == ""
    assert len(answers) == 1
    assert works(answers.pop())
    assert second.end() == ""
    assert processes_of(bare) == []


def test_services_after_everything_was_killed_start_again(home):
    user = ServiceUser(home)
    before = user.answer()
    for pid in (user.process.pid, postmaster(home), rclone(home)):
        os.kill(pid, signal.SIGKILL)
    user.kill()
    again = ServiceUser(home)
    assert again.answer() == before
    assert works(before)
    assert again.end() == ""


def test_services_whose_user_was_killed_go_with_the_next_one(home):
    user = ServiceUser(home)
    user.answer()
    user.kill()
    again = ServiceUser(home)
    again.answer()
    assert again.end() == ""
    assert processes_of(home) == []


def test_services_with_pids_that_strangers_have_now_leave_the_strangers_alone(home):
    user = ServiceUser(home)
    before = user.answer()
    user.end()
    stranger = subprocess.Popen(["sleep", "60"])
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (home / "postgres" / name).write_text(
            f"{stranger.pid}\n{home}/postgres\n1700000000\n5432\n{home}/postgres\n\n  1 1\nready   \n"
        )
    state = json.loads((home / "services.json").read_text())
    (home / "services.json").write_text(json.dumps(state | {"s3_pid": stranger.pid}))
    again = ServiceUser(home)
    assert again.answer() == before
    assert works(before)
    assert again.end() == ""
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_services_of_a_copied_directory_are_others_than_the_originals(home, used):
    with ServiceUser(used) as original:
        state = (used / "services.json").read_text()
        (home / "services.json").write_text(state)
        shutil.copy(used / "postgres" / "postmaster.pid", home / "postgres")
        with ServiceUser(home):
            copied = json.loads((home / "services.json").read_text())
        assert (
            not {"database_url", "s3_endpoint_url", "s3_pid"}
            & dict(copied.items() & json.loads(state).items()).keys()
        )
        assert original.process.poll() is None
        assert processes_of(used)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("x" * 120, id="long"),
        pytest.param("zwei Wörter", id="space and umlaut"),
        pytest.param('a,b"c', id="comma and quote"),
        pytest.param("a:b%20#?", id="characters of addresses"),
    ],
)
def test_services_under_an_unusual_path_work_and_leave_nothing(home, bare, name):
    litter = set(Path("/tmp").glob("catalogue-*"))
    home.rename(bare / name)
    user = ServiceUser(bare / name)
    assert works(user.answer())
    assert user.end() == ""
    assert set(Path("/tmp").glob("catalogue-*")) <= litter
    (bare / name).rename(home)


def test_services_in_an_environment_for_other_servers_work(home):
    user = ServiceUser(home, PGPORT="1", PGHOST="nowhere", RCLONE_ADDR="127.0.0.1:1", LC_ALL="de_XX.UTF-8")
    assert works(user.answer())
    assert user.end() == ""


def test_services_without_their_socket_are_started_anew(home):
    user = ServiceUser(home)
    before = user.answer()
    (home / "postgres" / ".s.PGSQL.5432").unlink()
    again = ServiceUser(home)
    assert again.answer() == before
    assert works(before)
    again.end()
    user.end()


def test_services_of_a_process_that_forks_outlive_the_fork(home):
    program = (
        "import os, sys; from marketplace import embedded; embedded.start()\n"
        "if not os.fork(): sys.exit()\n"
        "os.wait(); print(embedded.down())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_services_over_data_of_another_version_say_so(home):
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    user = ServiceUser(home)
    assert user.answer() == ""
    assert "The embedded PostgreSQL does not start: FATAL:" in user.end().splitlines()[-1]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        pytest.param("file", "cannot be used: {home}/file is not a directory.", id="a file"),
        pytest.param(
            "file/below", "cannot be used: {home}/file/below is not a directory.", id="below a file"
        ),
        pytest.param("line\nbreak", "must be a path of printable characters", id="a line break"),
    ],
)
def test_services_under_an_unusable_path_say_so(bare, place, sentence):
    (bare / "file").touch()
    user = ServiceUser(bare / place)
    assert user.answer() == ""
    assert sentence.format(home=bare) in user.end().splitlines()[-1]


def test_secret_is_kept_and_readable_by_its_owner_only(bare, monkeypatch):
    monkeypatch.setenv("VAR_DIR", str(bare))
    made = embedded.secret("some_key")
    assert len(made) == 64
    assert embedded.secret("some_key") == made
    assert (bare / "some_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in bare.iterdir()] == ["some_key"]


def test_directory_on_the_way_that_others_may_not_pass_is_opened_and_named(home):
    if os.geteuid():
        pytest.skip("Only root starts PostgreSQL as somebody else.")
    home.chmod(0o700)
    user = ServiceUser(home)
    assert works(user.answer())
    assert (
        user.end()
        == f"Other users may now pass through {home} (chmod o+x): PostgreSQL does not run as root.\n"
    )
    assert home.stat().st_mode & 0o777 == 0o701


def can_be_somebody_else() -> bool:
    """Whether another user may run this Python at all; one under /root is closed to others."""
    try:
        return (
            subprocess.run([sys.executable, "-c", "import psycopg"], user=NOBODY, check=False).returncode == 0
        )
    except PermissionError:
        return False


needs_somebody_else = pytest.mark.skipif(
    not can_be_somebody_else(),
    reason="Needs root, and a Python that others may run, to try what another user sees.",
)


@needs_somebody_else
def test_services_of_another_user_are_refused_in_a_sentence(home):
    user = ServiceUser(home, run_as=NOBODY)
    assert user.answer() == ""
    assert f"VAR_DIR ({home}) cannot be used: Permission denied" in user.end().splitlines()[-1]


@needs_somebody_else
def test_services_of_a_user_who_is_not_root_work(bare):
    os.chown(bare, NOBODY, -1)
    user = ServiceUser(bare, run_as=NOBODY)
    assert works(user.answer())
    assert (bare / "postgres").stat().st_uid == NOBODY
    assert user.end() == ""
