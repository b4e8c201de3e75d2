"""Measures sign-in under attack, on a real gunicorn and a database of its own: `python -m benchmarks.security`.

Every client has a loopback address of its own (127.0.0.0/8).
"""

import http.client
import itertools
import json
import math
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from socket import socket
from statistics import median, quantiles

import psutil
import psycopg

from benchmarks import Finding
from benchmarks.database import ROOT, migrated_database
from marketplace import embedded

DATABASE = "catalogue_sign_in"
PASSWORD = "Zephyr 51 gullwing"
TRIES = 4  # on one account; the fifth would be its last
SAMPLES = 300  # of each kind
ACCOUNTS = math.ceil(SAMPLES / TRIES)
OPEN, LOCKED = ("existing", "absent", "inactive", "unusable"), ("locked", "locked-absent")
PEOPLE = 50

# Runs in Django: accounts of each kind; those of the kind "right" sign in with PASSWORD.
ACCOUNTS_SCRIPT = """
from django.contrib.auth.hashers import make_password
from accounts.models import AttemptCount, User
AttemptCount.objects.all().delete()
User.objects.all().delete()
one = make_password({password!r})
def make(kind, count, **fields):
    User.objects.bulk_create(User(username=f"{{kind}}-{{n}}", **{{"password": one, **fields}}) for n in range(count))
for kind in ("existing", "locked"):
    make(kind, {accounts})
make("inactive", {accounts}, is_active=False)
make("unusable", {accounts}, password=make_password(None))
make("right", {people})
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float

    @property
    def told(self) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        """What a client can compare: without what differs with every request."""
        return self.status, self.headers, self.body


@dataclass(frozen=True)
class Server:
    process: "subprocess.Popen[bytes]"
    port: int
    address: str

    def workers(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children()
        return found

    def rss(self) -> int:
        return sum(worker.memory_info().rss for worker in self.workers())


_clients = itertools.count(1)


def new_address() -> str:
    """Return a loopback address that no attempt has come from."""
    number = next(_clients)
    return f"127.{1 + number // 60_000}.{number // 250 % 240 + 1}.{number % 250 + 1}"


def sign_in(
    server: Server,
    username: str,
    password: str = "wrong",
    address: str = "",
    *,
    headers: dict[str, str] | None = None,
    ready: Callable[[], object] = lambda: None,
) -> Answer:
    """Sign in from the address, or from a new one, over a new connection; `ready` is called before the request."""
    client = http.client.HTTPConnection(
        "127.0.0.1", server.port, timeout=120, source_address=(address or new_address(), 0)
    )
    with closing(client):
        client.connect()
        body = json.dumps({"username": username, "password": password})
        ready()
        start = time.perf_counter()
        client.request(
            "POST", "/v1/auth/token/", body, {"Content-Type": "application/json", **(headers or {})}
        )
        answer = client.getresponse()
        content = answer.read()
        seconds = time.perf_counter() - start
        kept = [
            each for each in answer.getheaders() if each[0] not in {"Date", "X-Request-ID", "Retry-After"}
        ]
        return Answer(answer.status, tuple(kept), content, seconds)


def at_once(calls: list[Callable[..., Answer]]) -> list[Answer]:
    """Make the calls from threads of their own, all connected before the first one asks."""
    barrier = threading.Barrier(len(calls))
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(ready=barrier.wait), calls))


def enumeration() -> list[Finding]:
    """Whether an account exists must show neither in the answer nor in the time it takes."""
    with served(workers=2) as server:
        for kind, number, _ in itertools.product(LOCKED, range(ACCOUNTS), range(5)):
            sign_in(server, f"{kind}-{number}")
        turns = [
            (kind, f"{kind}-{number}")
            for kind in OPEN + LOCKED
            for number in range(ACCOUNTS)
            for _ in range(TRIES)
        ]
        random.Random(7).shuffle(turns)
        answers: dict[str, list[Answer]] = {kind: [] for kind in OPEN + LOCKED}
        for kind, name in turns:
            answers[kind].append(sign_in(server, name))
    return [finding for kinds in (OPEN, LOCKED) for finding in _alike(kinds, answers)]


def _alike(kinds: tuple[str, ...], answers: dict[str, list[Answer]]) -> Iterator[Finding]:
    told = {answer.told for kind in kinds for answer in answers[kind]}
    yield f"{len(told)} distinct answers for {', '.join(kinds)}: {[each[0] for each in told]}", len(told) == 1
    times = {kind: [answer.seconds for answer in answers[kind]] for kind in kinds}
    middles = {kind: median(each) for kind, each in times.items()}
    shown = ", ".join(f"{kind} {1000 * middle:.2f} ms" for kind, middle in middles.items())
    spread = max(middles.values()) / min(middles.values()) - 1
    yield f"medians of {SAMPLES}: {shown}; {100 * spread:.1f} % apart (at most 5 %)", spread <= 0.05
    p = min(rank_test(times[kinds[0]], times[kind]) for kind in kinds[1:])
    yield f"least p of Mann-Whitney against {kinds[0]}: {p:.3f} (more than 0.01)", p > 0.01


def rank_test(left: list[float], right: list[float]) -> float:
    """Return the two-sided p of the Mann-Whitney test, by its normal approximation (times hardly tie)."""
    ranked = sorted([(value, 0) for value in left] + [(value, 1) for value in right])
    ranks = sum(rank for rank, (_, side) in enumerate(ranked, start=1) if side == 0)
    a, b = len(left), len(right)
    u = ranks - a * (a + 1) / 2
    z = (u - a * b / 2) / math.sqrt(a * b * (a + b + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def guessing() -> list[Finding]:
    """200 guesses at once over four processes, from 200 addresses that claim 200 more: five are judged."""
    with served(workers=4) as server:
        sign_in(server, "right-0", PASSWORD, "127.0.0.9")  # so that this address is known
        before = _judged(server)
        claims = [
            {"X-Forwarded-For": ip, "X-Real-IP": ip, "Forwarded": f"for={ip}"}
            for ip in (f"192.0.2.{n}" for n in range(200))
        ]
        guesses: list[Callable[..., Answer]] = [
            partial(sign_in, server, "right-0", headers=claim) for claim in claims
        ]
        start = time.perf_counter()
        statuses = Counter(answer.status for answer in at_once(guesses))
        seconds = time.perf_counter() - start
        judged = _judged(server) - before
        right = [
            sign_in(server, *who).status
            for who in (
                ("right-0", PASSWORD, "127.0.0.8"),
                ("right-0", PASSWORD),
                ("right-0", PASSWORD, "127.0.0.9"),
                ("right-1", PASSWORD),
            )
        ]
        sprayed = Counter(sign_in(server, f"existing-{n}", address="127.0.0.7").status for n in range(100))
    return [
        (
            f"200 guesses in {seconds:.1f} s: {dict(statuses)}, {judged} judged",
            statuses == {401: 5, 429: 195},
        ),
        (f"{judged} failures on record (at most 5)", judged <= 5),
        (f"then the right password, from there and elsewhere: {right[:2]}", right[:2] == [429, 429]),
        (f"from a known address: {right[2]}; another account: {right[3]}", right[2:] == [200, 200]),
        (f"100 accounts from one address: {dict(sprayed)}", sprayed == {401: 60, 429: 40}),
    ]


def _judged(server: Server) -> int:
    """Return how many wrong passwords were hashed: each leaves a row."""
    with psycopg.connect(server.address) as connection:
        row = connection.execute(
            "SELECT count(*) FROM accounts_auditevent WHERE action = 'sign_in_failed' AND detail = '{}'"
        ).fetchone()
    return int(row[0]) if row else 0


def memory() -> list[Finding]:
    """50 sign-ins at once, under the production's gunicorn settings."""
    with served(workers=2) as server:
        for number in range(4):
            sign_in(server, f"right-{number}", PASSWORD)
        before, peak, probes = server.rss(), [0], list[float]()
        over = threading.Event()
        watchers = [
            threading.Thread(target=_watch_memory, args=(server, over, peak)),
            threading.Thread(target=_probe, args=(server, over, probes)),
        ]
        for watcher in watchers:
            watcher.start()
        start = time.perf_counter()
        answers = at_once([partial(sign_in, server, f"right-{n}", PASSWORD) for n in range(PEOPLE)])
        seconds = time.perf_counter() - start
        over.set()
        for watcher in watchers:
            watcher.join()
    growth = (peak[0] - before) / 1e6
    statuses = Counter(answer.status for answer in answers)
    slow = quantiles(probes, n=20)[18] * 1000
    return [
        (f"{PEOPLE} sign-ins in {seconds:.1f} s: {dict(statuses)}", statuses == {200: PEOPLE}),
        (f"memory {before / 1e6:.0f} MB, grew by {growth:.0f} MB (at most 400 MB)", growth <= 400),
        (f"/healthz meanwhile: p95 {slow:.0f} ms of {len(probes)}", None),
    ]


