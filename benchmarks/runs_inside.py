"""The measurements of import runs; benchmarks.runs runs each in a process and a database of its own."""

# ruff: noqa: E402  (Django first)

import csv
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import django

django.setup()

from django.contrib.auth.models import Group
from django.core.files import File
from django.db import connection

from accounts.models import User
from accounts.roles import ROLES, keep
from benchmarks import Finding
from benchmarks.database import ROOT
from benchmarks.imports import EMPTY, HEADER, row, write_csv
from catalog.imports import staging
from catalog.imports.life import runs
from catalog.imports.options import ImportOptions
from catalog.models import WORKING, ImportIssue, ImportOrigin, ImportRun, ImportState, Item
from marketplace.commands import lift_request_limits

OnError = Literal["skip", "abort"]
ROWS, POINTS, BAD, AT_ONCE = 100_000, 20, 37, 4
LANDED: dict[OnError, int] = {"abort": 0, "skip": ROWS - BAD}
STUCK_SECONDS = 60
ENDLESS_SECONDS = 300  # by then a run has ended, or never will
SEED = 1964
MANAGE = [sys.executable, "manage.py"]
# Ids and times differ from run to run; all else must not.
CHECKSUM = """SELECT encode(sha256(convert_to(coalesce(string_agg(
    (to_jsonb(i) - ARRAY['id', 'created_at', 'updated_at'])::text, E'\\n' ORDER BY reference), ''), 'UTF8')), 'hex')
    FROM catalog_item AS i"""
LEFT = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing' AND worker_id IS NOT NULL"
Process = subprocess.Popen[str]


def killed() -> list[Finding]:
    """kill -9 of the worker, at points over the whole time that a run takes, and where a run has just landed."""
    person = _person()
    with TemporaryDirectory() as folder:
        path = write_csv(Path(folder) / "cars.csv", ROWS)
        _empty()
        with _worker():
            clean_seconds = _ended(_bring(path, person))
        clean = _state_of_the_table()
        moments = [clean_seconds * (n + 0.5) / POINTS for n in range(POINTS)]
        ends = [_killed_at(path, person, _after(moment)) for moment in moments]
        ends += [_killed_at(path, person, _once_landed) for _ in range(2)]
    same = sum(table == clean for table, _, _ in ends)
    seconds = max(waited for _, waited, _ in ends)
    jobs = sum(left for _, _, left in ends)
    return [
        (f"{len(ends)} of {len(ends)} points: {same} tables as after a clean run", same == len(ends)),
        (f"{seconds:.0f} s until a run went on, at most {STUCK_SECONDS}", seconds <= STUCK_SECONDS),
        (f"a clean run of {ROWS:,} rows took {clean_seconds:.1f} s; killed workers left {jobs} jobs", None),
    ]


def _killed_at(path: Path, person: User, moment: Callable[[ImportRun], None]) -> tuple[str, float, int]:
    """Kill the worker at the moment and start another; return the table, seconds until it went on, jobs left."""
    _empty()
    with _worker() as first:
        run = _bring(path, person)
        _until(lambda: _state(run) != ImportState.QUEUED)
        moment(run)
        first.kill()
        first.wait()
    stood, left, since = _state(run), _one(LEFT), time.monotonic()
    with _worker():
        _until(lambda: stood not in WORKING or _state(run) != stood)
        waited = time.monotonic() - since
        _ended(run)
    sys.stderr.write(f"killed while {stood}: went on after {waited:.1f} s\n")
    return _state_of_the_table(), waited, int(left)


def _after(seconds: float) -> Callable[[ImportRun], None]:
    return lambda run: time.sleep(seconds)


def _once_landed(run: ImportRun) -> None:
    """Wait until the landing is committed; the job has still to look after the indexes and to end."""
    _until(lambda: _state(run) == ImportState.DONE, every=0.005)


def killed_commands() -> list[Finding]:
    """kill -9 of the command at points over its whole time; then it is run again."""
    with TemporaryDirectory() as folder:
        path = write_csv(Path(folder) / "cars.csv", ROWS)
        command = [*MANAGE, "import_vehicles", str(path)]
        _empty()
        begin = time.monotonic()
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        clean_seconds, clean = time.monotonic() - begin, _state_of_the_table()
        halves = same = 0
        for point in range(POINTS):
            _empty()
            with _process(*command[1:]):
                time.sleep(clean_seconds * (point + 0.5) / POINTS)
            halves += Item.objects.count() not in (0, ROWS)
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            same += _state_of_the_table() == clean
        _empty()
        with _process(*command[1:]):
            time.sleep(clean_seconds / 2)
        with _worker():
            begin = time.monotonic()
            _until(lambda: not ImportRun.objects.filter(state__in=WORKING).exists())
            waited = time.monotonic() - begin
    return [
        (f"{POINTS} points: {halves} half landed; {same} tables as after a clean run", (halves, same) == (0, POINTS)),
        (f"{waited:.0f} s until no run seemed to be at work, at most {STUCK_SECONDS}", waited <= STUCK_SECONDS),
    ]  # fmt: skip


