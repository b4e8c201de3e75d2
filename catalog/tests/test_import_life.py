"""Runs and the processes that are at them: killed, cancelled, many at once."""

import random
import signal
import threading
import time

import pytest
from django.db import connection, transaction

from catalog.admin.imports.pages import address
from catalog.imports import locking
from catalog.imports.life import housekeeping, runs, work
from catalog.models import WORKING, ImportRun, Item
from catalog.tests.import_screens import signed_in
from catalog.tests.runs import (
    brought,
    curator,
    hold,
    in_background,
    landed,
    lines_of,
    many,
    previewed,
    process,
    state_of,
    stored,
    worker,
)
from marketplace.tests.stack import wait_until

ROWS = 20_000
FEW = 2_000  # for each of four processes

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("bucket", "empty_queue", "nothing_staged"),
]


def settled(run: ImportRun) -> bool:
    """Pick up what was left, and return whether the run has reached a state in which no process is at it."""
    housekeeping.pick_up()
    return state_of(run)[0] not in ("reading", "landing", "undoing")


def has_ended(run: ImportRun) -> bool:
    return state_of(run)[0] not in WORKING


# `make drill` kills at 20 moments spread over a run; here it is once in each half.
@pytest.mark.parametrize("state", ["reading", "landing"])
def test_run_whose_worker_is_killed_ends_as_a_clean_one(state):
    text = many(ROWS)
    run = brought(curator(), text, at_once=True)
    with worker() as killed:
        wait_until(lambda: state_of(run)[0] == state, seconds=60)
        killed.kill()
    wait_until(lambda: settled(run), seconds=30)

    with worker():
        wait_until(lambda: has_ended(run), seconds=60)

    assert state_of(run) == ("done", "")
    assert stored() == lines_of(text)


def test_run_is_picked_up_by_the_next_worker_alone():
    run = brought(curator(), many(5))
    ImportRun.objects.filter(pk=run.pk).update(state="reading")
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs CASCADE")  # as if a killed worker had it

    with worker():
        wait_until(lambda: has_ended(run), seconds=60)

    assert state_of(run)[0] == "ready"


def test_run_whose_connection_is_ended_goes_on():
    run = brought(curator(), many(5))
    ended = threading.Event()
    lock = "LOCK TABLE catalog_item IN ACCESS EXCLUSIVE MODE"
    with (
        in_background(lambda: hold(lock, until=ended)),
        in_background(lambda: work.read_now(run.pk)) as reader,
    ):
        wait_until(lambda: state_of(run)[0] == "reading" and waits(), seconds=30)
        with connection.cursor() as cursor:  # as a restart of the database's server does
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        ended.set()
        reader.result()
    assert state_of(run)[0] == "reading"

    housekeeping.pick_up()
    work.read_now(run.pk)

    assert state_of(run)[0] == "ready"


def test_run_that_ends_its_process_again_and_again_is_given_up():
    run = brought(curator(), many(5))
    log = [["2026-01-01T00:00:00+00:00", housekeeping.GOES_ON]] * (housekeeping.MOST_ENDINGS - 2)
    ImportRun.objects.filter(pk=run.pk).update(state="reading", log=log)
    housekeeping.pick_up()
    assert state_of(run)[0] == "queued"
    ImportRun.objects.filter(pk=run.pk).update(state="reading")

    housekeeping.pick_up()

    assert state_of(run) == ("failed", housekeeping.FATAL)