def _watch_memory(server: Server, over: threading.Event, peak: list[int]) -> None:
    while not over.wait(0.005):
        peak[0] = max(peak[0], server.rss())


def _probe(server: Server, over: threading.Event, probes: list[float]) -> None:
    while not over.wait(0.01):
        start = time.perf_counter()
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as client:
            client.request("GET", "/healthz")
            client.getresponse().read()
        probes.append(time.perf_counter() - start)


@contextmanager
def served(*, workers: int) -> Iterator[Server]:
    """Serve a database of our own, with accounts of each kind, by the production's gunicorn settings."""
    os.environ.pop("TRUSTED_PROXIES", None)
    address = migrated_database(DATABASE)
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "DATABASE_URL": address, "PORT": str(port), "WEB_CONCURRENCY": str(workers), "LOG_LEVEL": "CRITICAL",
    }  # fmt: skip
    script = ACCOUNTS_SCRIPT.format(password=PASSWORD, accounts=ACCOUNTS, people=PEOPLE)
    words = [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", script]
    subprocess.run(words, cwd=ROOT, env=environment, check=True)
    log = embedded.var_dir() / "benchmarks.sign_in.log"
    words = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "python:marketplace.gunicorn",
        "marketplace.wsgi:application",
    ]
    with log.open("wb") as lines:
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=lines)
    server = Server(process, port, address)
    try:
        _wait(server)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _wait(server: Server) -> None:
    """Wait until every worker has answered: an absent account costs each the same first steps."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            for _ in range(20):
                sign_in(server, f"nobody-{next(_clients)}")
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"gunicorn did not start; {embedded.var_dir()}/benchmarks.sign_in.log says why.")


MEASUREMENTS: dict[str, Callable[[], list[Finding]]] = {
    "enumeration": enumeration,
    "guessing": guessing,
    "memory": memory,
}
