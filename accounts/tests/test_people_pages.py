"""What the pages of accounts tell those who look after others."""

import pytest
from django.urls import reverse

from accounts import second_factor
from accounts.tests.factories import UserFactory
from accounts.tests.people import browser, member
from accounts.tests.second_factors import app_of

pytestmark = pytest.mark.django_db
NEW = "Another 52 gullwing"
PASSWORDS = {"usable_password": "true", "password1": NEW, "password2": NEW}
TAKE_AWAY = "second-factor/reset/"


def page(name, *args):
    return reverse(f"admin:accounts_user_{name}", args=args)


def shown(client, name, *args):
    return client.get(page(name, *args)).content.decode()


@pytest.fixture
def chief():
    return browser(member("Administrator", username="chief"))


def test_page_tells_the_second_factors_and_leads_to_taking_them_away(chief):
    person = member("Viewer")
    app_of(person)
    second_factor.new_recovery_codes(person)

    text = shown(chief, "change", person.pk)

    assert "Authenticator app; 10 recovery codes" in text
    assert f"/admin/{TAKE_AWAY}{person.pk}/" in text


def test_page_of_one_out_of_reach_tells_the_factors_and_leads_nowhere(chief):
    person = UserFactory.create(superuser=True)
    app_of(person)

    text = shown(chief, "change", person.pk)

    assert "Authenticator app; 0 recovery codes" in text
    assert TAKE_AWAY not in text


def test_page_of_one_without_factors_leads_nowhere(chief):
    assert TAKE_AWAY not in shown(chief, "change", member("Viewer").pk)


def test_who_adds_an_account_hears_that_its_password_is_temporary(chief):
    answer = chief.post(page("add"), {"username": "ada", **PASSWORDS}, follow=True)

    assert "The password is temporary: with it ada signs in within 72 hours" in answer.content.decode()


def test_who_gives_a_password_hears_that_it_is_temporary(chief):
    ada = member("Viewer", username="ada")
    address = reverse("admin:auth_user_password_change", args=[ada.pk])

    answer = chief.post(address, PASSWORDS, follow=True)

    assert "The password is temporary: with it ada signs in within 72 hours" in answer.content.decode()


def test_question_before_deleting_tells_what_goes_with_an_account(chief):
    ada = member("Viewer", username="ada")

    assert "ada, with its sessions, API keys, second factors" in shown(chief, "delete", ada.pk)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", ["/admin/accounts/user/{}/change/", "/admin/auth/group/add/"])
def test_lists_of_permissions_fit_into_the_window(staff_page, address):
    staff_page.goto(address.format(UserFactory.create().pk))
    staff_page.locator(".selector-chosen").wait_for()

    page, window = staff_page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")

    assert page <= window