@pytest.mark.parametrize("seconds", [0.2, 1.5])
def test_command_that_is_killed_leaves_nothing_and_succeeds_when_run_again(tmp_path, seconds):
    text = many(ROWS)
    path = tmp_path / "cars.csv"
    path.write_text(text)
    killed = process("import_vehicles", str(path))
    wait_until(ImportRun.objects.exists, seconds=30)
    time.sleep(seconds)
    killed.kill()
    killed.communicate()
    first = ImportRun.objects.get()
    wait_until(lambda: settled(first), seconds=30)
    assert state_of(first) in [("done", ""), ("failed", work.INTERRUPTED)]
    assert Item.objects.count() in (0, ROWS)

    again = process("import_vehicles", str(path))
    out, errors = again.communicate(timeout=60)

    assert (again.returncode, errors) == (0, "")
    assert out.startswith(f"cars.csv: {ROWS:,} rows: ")
    assert stored() == lines_of(text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_that_is_stopped_says_so_and_lands_nothing(tmp_path, number):
    path = tmp_path / "cars.csv"
    path.write_text(many(ROWS))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE catalog_item IN ACCESS EXCLUSIVE MODE")
        stopped = process("import_vehicles", str(path))
        wait_until(lambda: ImportRun.objects.filter(seen_at__isnull=False).exists(), seconds=30)
        time.sleep(1)
        stopped.send_signal(number)
        stopped.communicate(timeout=30)

    assert stopped.returncode == 128 + number
    assert state_of(ImportRun.objects.get()) == ("failed", work.INTERRUPTED)
    assert not Item.objects.exists()


def test_four_commands_with_the_same_file_at_once_add_each_row_once(tmp_path):
    text = many(FEW)
    path = tmp_path / "cars.csv"
    path.write_text(text)

    commands = [process("import_vehicles", str(path)) for _ in range(4)]
    ends = [(*command.communicate(timeout=100), command.returncode) for command in commands]

    assert [(errors, code) for _, errors, code in ends] == [("", 0)] * 4
    assert sorted(ImportRun.objects.values_list("created", "unchanged")) == sorted(
        [(FEW, 0), *[(0, FEW)] * 3]
    )
    assert stored() == lines_of(text)


def test_four_overlapping_files_in_other_orders_at_once_add_each_row_once(tmp_path):
    commands = []
    for n in range(4):
        header, *rows = many(FEW, first=n * FEW // 4).splitlines()
        random.Random(n).shuffle(rows)
        path = tmp_path / f"{n}.csv"
        path.write_text("\n".join([header, *rows]))
        commands.append(process("import_vehicles", str(path)))

    ends = [(*command.communicate(timeout=100), command.returncode) for command in commands]

    assert [(errors, code) for _, errors, code in ends] == [("", 0)] * 4
    assert stored() == lines_of(many(FEW + 3 * FEW // 4))


def test_same_file_of_four_people_lands_once_and_goes_back_to_preview_for_the_others():
    text = many(200)
    owners = [curator() for _ in range(4)]
    made = [previewed(by, text) for by in owners]
    for run, by in zip(made, owners, strict=True):
        runs.confirm(run, by=by)

    with worker():
        wait_until(lambda: all(has_ended(run) for run in made), seconds=60)

    assert sorted(state_of(run)[0] for run in made) == ["done", "ready", "ready", "ready"]
    assert sorted(ImportRun.objects.values_list("created", "unchanged")) == [*[(0, 200)] * 3, (200, 0)]
    assert stored() == lines_of(text)


def test_cancel_while_the_file_is_read():
    by = curator()
    run = brought(by, many(150_000))

    with in_background(lambda: work.read_now(run.pk)):
        wait_until(lambda: ImportRun.objects.get(pk=run.pk).rows_read > 0, seconds=60)
        runs.cancel(run, by=by)
        began = time.monotonic()
        wait_until(lambda: has_ended(run), seconds=30)
        took = time.monotonic() - began

    assert state_of(run) == ("cancelled", "Cancelled; nothing landed.")
    assert took < 5
    assert f"import_{run.pk}_0" not in staging_schemas()


@pytest.mark.parametrize(
    ("step", "held"),
    [
        pytest.param("read", "LOCK TABLE catalog_item IN ACCESS EXCLUSIVE MODE", id="judging"),
        pytest.param(
            "land", "SELECT pg_advisory_xact_lock(hashtext('catalog import'))", id="waiting to land"
        ),
        pytest.param("land", "LOCK TABLE catalog_item IN SHARE MODE", id="writing"),
    ],
)
def test_cancel_while_a_statement_runs(step, held):
    by = curator()
    run = brought(by) if step == "read" else previewed(by)
    if step == "land":
        runs.confirm(run, by=by)
    ended = threading.Event()
    with (
        in_background(lambda: hold(held, until=ended)) as holder,
        in_background(lambda: getattr(work, f"{step}_now")(run.pk)),
    ):
        wait_until(lambda: state_of(run)[0] in ("reading", "landing") and waits(), seconds=30)
        runs.cancel(run, by=by)
        began = time.monotonic()
        wait_until(lambda: has_ended(run), seconds=30)
        took = time.monotonic() - began
        ended.set()
        holder.result()

    assert state_of(run) == ("cancelled", "Cancelled; nothing landed.")
    assert took < 5
    assert not Item.objects.exists()


def test_command_that_is_killed_lets_go_of_its_locks_at_once(tmp_path):
    path = tmp_path / "cars.csv"
    path.write_text(many(5))
    ended = threading.Event()
    with in_background(lambda: hold("LOCK TABLE catalog_item IN SHARE MODE", until=ended)) as holder:
        killed = process("import_vehicles", str(path))
        wait_until(waits_for_items, seconds=60)
        killed.kill()
        killed.communicate()
        wait_until(lambda: not waits_for_items(), seconds=20)  # else it would wait until the table is free
        ended.set()
        holder.result()

    assert not Item.objects.exists()


def test_page_of_a_run_that_waits_for_another_to_land_says_so():
    by = curator()
    run = previewed(by)
    runs.confirm(run, by=by)
    ended = threading.Event()
    landing = "SELECT pg_advisory_xact_lock(hashtext('catalog import'))"
    with (
        in_background(lambda: hold(landing, until=ended)) as holder,
        in_background(lambda: work.land_now(run.pk)) as waiting,
    ):
        wait_until(lambda: state_of(run)[0] == "landing" and waits(), seconds=30)
        page = signed_in(by).get(address(run, "progress")).content.decode()
        ended.set()
        holder.result()
        waiting.result()

    assert "Waiting for another import" in page
    assert state_of(run) == ("done", "")


def test_landing_that_is_cancelled_leaves_no_work_to_the_next_search(monkeypatch):
    by = curator()
    landed(by)
    run = previewed(by, "reference,name,appearances\nA-1,Uno,Goldfinger (1964)\nA-2,Due,\n")
    runs.confirm(run, by=by)
    monkeypatch.setattr("catalog.imports.judgement.applying.LARGE_RUN", 1)
    ended = threading.Event()
    appearances = "LOCK TABLE catalog_appearance IN SHARE MODE"  # written after the items
    with (
        in_background(lambda: hold(appearances, until=ended)) as holder,
        in_background(lambda: work.land_now(run.pk)) as cancelled,
    ):
        wait_until(lambda: state_of(run)[0] == "landing" and waits(), seconds=30)
        runs.cancel(run, by=by)
        cancelled.result()
        ended.set()
        holder.result()

    assert state_of(run)[0] == "cancelled"
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'catalog_item'")
        assert cursor.fetchone() == (2,)  # -1 where nobody has vacuumed the table


def test_run_that_others_keep_from_landing_for_long_can_be_confirmed_again(monkeypatch):
    monkeypatch.setattr(locking, "PATIENCE", "1s")
    by = curator()
    run = previewed(by)
    runs.confirm(run, by=by)
    ended = threading.Event()
    statement = "SELECT pg_advisory_xact_lock(hashtext('catalog import'))"
    with in_background(lambda: hold(statement, until=ended)):
        wait_until(held, seconds=30)
        work.land_now(run.pk)
        ended.set()
    assert state_of(run) == ("ready", work.HELD_UP)

    runs.confirm(run, by=by)
    work.land_now(run.pk)

    assert state_of(run) == ("done", "")


def held() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT NOT pg_try_advisory_xact_lock(hashtext('catalog import'))")
        return bool(cursor.fetchone()[0])


def waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def waits_for_items() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'catalog_item'::regclass AND NOT granted)"
        )
        return bool(cursor.fetchone()[0])


def staging_schemas() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'import\\_%'")
        return [name for (name,) in cursor.fetchall()]
