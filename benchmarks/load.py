"""A load generator: a few keep-alive connections that ask as fast as they are answered."""

import http.client
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

CLOCK_TICKS = 100  # of /proc/<pid>/stat, per second (USER_HZ)


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One measurement: latencies in seconds, CPU in seconds of the server and of PostgreSQL."""

    latencies: tuple[float, ...]
    elapsed: float
    server_cpu: float
    postgres_cpu: float

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.elapsed

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per request, of the server and PostgreSQL together."""
        return 1000 * (self.server_cpu + self.postgres_cpu) / len(self.latencies)

    def percentile(self, hundredth: int) -> float:
        return quantiles(self.latencies, n=100)[hundredth - 1]


def joined(legs: list[Leg]) -> Leg:
    return Leg(
        latencies=tuple(latency for leg in legs for latency in leg.latencies),
        elapsed=sum(leg.elapsed for leg in legs),
        server_cpu=sum(leg.server_cpu for leg in legs),
        postgres_cpu=sum(leg.postgres_cpu for leg in legs),
    )


def measure(
    port: int,
    paths: list[str],
    headers: Mapping[str, str],
    *,
    seconds: float,
    connections: int,
    server: int,
    postgres: int,
) -> Leg:
    """Ask for the paths in turn over several connections; `server` and `postgres` are their first processes' ids."""
    latencies: list[float] = []
    before = (tree_cpu(server), tree_cpu(postgres))
    start = time.perf_counter()
    threads = [
        threading.Thread(
            target=_ask,
            args=(
                port,
                paths[n % len(paths) :] + paths[: n % len(paths)],
                headers,
                start + seconds,
                latencies,
            ),
        )
        for n in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    after = (tree_cpu(server), tree_cpu(postgres))
    return Leg(
        latencies=tuple(latencies),
        elapsed=elapsed,
        server_cpu=after[0] - before[0],
        postgres_cpu=after[1] - before[1],
    )


def fetch(port: int, path: str) -> bytes:
    return _fetched(port, path)[1]


def tag(port: int, path: str) -> str:
    """Return the entity tag of an answer."""
    return _fetched(port, path)[0].headers["ETag"]


def _fetched(port: int, path: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path} on port {port} answered {answer.status}: {body[:300]!r}")
    return answer, body


def _ask(port: int, paths: list[str], headers: Mapping[str, str], end: float, latencies: list[float]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    turn = 0
    while (begin := time.perf_counter()) < end:
        connection.request("GET", paths[turn % len(paths)], headers=dict(headers))
        answer = connection.getresponse()
        answer.read()
        if answer.status not in {200, 304}:
            raise SystemExit(f"{paths[turn % len(paths)]} answered {answer.status}")
        latencies.append(time.perf_counter() - begin)
        turn += 1


def tree_cpu(root: int) -> float:
    """Return the CPU seconds of a process, its children, and those of them that have ended."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                parents[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / CLOCK_TICKS)
    family, total = {root}, parents.get(root, (0, 0.0))[1]
    while new := {pid for pid, (parent, _) in parents.items() if parent in family and pid not in family}:
        total += sum(parents[pid][1] for pid in new)
        family |= new
    return total


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the state on (the name before it may hold blanks)."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
