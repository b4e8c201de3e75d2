"""Attempts to sign in: what counts, where, and for how long."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, connections, transaction
from django.db.models import F
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import attempts
from accounts.models import Action, AttemptCount, AuditEvent, SessionKind
from accounts.sessions import begin
from accounts.tests.client import TOKEN
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.hashing import computed

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("fast_hashes"),
    # Python 3.12 warns of a fork beside threads; nothing that those may hold is used in the fork.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]
HERE, THERE = "198.51.100.7", "203.0.113.9"
REFUSED = {
    "type": "about:blank",
    "title": "Too Many Requests",
    "status": 429,
    "detail": "Too many attempts to sign in; try again later.",
}


def guess(username="ada", password="wrong", address=THERE, **headers):
    body = {"username": username, "password": password}
    return APIClient().post(TOKEN, body, format="json", REMOTE_ADDR=address, headers=headers)


def statuses(calls):
    return [call().status_code for call in calls]


def sign_in_events(*fields):
    return AuditEvent.objects.filter(action__startswith="sign_in").values_list(*fields)


def pass_time(**time):
    """Let every window have begun that much earlier; the database's clock, which decides, stays."""
    AttemptCount.objects.update(window_started_at=F("window_started_at") - timedelta(**time))


@pytest.fixture
def ada():
    return UserFactory.create(username="ada")


@pytest.fixture
def few_an_address(monkeypatch):
    """Six attempts for an address instead of sixty, for what does not depend on how many there are."""
    monkeypatch.setitem(attempts.LIMITS, "address", 6)


@pytest.fixture
def ada_at_home(ada):
    """Ada, who has signed in from HERE."""
    assert guess(password=PASSWORD, address=HERE).status_code == 200
    return ada


def test_account_gets_five_wrong_guesses(ada):
    assert statuses([guess] * 7) == [401] * 5 + [429] * 2


def test_account_refused_even_with_the_right_password(ada):
    statuses([guess] * 5)

    answer = guess(password=PASSWORD)

    assert (answer.status_code, answer.headers["Content-Type"]) == (429, "application/problem+json")
    assert answer.json() == REFUSED
    assert 840 <= int(answer.headers["Retry-After"]) <= 900


def test_account_guesses_from_everywhere_count_together(ada):
    assert statuses(partial(guess, address=f"203.0.113.{n}") for n in range(7)) == [401] * 5 + [429] * 2


def test_account_others_sign_in_meanwhile(ada):
    UserFactory.create(username="ben")
    statuses([guess] * 6)
    assert guess("ben", PASSWORD).status_code == 200


def test_account_that_does_not_exist_is_counted_alike():
    assert statuses([partial(guess, "nobody")] * 6) == [401] * 5 + [429]


def test_account_any_unicode_form_of_a_name_counts_as_one():
    UserFactory.create(username="zo\u00eb")
    forms = [partial(guess, "zo\u00eb"), partial(guess, "zoe\u0308"), partial(guess, "\uff5ao\u00eb")]
    assert statuses(forms * 2) == [401] * 5 + [429]


def test_account_of_another_case_is_another_account(ada):
    statuses([guess] * 5)
    assert guess("ADA").status_code == 401


def test_success_forgets_the_failures_before(ada):
    wrong = [guess] * 4
    assert statuses([*wrong, partial(guess, password=PASSWORD), *wrong]) == [401] * 4 + [200] + [401] * 4


def test_window_ends_fifteen_minutes_after_its_first_attempt(ada):
    statuses([guess] * 5)
    pass_time(minutes=14)
    refused = guess()
    pass_time(minutes=1)

    assert (refused.status_code, guess(password=PASSWORD).status_code) == (429, 200)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_window_after_the_first_has_the_same_limit(ada):
    statuses([guess] * 5)
    pass_time(minutes=15)
    assert statuses([guess] * 6) == [401] * 5 + [429]


def test_known_address_stays_open_while_strangers_guess(ada_at_home):
    assert statuses([guess] * 6) == [401] * 5 + [429]
    assert guess(password=PASSWORD, address=HERE).status_code == 200


def test_known_address_has_a_limit_too(ada_at_home):
    from_home = partial(guess, address=HERE)
    assert statuses([from_home] * 6) == [401] * 5 + [429]
    assert guess(password=PASSWORD).status_code == 200


