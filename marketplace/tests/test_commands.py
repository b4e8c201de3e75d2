"""Commands as a person meets them: real processes, exit codes, and one line on stderr when they cannot run."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from marketplace.tests.stack import MANAGE, ServiceUser, environment, manage, processes_of, wait_until


@pytest.fixture(scope="module")
def var_dir() -> Iterator[Path]:
    """Services that are up, with a database that nobody has migrated."""
    with tempfile.TemporaryDirectory(prefix="home-") as name:
        path = Path(name).resolve()
        path.chmod(0o711)
        with ServiceUser(path):
            yield path


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line with which a command said that it could not run."""
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removesuffix("\n")


def shell(var_dir: Path, program: str, **extra: Any) -> subprocess.CompletedProcess[str]:
    return manage(var_dir, "shell", "--no-imports", "-c", program, **extra)


def test_command_on_a_database_without_tables_names_migrate(var_dir):
    assert refused(manage(var_dir, "provision_admin")) == (
        'The database is not up to date (relation "accounts_user" does not exist): run `manage.py migrate`.'
    )


def test_command_error_is_one_line(var_dir):
    assert refused(manage(var_dir, "migrate", "nowhere")) == "No installed app with label 'nowhere'."


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sync_s3", "--frob"], "Error: unrecognized arguments: --frob"),
        (["import_vehicles"], "Error: the following arguments are required: file"),
    ],
)
def test_command_with_wrong_arguments_is_one_line(var_dir, words, sentence):
    assert refused(manage(var_dir, *words)) == sentence


def test_command_that_was_killed_holds_no_lock_for_long(var_dir):
    program = "from django.db import connection; connection.cursor().execute('SELECT pg_advisory_lock(7), pg_sleep(60)')"
    address = f"postgresql://postgres@/catalogue?host={quote(str(var_dir / 'postgres'), safe='')}"
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7"
    command = subprocess.Popen(
        [sys.executable, MANAGE, "shell", "--no-imports", "-c", program], env=environment(var_dir)
    )
    with psycopg.connect(address, autocommit=True) as onlooker:
        wait_until(lambda: onlooker.execute(held).fetchone() == (1,))
        command.kill()
        command.wait()
        wait_until(lambda: onlooker.execute(held).fetchone() == (0,), seconds=30)


def test_command_that_does_not_exist_is_exit_code_2(var_dir):
    done = manage(var_dir, "imprt_vehicles")
    assert (done.returncode, done.stderr.splitlines()[0].split(".")[0]) == (
        2,
        "Unknown command: 'imprt_vehicles'",
    )


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        pytest.param(
            "nonsense", "DATABASE_URL must look like postgresql://user:password@host:5432/name.", id="syntax"
        ),
        pytest.param(
            "postgresql://u:secret@127.0.0.1:1/db",
            'The database of DATABASE_URL cannot be used: connection to server at "127.0.0.1", port 1 failed:'
            " Connection refused.",
            id="down",
        ),
        pytest.param(
            "postgresql://u:secret@nowhere.invalid/db",
            "The database of DATABASE_URL cannot be used: failed to resolve host 'nowhere.invalid'",
            id="host",
        ),
        pytest.param(
            "postgresql://postgres@/absent?host={socket}",
            'The database of DATABASE_URL cannot be used: connection to server on socket "{socket}/.s.PGSQL.5432"'
            ' failed: database "absent" does not exist.',
            id="database",
        ),
        pytest.param(
            "postgresql://guarded:secret@/catalogue?host={socket}",
            'The database of DATABASE_URL cannot be used: connection to server on socket "{socket}/.s.PGSQL.5432"'
            ' failed: password authentication failed for user "guarded".',
            id="password",
        ),
    ],
)
def test_command_with_a_wrong_database_url_says_why_and_keeps_the_password(
    var_dir, guarded, address, sentence
):
    socket = var_dir / "postgres"
    address = address.format(socket=quote(str(socket), safe=""))
    assert refused(manage(var_dir, "migrate", DATABASE_URL=address)).startswith(
        sentence.format(socket=socket)
    )


@pytest.fixture(scope="module")
def guarded(var_dir: Path) -> None:
    """A role that needs a password."""
    rules = var_dir / "postgres" / "pg_hba.conf"
    rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
    address = f"postgresql://postgres@/catalogue?host={quote(str(var_dir / 'postgres'), safe='')}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'another'")
        connection.execute("SELECT pg_reload_conf()")


def test_command_whose_bucket_server_is_down_names_the_variable(var_dir):
    program = "from media_sync import storage; storage.client().list_buckets()"
    extra = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    assert refused(shell(var_dir, program, S3_ENDPOINT_URL="http://127.0.0.1:1", **extra)) == (
        "The bucket cannot be reached: http://127.0.0.1:1 does not answer; check S3_ENDPOINT_URL."
    )


def test_command_whose_bucket_does_not_exist_says_so(var_dir):
    program = "from media_sync import storage; storage.client().list_objects_v2(Bucket='absent')"
    assert "The specified bucket does not exist" in refused(shell(var_dir, program))


def test_command_whose_file_is_missing_says_so(var_dir):
    assert refused(shell(var_dir, "open('/nowhere/at/all')")) == (
        "The system refuses: No such file or directory (/nowhere/at/all)."
    )


def test_command_with_traceback_shows_it(var_dir):
    done = manage(var_dir, "migrate", "nowhere", "--traceback")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")


def test_command_whose_reader_goes_ends_quietly(var_dir):
    words = [sys.executable, MANAGE, "shell", "--no-imports", "-c", "print('x' * 1_000_000)"]
    with subprocess.Popen(
        words, env=environment(var_dir), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout
        assert command.stderr
        command.stdout.read(1)
        command.stdout.close()
        said = command.stderr.read()
    assert (command.returncode, said) == (128 + signal.SIGPIPE, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_that_is_stopped_stops_the_services_it_started(tmp_path, number):
    words = ["shell", "--no-imports", "-c", "import time; print('on', flush=True); time.sleep(60)"]
    # As a terminal starts it, even where these tests run in a background that has SIGINT ignored.
    at_terminal = (
        "import os, signal, sys; signal.signal(2, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", at_terminal, sys.executable, MANAGE, *words],
        env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as command:  # fmt: skip
        assert command.stdout
        assert command.stderr
        command.stdout.readline()
        command.send_signal(number)
        said = [line for line in command.stderr.read().splitlines() if "chmod o+x" not in line]
    assert (command.returncode, said) == (128 + number, [])
    wait_until(lambda: processes_of(tmp_path) == [], seconds=5)


def test_command_that_needs_no_services_starts_none(tmp_path):
    done = manage(tmp_path, "version")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "postgres").exists()


def test_command_in_a_shell_with_keys_for_another_s3_uses_its_own(var_dir):
    program = "from media_sync import storage; print([b['Name'] for b in storage.client().list_buckets()['Buckets']])"
    done = shell(var_dir, program, AWS_ACCESS_KEY_ID="AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY="another")
    assert done.stdout == "['catalogue']\n"
