"""What the processes at a run leave behind: no thread, no connection, no copy of a file."""

import os
import tempfile
import threading
from pathlib import Path

import pytest
from django.db import connection, transaction

from catalog.imports.life import files, housekeeping, runs, work
from catalog.imports.life.watch import Watch
from catalog.models import ImportRun
from catalog.tests.runs import (
    brought,
    curator,
    hold,
    in_background,
    many,
    previewed,
    state_of,
)
from marketplace.tests.stack import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("bucket", "empty_queue", "nothing_staged"),
]


@pytest.fixture
def copies(tmp_path: Path, monkeypatch) -> Path:
    """The folder in which this process keeps copies of files, its own for the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"catalogue-imports-{os.getuid()}"


def test_runs_leave_no_thread_no_connection_and_no_file(copies):
    by = curator()
    previewed(by, many(3))
    before = threading.active_count(), connections()

    for n in range(5):
        previewed(by, many(3, first=n))

    assert (threading.active_count(), connections()) == before
    assert not list(copies.iterdir())


def connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_copy_of_a_killed_process_is_swept_and_one_in_use_stays(copies):
    run = brought(curator())
    with files.local(run) as used:
        left = copies / "tmpleft.csv"
        left.write_text("x")
        os.utime(left, (0, 0))
        os.utime(used, (0, 0))
        files.sweep()

        assert list(copies.iterdir()) == [used]


def test_process_that_is_at_a_run_keeps_others_from_it():
    by = curator()
    run = previewed(by)
    runs.confirm(run, by=by)
    ended = threading.Event()
    with in_background(lambda: hold(f"SELECT pg_advisory_xact_lock({work.lock_of(run.pk)})", until=ended)):
        wait_until(lambda: not free(run), seconds=10)
        try:
            work.land_now(run.pk)
            housekeeping.pick_up()
        finally:
            ended.set()

    assert state_of(run)[0] == "confirmed"


def free(run: ImportRun) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock({work.lock_of(run.pk)})")
        return bool(cursor.fetchone()[0])


def test_watch_tells_how_far_a_run_is():
    run = brought(curator())

    with Watch(run.pk) as watch:
        watch.hear(7)
        wait_until(lambda: ImportRun.objects.get(pk=run.pk).rows_read == 7, seconds=5)

    run.refresh_from_db()
    assert run.seen_at is not None
