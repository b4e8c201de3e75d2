"""The admin's pages for the second factor, and what stays shut until it was shown."""

import re
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from django.conf import settings as django_settings
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import attempts, second_factor
from accounts.models import Action, AttemptCount, AuditEvent, Session
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.second_factors import (
    LOGIN,
    OVERVIEW,
    VERIFY,
    app_of,
    code_of,
    sign_in,
    wrong_code_of,
)
from marketplace.tests.routes import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock")]

APP, CODES = f"{OVERVIEW}app/", f"{OVERVIEW}codes/"


@pytest.fixture
def chief():
    return UserFactory.create(username="chief", superuser=True)


@pytest.fixture
def app(chief):
    return app_of(chief)


PAGES = dict(addresses("/admin/"))
OPEN = {"login", "logout", "jsi18n"}


def session_key(client):
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


def test_every_page_is_walked():
    assert len(PAGES) > 60
    assert {"/admin/", "/admin/accounts/user/", "/admin/accounts/user/1/change/", VERIFY} <= set(PAGES)


# Asked for after the password


def test_every_page_asks_for_the_second_factor_first(client, chief, app):
    sign_in(client, chief)
    free = OPEN | {"second-factor-verify", "passkey-authentication-begin", "passkey-authentication-complete"}
    shut = [path for path, name in PAGES.items() if name not in free]
    answers = {path: client.get(path) for path in shut}
    others = {
        path: answer
        for path, answer in answers.items()
        if not answer.headers.get("Location", "").startswith(VERIFY)
    }
    assert others == {}


