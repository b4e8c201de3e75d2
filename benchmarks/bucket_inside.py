"""The measurements of a bucket that fails; benchmarks.bucket runs each in a process and a database of its own.

The server is the embedded one, behind benchmarks.chaos.
"""

# ruff: noqa: E402  (Django first)

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import quantiles
from typing import Any

import django

django.setup()

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection

from accounts.models import User
from accounts.roles import ROLES, keep
from benchmarks import Finding
from benchmarks.__main__ import server
from benchmarks.chaos import CALM, DEAD, Chaos, Odds, chaos
from benchmarks.database import ROOT
from benchmarks.uploader import Uploader, send
from catalog.models import MediaAsset, MediaState
from catalog.tests.factories import VehicleFactory
from marketplace import embedded
from marketplace.commands import lift_request_limits
from media_sync.models import SyncRun

SEED = 1964
OBJECTS, KILLS, CHANGES = 10_000, 20, 30
FAILING = Odds()
SLOW = Odds(busy=0, reset=0, delay=1, truncate=0, longest_delay=3)
UPLOADS, AT_ONCE = 1_000, 8
MOST_SECONDS, DEAD_SECONDS, STUCK_SECONDS = 15, 6, 10
ROUNDS, LEG_SECONDS, HARMED = 5, 4, 1.10
READS = ["/v1/vehicles/", "/v1/vehicles/bench-1/", "/v1/items/?q=bench"]
SYNC = [sys.executable, "manage.py", "sync_s3"]
# What a sync that has nothing to do may not touch.
TRACES = """SELECT (SELECT coalesce(sum(xmin::text::bigint), 0) FROM catalog_mediaasset),
    (SELECT last_value FROM catalog_mediaasset_id_seq), (SELECT count(*) FROM catalog_mediaassetevent)"""


def syncs_in_chaos() -> list[Finding]:
    """kill -9 of syncs through failing calls, while the bucket changes; in the end both sides must agree."""
    chance = random.Random(SEED)
    bucket = _Bucket("chaos-sync")
    bucket.fill(OBJECTS)
    with chaos(settings.S3_ENDPOINT_URL, FAILING, seed=SEED) as proxy:
        environment = _environment(proxy, bucket.name)
        seconds = _timed(lambda: _sync(environment, "--dry-run"))
        for _ in range(KILLS):
            with _started(SYNC, environment) as process:
                time.sleep(chance.uniform(0.2, 1.1) * seconds)
                process.kill()
            bucket.change(CHANGES, chance)
        runs = _until_it_ends_well(environment)
        # It went on with a listing that an earlier one had begun: what changed behind that is the next one's.
        runs += _until_it_ends_well(environment)
        told = _differences(bucket)
        before = _row(TRACES)
        _until_it_ends_well(environment)
        wrote = _row(TRACES) != before
        fates = proxy.fates()
        refusal = _second_while_one_runs(proxy, environment)
    bucket.remove()
    asked, failed = sum(fates.values()), sum(fates.get(name, 0) for name in ("busy", "reset", "truncate"))
    wrong = {name: number for name, number in told.items() if number}
    return [
        (f"{KILLS} kills, then {runs} runs until two ended well: {wrong or 'records and objects are equal'}", not wrong),
        (f"a further run {'wrote' if wrote else 'wrote nothing'}", not wrote),
        (f"a second at once: {refusal!r}", "Another sync" in refusal),
        (f"{OBJECTS:,} objects; {failed} of {asked} calls failed; {SyncRun.objects.count()} runs are recorded", None),
    ]  # fmt: skip


