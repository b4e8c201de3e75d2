"""The measurements of sessions and tokens; benchmarks.tokens runs each in a process and a database of its own."""

# ruff: noqa: E402  (Django first)

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median, quantiles
from typing import Any

import django
import time_machine

django.setup()

from django.db import connection
from rest_framework.exceptions import AuthenticationFailed

from accounts import actions, pruning, sessions, tokens
from accounts.models import RefreshToken, Session, User
from accounts.tests import test_forged_tokens as forgeries
from accounts.tests.client import at_once
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.forge import claims, forged
from accounts.tests.race import call, connected, refresh_at_once, served
from benchmarks import Finding

REFRESH, ME = "/v1/auth/token/refresh/", "/v1/auth/me/"
STOCK = {"DJANGO_SETTINGS_MODULE": "accounts.tests.stock.settings", "SECRET_KEY": "s" * 50}
EXPIRED, LIVE = 1_000_000, 10_000
# Ten tokens a session, nine of them used; live ones have one.
LOAD = """
INSERT INTO accounts_session (id, user_id, kind, epoch, device, created_at, last_used_at, expires_at, end_reason)
SELECT md5({kind} || n)::uuid, {user}, 'api', 1, 'load', {at}, {at}, {at} + interval '30 days', ''
FROM generate_series(1, {sessions}) AS n;
INSERT INTO token_blacklist_outstandingtoken (user_id, jti, token, created_at, expires_at)
SELECT {user}, md5({kind} || n || '/' || m), '', {at}, {at} + interval '7 days'
FROM generate_series(1, {sessions}) AS n, generate_series(1, {each}) AS m;
INSERT INTO accounts_refreshtoken (session_id, outstanding_id, token_hash, issued_at, expires_at, consumed_at)
SELECT md5({kind} || n)::uuid, o.id, sha256(o.jti::bytea), o.created_at, o.expires_at,
    CASE WHEN m < {each} THEN o.created_at END
FROM generate_series(1, {sessions}) AS n, generate_series(1, {each}) AS m,
    token_blacklist_outstandingtoken AS o WHERE o.jti = md5({kind} || n || '/' || m);
INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at)
SELECT outstanding_id, consumed_at FROM accounts_refreshtoken
WHERE consumed_at IS NOT NULL AND outstanding_id NOT IN (SELECT token_id FROM token_blacklist_blacklistedtoken);
"""


def race() -> list[Finding]:
    """200 exchanges of one token of staff at once, ten times."""
    user = UserFactory.create(is_staff=True)
    findings: list[Finding] = []
    with served() as port, connected(port) as client:
        for trial in range(1, 11):
            pair = tokens.begin(user, verified=False)
            start = time.perf_counter()
            answers = refresh_at_once(port, REFRESH, pair.refresh, 200)
            seconds = time.perf_counter() - start
            statuses = Counter(status for status, _ in answers)
            won = [body for status, body in answers if status == 200]
            dead = [
                (
                    call(client, "POST", REFRESH, {"refresh": each["refresh"]})[0],
                    _me(port, each["access"]),
                )
                for each in won
            ]
            findings.append(
                (
                    f"trial {trial}: {dict(statuses)} in {seconds:.1f} s; the winner's tokens then: {dead}",
                    statuses == {200: 1, 401: 199} and dead == [(401, 401)],
                )
            )
    return findings


def stock() -> list[Finding]:
    """The same against simplejwt's own view, which must lose, or the race proves nothing."""
    UserFactory.create(username="ada")
    winners = []
    with served("django.core.wsgi:get_wsgi_application()", **STOCK) as port:
        for _ in range(10):
            with connected(port) as client:
                _, pair = call(client, "POST", "/token/", {"username": "ada", "password": PASSWORD})
            answers = refresh_at_once(port, "/token/refresh/", pair["refresh"], 60)
            winners.append(Counter(status for status, _ in answers)[200])
    return [(f"simplejwt's own view: {winners} of 60 succeed (more than one)", max(winners) > 1)]


def grace() -> list[Finding]:
    """50 exchanges at once within the grace, ten times."""
    user = UserFactory.create()
    seen, revoked = [], 0
    with served() as port:
        for _ in range(10):
            pair = tokens.begin(user, verified=False)
            answers = refresh_at_once(port, REFRESH, pair.refresh, 50)
            seen.append(
                (
                    sorted({status for status, _ in answers}),
                    len({claims(body["refresh"])["jti"] for status, body in answers if status == 200}),
                )
            )
            revoked += Session.objects.exclude(ended_at=None).count()
    kept = set(map(str, seen)) == {"([200], 1)"} and revoked == 0
    return [(f"statuses and distinct successors: {seen[0]}, ten times alike; {revoked} revoked", kept)]