def together() -> list[Finding]:
    """Four commands with one file, and with files that overlap in other orders."""
    quarter = ROWS // AT_ONCE
    with TemporaryDirectory() as name:
        folder = Path(name)
        one = write_csv(folder / "one.csv", ROWS)
        same = _at_once([one] * AT_ONCE)
        found = [_told("one file", same, ROWS)]
        paths = [folder / f"{n}.csv" for n in range(AT_ONCE)]
        for n, path in enumerate(paths):
            numbers = list(range(n * quarter // 2, n * quarter // 2 + ROWS // 2))
            random.Random(SEED + n).shuffle(numbers)
            _write(path, [row(number) for number in numbers])
        return [*found, _told("overlapping files", _at_once(paths), 3 * quarter // 2 + ROWS // 2)]


def _at_once(paths: list[Path]) -> list[tuple[int, str]]:
    _empty()
    commands = [_start(*MANAGE[1:], "import_vehicles", str(path)) for path in paths]
    return [(command.wait(), command.stderr.read() if command.stderr else "") for command in commands]


def _told(what: str, ends: list[tuple[int, str]], rows: int) -> Finding:
    well = sum(end == (0, "") for end in ends)
    there, created = Item.objects.count(), sum(ImportRun.objects.values_list("created", flat=True))
    return (
        f"{AT_ONCE} imports of {what} at once: {well} without an error; {there:,} rows of {rows:,}, told {created:,}",
        (well, there, created) == (AT_ONCE, rows, rows),
    )


def partial() -> list[Finding]:
    """37 bad rows of 100,000, through the worker and the command: all or nothing, and the good ones."""
    person = _person()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cars.csv"
        cells = [row(number) for number in range(ROWS)]
        for number in random.Random(SEED).sample(range(ROWS), BAD):
            cells[number][HEADER.index("price")] = "cheap"
        _write(path, cells)
        return [
            finding
            for policy, landed in LANDED.items()
            for finding in (_by_command(path, policy, landed), _by_worker(path, person, policy, landed))
        ]


def _by_command(path: Path, policy: str, landed: int) -> Finding:
    _empty()
    command = [*MANAGE, "import_vehicles", str(path), f"--on-error={policy}", "--json"]
    subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
    return _totals("command", policy, landed)


def _by_worker(path: Path, person: User, policy: OnError, landed: int) -> Finding:
    _empty()
    with _worker():
        _ended(_bring(path, person, policy))
    return _totals("worker", policy, landed)


def _totals(door: str, policy: str, landed: int) -> Finding:
    run = ImportRun.objects.get()
    told = run.created if run.has_landed else 0
    there, named = Item.objects.count(), ImportIssue.objects.exclude(column="").exclude(value="").count()
    return (
        f"{BAD} bad of {ROWS:,}, {policy}, {door}: {there:,} landed, told {told:,}; {named} faults with row, column, value",
        (there, told, run.rejected, named) == (landed, landed, BAD, BAD),
    )


def _person() -> User:
    keep({"Curator": ROLES["Curator"]})
    person = User.objects.create_user("curator", is_staff=True)
    person.groups.add(Group.objects.get(name="Curator"))
    return person


def _bring(path: Path, person: User, on_error: OnError = "skip") -> ImportRun:
    with path.open("rb") as file:
        return runs.create(
            file=File(file), file_name=path.name, target="vehicle", options=ImportOptions(on_error=on_error),
            by=person, origin=ImportOrigin.API, at_once=True,
        )  # fmt: skip


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows)


def _empty() -> None:
    for run in ImportRun.objects.all():
        staging.drop(run)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE procrastinate_jobs CASCADE; {EMPTY}")


def _state_of_the_table() -> str:
    """Return a checksum of all items in order, and how many events their history has."""
    return f"{_one(CHECKSUM)} {_one('SELECT count(*) FROM catalog_itemevent')}"


def _one(query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[0])


def _state(run: ImportRun) -> str:
    return str(ImportRun.objects.values_list("state", flat=True).get(pk=run.pk))


def _ended(run: ImportRun) -> float:
    """Wait for the run's end; return how many seconds it took from the moment at which a worker took it up."""
    _until(lambda: _state(run) != ImportState.QUEUED)
    begin = time.monotonic()
    _until(lambda: _state(run) not in WORKING)
    return time.monotonic() - begin


def _until(is_so: Callable[[], bool], every: float = 0.1) -> None:
    deadline = time.monotonic() + ENDLESS_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing happened for {ENDLESS_SECONDS} s")
        time.sleep(every)


def _worker() -> AbstractContextManager[Process]:
    return _process(*MANAGE[1:], "procrastinate", "worker", "--concurrency=4", "--delete-jobs=successful")


@contextmanager
def _process(*words: str) -> Iterator[Process]:
    """A process that is killed at the end of the block."""
    started = _start(*words)
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def _start(*words: str) -> Process:
    return subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=os.environ, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


MEASUREMENTS: dict[str, Callable[[], list[Finding]]] = {
    "killed": killed,
    "killed-commands": killed_commands,
    "together": together,
    "partial": partial,
}


if __name__ == "__main__":
    lift_request_limits()
    sys.stdout.write(json.dumps(MEASUREMENTS[sys.argv[1]]()))