def test_right_code_opens_the_page_that_was_asked_for(client, chief, app):
    sign_in(client, chief)
    asked = client.get("/admin/accounts/user/?q=a").headers["Location"]
    answer = client.post(asked, {"code": code_of(app), "next": "/admin/accounts/user/?q=a"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/accounts/user/?q=a")
    assert client.get("/admin/accounts/user/?q=a").status_code == 200


def test_right_code_is_recorded_and_changes_the_session_key(client, chief, app):
    sign_in(client, chief)
    before = session_key(client)
    client.post(VERIFY, {"code": code_of(app)})
    assert session_key(client) != before
    assert Session.objects.get().verified_at == timezone.now()
    signs = AuditEvent.objects.filter(action=Action.SIGN_IN).order_by("pk")
    assert [event.detail for event in signs] == [
        {"kind": "browser", "second_factor": False},
        {"kind": "browser", "second_factor": True},
    ]


def test_recovery_code_opens_the_admin(client, chief, app):
    code = second_factor.new_recovery_codes(chief)[0]
    sign_in(client, chief)
    assert client.post(VERIFY, {"code": code}).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_code_opens_the_admin_once(chief, app):
    code, answers = code_of(app), []
    for client in (Client(), Client()):
        sign_in(client, chief)
        answers.append(client.post(VERIFY, {"code": code}).status_code)
    assert answers == [302, 200]


def test_wrong_code_is_told_and_recorded(client, chief, app):
    sign_in(client, chief)
    answer = client.post(VERIFY, {"code": wrong_code_of(app)})
    assert answer.status_code == 200
    assert "This code is wrong or was used already" in answer.content.decode()
    assert client.get("/admin/").status_code == 302
    failed = AuditEvent.objects.get(action=Action.SIGN_IN_FAILED)
    assert (failed.actor, failed.detail) == ("chief", {"second_factor": True})


def test_sixth_attempt_is_refused_unseen(client, chief, app):
    sign_in(client, chief)  # an attempt too, until the code was right
    for _ in range(attempts.LIMITS["account"] - 1):
        assert client.post(VERIFY, {"code": wrong_code_of(app)}).status_code == 200
    answer = client.post(VERIFY, {"code": code_of(app)})
    assert (answer.status_code, 0 < int(answer.headers["Retry-After"]) <= 900) == (429, True)
    assert client.get("/admin/").status_code == 302


def test_sign_in_leaves_no_attempt_behind(client, chief, app):
    sign_in(client, chief)
    client.post(VERIFY, {"code": code_of(app)})
    assert not AttemptCount.objects.filter(attempts__gt=0).exists()


def test_right_code_forgives_the_wrong_ones(client, chief, app):
    sign_in(client, chief)
    client.post(VERIFY, {"code": "no code at all"})
    client.post(VERIFY, {"code": code_of(app)})
    client.post("/admin/logout/")
    for _ in range(attempts.LIMITS["account"]):
        assert client.post(LOGIN, {"username": "chief", "password": "wrong"}).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "/\\evil.example",
        "",
    ],
)
def test_next_page_elsewhere_is_not_followed(client, chief, app, address):
    sign_in(client, chief)
    answer = client.post(VERIFY, {"code": code_of(app), "next": address})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_login_does_not_lead_elsewhere(client, chief):
    answer = client.post(
        f"{LOGIN}?next=https://evil.example/",
        {"username": "chief", "password": PASSWORD, "next": "https://evil.example/"},
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_request_of_a_script_is_refused_not_redirected(client, chief, app):
    sign_in(client, chief)
    answer = client.get("/admin/autocomplete/", headers={"Sec-Fetch-Mode": "cors"})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "Show your second factor first."


def test_logout_and_its_page_are_open_without_the_code(client, chief, app):
    sign_in(client, chief)
    assert client.post("/admin/logout/").status_code == 200
    assert client.get(VERIFY).headers["Location"] == f"{LOGIN}?next={VERIFY}"


def test_verification_page_sends_on_who_has_no_factor(client, chief):
    sign_in(client, chief)
    assert client.get(VERIFY).headers["Location"] == OVERVIEW


def test_factor_added_elsewhere_is_asked_of_other_browsers(client, chief):
    sign_in(client, chief)
    assert client.get("/admin/").status_code == 200
    app_of(chief)
    assert client.get("/admin/").headers["Location"].startswith(VERIFY)


# Required by the setting


@pytest.fixture
def required(settings):
    settings.REQUIRE_SECOND_FACTOR = True


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("method", ["get", "post"])
def test_staff_without_a_required_factor_reach_its_set_up_only(client, chief, method):
    sign_in(client, chief)
    free = OPEN | {
        "second-factor",
        "second-factor-confirm",
        "second-factor-app",
        "passkey-registration-begin",
        "passkey-registration-complete",
    }
    answers = {path: getattr(client, method)(path) for path, name in PAGES.items() if name not in free}
    others = {
        path: answer
        for path, answer in answers.items()
        if not answer.headers.get("Location", "").startswith(OVERVIEW)
    }
    assert others == {}


@pytest.mark.usefixtures("required")
def test_set_up_page_links_to_ones_own_account_only(client, chief):
    sign_in(client, chief)
    page = client.get(OVERVIEW).content.decode()
    links = set(re.findall(r'href="(/admin/[^"]*)"', page))
    assert links == {"/admin/", OVERVIEW, APP, "/admin/password_change/"}


@pytest.mark.usefixtures("required")
def test_set_up_opens_the_admin(client, chief):
    sign_in(client, chief)
    client.get(APP)
    device = second_factor.app_for(chief, client.session["second_factor_key"])
    answer = client.post(APP, {"code": code_of(device)})
    assert answer.status_code == 200
    assert client.get("/admin/").status_code == 200


@pytest.mark.usefixtures("required")
def test_last_required_factor_cannot_be_removed(client, chief, app):
    sign_in(client, chief)
    client.post(VERIFY, {"code": code_of(app)})
    answer = client.post(f"{OVERVIEW}remove/app/{app.pk}/", {"password": PASSWORD}, follow=True)
    assert "add another one before you remove this" in answer.content.decode()
    assert second_factor.has_one(chief)


# A temporary password


def test_temporary_password_reaches_its_change_only(client, chief):
    chief.temporary_password_until = timezone.now() + timedelta(hours=1)
    chief.save()
    sign_in(client, chief)
    shut = [path for path, name in PAGES.items() if name not in OPEN | {"password_change"}]
    reached = {path for path in shut if client.get(path).headers.get("Location") is None}
    assert reached == set()
    assert client.get("/admin/password_change/").status_code == 200


# One's own factors


def verified(client, user, device):
    sign_in(client, user)
    client.post(VERIFY, {"code": code_of(device)})
    return client


def shown_codes(answer):
    return re.findall(r"<code>([a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{2})</code>", answer.content.decode())


def test_set_up_shows_the_secret_and_then_the_recovery_codes(client, chief):
    sign_in(client, chief)
    page = client.get(APP).content.decode()
    device = second_factor.app_for(chief, client.session["second_factor_key"])
    (shown,) = re.findall(r'<code id="secret"[^>]*>([^<]+)</code>', page)
    assert f"secret={shown.replace(' ', '')}&" in device.config_url
    assert "<svg" in page
    codes = shown_codes(client.post(APP, {"code": code_of(device)}))
    assert len(codes) == 10
    assert all(second_factor.verify(chief, code) for code in codes)


def test_set_up_with_a_wrong_code_keeps_its_secret(client, chief):
    sign_in(client, chief)
    client.get(APP)
    key = client.session["second_factor_key"]
    answer = client.post(APP, {"code": wrong_code_of(second_factor.app_for(chief, key))})
    assert "This is not the app" in answer.content.decode()
    assert client.session["second_factor_key"] == key
    assert not TOTPDevice.objects.exists()


def test_second_app_is_not_offered(client, chief, app):
    answer = verified(client, chief, app).get(APP)
    assert answer.headers["Location"] == OVERVIEW


def test_new_recovery_codes_are_shown_on_demand(client, chief, app):
    answer = verified(client, chief, app).post(CODES)
    assert len(shown_codes(answer)) == second_factor.codes_left(chief) == 10
    assert "no-store" in answer.headers["Cache-Control"]


def test_recovery_codes_need_a_factor(client, chief):
    sign_in(client, chief)
    assert client.post(CODES).headers["Location"] == OVERVIEW
    assert second_factor.codes_left(chief) == 0


def test_factor_is_removed_with_the_password(client, chief, app):
    answer = verified(client, chief, app).post(f"{OVERVIEW}remove/app/{app.pk}/", {"password": PASSWORD})
    assert answer.headers["Location"] == OVERVIEW
    assert second_factor.has_one(chief) is False


def test_factor_is_not_removed_with_a_wrong_password(client, chief, app):
    answer = verified(client, chief, app).post(f"{OVERVIEW}remove/app/{app.pk}/", {"password": "wrong"})
    assert "This is not your password." in answer.content.decode()
    assert second_factor.has_one(chief) is True


def test_factor_of_somebody_else_cannot_be_removed(client, chief, app):
    other = app_of(UserFactory.create())
    answer = verified(client, chief, app).post(f"{OVERVIEW}remove/app/{other.pk}/", {"password": PASSWORD})
    assert answer.status_code == 404
    assert TOTPDevice.objects.filter(pk=other.pk).exists()


@pytest.mark.parametrize("which", ["session/1", "app/0", f"app/{10**30}", f"passkey/{10**30}"])
def test_factor_that_does_not_exist_is_not_found(client, chief, app, which):
    assert verified(client, chief, app).get(f"{OVERVIEW}remove/{which}/").status_code == 404


# Somebody else's, lost


def test_reset_by_who_may_change_the_account(client, chief):
    ada = UserFactory.create(username="ada", is_staff=True)
    app_of(ada)
    sign_in(client, chief)
    assert client.get(f"{OVERVIEW}reset/{ada.pk}/").status_code == 200
    assert second_factor.has_one(ada)
    answer = client.post(f"{OVERVIEW}reset/{ada.pk}/")
    assert answer.headers["Location"] == reverse("admin:accounts_user_change", args=[ada.pk])
    assert not second_factor.has_one(ada)


def test_reset_is_refused_to_others(client, chief, app):
    sign_in(client, UserFactory.create(is_staff=True))
    assert client.post(f"{OVERVIEW}reset/{chief.pk}/").status_code == 403
    assert second_factor.has_one(chief)


def test_reset_of_oneself_leads_to_ones_own_page(client, chief, app):
    answer = verified(client, chief, app).post(f"{OVERVIEW}reset/{chief.pk}/")
    assert answer.headers["Location"] == OVERVIEW
    assert second_factor.has_one(chief)


@pytest.mark.parametrize("number", [0, 9_999_999, 10**30])
def test_reset_of_nobody_is_not_found(client, chief, number):
    sign_in(client, chief)
    assert client.post(f"{OVERVIEW}reset/{number}/").status_code == 404


def test_pages_that_show_secrets_are_not_in_the_admin():
    names = {model.__name__ for model in admin.site._registry}
    assert names.isdisjoint({"TOTPDevice", "WebAuthnCredential", "WebAuthnAttestation", "RecoveryCode"})


# Cross-site requests


def test_every_page_refuses_a_form_without_its_token(chief):
    browser = Client(enforce_csrf_checks=True)
    signed_in = Client()
    sign_in(signed_in, chief)
    browser.cookies = SimpleCookie({django_settings.SESSION_COOKIE_NAME: session_key(signed_in)})
    answers = {path: browser.post(path).status_code for path in PAGES}
    assert {path: status for path, status in answers.items() if status != 403} == {}
    assert browser.get("/admin/").status_code == 200  # it was signed in all the while
