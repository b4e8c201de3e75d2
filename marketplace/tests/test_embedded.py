"""The embedded services as processes: each test has a VAR_DIR of its own."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from marketplace.tests.stack import ServiceUser, processes_of, wait_until


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path: pytest's own are long enough to move PostgreSQL's socket elsewhere."""
    path = Path(tempfile.mkdtemp(prefix="home-")).resolve()
    yield path
    for process in psutil.process_iter(["cmdline"]):
        if any(word.startswith(f"{path}/") for word in process.info["cmdline"] or []):
            process.kill()
    shutil.rmtree(path)


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


def test_services_on_first_start_work_and_go_with_their_last_user(home):
    first, second = ServiceUser(home), ServiceUser(home)
    answers = {first.answer(), second.answer()}
    assert first.end() == ""
    assert len(answers) == 1
    assert works(answers.pop())
    assert second.end() == ""
    assert processes_of(home) == []


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
    (home / "postgres" / "postmaster.pid").write_text(
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


def test_services_of_a_copied_directory_are_others_than_the_originals(home):
    original = ServiceUser(home / "one")
    before = original.answer()
    shutil.copytree(home / "one", home / "two", ignore=shutil.ignore_patterns("postgres", ".s.PGSQL*"))
    copy = ServiceUser(home / "two")
    after = copy.answer()
    assert not set(json.loads(before)) & set(json.loads(after))
    assert copy.end() == ""
    assert works(before)
    assert original.end() == ""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("x" * 120, id="long"),
        pytest.param("zwei Wörter", id="space and umlaut"),
        pytest.param('a,b"c', id="comma and quote"),
        pytest.param("a:b%20#?", id="characters of addresses"),
    ],
)
def test_services_under_an_unusual_path_work_and_leave_nothing(home, name):
    litter = set(Path("/tmp").glob("catalogue-*"))
    user = ServiceUser(home / name)
    assert works(user.answer())
    assert user.end() == ""
    assert set(Path("/tmp").glob("catalogue-*")) <= litter


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


def test_services_made_by_the_first_of_two_are_not_stopped_by_its_fork(home):
    program = "import os; from marketplace import embedded; embedded.start(); os.fork() or exit(); os.wait(); print(embedded.down())"
    user = ServiceUser(home)
    user.process.stdin.close()
    user.process.wait(timeout=30)
    done = subprocess.run(
        [user.process.args[0], "-W", "ignore", "-c", program],
        env=os.environ | {"VAR_DIR": str(home), "DATABASE_URL": "", "S3_ENDPOINT_URL": ""},
        capture_output=True, text=True, timeout=60, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout == "[]\n"


def test_services_over_data_of_another_version_say_so(home):
    (home / "postgres").mkdir(mode=0o700)
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    user = ServiceUser(home)
    assert user.answer() == ""
    assert "The embedded PostgreSQL does not start: FATAL:" in user.end().splitlines()[-1]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        pytest.param("file", "cannot be used: {home}/file is not a directory.", id="a file"),
        pytest.param("file/below", "cannot be used: {home}/file/below is not a directory.", id="below a file"),
        pytest.param("line\nbreak", "must be a path of printable characters", id="a line break"),
    ],
)
def test_services_under_an_unusable_path_say_so(home, place, sentence):
    (home / "file").touch()
    user = ServiceUser(home / place)
    assert user.answer() == ""
    assert sentence.format(home=home) in user.end().splitlines()[-1]


def test_secret_is_kept_and_readable_by_its_owner_only(home, monkeypatch):
    monkeypatch.setenv("VAR_DIR", str(home))
    from marketplace import embedded

    made = embedded.secret("some_key")
    assert len(made) == 64
    assert embedded.secret("some_key") == made
    assert (home / "some_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == ["some_key"]


def test_wait_until_gives_up_in_time():
    with pytest.raises(AssertionError):
        wait_until(lambda: False, seconds=0.1)
