"""Forged and malformed tokens: a 401 at every door, and nothing else.

Each is made from a token that would be accepted, so that the one thing that is wrong is what is refused.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import RefreshToken, Session
from accounts.tests.client import ME, assert_refused
from accounts.tests.factories import UserFactory
from accounts.tests.forge import base64url, claims, forged, header, signed

pytestmark = pytest.mark.django_db
LATER = 4_000_000_000  # the year 2096
FOREIGN = Ed25519PrivateKey.generate()
PEM = FOREIGN.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
BRACKETS = b"[" * 2500
DOORS = ("header", "refresh", "verify", "logout")


def send(door, token):
    """Send the token to a door that takes its kind."""
    api = APIClient()
    if door == "header":
        arrived = token.encode("utf-8", "surrogatepass").decode(
            "latin-1"
        )  # as a WSGI server hands headers over
        return api.get(ME, headers={"Authorization": f"Bearer {arrived}"})
    return api.post(f"/v1/auth/token/{door}/", {"refresh": token, "token": token}, format="json")


@pytest.fixture
def pair():
    return tokens.begin(UserFactory.create(), verified=False)


def right_kind(pair: tokens.Pair, door: str) -> str:
    return pair.access if door in {"header", "verify"} else pair.refresh


def foreign(token, **head):
    """Return the token signed by a key that is not ours."""
    return jwt.encode(claims(token), FOREIGN, algorithm="EdDSA", headers={"kid": header()["kid"], **head})


def unsigned(token, algorithm):
    parts = ({**header(), "alg": algorithm}, claims(token))
    return (b".".join(base64url(json.dumps(part).encode()) for part in parts) + b".").decode()


def parts_of(token):
    return token.split(".")


def with_signature(token, signature):
    return ".".join([*parts_of(token)[:2], signature])


def twice(token, name, value):
    """Return the token with one claim given twice, the last one wrong."""
    text = json.dumps(claims(token))[:-1] + f', "{name}": {json.dumps(value)}}}'
    return signed(header(), text.encode())


def secret():
    return settings.TOKEN_KEYS[0].private


HEADERS: dict[str, Callable[[str], str]] = {
    "alg none": lambda token: unsigned(token, "none"),
    "alg None": lambda token: unsigned(token, "None"),
    "alg nOnE": lambda token: unsigned(token, "nOnE"),
    "alg NONE": lambda token: unsigned(token, "NONE"),
    "alg none, signed": lambda token: forged(token, head={"alg": "none"}),
    "alg HS384": lambda token: signed({**header(), "alg": "HS384"}, claims(token), algorithm="HS384"),
    "alg HS512": lambda token: signed({**header(), "alg": "HS512"}, claims(token), algorithm="HS512"),
    "alg RS256": lambda token: forged(token, head={"alg": "RS256"}),
    "alg ES256": lambda token: forged(token, head={"alg": "ES256"}),
    "alg EdDSA by another key": foreign,
    "alg empty": lambda token: forged(token, head={"alg": ""}),
    "alg null": lambda token: forged(token, head={"alg": None}),
    "alg number": lambda token: forged(token, head={"alg": 5}),
    "alg list": lambda token: forged(token, head={"alg": ["HS256"]}),
    "alg missing": lambda token: signed({"kid": header()["kid"]}, claims(token)),
    "alg lower case": lambda token: forged(token, head={"alg": "hs256"}),
    "PEM as secret": lambda token: forged(token, key=PEM),
    "PEM stripped as secret": lambda token: forged(token, key=PEM.strip()),
    "JWK as secret": lambda token: forged(token, key=json.dumps(jwt.algorithms.OKPAlgorithm.to_jwk(FOREIGN, as_dict=True)).encode()),
    "empty secret": lambda token: forged(token, key=b""),
    "SECRET_KEY as secret": lambda token: forged(token, key=settings.SECRET_KEY.encode()),
    "kid as secret": lambda token: forged(token, key=header()["kid"].encode()),
    "hash of the secret": lambda token: forged(token, key=hashlib.sha256(secret()).digest()),
    "another secret": lambda token: forged(token, key=b"k" * 64),
    "kid missing": lambda token: signed({"alg": "HS256", "typ": "JWT"}, claims(token)),
    "kid null": lambda token: forged(token, head={"kid": None}),
    "kid empty": lambda token: forged(token, head={"kid": ""}),
    "kid number": lambda token: forged(token, head={"kid": 0}),
    "kid list": lambda token: forged(token, head={"kid": [header()["kid"]]}),
    "kid path": lambda token: forged(token, key=b"", head={"kid": "../../../../dev/null"}),
    "kid SQL": lambda token: forged(token, key=b"x", head={"kid": "x' UNION SELECT 'x"}),
    "kid URL": lambda token: forged(token, head={"kid": "https://evil.example/key"}),
    "kid NUL": lambda token: forged(token, head={"kid": header()["kid"] + "\0"}),
    "jku": lambda token: foreign(token, jku="https://evil.example/jwks.json"),
    "x5u": lambda token: foreign(token, x5u="https://evil.example/cert.pem"),
    "x5c": lambda token: foreign(token, x5c=["MIIB"]),
    "jwk": lambda token: foreign(token, jwk=jwt.algorithms.OKPAlgorithm.to_jwk(FOREIGN.public_key(), as_dict=True)),
    "crit unknown": lambda token: forged(token, head={"crit": ["x"], "x": 1}),
    "crit empty": lambda token: forged(token, head={"crit": []}),
    "b64 false": lambda token: forged(token, head={"b64": False, "crit": ["b64"]}),
    "zipped": lambda token: forged(token, head={"crit": ["zip"], "zip": "DEF"}),
    "header list": lambda token: signed([header()], claims(token)),
    "header null": lambda token: signed(None, claims(token)),
    "header nested": lambda token: signed(BRACKETS, claims(token)),
    "header not UTF-8": lambda token: signed(b"\xff\xfe", claims(token)),
}  # fmt: skip

SHAPES: dict[str, Callable[[str], str]] = {
    "word": lambda token: "x",
    "dots": lambda token: "..",
    "null": lambda token: "null",
    "two parts": lambda token: ".".join(parts_of(token)[:2]),
    "four parts": lambda token: f"{token}.e30",
    "five parts": lambda token: f"{token}.e30.e30",
    "no signature": lambda token: with_signature(token, ""),
    "signature cut": lambda token: token[:-4],
    "signature changed": lambda token: with_signature(token, parts_of(token)[2][::-1]),
    "signature of zeros": lambda token: with_signature(token, "A" * 43),
    "signature padded": lambda token: f"{token}====",
    "signature with a line break": lambda token: f"{token[:-10]}\n{token[-10:]}",
    "payload changed": lambda token: ".".join(
        [parts_of(token)[0], base64url(json.dumps(claims(token) | {"sub": "1"}).encode()).decode(), parts_of(token)[2]]
    ),
    "payload list": lambda token: signed(header(), [claims(token)]),
    "payload null": lambda token: signed(header(), None),
    "payload text": lambda token: signed(header(), "claims"),
    "payload nested": lambda token: signed(header(), BRACKETS),
    "payload no JSON": lambda token: signed(header(), b"{"),
    "payload not UTF-8": lambda token: signed(header(), b"\xff\xfe"),
    "payload empty": lambda token: signed(header(), b""),
    "no claims": lambda token: signed(header(), {}),
    "JSON serialization": lambda token: json.dumps(dict(zip(("protected", "payload", "signature"), parts_of(token), strict=True))),
    "base64 of nothing": lambda token: "====.====.====",
    "blank inside": lambda token: token.replace(".", ". ", 1),
    "letter beyond ASCII": lambda token: f"é{token}",
    "wide letters": lambda token: token.replace("e", "\uff45"),
    "a thousand dots": lambda token: "." * 1000,
    "100 kB": lambda token: "A" * 100_000,
    "100 kB, rightly signed": lambda token: forged(token, more="x" * 100_000),
}  # fmt: skip

WRONG_CLAIMS: dict[str, list[Any]] = {
    "sub": [
        ..., None, 1, "", "1 OR 1=1", "1e30", 1e30, -1, "-1", "0", "01", "\0", "1\0", "9" * 18, "9" * 19, "9" * 3000, "\uff11",
        " 1", True, ["1"], {"id": 1}, "\ud800",
    ],
    "exp": [
        ..., None, 1e300, "9", "soon", "", [], {}, -1, 0, 1, True, LATER + 0.5, float("nan"), float("inf"), float("-inf"),
        10**400, str(LATER),
    ],
    "iat": [..., None, "x", "", [], 1e300, float("nan"), float("inf"), LATER, 1.5, True, str(1), 10**400],
    "nbf": ["x", LATER, [], None, 1e300],
    "jti": [..., None, 5, [], {}, "", "\0", "g" * 32, "0" * 31, "0" * 33, "A" * 32, "0" * 32 + "\n", "' OR 1=1 --"],
    "typ": [..., None, "", "sliding", "untyped", "Bearer", "at+jwt", 5, ["access"], "ACCESS", "access\0"],
    "iss": [..., None, "", "elsewhere", ["catalogue"], 5, "Catalogue"],
    "aud": [..., None, "", "elsewhere", [], ["elsewhere"], 5, {"catalogue": 1}],
    "sid": [
        ..., None, "", 5, [], "x", "\0", "0" * 32, "00000000-0000-0000-0000-000000000000",
        "{00000000-0000-0000-0000-000000000000}", "urn:uuid:00000000-0000-0000-0000-000000000000", "x" * 3000,
    ],
    "epoch": [..., None, 0, 2, -1, "1", 1.0, True, [], 10**30],
}  # fmt: skip


def assert_is_refused(door, token):
    answer = send(door, token)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not RefreshToken.objects.exclude(consumed_at=None).exists()
    assert not Session.objects.exclude(ended_at=None).exists()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", [*HEADERS, *SHAPES])
def test_token_with_a_wrong_form(pair, door, case):
    forge = {**HEADERS, **SHAPES}[case]
    assert_is_refused(door, forge(right_kind(pair, door)))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("claim", list(WRONG_CLAIMS))
def test_token_with_a_wrong_claim(pair, door, claim):
    token = right_kind(pair, door)
    for value in WRONG_CLAIMS[claim]:
        assert_is_refused(door, forged(token, **{claim: value}))


@pytest.mark.parametrize(
    ("door", "status"), [("header", 401), ("refresh", 413), ("verify", 413), ("logout", 413)]
)
def test_token_of_three_megabytes(pair, door, status):
    assert send(door, "eyJ" * 1_000_000).status_code == status


@pytest.mark.parametrize("door", DOORS)
def test_token_of_the_other_kind(pair, door):
    other = pair.refresh if door in {"header", "verify"} else pair.access
    assert_refused(send(door, other), "The token is not valid.")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("claim", "value"), [("sub", "2147483647"), ("typ", "sliding"), ("epoch", 9)])
def test_token_with_a_claim_given_twice(pair, door, claim, value):
    assert_is_refused(door, twice(right_kind(pair, door), claim, value))


@pytest.mark.parametrize("door", DOORS)
def test_token_of_another_account_under_this_session(pair, door):
    other = UserFactory.create()
    assert_is_refused(door, forged(right_kind(pair, door), sub=str(other.pk)))


@pytest.mark.parametrize("door", DOORS)
def test_token_that_is_rightly_made_is_taken(pair, door):
    """What the others are made from; without it they would prove nothing."""
    assert send(door, forged(right_kind(pair, door))).status_code == 200


def test_there_are_as_many_cases_as_we_hold_ourselves_to():
    assert len(HEADERS) + len(SHAPES) + sum(len(values) for values in WRONG_CLAIMS.values()) >= 80
