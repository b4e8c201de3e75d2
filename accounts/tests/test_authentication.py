"""TokenAuthentication: what opens an endpoint, and everything that must not."""

import base64
import json
from typing import Any

import jwt
import pytest
from django.conf import settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from accounts import tokens
from accounts.authentication import TokenAuthentication
from accounts.models import User
from accounts.tests.client import ME
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory.create(username="ada")


@pytest.fixture
def access(user):
    return tokens.sign_in(username="ada", password=PASSWORD).access_token


def get(header):
    return APIClient().get(ME, headers={"Authorization": header})


def forged(token, key=None, header=None, **changes):
    """Return the token with changed claims (None takes one away), signed with our key unless told."""
    payload = {name: value for name, value in (token.payload | changes).items() if value is not None}
    encoded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT"} | (header or {}), payload)
    ]
    message = b".".join(encoded)
    algorithm = jwt.get_algorithm_by_name("HS256")
    signature = algorithm.sign(message, algorithm.prepare_key(key or settings.SECRET_KEY))
    return (message + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_access_token_opens(access, scheme):
    answer = get(f"{scheme} {access}")
    assert (answer.status_code, answer.json()["username"]) == (200, "ada")


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Token abc", "Bearerabc"])
def test_other_header_is_anonymous(header, django_assert_num_queries):
    request = APIView().initialize_request(APIRequestFactory().get("/", headers={"Authorization": header}))
    with django_assert_num_queries(0):
        assert TokenAuthentication().authenticate(request) is None


def test_authentication_costs_one_query(user, access, django_assert_num_queries):
    request = APIRequestFactory().get("/", headers={"Authorization": f"Bearer {access}"})
    with django_assert_num_queries(1):
        opened = TokenAuthentication().authenticate(APIView().initialize_request(request))
    assert opened is not None
    assert opened[0] == user


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda user: user.delete(), id="deleted"),
        pytest.param(lambda user: User.objects.update(is_active=False), id="inactive"),
        pytest.param(lambda user: User.objects.update(password="!"), id="password changed"),
    ],
)
def test_access_token_of_an_account_that_may_not(user, access, change):
    change(user)
    answer = get(f"Bearer {access}")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


def test_expired_access_token_says_so(access):
    answer = get(f"Bearer {forged(access, exp=1)}")
    assert (answer.status_code, answer.json()["detail"]) == (401, "The token has expired.")


def test_refresh_token_opens_nothing(user):
    assert get(f"Bearer {tokens.sign_in(username='ada', password=PASSWORD)}").status_code == 401


BRACKETS = base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "", "x", "a b", "a.b.c", "a.b.c.d", "..", "\x00", "é", "null", "eyJhbGciOiJub25lIn0.e30.", "A" * 100_000,
        f"{BRACKETS}.e30.AAAA", f"eyJhbGciOiJIUzI1NiJ9.{BRACKETS}.AAAA",
    ],
)  # fmt: skip
def test_malformed_token(token):
    answer = get(f"Bearer {token}")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


FAR_FUTURE = 4_000_000_000  # the year 2096
WRONG_VALUES: dict[str, list[Any]] = {
    "sub": [
        None, "1 OR 1=1", "1e30", 1e30, -1, "-1", "0", "", "\0", "1\0", "9" * 18, "9" * 19, "9" * 5000, "\uff11", " 1",
        True, ["1"], {"id": 1},
    ],
    "exp": [None, 1e300, "9", "soon", [], {}, -1, 0, True, float("nan"), float("inf"), 10**400],
    "jti": [None, 5, [], "", "\0", "g" * 32],
    "iat": ["x", 1e300, FAR_FUTURE],
    "nbf": ["x", FAR_FUTURE],
    "token_type": [None, "refresh", "sliding", "untyped", 5, "ACCESS"],
    "pw": [None, "", "0" * 32, 5, [], "\0", "é"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "value"), [(claim, value) for claim, values in WRONG_VALUES.items() for value in values]
)
def test_access_token_with_a_wrong_claim(access, claim, value):
    answer = get(f"Bearer {forged(access, **{claim: value})}")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


@pytest.mark.parametrize(
    "header",
    [{"alg": name} for name in ("none", "None", "nOnE", "HS384", "RS256", "ES256", "", None, 5)]
    + [{"crit": ["x"], "x": 1}, {"b64": False, "crit": ["b64"]}],
)
def test_access_token_with_wrong_header(access, header):
    assert get(f"Bearer {forged(access, header=header)}").status_code == 401


def test_access_token_signed_by_another_key(access):
    assert get(f"Bearer {forged(access, key='k' * 64)}").status_code == 401


@pytest.mark.parametrize(
    ("claim", "value"),
    [(claim, value) for claim in ("sub", "exp", "jti", "pw") for value in WRONG_VALUES[claim]],
)
def test_refresh_token_with_a_wrong_claim(user, claim, value):
    token = forged(tokens.sign_in(username="ada", password=PASSWORD), **{claim: value})
    with pytest.raises(AuthenticationFailed):
        tokens.rotate(token)
