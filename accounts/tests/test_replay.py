"""A refresh token that comes twice: the grace for a lost answer, and the end of the family."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts import tokens
from accounts.models import Action, AuditEvent, EndReason, RefreshToken, Session
from accounts.tests.client import assert_refused, me, refresh
from accounts.tests.factories import UserFactory
from accounts.tests.forge import claims

pytestmark = pytest.mark.django_db
WITHDRAWN = "The refresh token was used or withdrawn."
ENDED = "The session has ended; sign in again."
NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def api():
    return APIClient()


def begin(**rights):
    return tokens.begin(UserFactory.create(**rights), verified=False)


def next_of(token):
    answer = refresh(APIClient(), token)
    assert answer.status_code == 200, answer.content
    return answer.json()


def assert_family_is_over(pairs):
    for access, token in pairs:
        assert_refused(refresh(APIClient(), token), WITHDRAWN)
        assert_refused(me(APIClient(), access), ENDED)


def test_replay_within_the_grace_gives_the_same_successor(api, clock):
    first = begin()
    successor = next_of(first.refresh)
    clock.shift(timedelta(seconds=9.9))

    again = next_of(first.refresh)

    assert again["refresh"] == successor["refresh"]
    assert claims(again["access"])["jti"] != claims(successor["access"])["jti"]
    assert (Session.objects.get().ended_at, RefreshToken.objects.count()) == (None, 2)
    assert me(api, again["access"]).status_code == 200
    assert next_of(successor["refresh"])["refresh"] != successor["refresh"]


@pytest.mark.parametrize("seconds", [10, 11])
def test_replay_after_the_grace_ends_the_family(api, clock, seconds):
    first = begin()
    successor = next_of(first.refresh)
    clock.shift(timedelta(seconds=seconds))

    assert_refused(refresh(api, first.refresh), WITHDRAWN)

    assert_family_is_over([(successor["access"], successor["refresh"])])
    assert Session.objects.get().end_reason == EndReason.REPLAY


def test_replay_within_the_grace_when_the_successor_was_used(api, clock):
    first = begin()
    second = next_of(first.refresh)
    third = next_of(second["refresh"])

    assert_refused(refresh(api, first.refresh), WITHDRAWN)  # the grandparent of the third

    assert_family_is_over([(third["access"], third["refresh"]), (second["access"], second["refresh"])])


@pytest.mark.parametrize("rights", [{"is_staff": True}, {"is_superuser": True}])
def test_replay_of_staff_has_no_grace(api, clock, rights):
    first = begin(**rights)
    successor = next_of(first.refresh)
    assert_refused(refresh(api, first.refresh), WITHDRAWN)
    assert_family_is_over([(successor["access"], successor["refresh"])])


def test_replay_where_the_grace_is_none(api, clock, settings):
    settings.TOKEN_GRACE = timedelta(0)
    first = begin()
    next_of(first.refresh)
    assert_refused(refresh(api, first.refresh), WITHDRAWN)
    assert Session.objects.get().end_reason == EndReason.REPLAY


@pytest.mark.parametrize("age", range(9))
def test_replay_of_any_ancestor_ends_its_family_alone(api, age):
    user = UserFactory.create(is_staff=True)
    other, first = tokens.begin(user, verified=False), tokens.begin(user, verified=False)
    chain = [(first.access, first.refresh)]
    for _ in range(9):
        pair = next_of(chain[-1][1])
        chain.append((pair["access"], pair["refresh"]))

    assert_refused(refresh(api, chain[age][1]), WITHDRAWN)

    assert_family_is_over(chain)
    blacklisted = set(BlacklistedToken.objects.values_list("token__jti", flat=True))
    assert blacklisted == {claims(token)["jti"] for _, token in chain}
    assert me(api, other.access).status_code == 200
    assert refresh(api, other.refresh).status_code == 200


def test_replay_is_logged_and_recorded_without_a_token(api, caplog):
    first = begin(is_staff=True, username="ada")
    successor = next_of(first.refresh)

    with caplog.at_level(logging.WARNING, "accounts.tokens"):
        refresh(api, first.refresh)

    session = Session.objects.get()
    assert caplog.messages[0] == (
        f"A refresh token of session {session.pk} came twice; the session is ended."
    )
    event = AuditEvent.objects.get(action=Action.TOKEN_REPLAYED)
    assert (event.actor, event.subject, event.address) == ("ada", str(session.pk), "127.0.0.1")
    said = f"{caplog.text} {AuditEvent.objects.values()} {OutstandingToken.objects.values('token')}"
    assert not any(token in said for token in (first.refresh, successor["refresh"], successor["access"]))


def test_replay_of_a_family_that_is_over_is_recorded_once(api):
    first = begin(is_staff=True)
    next_of(first.refresh)
    for _ in range(3):
        refresh(api, first.refresh)
    assert AuditEvent.objects.filter(action=Action.TOKEN_REPLAYED).count() == 1


def logout(token):
    return APIClient().post("/v1/auth/token/logout/", {"refresh": token}, format="json")


def test_sign_out_with_a_spent_token_is_a_replay(api):
    """So signs out the owner of a token that a thief has exchanged; it must not pass for a common sign-out."""
    first = begin(is_staff=True)
    successor = next_of(first.refresh)

    assert logout(first.refresh).status_code == 200

    assert_family_is_over([(successor["access"], successor["refresh"])])
    assert Session.objects.get().end_reason == EndReason.REPLAY
    assert AuditEvent.objects.filter(action=Action.TOKEN_REPLAYED).count() == 1


def test_sign_out_within_the_grace_is_a_sign_out(api, clock):
    first = begin()
    next_of(first.refresh)  # whose answer was lost

    assert logout(first.refresh).status_code == 200

    assert Session.objects.get().end_reason == EndReason.LOGOUT
    assert not AuditEvent.objects.filter(action=Action.TOKEN_REPLAYED).exists()
