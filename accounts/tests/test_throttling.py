"""Limits of requests: exact, by client and kind of request, over all processes."""

import math
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
from django.conf import settings
from django.db import connection

from accounts import counters, throttling
from accounts.models import RequestCount
from accounts.tests.client import at_once
from accounts.tests.factories import UserFactory
from accounts.tests.people import api
from accounts.tests.race import served
from marketplace.rates import Rate
from marketplace.tests.redis_server import address_of

LIST = "/v1/terms/"
DAY = 86_400  # a window that ends in no test
RedisCache = "django.core.cache.backends.redis.RedisCache"


@pytest.fixture
def few(settings):
    """Two requests a day of each kind."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, Rate(2, DAY))


def assert_refused(answer):
    assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "Too many requests; this client may go on when its time window is over.",
    }
    assert 1 <= int(answer["Retry-After"]) <= DAY


@pytest.mark.django_db
def test_rate_is_told_with_every_answer(client, few):
    answer = client.get(LIST)

    assert answer["RateLimit-Policy"] == '"anonymous";q=2;w=86400'
    assert answer["RateLimit"].startswith('"anonymous";r=1;t=86')


@pytest.mark.django_db
def test_requests_beyond_the_rate_are_refused(client, few):
    statuses = [client.get(LIST).status_code for _ in range(2)]
    answer = client.get(LIST)

    assert statuses == [200, 200]
    assert_refused(answer)
    assert answer["RateLimit"].startswith('"anonymous";r=0;t=')


@pytest.mark.django_db
def test_refused_request_costs_no_query(client, few, django_assert_num_queries):
    for _ in range(3):
        client.get(LIST)

    with django_assert_num_queries(0):
        assert_refused(client.get(LIST))
    assert RequestCount.objects.get().requests == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "forwarded"), [("203.0.113.8", ""), ("2001:db8:0:2::1", ""), ("203.0.113.9", "203.0.113.7")]
)
def test_another_address_has_a_count_of_its_own(client, few, address, forwarded):
    for _ in range(3):
        client.get(LIST, REMOTE_ADDR="203.0.113.7")

    answer = client.get(LIST, REMOTE_ADDR=address, headers={"x-forwarded-for": forwarded})

    assert answer.status_code == 200


@pytest.mark.django_db
def test_forged_forwarding_gives_no_further_request(client, few):
    statuses = [
        client.get(
            LIST, headers={"x-forwarded-for": f"198.51.100.{n}", "forwarded": f"for=198.51.100.{n}"}
        ).status_code
        for n in range(5)
    ]

    assert statuses == [200, 200, 429, 429, 429]


@pytest.mark.django_db
def test_addresses_of_one_ipv6_network_are_one_client(client, few):
    statuses = [client.get(LIST, REMOTE_ADDR=f"2001:db8:0:1::{n}").status_code for n in range(1, 4)]

    assert statuses == [200, 200, 429]


@pytest.mark.django_db
def test_account_has_one_count_wherever_it_comes_from(few):
    account = UserFactory.create()

    answers = [api(account).get(LIST, REMOTE_ADDR=f"203.0.113.{n}") for n in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0]["RateLimit-Policy"] == '"client";q=2;w=86400'


@pytest.mark.django_db
def test_reads_and_writes_are_counted_apart(client, few):
    for _ in range(3):
        client.get(LIST)

    answer = client.post("/v1/auth/token/verify/", {"token": "x"}, content_type="application/json")

    assert (answer.status_code, answer["RateLimit-Policy"]) == (401, '"write";q=2;w=86400')


@pytest.mark.django_db
def test_false_tokens_are_counted_for_their_address(client, few):
    statuses = [
        client.get(LIST, headers={"authorization": f"Bearer false-{n}"}).status_code for n in range(4)
    ]

    assert statuses == [401, 401, 429, 429]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/v1/imports/", "/v1/vehicles/nothing/", "/v1/terms/?colour=red"])
def test_refused_requests_count(client, few, path):
    statuses = [client.get(path).status_code for _ in range(3)]

    assert statuses[0] == statuses[1] != 429
    assert statuses[2] == 429


@pytest.mark.django_db
def test_rate_that_is_off_counts_nothing(client, settings):
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)

    answer = client.get(LIST)

    assert (answer.status_code, "RateLimit" in answer) == (200, False)
    assert not RequestCount.objects.exists()


@pytest.mark.django_db
def test_window_that_is_over_begins_anew():
    counters.count("anonymous 203.0.113.7", 60)
    counters.count("anonymous 203.0.113.7", 60)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_requestcount SET window_ends_at = statement_timestamp()")

    requests, left = counters.count("anonymous 203.0.113.7", 60)

    assert requests == 1
    assert 0 < left <= 60


@pytest.mark.django_db
def test_pruning_deletes_windows_that_are_over():
    for number in range(5):
        counters.count(f"over {number}", 0)
    counters.count("open", DAY)

    assert counters.prune(batch=2) == 5
    assert [row.bucket for row in RequestCount.objects.all()] == ["open"]


@pytest.mark.django_db(transaction=True)
def test_counts_of_many_at_once_are_exact():
    counts = at_once([lambda: counters.count("anonymous 203.0.113.7", DAY)[0]] * 40)

    assert sorted(counts) == list(range(1, 41))


@pytest.mark.django_db
def test_table_writes_no_log():
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'accounts_requestcount'")
        assert cursor.fetchone() == ("u",)


@pytest.mark.timeout(900)
@pytest.mark.django_db(transaction=True)
def test_a_thousand_parallel_requests_over_four_processes_get_exactly_their_share():
    with served(RATE_LIMITS="anonymous=100/day") as port:
        RequestCount.objects.all().delete()  # of the calls that waited for the server

        def ask(share: range) -> Counter[int]:
            found: Counter[int] = Counter()
            server = HTTPConnection("127.0.0.1", port, timeout=300)
            for number in share:
                server.request("GET", LIST, headers={"X-Forwarded-For": f"198.51.100.{number % 250}"})
                answer = server.getresponse()
                answer.read()
                found[answer.status] += 1
            server.close()
            return found

        with ThreadPoolExecutor(40) as pool:
            found = sum(pool.map(ask, [range(n, 1000, 40) for n in range(40)]), Counter())

    assert found == {200: 100, 429: 900}


@pytest.mark.django_db(transaction=True)
def test_counts_in_redis_of_many_at_once_are_exact(shared_cache):
    counts = at_once([lambda: counters.count("anonymous 203.0.113.7", DAY)[0]] * 40)

    assert sorted(counts) == list(range(1, 41))
    assert not RequestCount.objects.exists()


def test_window_in_redis_ends_when_its_first_request_said(shared_cache):
    counters.count("anonymous 203.0.113.7", DAY)
    shared_cache.pexpire("requests:anonymous 203.0.113.7", 3_600_000)

    requests, left = counters.count("anonymous 203.0.113.7", DAY)

    assert requests == 2
    assert left <= 3600


def test_window_in_redis_that_is_over_begins_anew(shared_cache):
    counters.count("anonymous 203.0.113.7", DAY)
    shared_cache.pexpire("requests:anonymous 203.0.113.7", 0)

    assert counters.count("anonymous 203.0.113.7", DAY) == (1, DAY)


def test_count_in_redis_that_somebody_kept_from_ending_ends(shared_cache):
    shared_cache.set("requests:anonymous 203.0.113.7", 5)

    assert counters.count("anonymous 203.0.113.7", DAY) == (6, DAY)


@pytest.mark.django_db
def test_database_counts_while_redis_is_away(settings, monkeypatch):
    monkeypatch.setattr(counters, "_silent_until", {})
    settings.CACHES = {"default": {"BACKEND": RedisCache, "LOCATION": "redis://127.0.0.1:1/0"}}

    counts = [counters.count("anonymous 203.0.113.7", DAY)[0] for _ in range(2)]

    assert counts == [1, 2]
    assert RequestCount.objects.get().requests == 2


@pytest.mark.django_db
def test_redis_that_is_away_is_left_alone_for_a_while(shared_cache, monkeypatch):
    monkeypatch.setattr(counters, "_silent_until", {address_of(shared_cache): math.inf})

    counters.count("anonymous 203.0.113.7", DAY)

    assert RequestCount.objects.get().requests == 1
    assert shared_cache.dbsize() == 0


BAD_RATES = ["anonymous=lots", "anonymous=0/minute", "reads=5/minute", "write=5/week", "anonymous", "write=5"]


@pytest.mark.parametrize("rates", BAD_RATES)
def test_rates_that_cannot_be_read_are_told(rates):
    program = "from marketplace import interface"

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=settings.BASE_DIR, env=os.environ | {"RATE_LIMITS": rates},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "RATE_LIMITS must list rates like anonymous=600/minute" in done.stderr.splitlines()[-1]


@pytest.mark.django_db
def test_memory_of_those_who_had_their_share_is_bounded(client, few, monkeypatch):
    monkeypatch.setattr(throttling, "MOST_REMEMBERED", 2)

    for number in range(5):
        for _ in range(3):
            client.get(LIST, REMOTE_ADDR=f"203.0.113.{number}")

    assert len(throttling._used_up) <= 2
