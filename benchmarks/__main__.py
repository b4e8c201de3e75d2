"""Measures the service against the limit: a bare WSGI app that sends the same bytes from one SQL statement.

Both run under the same gunicorn configuration on the same database and machine, in turns (A B A B).
Compare CPU per request before requests per second: it holds up on a busy machine.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from socket import socket

from rich.console import Console
from rich.table import Table

from benchmarks import data, load
from benchmarks.database import ROOT, migrated_database
from marketplace import embedded

DATABASE = "catalogue_bench"
# numbers of items that are not drafts
PUBLISHED = (1, 12_500, 25_000, 37_500, 50_000, 62_500, 75_000, 87_500)
SCENARIOS = {
    "first page": ["/v1/vehicles/"],
    "array filter": [
        f"/v1/vehicles/?genres=Genre{genre}&vehicle_types=Type{vehicle_type}"
        for genre, vehicle_type in [(1, 2), (5, 9), (11, 3), (17, 20), (3, 14), (20, 1), (8, 8), (14, 30)]
    ],
    "detail": [f"/v1/vehicles/bench-{n}/" for n in PUBLISHED],
}


def main() -> None:
    options = arguments()
    address = migrated_database(DATABASE)
    data.load(address)
    postgres = int((embedded.var_dir() / "postgres" / "postmaster.pid").read_text().split()[0])
    with server("marketplace.wsgi", address) as ours, server("benchmarks.limit", address) as limit:
        check_same_bytes(ours[1], limit[1])
        for name, paths in SCENARIOS.items():
            legs: dict[str, list[load.Leg]] = {"ours": [], "limit": []}
            for _ in range(options.rounds):
                for side, (pid, port) in (("ours", ours), ("limit", limit)):
                    leg = load.measure(
                        port,
                        paths,
                        seconds=options.seconds,
                        connections=options.connections,
                        server=pid,
                        postgres=postgres,
                    )
                    legs[side].append(leg)
            report(name, load.joined(legs["ours"]), load.joined(legs["limit"]))
    Console().print(TABLE)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="length of one leg (default 4)")
    parser.add_argument("--rounds", type=int, default=3, help="legs of each side in turn (default 3)")
    parser.add_argument("--connections", type=int, default=8, help="keep-alive connections (default 8)")
    return parser.parse_args()


@contextmanager
def server(module: str, address: str) -> Iterator[tuple[int, int]]:
    """Serve `module:application` by gunicorn; give its process id and port."""
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"DATABASE_URL": address, "PORT": str(port), "LOG_LEVEL": "WARNING"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "python:marketplace.gunicorn", f"{module}:application"],
        cwd=ROOT,
        env=environment,
    )
    try:
        wait_until_answered(process, port)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(30)


def wait_until_answered(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            load.fetch(port, SCENARIOS["detail"][0])
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("gunicorn did not start.")


def check_same_bytes(ours: int, limit: int) -> None:
    """Refuse to compare servers that answer differently (but for their own ports in addresses)."""
    for path in (path for paths in SCENARIOS.values() for path in paths):
        answers = load.fetch(ours, path), load.fetch(limit, path).replace(b":%d/" % limit, b":%d/" % ours)
        if answers[0] != answers[1]:
            place = next((n for n, (a, b) in enumerate(zip(*answers, strict=False)) if a != b), 0)
            raise SystemExit(
                f"benchmarks/limit.py must follow the API: {path} differs at byte {place}:"
                f" {answers[0][place - 60 : place + 60]!r} is {answers[1][place - 60 : place + 60]!r} there."
            )


TABLE = Table(
    title=f"{data.ITEMS:,} items. The limit sends the same bytes from one hand-written SQL statement.",
    caption="Capacity is requests per CPU second, of the server and PostgreSQL together.",
)
for heading in ("request", "server", "requests/s", "p50 ms", "p99 ms", "CPU ms"):
    TABLE.add_column(heading, justify="left" if heading in {"request", "server"} else "right")


def report(name: str, ours: load.Leg, limit: load.Leg) -> None:
    for server_name, leg in (("ours", ours), ("limit", limit)):
        latencies = (f"{1000 * leg.percentile(hundredth):.1f}" for hundredth in (50, 99))
        TABLE.add_row(name, server_name, f"{leg.rate:.0f}", *latencies, f"{leg.cpu_ms:.2f}")
    ratios = (ours.percentile(50) / limit.percentile(50), ours.percentile(99) / limit.percentile(99))
    TABLE.add_row(
        name,
        "ours / limit",
        f"{ours.rate / limit.rate:.2f}",
        *(f"{ratio:.1f}" for ratio in ratios),
        f"capacity {limit.cpu_ms / ours.cpu_ms:.2f}",
        end_section=True,
    )


if __name__ == "__main__":
    main()
