"""Measures the service against the limit: a bare WSGI app that sends the same answers from one SQL statement each.

Both run under the same gunicorn configuration on the same database and machine, in turns (A B A B).
Compare CPU per request before requests per second: it holds up on a busy machine.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from socket import socket
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks import data, load
from benchmarks.database import ROOT, migrated_database
from benchmarks.lines import LIST, Line, lines
from marketplace import embedded

WIDTH = 110  # columns of the tables, wherever they are printed
UNLIMITED = {"RATE_LIMITS": "anonymous=off,client=off,write=off,export=off"}


class Server(NamedTuple):
    """A running gunicorn: its process id and port."""

    pid: int
    port: int


class Bench:
    """One run: its options, PostgreSQL's process id, and the table that it fills."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.postgres = int((embedded.var_dir() / "postgres" / "postmaster.pid").read_text().split()[0])
        self.table = Table(
            title=f"{options.items:,} items. The limit sends the same answers from one hand-written SQL statement each.",
            caption="Capacity is requests per CPU second, of the server and PostgreSQL together.",
        )
        for heading in ("request", "server", "requests/s", "p50 ms", "p99 ms", "CPU ms"):
            self.table.add_column(heading, justify="left" if heading in {"request", "server"} else "right")

    def compare(self, name: str, **sides: tuple[Server, list[str], Mapping[str, str]]) -> None:
        """Measure two sides in turns: a server, its paths and the headers that go with each request."""
        for server, paths, headers in sides.values():  # statements are compiled and prepared, caches filled
            self.leg(server, paths, headers, connections=self.options.connections)
        legs: dict[str, list[load.Leg]] = {side: [] for side in sides}
        for _ in range(self.options.rounds):
            for side, (server, paths, headers) in sides.items():
                legs[side].append(self.leg(server, paths, headers, connections=self.options.connections))
        self.report(name, {side: load.joined(measured) for side, measured in legs.items()})

    def leg(
        self, server: Server, paths: list[str], headers: Mapping[str, str], *, connections: int
    ) -> load.Leg:
        return load.measure(
            server.port,
            paths,
            headers,
            seconds=self.options.seconds,
            connections=connections,
            server=server.pid,
            postgres=self.postgres,
        )

    def report(self, name: str, legs: Mapping[str, load.Leg]) -> None:
        for side, leg in legs.items():
            latencies = (f"{1000 * leg.percentile(hundredth):.1f}" for hundredth in (50, 99))
            self.table.add_row(name, side, f"{leg.rate:.0f}", *latencies, f"{leg.cpu_ms:.2f}")
        (ours, own), (other, least) = legs.items()
        ratios = (own.percentile(hundredth) / least.percentile(hundredth) for hundredth in (50, 99))
        self.table.add_row(
            name,
            f"{ours} / {other}",
            f"{own.rate / least.rate:.2f}",
            *(f"{ratio:.1f}" for ratio in ratios),
            f"capacity {least.cpu_ms / own.cpu_ms:.2f}",
            end_section=True,
        )


def main() -> None:
    options = arguments()
    address, small = catalogue(options.items), catalogue(options.items // 10)
    bench = Bench(options)
    with ExitStack() as running:
        start = running.enter_context
        ours = start(server("benchmarks.cold", address))
        limit = start(server("benchmarks.limit", address))
        every = lines(address, ours.port)
        check_same_answers(every, ours.port, limit.port)
        for line in every:
            bench.compare(line.name, ours=(ours, list(line.ours), {}), limit=(limit, list(line.limits), {}))
        repeated(bench, address)
        console = Console(width=WIDTH)
        console.print(bench.table)
        console.print(growth(bench, ours, start(server("benchmarks.cold", small)), small))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--items", type=int, default=100_000, help="size of the catalogue (default 100000)")
    parser.add_argument("--seconds", type=float, default=2, help="length of one leg (default 2)")
    parser.add_argument("--rounds", type=int, default=2, help="legs of each side in turn (default 2)")
    parser.add_argument("--connections", type=int, default=8, help="keep-alive connections (default 8)")
    return parser.parse_args()


def catalogue(items: int) -> str:
    """Return the address of a database with so many items; it is made once."""
    address = migrated_database(f"catalogue_bench_{items}")
    data.load(address, items)
    return address


def repeated(bench: Bench, address: str) -> None:
    """Ask for what was answered before, beside a bare Django view that makes the answer each time."""
    with server("marketplace.wsgi", address) as ours, server("benchmarks.bare", address) as bare:
        tag = {"If-None-Match": load.tag(ours.port, LIST)}
        for name, headers in (("first page again", {}), ("first page again, 304", tag)):
            bench.compare(name, ours=(ours, [LIST], headers), bare_view=(bare, [LIST], {}))


def growth(bench: Bench, large: Server, small: Server, address: str) -> Table:
    """Return how the median of each line grows with the catalogue: one request at a time, in turns."""
    table = Table(title="Ten times as many items: p50 of one request at a time, ms")
    for heading in ("request", f"{bench.options.items // 10:,}", f"{bench.options.items:,}", "growth"):
        table.add_column(heading, justify="left" if heading == "request" else "right")
    # The small catalogue's items are in the large one too.
    for few, many in zip(lines(address, small.port), lines(address, large.port), strict=True):
        middles = [
            1000 * bench.leg(server, list(paths), {}, connections=1).percentile(50)
            for server, paths in ((small, few.ours), (large, many.ours))
        ]
        table.add_row(few.name, *(f"{middle:.1f}" for middle in middles), f"{middles[1] / middles[0]:.2f}")
    return table


@contextmanager
def server(module: str, address: str) -> Iterator[Server]:
    """Serve `module:application` by gunicorn, on a free port."""
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = (
        os.environ | {"DATABASE_URL": address, "PORT": str(port), "LOG_LEVEL": "WARNING"} | UNLIMITED
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "python:marketplace.gunicorn", f"{module}:application"],
        cwd=ROOT,
        env=environment,
    )
    try:
        wait_until_answered(process, port)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(90)  # gunicorn gives running requests 30 seconds


def wait_until_answered(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            load.fetch(port, LIST)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("gunicorn did not start.")


def check_same_answers(every: list[Line], ours: int, limit: int) -> None:
    """Refuse to compare servers that answer differently (but for their own ports in addresses, and blanks)."""
    for line in every:
        for path in line.ours if line.has_same_answers else ():
            answers = answer(ours, path), answer(limit, path)
            if answers[0] != answers[1]:
                texts = [json.dumps(each) for each in answers]
                place = next((n for n, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), 0)
                here, there = (text[max(0, place - 60) : place + 60] for text in texts)
                raise SystemExit(
                    f"benchmarks/limit.py must follow the API: {path} answers {here!r}, there {there!r}."
                )


def answer(port: int, path: str) -> Any:
    """Return the answer's JSON, names in their order."""
    return json.loads(
        load.fetch(port, path).replace(b":%d/" % port, b"/"), object_pairs_hook=lambda pairs: pairs
    )


if __name__ == "__main__":
    main()
