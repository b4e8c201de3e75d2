"""Each sign-in of a browser to the admin is a session that shows in the list, and ends as the others do."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.models import Action, AuditEvent, EndReason, Session, SessionKind, User
from accounts.sessions import begin
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.second_factors import LOGIN, VERIFY, app_of, code_of, sign_in

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "Another 4 gullwings"


@pytest.fixture
def chief():
    return UserFactory.create(username="chief", superuser=True)


def change_password(client):
    fields = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    answer = client.post("/admin/password_change/", fields)
    assert answer.status_code == 302, answer.content


def is_signed_in(client):
    return client.get("/admin/").status_code == 200


def recorded(action):
    return list(AuditEvent.objects.filter(action=action).values_list("actor", "subject"))


def test_sign_in_begins_a_session(client, chief):
    before = timezone.now()
    sign_in(client, chief, headers={"User-Agent": "Firefox 140"})
    row = Session.objects.get()
    assert (row.user, row.kind, row.device, row.address) == (chief, "browser", "Firefox 140", "127.0.0.1")
    assert row.verified_at is None
    assert row.created_at >= before
    assert recorded(Action.SIGN_IN) == [("chief", str(row.pk))]


def test_sign_in_that_fails_begins_none(client, chief):
    client.post(LOGIN, {"username": "chief", "password": "wrong"})
    assert not Session.objects.exists()


def test_sign_in_changes_the_session_key(client, chief):
    key = settings.SESSION_COOKIE_NAME
    session = client.session
    session["before"] = "a visitor's"
    session.save()
    client.cookies[key] = session.session_key
    sign_in(client, chief)
    assert client.cookies[key].value != session.session_key
    stranger = Client()
    stranger.cookies[key] = session.session_key
    assert not is_signed_in(stranger)


def test_sign_in_whose_hash_is_upgraded_lasts(client, chief):
    User.objects.update(password=PBKDF2PasswordHasher().encode(PASSWORD, "salt"))
    sign_in(client, chief)
    assert User.objects.get().password.startswith("argon2")
    assert is_signed_in(client)


def test_browser_that_was_signed_in_before_there_were_sessions_gets_one(client, chief):
    client.force_login(chief)
    assert is_signed_in(client)
    assert Session.objects.get(user=chief).kind == SessionKind.BROWSER


def test_next_requests_stay_in_the_session(client, chief):
    sign_in(client, chief)
    assert all(is_signed_in(client) for _ in range(3))
    assert Session.objects.count() == 1


def test_sign_out_ends_the_session(client, chief):
    sign_in(client, chief)
    client.post("/admin/logout/")
    row = Session.objects.get()
    assert row.end_reason == EndReason.LOGOUT
    assert recorded(Action.SIGN_OUT) == [("chief", str(row.pk))]


def test_session_that_somebody_ended_is_over_with_the_next_request(client, chief):
    sign_in(client, chief)
    Session.objects.all().end(EndReason.ENDED)
    answer = client.get("/admin/accounts/user/")
    assert answer.headers["Location"] == f"{LOGIN}?next=/admin/accounts/user/"
    assert client.session.is_empty()
    assert Session.objects.get().end_reason == EndReason.ENDED
    assert recorded(Action.SIGN_OUT) == []


def test_session_that_has_ended_leaves_the_login_page_open(client, chief):
    sign_in(client, chief)
    Session.objects.all().end(EndReason.ENDED)
    assert client.get(LOGIN).status_code == 200
    sign_in(client, chief)
    assert is_signed_in(client)


def test_session_that_has_expired_is_over(client, chief):
    sign_in(client, chief)
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not is_signed_in(client)


def test_change_of_rights_ends_every_browser(client, chief):
    sign_in(client, chief)
    chief.groups.add(Group.objects.create(name="more"))
    assert not is_signed_in(client)
    assert Session.objects.get().end_reason == EndReason.RIGHTS


def test_deactivation_ends_every_browser(client, chief):
    sign_in(client, chief)
    User.objects.update(is_active=False)
    assert not is_signed_in(client)


def test_deletion_ends_every_browser(client, chief):
    sign_in(client, chief)
    chief.delete()
    assert not is_signed_in(client)


def test_session_id_of_somebody_else_is_none(client, chief):
    other = begin(UserFactory.create(), kind=SessionKind.BROWSER, verified=True)
    sign_in(client, chief)
    session = client.session
    session["sid"] = str(other.pk)
    session.save()
    assert not is_signed_in(client)


def test_session_of_an_api_client_is_none(client, chief):
    sign_in(client, chief)
    session = client.session
    session["sid"] = str(begin(chief, kind=SessionKind.API, verified=True).pk)
    session.save()
    assert not is_signed_in(client)


# A change of the password


def test_own_new_password_keeps_this_browser_and_ends_the_others(client, chief):
    other = Client()
    sign_in(client, chief)
    sign_in(other, chief)
    change_password(client)
    assert (is_signed_in(client), is_signed_in(other)) == (True, False)
    assert Session.objects.filter(ended_at=None).count() == 1


def test_own_new_password_does_not_ask_for_the_second_factor_again(client, chief):
    device = app_of(chief)
    sign_in(client, chief)
    client.post(VERIFY, {"code": code_of(device)})
    change_password(client)
    assert is_signed_in(client)
    assert Session.objects.get(ended_at=None).verified_at is not None


def test_new_password_that_somebody_gave_ends_every_browser(client, chief):
    sign_in(client, chief)
    chief.set_password(NEW_PASSWORD)
    chief.save()
    assert not is_signed_in(client)


# What it costs


def test_last_use_is_written_once_a_minute(client, chief):
    sign_in(client, chief)
    begun = Session.objects.get().last_used_at
    with time_machine.travel(begun + timedelta(seconds=50), tick=False):
        client.get("/admin/")
    assert Session.objects.get().last_used_at == begun
    with time_machine.travel(begun + timedelta(seconds=70), tick=False):
        client.get("/admin/")
    assert Session.objects.get().last_used_at == begun + timedelta(seconds=70)


def test_admin_page_costs_two_queries_more(client, chief, django_assert_num_queries):
    sign_in(client, chief)
    with django_assert_num_queries(
        4
    ):  # the session, the account; its row, and whether it has a second factor
        client.get("/admin/jsi18n/")


def test_login_page_of_a_visitor_costs_no_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get(LOGIN).status_code == 200


def test_api_does_not_look_at_the_browsers_session(client, chief, django_assert_num_queries):
    sign_in(client, chief)
    with django_assert_num_queries(0):
        assert client.get("/v1/auth/me/").status_code == 401