def beside() -> list[Finding]:
    """Rotations while the account ends its sessions: nothing fails but by a 401, and nothing stays live."""
    endings: dict[str, Callable[[User], object]] = {
        "logout-all": sessions.end_all,
        "deactivation": lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        "password": lambda user: User.objects.filter(pk=user.pk).update(password="!"),
        "deletion": lambda user: actions.delete_users(users=User.objects.filter(pk=user.pk), by=None),
        "administrator": lambda user: sessions.end_chosen(Session.objects.filter(user=user), by=user),
    }
    findings: list[Finding] = []
    for name, ending in endings.items():
        live, rounds, won = 0, 100, 0
        for _ in range(rounds):
            user = User.objects.create(username=f"{name}-{_}")
            pairs = [tokens.begin(user, verified=False) for _ in range(5)]
            _, *after = at_once([partial(ending, user), *[partial(_rotated, pair) for pair in pairs]])
            won += sum(pair is not None for pair in after)
            live += sum(_is_live(pair) for pair in (*pairs, *after) if pair is not None)
        sentence = f"{name}: {rounds} rounds of 5 rotations, {won} of them won; {live} tokens live after (0)"
        findings.append((sentence, live == 0))
    return findings


def _rotated(pair: tokens.Pair) -> tokens.Pair | None:
    try:
        return tokens.rotate(pair.refresh)
    except AuthenticationFailed:
        return None


def _is_live(pair: tokens.Pair) -> bool:
    try:
        tokens.session_of(tokens.read(tokens.AccessJWT, pair.access))
    except AuthenticationFailed:
        return _rotated(pair) is not None
    return True


def ids() -> list[Finding]:
    """Ids of a million tokens, half of them drawn and half derived; and what tokens say."""
    drawn = [tokens.AccessJWT()["jti"] for _ in range(500_000)]
    distinct = len({*drawn, *map(tokens._successor_id, drawn)})
    user = User.objects.create(username="ada")
    pairs = [tokens.begin(user, verified=False) for _ in range(1000)]
    said = [(claims(pair.access), 300) for pair in pairs] + [
        (claims(pair.refresh), 604_800) for pair in pairs
    ]
    names = {"iat", "exp", "jti", "typ", "iss", "aud", "sid", "epoch", "sub"}
    wrong = sum(set(each) != names or each["exp"] - each["iat"] != life for each, life in said)
    return [
        (f"{distinct:,} distinct ids of 1,000,000", distinct == 1_000_000),
        (f"{wrong} of {len(said)} tokens with other claims or another lifetime", wrong == 0),
    ]


def forged_tokens() -> list[Finding]:
    """Every forged token at every door, one after the other, on a real server."""
    pair = tokens.begin(UserFactory.create(), verified=False)
    cases = [(name, partial(forge)) for name, forge in {**forgeries.HEADERS, **forgeries.SHAPES}.items()]
    cases += [
        (f"{claim}={value!r:.30}", partial(_with_claim, claim, value))
        for claim, values in forgeries.WRONG_CLAIMS.items()
        for value in values
    ]
    seconds, statuses = [], Counter[int]()
    with served() as port:
        for _ in range(50):
            _sent(port, "verify", "x")  # every worker's first answer takes longer
        for door in ("refresh", "verify", "logout"):
            for _, forge in cases:
                token = forge(forgeries.right_kind(pair, door))
                answers = [_sent(port, door, token) for _ in range(3)]
                seconds.append(min(taken for _, taken in answers))
                statuses.update(status for status, _ in answers)
    worst = 1000 * max(seconds)
    return [
        (f"{len(cases)} forged tokens at 3 doors, thrice: {dict(statuses)}", set(statuses) == {401}),
        (
            f"best of three: median {1000 * median(seconds):.1f} ms, slowest {worst:.1f} ms (50 ms)",
            worst < 50,
        ),
    ]


def _sent(port: int, door: str, token: str) -> tuple[int, float]:
    body = {"refresh": token, "token": token}
    with connected(port) as client:
        start = time.perf_counter()
        status, _ = call(client, "POST", f"/v1/auth/token/{door}/", body)
        return status, time.perf_counter() - start


def _with_claim(claim: str, value: Any, token: str) -> str:
    return forged(token, **{claim: value})


