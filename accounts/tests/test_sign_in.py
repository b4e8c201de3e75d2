"""Sign-in over HTTP: the pair, its refresh, its end."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.conf import settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import User
from accounts.tests.client import TOKEN, assert_refused, at_once, me, refresh, sign_in
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
CREDENTIAL_ROUTES = ("refresh", "verify", "logout")


@pytest.fixture
def api():
    return APIClient()


@pytest.fixture
def user():
    return UserFactory.create(username="ada")


def claims(token):
    return jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"])


def test_token_right_credentials(api, user):
    pair = sign_in(api)

    assert set(pair) == {"access", "refresh"}
    assert set(claims(pair["access"])) == {"sub", "pw", "token_type", "jti", "iat", "exp"}
    access, later = claims(pair["access"]), claims(pair["refresh"])
    assert (access["sub"], access["token_type"], access["exp"] - access["iat"]) == (
        str(user.pk),
        "access",
        300,
    )
    assert (later["sub"], later["token_type"], later["exp"] - later["iat"]) == (
        str(user.pk),
        "refresh",
        604_800,
    )


def test_token_updates_last_login(api, user):
    before = datetime.now(UTC)
    sign_in(api)
    user.refresh_from_db()
    assert user.last_login is not None
    assert user.last_login >= before - timedelta(seconds=1)


def test_token_is_not_stored(api, user):
    sign_in(api)
    assert list(OutstandingToken.objects.values_list("user", "token")) == [(user.pk, "")]


def test_token_is_not_cached(api, user):
    answer = api.post(TOKEN, {"username": "ada", "password": PASSWORD}, format="json")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("username", "password"),
    [
        pytest.param("ada", "wrong", id="wrong password"),
        pytest.param("nobody", PASSWORD, id="no such account"),
        pytest.param("idle", PASSWORD, id="inactive account"),
        pytest.param("ada", f" {PASSWORD}", id="a blank too many"),
        pytest.param("ada' OR '1'='1", PASSWORD, id="SQL"),
    ],
)
def test_token_wrong_credentials_answer_alike(api, user, username, password):
    UserFactory.create(username="idle", is_active=False)
    answer = api.post(TOKEN, {"username": username, "password": password}, format="json")
    assert_refused(answer, "No active account has these credentials.")


@pytest.mark.parametrize("password", ["  blanks around  ", "quote'\"$`\\", "line\nbreak", "🏎️" * 50])
def test_token_takes_passwords_as_typed(api, password):
    UserFactory.create(username="ada", password=password)
    assert set(sign_in(api, password=password)) == {"access", "refresh"}


def test_token_takes_a_username_in_any_unicode_form(api):
    UserFactory.create(username="zo\u00eb")
    assert set(sign_in(api, username="zoe\u0308")) == {"access", "refresh"}


@pytest.mark.parametrize(
    "body",
    [
        {}, [], "text", None, 5, {"username": "ada"}, {"username": "ada", "password": ["x"]},
        {"username": {"a": 1}, "password": "x"}, {"username": "a\0b", "password": "x"},
        {"username": "ada", "password": "a\0b"}, {"username": "ada", "password": "x" * 5000},
    ],
)  # fmt: skip
def test_token_malformed_body(api, body):
    assert api.post(TOKEN, body, format="json").status_code == 400


def test_token_text_that_is_not_unicode(api):
    body = r'{"username": "ada", "password": "\ud800"}'
    assert api.post(TOKEN, body, content_type="application/json").status_code == 400


def test_token_ignores_a_stale_header(api, user):
    stale = {"Authorization": "Bearer nonsense"}
    answer = api.post(TOKEN, {"username": "ada", "password": PASSWORD}, format="json", headers=stale)
    assert answer.status_code == 200


def test_refresh_gives_a_new_pair_that_works(api, user):
    first = sign_in(api)
    answer = refresh(api, first["refresh"])

    assert (answer.status_code, set(answer.json())) == (200, {"access", "refresh"})
    assert answer.json()["refresh"] != first["refresh"]
    assert me(api, answer.json()["access"]).status_code == 200
    assert refresh(api, answer.json()["refresh"]).status_code == 200


def test_refresh_twice_with_one_token(api, user):
    token = sign_in(api)["refresh"]
    refresh(api, token)
    assert_refused(refresh(api, token), "The refresh token was used or withdrawn.")


def test_refresh_with_an_access_token(api, user):
    assert_refused(refresh(api, sign_in(api)["access"]), "The token is not valid.")


def test_refresh_of_a_token_never_issued(api, user):
    forged = claims(sign_in(api)["refresh"]) | {"jti": "0" * 32}
    answer = refresh(api, jwt.encode(forged, settings.SECRET_KEY))
    assert_refused(answer, "The refresh token was used or withdrawn.")


def test_refresh_after_the_account_was_deleted(api, user):
    pair = sign_in(api)
    user.delete()
    assert_refused(refresh(api, pair["refresh"]), "The token's account is not active.")


def test_refresh_after_the_account_was_deactivated(api, user):
    pair = sign_in(api)
    User.objects.update(is_active=False)
    assert_refused(refresh(api, pair["refresh"]), "The token's account is not active.")


def test_refresh_after_the_password_was_changed_by_any_door(api, user):
    pair = sign_in(api)
    user.set_password("Another 52 gullwing")
    user.save()
    assert_refused(
        refresh(api, pair["refresh"]), "The account's password has changed since the token was issued."
    )


def test_refresh_refused_spends_nothing(api, user):
    pair = sign_in(api)
    User.objects.update(is_active=False)
    refresh(api, pair["refresh"])
    User.objects.update(is_active=True)
    assert refresh(api, pair["refresh"]).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_refresh_by_twenty_at_once_succeeds_once():
    UserFactory.create(username="ada")
    token = sign_in(APIClient())["refresh"]

    statuses = sorted(at_once([lambda: refresh(APIClient(), token).status_code] * 20))

    assert statuses == [200] + [401] * 19
    assert (OutstandingToken.objects.count(), BlacklistedToken.objects.count()) == (2, 1)


def test_verify_access_token(api, user):
    answer = api.post("/v1/auth/token/verify/", {"token": sign_in(api)["access"]}, format="json")
    assert (answer.status_code, answer.json()) == (200, {})


def test_verify_refresh_token(api, user):
    answer = api.post("/v1/auth/token/verify/", {"token": sign_in(api)["refresh"]}, format="json")
    assert_refused(answer, "The token is not valid.")


def test_verify_token_of_an_inactive_account(api, user):
    access = sign_in(api)["access"]
    User.objects.update(is_active=False)
    answer = api.post("/v1/auth/token/verify/", {"token": access}, format="json")
    assert_refused(answer, "The token's account is not active.")


def test_logout_ends_the_refresh_token(api, user):
    pair, other = sign_in(api), sign_in(api)
    answer = api.post("/v1/auth/token/logout/", {"refresh": pair["refresh"]}, format="json")

    assert (answer.status_code, answer.json()) == (200, {})
    assert_refused(refresh(api, pair["refresh"]), "The refresh token was used or withdrawn.")
    assert refresh(api, other["refresh"]).status_code == 200


@pytest.mark.parametrize("route", CREDENTIAL_ROUTES)
def test_credential_route_answers_beside_token_too(api, user, route):
    pair = sign_in(api)
    body = {"refresh": pair["refresh"], "token": pair["access"]}
    assert api.post(f"/v1/auth/{route}/", body, format="json").status_code == 200


@pytest.mark.parametrize("route", CREDENTIAL_ROUTES)
@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é", "eyJ" * 400_000, 5, True])
def test_credential_route_malformed_token(api, route, token):
    body = {"refresh": token, "token": token}
    answer = api.post(f"/v1/auth/{route}/", body, format="json")
    # DRF takes a number for its text, but no boolean.
    assert answer.status_code == (400 if token is True else 401)


@pytest.mark.parametrize("route", ["token", "token/refresh", "token/verify", "token/logout"])
def test_credential_route_get(api, route):
    assert api.get(f"/v1/auth/{route}/").status_code == 405
