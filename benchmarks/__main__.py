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
from pathlib import Path
from socket import socket
from urllib.parse import urlsplit

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks import data, load
from marketplace import embedded

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "catalogue_bench"
SCENARIOS = {
    "first page": ["/v1/vehicles/"],
    "array filter": [
        f"/v1/vehicles/?genres=Genre{genre}&vehicle_types=Type{vehicle_type}"
        for genre, vehicle_type in [(1, 2), (5, 9), (11, 3), (17, 20), (3, 14), (20, 1), (8, 8), (14, 30)]
    ],
    "detail": [
        f"/v1/vehicles/bench-{n}/" for n in (10, 1_003, 25_001, 50_009, 73_000, 88_005, 99_001, 99_999)
    ],
}


def main() -> None:
    options = arguments()
    for name in ("DATABASE_URL", "DATABASE_URL_FILE"):
        os.environ.pop(name, None)  # never someone's own database
    embedded.start()
    address = prepare_database()
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


def prepare_database() -> str:
    """Make the benchmark's own database beside the catalogue's, migrate and fill it; return its address."""
    address = embedded.database_url()
    with psycopg.connect(address, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING UTF8 LOCALE 'C'")
    address = urlsplit(address)._replace(path=f"/{DATABASE}").geturl()
    environment = os.environ | {"DATABASE_URL": address, "LOG_LEVEL": "WARNING"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, env=environment, check=True
    )
    data.load(address)
    return address


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
    for paths in SCENARIOS.values():
        for path in paths:
            theirs = load.fetch(limit, path).replace(b":%d/" % limit, b":%d/" % ours)
            if load.fetch(ours, path) != theirs:
                raise SystemExit(
                    f"The limit's answer to {path} differs; benchmarks/limit.py must follow the API."
                )


TABLE = Table(
    title=f"{data.ITEMS:,} items; ours against the limit (same bytes, one hand-written SQL statement)"
)
for heading in ("", "requests/s", "p50 ms", "p99 ms", "CPU ms", "limit: requests/s", "p50 ms", "p99 ms", "CPU ms", "capacity: ours / limit", "requests/s: ours / limit"):  # fmt: skip
    TABLE.add_column(heading, justify="right" if heading else "left")


def report(name: str, ours: load.Leg, limit: load.Leg) -> None:
    cells = [
        cell
        for leg in (ours, limit)
        for cell in (
            f"{leg.rate:.0f}",
            f"{1000 * leg.percentile(50):.1f}",
            f"{1000 * leg.percentile(99):.1f}",
            f"{leg.cpu_ms:.2f}",
        )
    ]
    TABLE.add_row(name, *cells, f"{limit.cpu_ms / ours.cpu_ms:.2f}", f"{ours.rate / limit.rate:.2f}")


if __name__ == "__main__":
    main()