def dead_bucket() -> list[Finding]:
    """Reads of the catalogue beside uploads that meet a bucket which takes connections and never answers."""
    found: list[Finding] = []
    bucket = _Bucket("chaos-dead")
    with chaos(settings.S3_ENDPOINT_URL, CALM) as proxy, _service(proxy, bucket.name) as service:
        uploads = [service.announce(b"%d" % n, [])["links"]["complete"] for n in range(AT_ONCE // 2)]
        alone: list[float] = []
        beside: list[float] = []
        answers: list[tuple[int, float]] = []
        for _ in range(ROUNDS):
            proxy.become(CALM)
            alone += _reads(service)
            proxy.become(DEAD)
            with _meanwhile(
                lambda: answers.extend([service.complete(each) for each in uploads]), len(uploads)
            ):
                beside += _reads(service)
        ratio = _p95(beside) / _p95(alone)
        statuses, worst = Counter(status for status, _ in answers), max(seconds for _, seconds in answers)
        found.append(
            (f"p95 of reads beside {len(uploads)} clients that wait: {ratio:.2f} times that alone ({1000 * _p95(alone):.0f} ms),"
             f" at most {HARMED}", ratio <= HARMED)
        )  # fmt: skip
        found.append((f"{len(answers)} answers {dict(statuses)}, the slowest after {worst:.1f} s, at most {DEAD_SECONDS}",
                      set(statuses) == {503} and worst <= DEAD_SECONDS))  # fmt: skip
        time.sleep(STUCK_SECONDS)
        busy = _timed(lambda: _at_once(lambda: service.ask("GET", READS[0])[0], 16))
        found.append(
            (f"{STUCK_SECONDS} s later 16 requests at once took {busy:.2f} s: no thread is stuck", busy < 1)
        )
        proxy.become(CALM)
    bucket.remove()
    return found


def uploads_in_chaos() -> list[Finding]:
    """Uploads whose every call to the bucket, the client's own too, may fail; the client repeats what failed."""
    name = "chaos-uploads"
    bucket = _Bucket(name)
    contents = [b"Provenance of number %d. " % n * (1 + n % 400) for n in range(UPLOADS)]
    with chaos(settings.S3_ENDPOINT_URL, FAILING, seed=SEED) as proxy, _service(proxy, name) as service:
        seconds: list[float] = []
        tries: Counter[int] = Counter()

        def bring(content: bytes) -> str:
            upload = service.announce(content, seconds)
            status, tried = 0, 0
            while status != 200:
                tried += 1
                send(upload["send"], content)
                status, taken = service.complete(upload["links"]["complete"])
                seconds.append(taken)
                if status not in {200, 202, 503}:
                    raise SystemExit(f"completing was answered {status}")
            tries[tried] += 1
            return service.state(upload["url"])

        with ThreadPoolExecutor(AT_ONCE) as pool:
            states = Counter(pool.map(bring, contents))
        fates = proxy.fates()
    lost, partial = _lost_and_partial(bucket, contents)
    doubled = MediaAsset.objects.count() - UPLOADS
    bucket.remove()
    failed = sum(fates.get(each, 0) for each in ("busy", "reset", "truncate"))
    once = tries[1] / UPLOADS
    return [
        (f"{UPLOADS:,} uploads: {dict(states)}, {lost} lost, {partial} partial, {doubled} doubled",
         (lost, partial, doubled) == (0, 0, 0)),
        (f"the slowest call of the service took {max(seconds):.1f} s, at most {MOST_SECONDS}; p99 {quantiles(seconds, n=100)[98]:.1f} s",
         max(seconds) <= MOST_SECONDS),
        (f"{failed} of {sum(fates.values())} calls to the bucket failed; {once:.0%} of the uploads were done by the"
         f" first `complete`, the worst by the {max(tries)}th", None),
    ]  # fmt: skip


class _Bucket:
    """A bucket of the embedded server, which is a folder."""

    def __init__(self, name: str) -> None:
        self.name, self.folder = name, embedded.var_dir() / "s3" / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.etags: dict[str, str] = {}
        self._made = 0

    def fill(self, number: int) -> None:
        for _ in range(number):
            self._put(f"vehicles/bench-{self._made // 10}/{self._made % 10}.jpg")

    def change(self, number: int, chance: random.Random) -> None:
        """Add, change, rename and remove so many objects each."""
        self.fill(number)
        chosen = chance.sample(sorted(self.etags), 3 * number)
        for key in chosen[:number]:
            self._put(key)
        for key in chosen[number : 2 * number]:
            renamed = f"{key}.renamed.jpg"
            (self.folder / key).rename(self.folder / renamed)
            self.etags[renamed] = self.etags.pop(key)
        for key in chosen[2 * number :]:
            (self.folder / key).unlink()
            del self.etags[key]

    def _put(self, key: str) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        content = b"object %d" % self._made
        path.write_bytes(content)
        self._made += 1
        self.etags[key] = hashlib.md5(content, usedforsecurity=False).hexdigest()

    def remove(self) -> None:
        shutil.rmtree(self.folder)


def _differences(bucket: _Bucket) -> dict[str, int]:
    """Return in how many ways records and objects differ; the etag is the content's checksum."""
    rows = list(MediaAsset.objects.filter(state=MediaState.PRESENT).values_list("key", "etag"))
    recorded = dict(rows)
    on_disk = sum(path.is_file() for path in bucket.folder.rglob("*"))
    return {
        "doubled": len(rows) - len(recorded),
        "objects without a record": len(bucket.etags.keys() - recorded.keys()),
        "records without an object": len(recorded.keys() - bucket.etags.keys()),
        "of other content": sum(bucket.etags.get(key, etag) != etag for key, etag in recorded.items()),
        "objects deleted by mistake": len(bucket.etags) - on_disk,
    }


def _sync(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SYNC, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def _until_it_ends_well(environment: dict[str, str]) -> int:
    for run in range(1, 30):
        ended = _sync(environment)
        if ended.returncode == 0:
            return run
        sys.stderr.write(f"{ended.stdout[-400:]}{ended.stderr[-400:]}\n")
        time.sleep(1)  # PostgreSQL takes a moment to notice that the one that was killed is gone
    raise SystemExit("no run ends well")


def _second_while_one_runs(proxy: Chaos, environment: dict[str, str]) -> str:
    proxy.become(SLOW)
    with _started(SYNC, environment) as first:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and first.poll() is None:
            time.sleep(0.5)
            second = _sync(environment)
            if second.returncode:
                return f"{second.stdout}{second.stderr}".strip()
    return ""


def _lost_and_partial(bucket: _Bucket, contents: list[bytes]) -> tuple[int, int]:
    """Return how many contents are not among the files, and how many files are no content."""
    wanted = {hashlib.sha256(content).hexdigest() for content in contents}
    files = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (bucket.folder / "media").iterdir()]
    recorded = set(MediaAsset.objects.values_list("sha256", flat=True))
    return len(wanted - (set(files) & recorded)), sum(found not in wanted for found in files)


@contextmanager
def _service(proxy: Chaos, bucket: str) -> Iterator[Uploader]:
    for number in range(50):
        VehicleFactory.create(published=True, slug=f"bench-{number}")
    environment = _environment(proxy, bucket)
    names = ("S3_ENDPOINT_URL", "S3_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    os.environ.update({name: environment[name] for name in names})
    with server("marketplace.wsgi", environment["DATABASE_URL"]) as (_, port):
        yield Uploader(port, _person())


def _person() -> User:
    keep({"Curator": ROLES["Curator"]})
    person = User.objects.create_user("curator", is_staff=True)
    person.groups.add(Group.objects.get(name="Curator"))
    return User.objects.get(pk=person.pk)


def _environment(proxy: Chaos, bucket: str) -> dict[str, str]:
    return os.environ | {
        "S3_ENDPOINT_URL": proxy.address, "S3_BUCKET": bucket, "AWS_ACCESS_KEY_ID": settings.AWS_ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": settings.AWS_SECRET_ACCESS_KEY,
    }  # fmt: skip


def _p95(latencies: list[float]) -> float:
    return quantiles(latencies, n=20)[18]


def _reads(service: Uploader) -> list[float]:
    """Read for a few seconds; return how long each round of the addresses took, in seconds."""
    latencies: list[float] = []
    end = time.monotonic() + LEG_SECONDS
    while (begin := time.monotonic()) < end:
        for path in READS:
            status, _ = service.ask("GET", path)
            if status != 200:
                raise SystemExit(f"{path} was answered {status}")
        latencies.append(time.monotonic() - begin)
    return latencies


@contextmanager
def _meanwhile(work: Callable[[], object], number: int) -> Iterator[None]:
    """Let so many threads do the work again and again."""
    enough = threading.Event()

    def again() -> None:
        while not enough.is_set():
            work()

    with ThreadPoolExecutor(number) as pool:
        doing = [pool.submit(again) for _ in range(number)]
        try:
            yield
        finally:
            enough.set()
    for each in doing:
        each.result()


def _at_once(work: Callable[[], int], number: int) -> None:
    with ThreadPoolExecutor(number) as pool:
        statuses = set(pool.map(lambda _: work(), range(number)))
    if statuses != {200}:
        raise SystemExit(f"reads were answered {statuses}")


def _timed(work: Callable[[], object]) -> float:
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


def _row(query: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return tuple(cursor.fetchone())


@contextmanager
def _started(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


MEASUREMENTS: dict[str, Callable[[], list[Finding]]] = {
    "bucket-chaos": syncs_in_chaos,
    "bucket-dead": dead_bucket,
    "bucket-retries": uploads_in_chaos,
}


if __name__ == "__main__":
    lift_request_limits()
    sys.stdout.write(json.dumps(MEASUREMENTS[sys.argv[1]]()))