def lifetimes() -> list[Finding]:
    """A client that refreshes every five minutes, by a clock that is moved."""
    begun = datetime(2030, 1, 1, tzinfo=UTC)
    with time_machine.travel(begun, tick=False) as clock:
        pair = tokens.begin(UserFactory.create(), verified=False)
        idle = tokens.begin(UserFactory.create(), verified=False)
        ended = {"absolute": _end_of(clock, pair, timedelta(minutes=5)), "idle": 0.0}
        clock.move_to(begun + timedelta(days=7) - timedelta(seconds=1))
        assert _rotated(idle)
        clock.move_to(begun)
        other = tokens.begin(UserFactory.create(), verified=False)
        clock.move_to(begun + timedelta(days=7))
        refused = _rotated(other) is None
    days = (ended["absolute"] - begun.timestamp()) / 86_400
    return [
        (
            f"refreshed every 5 minutes it ended after {days:.5f} days (30, to the second)",
            abs(days - 30) < 1.5 / 86_400,
        ),
        ("unused it works at 7 days less a second, and not at 7 days", refused),
    ]


def _end_of(clock: time_machine.Traveller, pair: tokens.Pair, step: timedelta) -> float:
    """Refresh until refused; return when that began, to the second."""
    last = time.time()
    while after := _rotated(pair):
        pair, last = after, time.time()
        clock.shift(step)
    for second in range(int(step.total_seconds()) + 1):
        clock.move_to(last + second)
        if not _is_readable(pair):
            return last + second
    return time.time()


def _is_readable(pair: tokens.Pair) -> bool:
    try:
        tokens.read(tokens.RefreshJWT, pair.refresh)
    except AuthenticationFailed:
        return False
    return True


def prune_at_full_size() -> list[Finding]:
    """A million expired tokens and their sessions beside ten thousand live ones, while clients refresh."""
    user = User.objects.create(username="ada")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for kind, number, each, at in (
            ("'expired'", EXPIRED // 10, 10, "now() - interval '70 days'"),
            ("'live'", LIVE, 1, "now()"),
        ):
            cursor.execute(LOAD.format(kind=kind, sessions=number, each=each, at=at, user=user.pk))
        cursor.execute("ANALYZE")
    waits: list[float] = []
    with served() as port, _clients(port, waits):
        time.sleep(3)
        before = list(waits)
        waits.clear()
        start = time.perf_counter()
        pruned = pruning.prune()
        seconds = time.perf_counter() - start
        during = list(waits)
    lost = LIVE - Session.objects.filter(device="load").live().count()
    left = RefreshToken.objects.filter(expires_at__lt=datetime.now(UTC)).count()
    return [
        (f"{pruned} in {seconds:.1f} s (120 s)", seconds <= 120 and pruned.refresh_tokens == EXPIRED),
        (f"{left} expired tokens left (0), {lost} live sessions lost (0)", left == lost == 0),
        (f"refresh before: {_shown(before)}", None),
        (f"refresh meanwhile: {_shown(during)} (p95 100 ms)", _p95(during) <= 0.1),
    ]


@contextmanager
def _clients(port: int, waits: list[float]) -> Iterator[None]:
    """Refresh, two clients one after the other's answer, until the block ends."""
    over = threading.Event()
    pairs = [tokens.begin(UserFactory.create(), verified=False) for _ in range(2)]

    def work(token: str) -> None:
        with connected(port) as client:
            while not over.wait(0.02):
                start = time.perf_counter()
                status, body = call(client, "POST", REFRESH, {"refresh": token})
                waits.append(time.perf_counter() - start)
                assert status == 200, body
                token = body["refresh"]

    workers = [threading.Thread(target=work, args=(pair.refresh,)) for pair in pairs]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        over.set()
        for worker in workers:
            worker.join()


def _p95(waits: list[float]) -> float:
    return quantiles(waits, n=20)[18]


def _shown(waits: list[float]) -> str:
    return (
        f"median {1000 * median(waits):.1f} ms, p95 {1000 * _p95(waits):.1f} ms,"
        f" slowest {1000 * max(waits):.0f} ms of {len(waits)}"
    )


def _me(port: int, access: str) -> int:
    with connected(port) as client:
        client.request("GET", ME, headers={"Authorization": f"Bearer {access}"})
        answer = client.getresponse()
        answer.read()
        return answer.status


MEASUREMENTS: dict[str, Callable[[], list[Finding]]] = {
    "race": race,
    "stock": stock,
    "grace": grace,
    "beside": beside,
    "ids": ids,
    "forged": forged_tokens,
    "lifetimes": lifetimes,
    "pruning": prune_at_full_size,
}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(MEASUREMENTS[sys.argv[1]]()))
