"""Sign-in over HTTP: the first pair, what is asked for it, and its end."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts import tokens
from accounts.models import Action, AuditEvent, Session, User
from accounts.tests.client import TOKEN, assert_refused, me, refresh, sign_in
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.forge import claims

pytestmark = pytest.mark.django_db
CREDENTIAL_ROUTES = ("refresh", "verify", "logout")
WITHDRAWN = "The refresh token was used or withdrawn."
ENDED = "The session has ended; sign in again."


@pytest.fixture
def api():
    return APIClient()


@pytest.fixture
def user():
    return UserFactory.create(username="ada")


def test_token_right_credentials(api, user):
    pair = sign_in(api)

    assert set(pair) == {"access", "refresh"}
    access, later = claims(pair["access"]), claims(pair["refresh"])
    session = Session.objects.get()
    names = {"iat", "exp", "jti", "typ", "iss", "aud", "sid", "epoch", "sub"}
    assert (set(access), set(later)) == (names, names)
    common = {
        "sub": str(user.pk), "sid": str(session.pk), "epoch": 1, "iss": "catalogue", "aud": "catalogue",
    }  # fmt: skip
    assert common.items() <= access.items()
    assert common.items() <= later.items()
    assert (access["typ"], access["exp"] - access["iat"]) == ("access", 300)
    assert (later["typ"], later["exp"] - later["iat"]) == ("refresh", 604_800)
    assert access["jti"] != later["jti"]


def test_token_begins_a_session(api, user):
    headers = {"User-Agent": "Fleet/2.1"}
    api.post(TOKEN, {"username": "ada", "password": PASSWORD}, format="json", headers=headers)

    session = Session.objects.get()
    assert (session.user, session.kind, session.device, session.address) == (
        user, "api", "Fleet/2.1", "127.0.0.1",
    )  # fmt: skip
    assert (session.verified_at, session.ended_at) == (None, None)
    assert session.expires_at - session.created_at == timedelta(days=30)
    event = AuditEvent.objects.get(action=Action.SIGN_IN)
    assert (event.actor_id, event.subject, event.address) == (user.pk, str(session.pk), "127.0.0.1")


def test_session_begins_with_five_writes(user, django_assert_num_queries):
    # The time of the sign-in, the session, the audit event, simplejwt's row and ours; and a savepoint.
    with django_assert_num_queries(5 + 2):
        tokens.begin(user, verified=False)


def test_token_of_an_account_that_changed_since_its_password_was_judged(user):
    judged = User.objects.get()
    User.objects.update(is_staff=True)

    with pytest.raises(AuthenticationFailed):
        tokens.begin(judged, verified=False)

    assert Session.objects.count() == 0


def test_token_of_an_account_whose_hash_is_of_an_older_kind(api, user):
    older = PBKDF2PasswordHasher().encode(PASSWORD, "salt")
    User.objects.update(password=older)

    pair = sign_in(api)

    assert User.objects.get().password.startswith("argon2$argon2id$")
    assert me(api, pair["access"]).status_code == 200
    assert refresh(api, pair["refresh"]).status_code == 200


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


@pytest.mark.parametrize("text", ["x" * 1_000_000, "é" * 500_000, "\u202e", "a" * 151, "9" * 10_000])
def test_token_odd_names_and_passwords_are_refused(api, text):
    for body in ({"username": text, "password": "x"}, {"username": "ada", "password": text}):
        assert api.post(TOKEN, body, format="json").status_code in {400, 401, 413}


def test_token_text_that_is_not_unicode(api):
    body = r'{"username": "ada", "password": "\ud800"}'
    assert api.post(TOKEN, body, content_type="application/json").status_code == 400


def test_token_ignores_a_stale_header(api, user):
    stale = {"Authorization": "Bearer nonsense"}
    answer = api.post(TOKEN, {"username": "ada", "password": PASSWORD}, format="json", headers=stale)
    assert answer.status_code == 200


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
    assert_refused(answer, ENDED)


def test_logout_ends_the_session(api, user):
    pair, other = sign_in(api), sign_in(api)
    answer = api.post("/v1/auth/token/logout/", {"refresh": pair["refresh"]}, format="json")

    assert (answer.status_code, answer.json()) == (200, {})
    assert_refused(refresh(api, pair["refresh"]), WITHDRAWN)
    assert_refused(me(api, pair["access"]), ENDED)
    assert refresh(api, other["refresh"]).status_code == 200
    assert list(AuditEvent.objects.filter(action=Action.SIGN_OUT).values_list("actor", "subject")) == [
        ("ada", claims(pair["refresh"])["sid"])
    ]


def test_logout_twice(api, user):
    body = {"refresh": sign_in(api)["refresh"]}
    api.post("/v1/auth/token/logout/", body, format="json")
    assert_refused(api.post("/v1/auth/token/logout/", body, format="json"), WITHDRAWN)


def test_logout_with_a_spent_token(api, user):
    first = sign_in(api)
    second = refresh(api, first["refresh"]).json()
    api.post("/v1/auth/token/logout/", {"refresh": first["refresh"]}, format="json")
    assert_refused(refresh(api, second["refresh"]), WITHDRAWN)


@pytest.mark.parametrize("route", CREDENTIAL_ROUTES)
def test_credential_route_answers_beside_token_too(api, user, route):
    pair = sign_in(api)
    body = {"refresh": pair["refresh"], "token": pair["access"]}
    assert api.post(f"/v1/auth/{route}/", body, format="json").status_code == 200


@pytest.mark.parametrize("route", CREDENTIAL_ROUTES)
@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é", "eyJ" * 100_000, 5, True])
def test_credential_route_malformed_token(api, route, token):
    body = {"refresh": token, "token": token}
    answer = api.post(f"/v1/auth/{route}/", body, format="json")
    # DRF takes a number for its text, but no boolean.
    assert answer.status_code == (400 if token is True else 401)


@pytest.mark.parametrize("route", ["token", "token/refresh", "token/verify", "token/logout"])
def test_credential_route_get(api, route):
    assert api.get(f"/v1/auth/{route}/").status_code == 405
