"""Measures what writes over the API promise, on a real gunicorn and a database of its own: `python -m benchmarks.security`."""

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from socket import socket
from typing import Any, NamedTuple

import psutil
import psycopg

from benchmarks import Finding
from benchmarks.database import ROOT, migrated_database

DATABASE = "catalogue_writes"
WORKERS = 4
CHANGES, SAME_KEY = 100, 50  # at the same moment
ITEMS, CLIENTS, KILLS = 400, 8, 12
PATIENCE_SECONDS = 120
VEHICLES = "/v1/vehicles/"
# Runs in Django: a superuser, and a key of his.
KEY_SCRIPT = """
from accounts import keys
from accounts.models import ApiKey, User
person = User.objects.create_superuser("drill", "drill@example.com", "Zephyr 51 gullwing")
print(keys.issue(ApiKey(owner=person, name="Drill", scopes=["write"]), days=1))
"""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_replayed(self) -> bool:
        return "Idempotency-Replayed" in self.headers


class Server(NamedTuple):
    process: "subprocess.Popen[bytes]"
    port: int
    address: str
    key: str

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as client:
            known = {"Content-Type": "application/json", "Authorization": f"Api-Key {self.key}"}
            client.request(method, path, json.dumps(body), known | (headers or {}))
            answer = client.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def one(self, query: str) -> Any:
        with psycopg.connect(self.address) as connection:
            found = connection.execute(query.encode()).fetchone()
            return found and found[0]


def writes() -> list[Finding]:
    """Changes with one ETag, requests with one key, and killed workers, one after the other on one server."""
    with served() as server:
        return [*one_tag(server), *one_key(server), *killed(server)]


def one_tag(server: Server) -> list[Finding]:
    """Changes at the same moment, all with the ETag that was read before: one is done."""
    made = server.ask("POST", VEHICLES, {"reference": "TAG", "name": "Car"})
    condition = {"If-Match": made.headers["ETag"]}
    path = VEHICLES + json.loads(made.body)["slug"] + "/"
    prices = range(1, CHANGES + 1)
    answers = at_once(
        [partial(server.ask, "PATCH", path, {"price": str(price)}, condition) for price in prices]
    )
    found = Counter(answer.status for answer in answers)
    version = server.one("SELECT version FROM catalog_item WHERE reference = 'TAG'")
    is_kept = found == {200: 1, 412: CHANGES - 1} and version == 2
    return [
        (
            f"{CHANGES} changes with one ETag at once, {WORKERS} processes: {dict(found)}, version {version}",
            is_kept,
        )
    ]


def one_key(server: Server) -> list[Finding]:
    """The same request at the same moment with one Idempotency-Key: one row, and one answer."""
    body, key = {"reference": "KEY", "name": "Car"}, {"Idempotency-Key": "k"}
    answers = at_once([partial(server.ask, "POST", VEHICLES, body, key)] * SAME_KEY)
    found = Counter(answer.status for answer in answers)
    told = {answer.body for answer in answers if answer.status == http.HTTPStatus.CREATED}
    other = server.ask("POST", VEHICLES, body | {"name": "Other"}, key).status
    rows = server.one("SELECT count(*) FROM catalog_item WHERE reference = 'KEY'")
    is_kept = found.keys() <= {201, 409} and (len(told), rows, other) == (1, 1, 422)
    sentence = (
        f"{SAME_KEY} equal keys at once: {dict(found)}, {len(told)} answer, {rows} row; another body: {other}"
    )
    return [(sentence, is_kept)]


def killed(server: Server) -> list[Finding]:
    """kill -9 of workers while items are added with keys; who hears nothing, asks again until he is answered."""
    over, repeated = threading.Event(), Counter[str]()
    killer = threading.Thread(target=_kill, args=(server, over, repeated))
    killer.start()
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(partial(_added, server, repeated), range(ITEMS)))
    over.set()
    killer.join()
    _until_it_answers(server)
    again = [server.ask("POST", VEHICLES, _new(number), _key(number)) for number in range(0, ITEMS, 10)]
    rows = server.one("SELECT count(*) FROM catalog_item WHERE reference LIKE 'A-%'")
    versions = server.one("SELECT count(*) FROM catalog_itemevent WHERE reference LIKE 'A-%'")
    same = sum(first.body == second.body for first, second in zip(answers[::10], again, strict=True))
    is_kept = (rows, versions, same) == (ITEMS, ITEMS, len(again)) and all(each.is_replayed for each in again)
    return [
        (f"{ITEMS} items, {repeated['killed']} workers killed: {rows} rows, {versions} in the history", is_kept),
        (f"{repeated['unheard']} requests were sent again; {repeated['replayed']} of them got the answer that was lost", None),
    ]  # fmt: skip


def _new(number: int) -> dict[str, str]:
    return {"reference": f"A-{number}", "name": "Car"}


def _key(number: int) -> dict[str, str]:
    return {"Idempotency-Key": f"k-{number}"}


def _added(server: Server, repeated: Counter[str], number: int) -> Answer:
    deadline, waited = time.monotonic() + PATIENCE_SECONDS, False
    while time.monotonic() < deadline:
        try:
            answer = server.ask("POST", VEHICLES, _new(number), _key(number))
        except (OSError, http.client.HTTPException):
            waited = True
            repeated["unheard"] += 1
            time.sleep(0.1)
            continue
        if answer.status == http.HTTPStatus.CREATED:
            repeated["replayed"] += waited and answer.is_replayed
            return answer
        # A conflict: the killed worker's transaction may run on for a moment.
        if answer.status != http.HTTPStatus.CONFLICT:
            raise SystemExit(f"{answer.status} {answer.body!r}")
        time.sleep(0.1)
    raise SystemExit(f"Item {number} was never answered.")


def _kill(server: Server, over: threading.Event, repeated: Counter[str]) -> None:
    chance = random.Random(1964)
    for _ in range(KILLS):
        if over.wait(chance.uniform(0.5, 2)):
            return
        workers = psutil.Process(server.process.pid).children()
        if workers:
            chance.choice(workers).kill()
            repeated["killed"] += 1


def at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    barrier = threading.Barrier(len(calls))

    def ask(call: Callable[[], Answer]) -> Answer:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(ask, calls))


@contextmanager
def served() -> Iterator[Server]:
    """Serve an empty catalogue by the production's gunicorn settings."""
    address = migrated_database(DATABASE, anew=True)
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "DATABASE_URL": address, "PORT": str(port), "WEB_CONCURRENCY": str(WORKERS), "LOG_LEVEL": "CRITICAL",
        "RATE_LIMITS": "write=off",
    }  # fmt: skip
    shell = [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", KEY_SCRIPT]
    said = subprocess.run(shell, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    serve = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "python:marketplace.gunicorn",
        "marketplace.wsgi:application",
    ]
    process = subprocess.Popen(serve, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    server = Server(process, port, address, said.stdout.strip())
    try:
        _until_it_answers(server)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def _until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if server.ask("GET", "/v1/terms/").status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("gunicorn did not start.")


MEASUREMENTS: dict[str, Callable[[], list[Finding]]] = {"writes": writes}
