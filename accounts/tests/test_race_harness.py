"""The race for one refresh token, run by real processes: ours gives one winner; simplejwt's own view does not."""

from collections import Counter

import pytest
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import EndReason, Session
from accounts.tests.client import assert_refused, me, refresh
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.race import call, connected, refresh_at_once, served

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 60
TRIALS = 10  # the stock view was never seen to stand more than one


def test_race_for_a_token_of_staff_has_one_winner_and_ends_the_family():
    user = UserFactory.create(is_staff=True)
    with served() as port:
        for _ in range(2):
            pair = tokens.begin(user, verified=False)
            answers = refresh_at_once(port, "/v1/auth/token/refresh/", pair.refresh, TIMES)

            assert Counter(status for status, _ in answers) == {200: 1, 401: TIMES - 1}
            won = next(body for status, body in answers if status == 200)
            assert_refused(refresh(APIClient(), won["refresh"]), "The refresh token was used or withdrawn.")
            assert_refused(me(APIClient(), won["access"]), "The session has ended; sign in again.")
    assert set(Session.objects.values_list("end_reason", flat=True)) == {EndReason.REPLAY}


def test_race_breaks_the_stock_view():
    """The same race: were there no winners too many here, the test above would prove nothing."""
    UserFactory.create(username="ada")
    stock = {"DJANGO_SETTINGS_MODULE": "accounts.tests.stock.settings", "SECRET_KEY": "s" * 50}
    with served("django.core.wsgi:get_wsgi_application()", **stock) as port:
        assert any(winners_at_stock(port) > 1 for _ in range(TRIALS))


def winners_at_stock(port):
    with connected(port) as server:
        status, pair = call(server, "POST", "/token/", {"username": "ada", "password": PASSWORD})
    assert status == 200
    answers = refresh_at_once(port, "/token/refresh/", pair["refresh"], TIMES)
    return Counter(status for status, _ in answers)[200]
