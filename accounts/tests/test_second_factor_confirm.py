"""Second factors are shown and changed only a short while after the password was given."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import RecoveryCode, Session
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.second_factors import OVERVIEW, VERIFY, app_of, code_of, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock")]

CONFIRM = f"{OVERVIEW}confirm/"


@pytest.fixture
def chief():
    return UserFactory.create(username="chief", superuser=True)


@pytest.fixture
def old_browser(client, chief):
    """A browser whose person signed in a quarter of an hour ago."""
    sign_in(client, chief)
    Session.objects.update(created_at=timezone.now() - timedelta(minutes=15))
    return client


@pytest.mark.parametrize("page", ["", "app/"])
def test_page_a_while_after_signing_in_asks_for_the_password(old_browser, page):
    answer = old_browser.get(f"{OVERVIEW}{page}")

    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        f"{CONFIRM}?next={OVERVIEW.replace('/', '%2F')}{page.replace('/', '%2F')}",
    )


def test_new_codes_a_while_after_signing_in_are_not_made(client, chief):
    app = app_of(chief)
    sign_in(client, chief)
    client.post(VERIFY, {"code": code_of(app)})
    Session.objects.update(created_at=timezone.now() - timedelta(minutes=15))
    before = set(RecoveryCode.objects.values_list("code_hash", flat=True))
    answer = client.post(f"{OVERVIEW}codes/")

    assert answer.headers["Location"].startswith(CONFIRM)
    assert set(RecoveryCode.objects.values_list("code_hash", flat=True)) == before


@pytest.mark.parametrize("step", ["register", "registered"])
def test_passkey_a_while_after_signing_in_is_refused(old_browser, step):
    answer = old_browser.post(f"{OVERVIEW}passkey/{step}/", "{}", content_type="application/json")

    assert (answer.status_code, answer.json()) == (
        403,
        {"detail": "Load the page again and confirm your password first.", "code": "not_confirmed"},
    )


def test_right_password_opens_the_page_that_was_asked_for(old_browser):
    answer = old_browser.post(CONFIRM, {"password": PASSWORD, "next": f"{OVERVIEW}app/"})

    assert (answer.status_code, answer.headers["Location"]) == (302, f"{OVERVIEW}app/")
    assert old_browser.get(f"{OVERVIEW}app/").status_code == 200


def test_wrong_password_opens_nothing(old_browser):
    answer = old_browser.post(CONFIRM, {"password": "not this one", "next": OVERVIEW})

    assert (answer.status_code, "This is not your password." in answer.text) == (200, True)
    assert old_browser.get(OVERVIEW).status_code == 302


def test_confirmation_leads_to_no_other_host(old_browser):
    answer = old_browser.post(CONFIRM, {"password": PASSWORD, "next": "https://evil.example/"})

    assert answer.headers["Location"] == "/admin/"


def test_confirmation_lasts_a_quarter_of_an_hour(old_browser, still_clock):
    old_browser.post(CONFIRM, {"password": PASSWORD})
    still_clock.shift(timedelta(minutes=15))

    assert old_browser.get(OVERVIEW).status_code == 302
