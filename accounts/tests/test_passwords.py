"""Passwords: how they are kept, who sets them, and what a temporary one is good for."""

import io
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, identify_hasher
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import actions, passwords
from accounts.models import Action, AuditEvent, User
from accounts.tests.client import TOKEN, at_once, me, sign_in
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "Another 52 gullwing"
LOGIN, CHANGE = "/admin/login/?next=/admin/", "/admin/password_change/"


@pytest.fixture
def api():
    return APIClient()


def made_before_argon2(**fields):
    """Make an account whose password is stored as Django did by default."""
    user = UserFactory.create(**fields)
    User.objects.filter(pk=user.pk).update(password=PBKDF2PasswordHasher().encode(PASSWORD, "salt"))
    return User.objects.get(pk=user.pk)


def algorithm(user):
    return identify_hasher(User.objects.get(pk=user.pk).password).algorithm


# --- How they are kept ---


def test_old_hash_signs_in_over_the_api_and_is_upgraded(api):
    user = made_before_argon2(username="ada")

    pair = sign_in(api)

    assert me(api, pair["access"]).status_code == 200
    assert api.post(f"{TOKEN}refresh/", {"refresh": pair["refresh"]}, format="json").status_code == 200
    assert algorithm(user) == "argon2"


def test_old_hash_signs_in_to_the_admin_and_is_upgraded(client):
    user = made_before_argon2(username="ada", superuser=True)

    page = client.post(LOGIN, {"username": "ada", "password": PASSWORD}, follow=True)

    assert (page.status_code, page.request["PATH_INFO"]) == (200, "/admin/")
    assert algorithm(user) == "argon2"


def test_old_hash_and_a_wrong_password_change_nothing(api):
    user = made_before_argon2(username="ada")
    answer = api.post(TOKEN, {"username": "ada", "password": "wrong"}, format="json")
    assert (answer.status_code, algorithm(user)) == (401, "pbkdf2_sha256")


def test_old_hash_is_no_change_of_the_password_to_the_record(api):
    made_before_argon2(username="ada")
    sign_in(api)
    assert not AuditEvent.objects.filter(action=Action.PASSWORD_CHANGED).exists()


def test_old_hash_of_a_temporary_password_stays_temporary(api):
    user = made_before_argon2(username="ada")
    until = passwords.make_temporary(user)
    sign_in(api)
    user.refresh_from_db()
    assert (algorithm(user), user.temporary_password_until) == ("argon2", until)


@pytest.mark.django_db(transaction=True)
def test_old_hash_and_five_sign_ins_at_once_leave_them_all_signed_in():
    made_before_argon2(username="ada")

    pairs = at_once([partial(sign_in, APIClient())] * 5)

    assert [me(APIClient(), pair["access"]).status_code for pair in pairs] == [200] * 5


@pytest.mark.django_db(transaction=True)
def test_old_hash_does_not_come_back_over_a_password_that_was_changed_meanwhile():
    user = made_before_argon2(username="ada")
    passwords.set_password(User.objects.get(pk=user.pk), NEW_PASSWORD, by=None)

    # `user` was read before the change, as a sign-in that is still hashing has it.
    assert passwords.is_password_of(user, PASSWORD) is False
    assert User.objects.get(pk=user.pk).check_password(NEW_PASSWORD)


def test_old_hash_of_an_account_deleted_meanwhile():
    user = made_before_argon2(username="ada")
    User.objects.filter(pk=user.pk).delete()
    assert passwords.is_password_of(user, PASSWORD) is False


def test_password_of_64_characters_and_more_is_compared_to_its_end(api):
    long = "Zephyr 51 gullwing " * 215 + "eleven"
    UserFactory.create(username="ada", password=long)

    answer = api.post(TOKEN, {"username": "ada", "password": f"{long[:-1]}N"}, format="json")

    assert (len(long), answer.status_code) == (4091, 401)
    assert sign_in(api, password=long)


# --- What is asked of them ---


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        pytest.param("gullwing 5", None, id="ten characters"),
        pytest.param("Zephyr 51 gullwing " * 215, None, id="4085 characters"),
        pytest.param("ключ от ангара", None, id="another script"),
        pytest.param("gullwing5", "This password is too short. It must contain at least 10 characters.", id="short"),
        pytest.param("1029384756102", "This password is entirely numeric.", id="digits"),
        pytest.param("captain@ships.org", "The password is too similar to the email address.", id="similar"),
        pytest.param("1qaz2wsx3edc", "This password is too common.", id="common"),
        pytest.param("Changeme-2026", "This password is one that everybody knows; choose another.", id="known"),
        pytest.param("x" * 4097, "This password is longer than 4096 characters.", id="long"),
        pytest.param(
            "Zephyr\0 gullwing",
            "This password holds a NUL or is not Unicode text, so nobody could sign in with it.",
            id="NUL",
        ),
        pytest.param(
            "Zephyr \ud800 gullwing",
            "This password holds a NUL or is not Unicode text, so nobody could sign in with it.",
            id="surrogate",
        ),
    ],
)  # fmt: skip
def test_password_is_judged(password, sentence):
    user = UserFactory.build(username="ada", email="captain@ships.org")
    try:
        validate_password(password, user)
        said = None
    except ValidationError as refusal:
        said = " ".join(refusal.messages)
    assert said == sentence


# --- Who sets them ---


def test_password_set_by_its_owner_lasts():
    user = UserFactory.create()
    passwords.make_temporary(user)

    passwords.set_password(user, NEW_PASSWORD, by=user)

    user.refresh_from_db()
    assert (user.check_password(NEW_PASSWORD), user.temporary_password_until) == (True, None)