def test_known_address_is_so_for_its_account_alone(ada_at_home):
    UserFactory.create(username="ben")
    statuses([partial(guess, "ben")] * 5)
    assert guess("ben", PASSWORD, address=HERE).status_code == 429


def test_known_address_is_forgotten_after_thirty_days(ada_at_home):
    ada_at_home.sessions.update(created_at=timezone.now() - timedelta(days=30))
    statuses([guess] * 5)
    assert guess(password=PASSWORD, address=HERE).status_code == 429


def test_known_address_is_a_network_of_ipv6(ada):
    guess(password=PASSWORD, address="2001:db8:1:2::a")
    statuses([guess] * 5)

    assert guess(password=PASSWORD, address="2001:db8:1:2:ffff::b").status_code == 200
    assert guess(password=PASSWORD, address="2001:db8:1:3::a").status_code == 429


def test_address_where_only_the_password_was_shown_is_not_known(ada, settings):
    ada.totpdevice_set.create(name="phone", confirmed=True)
    session = begin(ada, kind=SessionKind.BROWSER, verified=False)
    ada.sessions.filter(pk=session.pk).update(address=HERE)
    statuses([guess] * 5)
    assert guess(address=HERE).status_code == 429


def test_address_gets_sixty_guesses_at_any_accounts():
    calls = [partial(guess, f"person-{n}") for n in range(62)]
    assert statuses(calls) == [401] * 60 + [429] * 2


@pytest.mark.usefixtures("few_an_address")
def test_address_over_its_limit_takes_nothing_from_an_account(ada):
    statuses(partial(guess, f"person-{n}") for n in range(6))
    statuses([guess] * 5)
    assert guess(password=PASSWORD, address=HERE).status_code == 200


@pytest.mark.usefixtures("few_an_address")
def test_address_is_not_charged_for_attempts_on_an_account_over_its_limit(ada):
    statuses([guess] * 10)
    assert guess("ben").status_code == 401


@pytest.mark.usefixtures("few_an_address")
def test_address_is_given_back_what_succeeded(ada):
    statuses([partial(guess, password=PASSWORD)] * 3)
    calls = [partial(guess, f"person-{n}") for n in range(7)]
    assert statuses(calls) == [401] * 6 + [429]


@pytest.mark.usefixtures("few_an_address")
def test_address_of_ipv6_is_counted_by_network():
    calls = [partial(guess, f"person-{n}", address=f"2001:db8:0:1::{n:x}") for n in range(7)]
    assert statuses(calls) == [401] * 6 + [429]


@pytest.mark.usefixtures("few_an_address")
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_address_is_not_read_from_a_header(ada, header):
    value = "for={}" if header == "Forwarded" else "{}"
    calls = [partial(guess, f"person-{n}", **{header: value.format(f"192.0.2.{n}")}) for n in range(7)]
    assert statuses(calls) == [401] * 6 + [429]


def test_request_without_an_address_is_counted_with_its_like(ada):
    assert statuses([partial(guess, address="")] * 6) == [401] * 5 + [429]


def test_refusal_is_recorded_once_in_a_window(ada):
    statuses([guess] * 9)
    rows = AuditEvent.objects.filter(action=Action.SIGN_IN_REFUSED).values_list(
        "subject", "address", "detail"
    )
    assert list(rows) == [("ada", THERE, {"limit": "account"})]


@pytest.mark.usefixtures("few_an_address")
def test_refusal_of_an_address_is_recorded_once_in_a_window():
    statuses(partial(guess, f"person-{n}") for n in range(9))
    rows = AuditEvent.objects.filter(action=Action.SIGN_IN_REFUSED).values_list(
        "subject", "address", "detail"
    )
    assert list(rows) == [("", THERE, {"limit": "address"})]


def test_record_does_not_hold_what_names_no_account():
    statuses([partial(guess, "my-secret-password")] * 6)
    assert set(sign_in_events("action", "actor", "subject")) == {
        ("sign_in_failed", "", ""),
        ("sign_in_refused", "", ""),
    }


def test_counts_tell_neither_account_nor_address(ada):
    guess()
    assert AttemptCount.objects.count() == 2
    assert not AttemptCount.objects.exclude(bucket__regex="^[0-9a-f]{64}$").exists()


