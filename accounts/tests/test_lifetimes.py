"""How long tokens and sessions last, to the second, by a clock that is moved."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import Session
from accounts.tests.client import assert_refused, me, refresh
from accounts.tests.factories import UserFactory
from accounts.tests.forge import claims

pytestmark = pytest.mark.django_db
NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
EXPIRED = "The token has expired."


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def pair(clock):
    return tokens.begin(UserFactory.create(), verified=False)


def test_access_token_lasts_five_minutes(clock, pair):
    clock.shift(timedelta(minutes=5) - SECOND)
    assert me(APIClient(), pair.access).status_code == 200
    clock.shift(SECOND)
    assert_refused(me(APIClient(), pair.access), EXPIRED)


def test_refresh_token_lasts_seven_days(clock, pair):
    clock.shift(timedelta(days=7) - SECOND)
    after = tokens.rotate(pair.refresh)
    clock.shift(timedelta(days=7))
    assert_refused(refresh(APIClient(), after.refresh), EXPIRED)


def test_refresh_token_that_expired_is_no_replay(clock, pair):
    clock.shift(timedelta(days=7) + 3 * SECOND)
    refresh(APIClient(), pair.refresh)
    assert Session.objects.get().ended_at is None


def test_session_lasts_thirty_days_however_often_it_is_used(clock, pair):
    while datetime.now(UTC) < NOON + timedelta(days=30) - timedelta(hours=7):
        clock.shift(timedelta(hours=7))
        pair = tokens.rotate(pair.refresh)
    clock.move_to(NOON + timedelta(days=30) - SECOND)
    pair = tokens.rotate(pair.refresh)
    assert me(APIClient(), pair.access).status_code == 200

    clock.shift(SECOND)

    assert_refused(refresh(APIClient(), pair.refresh), EXPIRED)
    assert_refused(me(APIClient(), pair.access), EXPIRED)


def test_tokens_near_the_end_of_a_session_end_with_it(clock, pair):
    Session.objects.update(expires_at=NOON + timedelta(minutes=2))
    after = tokens.rotate(pair.refresh)
    end = int((NOON + timedelta(minutes=2)).timestamp())
    assert [claims(token)["exp"] for token in (after.access, after.refresh)] == [end, end]


@pytest.mark.parametrize(("seconds", "is_taken"), [(4, True), (6, False)])
def test_token_from_a_machine_whose_clock_is_ahead(clock, pair, seconds, is_taken):
    clock.shift(timedelta(seconds=-seconds))
    assert (me(APIClient(), pair.access).status_code == 200) is is_taken


def test_refresh_token_of_an_expired_session_spends_nothing(clock, pair):
    Session.objects.update(expires_at=NOON)
    with pytest.raises(AuthenticationFailed):
        tokens.rotate(pair.refresh)
    assert Session.objects.get().last_used_at == NOON