def test_password_set_by_another_is_temporary():
    chief, user = UserFactory.create(superuser=True), UserFactory.create(username="ada")

    before = timezone.now()
    passwords.set_password(user, NEW_PASSWORD, by=chief)

    user.refresh_from_db()
    until, lasts = user.temporary_password_until, timedelta(hours=72)
    assert until
    assert before + lasts <= until <= timezone.now() + lasts
    event = AuditEvent.objects.get(action=Action.PASSWORD_CHANGED)
    assert (event.actor, event.subject, event.detail) == (chief.username, "ada", {})


def test_password_that_is_weak_is_not_set():
    user = UserFactory.create()
    with pytest.raises(ValidationError):
        passwords.set_password(user, "short", by=user)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.fixture
def typed(monkeypatch):
    """What is typed at the prompts of a command."""
    monkeypatch.setattr("getpass.getpass", lambda prompt: NEW_PASSWORD)


def test_changepassword_on_the_server_helps_after_a_temporary_one_has_run_out(api, typed):
    passwords.make_temporary(UserFactory.create(username="ada"), hours=-1)

    call_command("changepassword", "ada", stdout=io.StringIO())

    assert me(api, sign_in(api, password=NEW_PASSWORD)["access"]).status_code == 200
    assert User.objects.get().temporary_password_until is None


def test_changepassword_on_the_server_obeys_the_validators(monkeypatch):
    UserFactory.create(username="ada")
    monkeypatch.setattr("getpass.getpass", lambda prompt: "Changeme-2026")
    said = io.StringIO()
    with pytest.raises(CommandError):
        call_command("changepassword", "ada", stdout=io.StringIO(), stderr=said)
    assert said.getvalue().splitlines()[0] == "This password is one that everybody knows; choose another."


# --- What a temporary one is good for ---


def test_temporary_password_until_its_end_signs_in(api):
    user = UserFactory.create(username="ada")
    passwords.make_temporary(user)
    User.objects.update(temporary_password_until=timezone.now() + timedelta(minutes=1))
    assert sign_in(api)


def test_temporary_password_that_has_run_out_is_a_wrong_one(api):
    passwords.make_temporary(UserFactory.create(username="ada"), hours=0)
    run_out = api.post(TOKEN, {"username": "ada", "password": PASSWORD}, format="json")
    wrong = api.post(TOKEN, {"username": "ada", "password": "wrong"}, format="json")
    assert (run_out.status_code, run_out.content) == (401, wrong.content)


def test_temporary_password_is_exchanged_over_the_api(api):
    passwords.make_temporary(UserFactory.create(username="ada"))
    access = sign_in(api)["access"]

    answer = api.post(
        "/v1/auth/password/",
        {"old_password": PASSWORD, "new_password": NEW_PASSWORD},
        format="json",
        headers={"Authorization": f"Bearer {access}"},
    )

    assert (answer.status_code, answer.json()) == (200, {})
    assert me(api, sign_in(api, password=NEW_PASSWORD)["access"]).status_code == 200
    assert User.objects.get().temporary_password_until is None


def test_temporary_password_that_ran_out_since_the_sign_in_is_not_exchanged():
    user = UserFactory.create()
    passwords.make_temporary(user, hours=0)
    with pytest.raises(ValidationError) as refusal:
        actions.change_password(user=user, old_password=PASSWORD, new_password=NEW_PASSWORD)
    assert refusal.value.message_dict == {
        "old_password": ["This temporary password has run out; ask for another."]
    }
    assert User.objects.get().check_password(PASSWORD)


# --- The admin's own page ---


@pytest.fixture
def staff(client):
    """Somebody who is signed in to the admin with a temporary password."""
    user = UserFactory.create(username="ada", superuser=True)
    passwords.make_temporary(user)
    client.post(LOGIN, {"username": "ada", "password": PASSWORD})
    return user


def change(client, old=PASSWORD, new=NEW_PASSWORD, again=None):
    fields = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post(CHANGE, fields)


def test_admin_password_change_ends_the_temporary_one_and_the_other_sessions(client, api, staff):
    access = sign_in(api)["access"]

    answer = change(client)

    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("admin:password_change_done"))
    assert client.get("/admin/").status_code == 200
    assert me(api, access).status_code == 401
    staff.refresh_from_db()
    assert (staff.check_password(NEW_PASSWORD), staff.temporary_password_until) == (True, None)
    event = AuditEvent.objects.get(action=Action.PASSWORD_CHANGED)
    assert (event.actor, event.subject) == ("ada", "ada")


@pytest.mark.parametrize(
    ("fields", "at", "sentence"),
    [
        pytest.param({"old": "wrong"}, "old_password", "This is not the password.", id="wrong"),
        pytest.param(
            {"new": PASSWORD}, "new_password2", "The new password must differ from the old one.", id="same"
        ),
        pytest.param(
            {"new": "Changeme-2026"},
            "new_password2",
            "This password is one that everybody knows; choose another.",
            id="known",
        ),
        pytest.param(
            {"again": "else"},
            "new_password2",
            "The two password fields didn\u2019t match.",
            id="differs",
        ),
    ],
)
def test_admin_password_change_refused(client, staff, fields, at, sentence):
    answer = change(client, **fields)

    assert (answer.status_code, answer.context["form"].errors) == (200, {at: [sentence]})
    staff.refresh_from_db()
    assert (staff.check_password(PASSWORD), staff.temporary_password_until is None) == (True, False)


def test_admin_password_change_counts_wrong_attempts(client, staff):
    for _ in range(5):
        change(client, old="wrong")

    answer = change(client)

    assert (answer.status_code, answer.headers["Retry-After"].isdecimal()) == (429, True)
    assert User.objects.get().check_password(PASSWORD)
