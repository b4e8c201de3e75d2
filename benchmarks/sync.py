"""Syncs of the bucket against boto3's own paginator, which lists the same objects and does nothing with them.

100,000 objects on the embedded server, and 1,000,000 replayed by a small server that answers as Amazon's does.
Every leg is a process of its own. `python -m benchmarks.sync [--objects N ...]`
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.database import ROOT, migrated_database
from benchmarks.replay import replayed
from marketplace import embedded

DATABASE = "catalogue_bench_sync"
BUCKET = "bench-sync"
HERE, REPLAYED = 100_000, 1_000_000
MEBIBYTES = 120
EMPTY = "TRUNCATE catalog_mediaasset, catalog_mediaassetevent, media_sync_syncrun RESTART IDENTITY CASCADE"
# What an unchanged sync may not touch: the rows' versions, the last id, and what the server counted as written.
TRACES = """
SELECT (SELECT coalesce(sum(xmin::text::bigint), 0) FROM catalog_mediaasset),
    (SELECT last_value FROM catalog_mediaasset_id_seq), (SELECT count(*) FROM catalog_mediaassetevent),
    (SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = 'catalog_mediaasset')
"""
LIMITS = {"first": 0.5, "unchanged": 0.4, "1 % changed": 0.45}
Leg = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.sync", description=__doc__)
    parser.add_argument("--here", type=int, default=HERE, help="objects on the embedded server")
    parser.add_argument("--replayed", type=int, default=REPLAYED, help="objects of the replayed listing")
    options = parser.parse_args()
    address = migrated_database(DATABASE, anew=True)
    kept = True
    if options.here:
        with _embedded(options.here) as changes:
            kept &= _compare(address, "embedded server", options.here, changes)
    if options.replayed:
        with _replaying(options.replayed) as changes:
            kept &= _compare(address, "replayed listing", options.replayed, changes)
    Console().print(TABLE)
    sys.exit(int(not kept))


def _compare(address: str, where: str, objects: int, changes: Iterator[None]) -> bool:
    """Measure the paginator, then a first sync, one without changes, and one after 1 % changed."""
    _execute(address, EMPTY)
    boto3 = _leg(address, [sys.executable, "-m", "benchmarks.sync_inside"])
    _tell(where, objects, "boto3 paginator", boto3)
    kept = True
    for phase, limit in LIMITS.items():
        if phase == "1 % changed":
            next(changes)
        before = _execute(address, TRACES)
        sync = _leg(address, [sys.executable, "manage.py", "sync_s3"])
        wrote = _execute(address, TRACES) != before
        ratio = sync["cpu"] / boto3["cpu"]
        good = ratio <= limit and sync["memory"] < MEBIBYTES and not (phase == "unchanged" and wrote)
        words = f"{ratio:.2f} (at most {limit})" + (", wrote rows" if phase == "unchanged" and wrote else "")
        _tell(where, objects, f"sync, {phase}", sync, words if good else f"[red]{words}[/]")
        kept &= good
    return kept


def _leg(address: str, command: list[str]) -> Leg:
    """Run the command; return its CPU seconds, PostgreSQL's, its wall time, and its memory at most, in MiB."""
    environment = os.environ | {"DATABASE_URL": address, "LOG_LEVEL": "ERROR", "S3_BUCKET": BUCKET}
    postgres = _postgres_cpu(address)
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    began = psutil.Process(process.pid).create_time()
    said = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {said}")
    return {
        "cpu": used.ru_utime + used.ru_stime,
        "postgres": _postgres_cpu(address) - postgres,
        "seconds": psutil.time.time() - began,
        "memory": used.ru_maxrss / 1024,
    }


def _postgres_cpu(address: str) -> float:
    """Return the CPU seconds that the server's processes have used, those that have ended among them."""
    del address
    main = psutil.Process(int((embedded.var_dir() / "postgres" / "postmaster.pid").read_text().split()[0]))
    times = [main.cpu_times()] + [child.cpu_times() for child in main.children()]
    ended = times[0].children_user + times[0].children_system
    return float(sum(each.user + each.system for each in times) + ended)


def _execute(address: str, statement: str) -> tuple[object, ...] | None:
    with psycopg.connect(address, autocommit=True) as connection:
        found = connection.execute(statement.encode())
        return found.fetchone() if found.description else None


@contextmanager
def _embedded(objects: int) -> Iterator[Iterator[None]]:
    """Fill a bucket of the embedded server; gives what changes one object in a hundred."""
    folder = embedded.var_dir() / "s3" / BUCKET
    made = [folder / f"vehicles/BENCH-{n // 10}/{n % 10}.jpg" for n in range(objects)]
    for n, path in enumerate(made):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % n)
    yield _change(made)


def _change(made: list[Path]) -> Iterator[None]:
    for n, path in enumerate(made[::100]):
        path.write_bytes(b"changed %d" % n)
    yield


@contextmanager
def _replaying(objects: int) -> Iterator[Iterator[None]]:
    with replayed(objects) as server:
        for name, value in {
            "S3_ENDPOINT_URL": server.address, "AWS_ACCESS_KEY_ID": "BENCHMARKBENCHMARK01",
            "AWS_SECRET_ACCESS_KEY": "a-secret-of-forty-characters-for-a-bench",
        }.items():  # fmt: skip
            os.environ[name] = value
        yield server.change()


def _tell(where: str, objects: int, what: str, leg: Leg, ratio: str = "") -> None:
    memory = f"{leg['memory']:.0f}" if leg["memory"] < MEBIBYTES else f"[red]{leg['memory']:.0f}[/]"
    TABLE.add_row(
        f"{objects:,}, {where}", what, f"{leg['cpu']:.2f}", f"{leg['postgres']:.2f}", f"{leg['seconds']:.1f}",
        f"{objects / leg['cpu']:,.0f}", memory, ratio,
    )  # fmt: skip


TABLE = Table(
    "objects", "what", "CPU s", "PostgreSQL CPU s", "wall s", "objects/CPU s", "MiB", "CPU / paginator's",
    title="A whole sync against boto3's own paginator",
    caption=f"CPU of the client's process, its start included. Memory at most {MEBIBYTES} MiB.",
)  # fmt: skip

if __name__ == "__main__":
    main()
