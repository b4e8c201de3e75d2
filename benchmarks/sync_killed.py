"""Measures what syncs promise when they are killed or meet: `python -m benchmarks.security sync-killed sync-together`."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from benchmarks import Finding
from benchmarks.database import ROOT, migrated_database
from benchmarks.replay import replayed

DATABASE = "catalogue_sync_killed"
OBJECTS, POINTS = 30_000, 20
PATIENCE_SECONDS = 30
COMMAND = [sys.executable, "manage.py", "sync_s3", "--json"]
EMPTY = "TRUNCATE catalog_mediaasset, catalog_mediaassetevent, media_sync_syncrun CASCADE"
# A third is in the catalogue already, some of it of other content, and some is in the bucket no more.
BEFORE = """
DELETE FROM catalog_mediaasset WHERE id % 3 = 0;
UPDATE catalog_mediaasset SET etag = 'another' WHERE id % 7 = 0;
UPDATE catalog_mediaasset SET key = key || '.gone', etag = 'gone' WHERE id % 1000 = 1;
"""
# Ids and times differ from run to run; all else must not.
CHECKSUM = """
SELECT encode(sha256(convert_to(string_agg(concat_ws('|', key, item_id, position, kind, etag, size, source_modified, state, processing),
    E'\\n' ORDER BY key), 'UTF8')), 'hex') FROM catalog_mediaasset
"""
VERSIONS = "SELECT sum(xmin::text::bigint), sum(id) FROM catalog_mediaasset"
LEFT = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'sync\\_%'"


def killed() -> list[Finding]:
    """kill -9 at points over the whole time that a sync takes; then it is run again."""
    with _catalogue() as address:
        _prepare(address)
        began = time.monotonic()
        _sync(address)
        seconds, clean = time.monotonic() - began, _one(address, CHECKSUM)
        same = idle = resumed = 0
        for point in range(POINTS):
            _prepare(address)
            with _started(address) as process:
                time.sleep(seconds * (point + random.random()) / POINTS)
                process.send_signal(signal.SIGKILL)
            _sync(address)
            same += _one(address, CHECKSUM) == clean
            resumed += bool(
                _one(address, "SELECT count(*) FROM media_sync_syncrun WHERE log LIKE '%Goes on with%'")
            )
            before = _one(address, VERSIONS)
            _sync(address)
            idle += _one(address, VERSIONS) == before
        left = _one(address, LEFT)
    return [
        (f"{POINTS} of {POINTS} points: {same} tables as after a clean sync", same == POINTS),
        (f"{idle} of {POINTS} further runs wrote no row", idle == POINTS),
        (f"{left} staging schemas left", left == 0),
        (
            f"a clean sync of {OBJECTS:,} objects took {seconds:.1f} s; {resumed} runs went on with a listing",
            None,
        ),
    ]


def together() -> list[Finding]:
    """Two syncs at once."""
    with _catalogue() as address:
        _prepare(address)
        with _started(address) as first, _started(address) as second:
            ends = sorted([first.wait(), second.wait()])
            said = (first.stderr.read() if first.stderr else "") + (
                second.stderr.read() if second.stderr else ""
            )
    sentence = said.strip().splitlines()[-1:]
    return [
        (
            f"two at once ended with {ends}: {' '.join(sentence)}",
            ends == [0, 2] and len(said.splitlines()) == 1,
        )
    ]


@contextmanager
def _catalogue() -> Iterator[str]:
    """Give the address of a database that knows a listing, replayed by a server of our own."""
    before = dict(os.environ)
    address = migrated_database(DATABASE, anew=True)
    try:
        with replayed(OBJECTS) as server:
            os.environ |= {
                "DATABASE_URL": address, "LOG_LEVEL": "CRITICAL", "S3_BUCKET": "bench-sync",
                "S3_ENDPOINT_URL": server.address, "AWS_ACCESS_KEY_ID": "BENCHMARKBENCHMARK01",
                "AWS_SECRET_ACCESS_KEY": "a-secret-of-forty-characters-for-a-bench",
            }  # fmt: skip
            yield address
    finally:
        os.environ.clear()
        os.environ |= before


def _prepare(address: str) -> None:
    """Bring the catalogue to where each measurement begins."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(EMPTY)
        connection.execute("ALTER SEQUENCE catalog_mediaasset_id_seq RESTART")
    _sync(address)
    with psycopg.connect(address) as connection:
        connection.execute(BEFORE)


def _sync(address: str) -> None:
    """Sync; PostgreSQL takes some seconds to notice that a process was killed, and to free its lock."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        with _started(address) as process:
            _, said = process.communicate()
        if not process.returncode:
            return
        if time.monotonic() > until:
            raise SystemExit(f"The sync ended with {process.returncode}: {said}")
        time.sleep(0.5)


@contextmanager
def _started(address: str) -> Iterator["subprocess.Popen[str]"]:
    del address  # stands in the environment
    with subprocess.Popen(
        COMMAND, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process


def _one(address: str, query: str) -> object:
    with psycopg.connect(address, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row if row and len(row) > 1 else row and row[0]


MEASUREMENTS = {"sync-killed": killed, "sync-together": together}