def test_reserve_inside_a_transaction_that_could_undo_it():
    with (
        transaction.atomic(),
        pytest.raises(RuntimeError, match="A durable atomic block cannot be nested"),
    ):
        attempts.reserve("ada")


def test_forgive_takes_the_count_of_the_account_and_one_of_the_address(ada):
    for _ in range(3):
        attempts.reserve("ada")

    attempts.forgive("ada")

    assert list(AttemptCount.objects.values_list("attempts", flat=True)) == [2]


def test_confirm_password_right_leaves_no_trace(ada):
    assert attempts.confirm_password(ada, PASSWORD)
    assert set(AttemptCount.objects.values_list("attempts", flat=True)) == {0}


def test_confirm_password_right_keeps_the_guesses_before(ada):
    attempts.reserve("ada")
    attempts.confirm_password(ada, PASSWORD)
    assert set(AttemptCount.objects.values_list("attempts", flat=True)) == {1}


def test_confirm_password_wrong_counts_and_is_recorded(ada):
    assert not attempts.confirm_password(ada, "wrong")
    assert set(AttemptCount.objects.values_list("attempts", flat=True)) == {1}
    assert list(sign_in_events("action", "subject")) == [("sign_in_failed", "ada")]


def test_prune_deletes_windows_that_are_over_in_batches():
    for number in range(7):
        attempts.reserve(f"person-{number}")
    pass_time(minutes=15)
    attempts.reserve("ada")  # which opens a new window for the address as well

    assert attempts.prune(timezone.now(), batch=2) == 7
    assert AttemptCount.objects.count() == 2


def test_prune_spares_what_is_younger_than_asked():
    attempts.reserve("ada")
    pass_time(hours=1)
    assert attempts.prune(timezone.now() - timedelta(hours=2)) == 0


def hammer(guesses):
    """Make the guesses from sixteen threads of this process; return the answers' statuses and Retry-After."""
    # On a slow machine the last of 64 in a line waits longer than a request may, and gets a 503.
    connection.settings_dict["OPTIONS"]["options"] = ""
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda given: guess(**given), guesses))
    return [(answer.status_code, answer.headers.get("Retry-After")) for answer in answers]


def by_four_processes(guesses):
    """Make the guesses from four processes at once, each every fourth one; return their answers and the hashes."""
    before = computed.value
    connections.close_all()  # a connection must not be shared by processes
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("fork")) as pool:
        answers = [
            answer for share in pool.map(hammer, [guesses[n::4] for n in range(4)]) for answer in share
        ]
    return answers, computed.value - before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_botnet", [True, False], ids=["many addresses", "one address"])
def test_guesses_by_four_processes_at_once_are_counted_exactly(ada, is_botnet):
    claims = [f"192.0.2.{n}" for n in range(200)]
    wrong = [
        {"address": f"203.0.113.{n}" if is_botnet else THERE, "X-Forwarded-For": claim, "X-Real-IP": claim}
        for n, claim in enumerate(claims)
    ]
    # A process has 16 under way at a time, so that 34 of its own have ended when it comes to the right one.
    answers, hashes = by_four_processes([*wrong, {"password": PASSWORD, "address": "203.0.113.250"}])

    waits = [int(wait) for status, wait in answers if status == 429]
    assert (hashes, len(waits), [status for status, _ in answers].count(401)) == (5, 196, 5)
    assert all(1 <= wait <= 900 for wait in waits)


@pytest.mark.django_db(transaction=True)
def test_guesses_at_many_accounts_by_four_processes_at_once_are_counted_exactly():
    answers, hashes = by_four_processes([{"username": f"person-{n}"} for n in range(100)])
    assert (hashes, [status for status, _ in answers].count(429)) == (60, 40)


@pytest.mark.django_db(transaction=True)
def test_guesses_by_four_processes_at_once_shut_out_neither_others_nor_a_known_address(ada_at_home):
    UserFactory.create(username="ben")
    strangers = [{"address": f"203.0.113.{n}"} for n in range(100)]
    own = [{"username": "ben", "password": PASSWORD}, {"password": PASSWORD, "address": HERE}]

    answers, hashes = by_four_processes([*strangers, *own])

    assert sorted(status for status, _ in answers) == [200] * 2 + [401] * 5 + [429] * 95
    assert hashes == 7
