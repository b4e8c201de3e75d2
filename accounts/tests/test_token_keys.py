"""Keys that sign tokens: what they may be, who verifies with them, and changing them."""

import json
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.core.exceptions import ImproperlyConfigured
from rest_framework.test import APIClient

from accounts import tokens
from accounts.keyring import ring
from accounts.tests.client import assert_refused, me, refresh, sign_in
from accounts.tests.factories import UserFactory
from accounts.tests.forge import claims
from marketplace import signing

JWKS = "/.well-known/jwks.json"
NAME = "TOKEN_SIGNING_KEY"
INVALID = "The token is not valid."


def new(kind):
    return (
        ed25519.Ed25519PrivateKey.generate()
        if kind == "EdDSA"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )


def private(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def public(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def use(settings, monkeypatch):
    """Let the service use these keys, as one that was started with them would."""

    def use(*texts):
        monkeypatch.setenv(NAME, "\n".join(texts))
        settings.TOKEN_KEYS = signing.keys(NAME, default="")
        ring.cache_clear()

    yield use
    ring.cache_clear()


@pytest.fixture
def user():
    return UserFactory.create(username="ada")


def verified_by_the_listed_keys(token):
    """Verify the token as a service would that knows our address alone."""
    listed = jwt.PyJWKSet.from_dict(APIClient().get(JWKS).json())
    head = jwt.get_unverified_header(token)
    return jwt.decode(
        token, listed[head["kid"]], algorithms=["EdDSA", "RS256"], audience="catalogue", issuer="catalogue"
    )


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["EdDSA", "RS256"])
def test_tokens_verify_by_the_listed_key_alone(use, user, kind):
    use(private(new(kind)))

    pair = sign_in(APIClient())

    assert jwt.get_unverified_header(pair["access"])["alg"] == kind
    assert verified_by_the_listed_keys(pair["access"])["sub"] == str(user.pk)
    assert me(APIClient(), pair["access"]).status_code == 200
    assert refresh(APIClient(), pair["refresh"]).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["EdDSA", "RS256", "HS256"])
def test_tokens_outlive_a_change_of_keys_while_the_old_one_is_listed(use, user, kind):
    old, fresh = ("o" * 40, "n" * 40) if kind == "HS256" else (new(kind), new(kind))
    as_private, as_public = (str, str) if kind == "HS256" else (private, public)
    use(as_private(old))
    pair = sign_in(APIClient())

    use(as_private(fresh), as_public(old))
    after = refresh(APIClient(), pair["refresh"])
    assert after.status_code == 200
    assert me(APIClient(), pair["access"]).status_code == 200
    old_kid, new_kid = (
        jwt.get_unverified_header(token)["kid"] for token in (pair["access"], after.json()["access"])
    )
    assert old_kid != new_kid

    use(as_private(fresh))
    assert_refused(me(APIClient(), pair["access"]), INVALID)
    assert_refused(refresh(APIClient(), pair["refresh"]), INVALID)
    assert me(APIClient(), after.json()["access"]).status_code == 200


@pytest.mark.django_db
def test_token_under_a_foreign_key_that_names_ours(use, user):
    use(private(new("EdDSA")))
    access = tokens.begin(user, verified=False).access
    head = jwt.get_unverified_header(access)
    forged = jwt.encode(claims(access), new("EdDSA"), algorithm="EdDSA", headers={"kid": head["kid"]})
    stranger = jwt.encode(claims(access), new("EdDSA"), algorithm="EdDSA", headers={"kid": "theirs"})
    for token in (forged, stranger):
        assert_refused(me(APIClient(), token), INVALID)


@pytest.mark.django_db
def test_token_signed_with_the_public_key_as_a_secret(use, user):
    key = new("RS256")
    use(private(key))
    access = tokens.begin(user, verified=False).access
    head = jwt.get_unverified_header(access)
    for secret in (public(key), json.dumps(ring().jwks()[0])):
        parts = (json.dumps({**head, "alg": "HS256"}), json.dumps(claims(access)))
        message = b".".join(jwt.utils.base64url_encode(part.encode()) for part in parts)
        signature = jwt.get_algorithm_by_name("HS256").sign(message, secret.encode())
        forged = (message + b"." + jwt.utils.base64url_encode(signature)).decode()
        assert_refused(me(APIClient(), forged), INVALID)


def test_jwks_lists_public_parts_of_all_keys(use):
    keys = [new("EdDSA"), new("EdDSA")]
    use(private(keys[0]), public(keys[1]))

    answer = APIClient().get(JWKS)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    listed = answer.json()["keys"]
    assert [set(jwk) for jwk in listed] == [{"kty", "crv", "x", "kid", "use", "alg"}] * 2
    assert [jwt.PyJWK(jwk).key.public_bytes_raw() for jwk in listed] == [
        key.public_key().public_bytes_raw() for key in keys
    ]


def test_jwks_of_an_rsa_key_holds_nothing_private(use):
    use(private(new("RS256")))
    (listed,) = APIClient().get(JWKS).json()["keys"]
    assert set(listed) == {"kty", "n", "e", "kid", "use", "alg"}


def test_jwks_of_a_secret_is_empty(use):
    use("s" * 40)
    assert APIClient().get(JWKS).json() == {"keys": []}


def test_jwks_takes_no_other_method():
    assert APIClient().post(JWKS, {}, format="json").status_code == 405


ED, OTHER_ED, RSA = new("EdDSA"), new("EdDSA"), new("RS256")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("short", "cannot be used: a secret is shorter than 32 bytes.", id="short secret"),
        pytest.param(f"{'s' * 40}\nshort", "cannot be used: a secret is shorter than 32 bytes.", id="second secret short"),
        pytest.param(f"{'s' * 40}\n{'s' * 40}", "holds the same key twice.", id="secret twice"),
        pytest.param(public(ED), "must begin with the private key that signs.", id="public key first"),
        pytest.param(private(ED) + public(ED), "holds the same key twice.", id="key twice"),
        pytest.param(private(ED) + public(RSA), "mixes RSA and Ed25519 keys; the algorithm is one.", id="two kinds"),
        pytest.param(
            private(rsa.generate_private_key(65537, 1024)), "cannot be used: an RSA key has fewer than 2048 bits.",
            id="small RSA key",
        ),
        pytest.param(
            private(ec.generate_private_key(ec.SECP256R1())), "cannot be used: a key is neither Ed25519 nor RSA.",
            id="other curve",
        ),
        pytest.param(
            private(ED, BestAvailableEncryption(b"x")),
            "cannot be used: a PEM block is no readable key without a passphrase.", id="passphrase",
        ),
        pytest.param(
            private(ED).replace("MC4C", "AAAA"),
            "cannot be used: a PEM block is no readable key without a passphrase.", id="damaged",
        ),
        pytest.param(
            private(ED) + public(OTHER_ED)[:60],
            "cannot be used: a PEM block has no end, or another end than its beginning.", id="cut short",
        ),
    ],
)  # fmt: skip
def test_keys_that_cannot_be_used(monkeypatch, text, sentence):
    monkeypatch.setenv(NAME, text)
    with pytest.raises(ImproperlyConfigured) as refusal:
        signing.keys(NAME, default="")
    assert str(refusal.value) == f"{NAME} {sentence}"
    assert refusal.value.__cause__ is None


def test_keys_from_a_file_with_words_around_them(monkeypatch, tmp_path):
    (tmp_path / "keys.pem").write_text(f"signs since 2030\n{private(ED)}\nthe one before\n{public(OTHER_ED)}")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "keys.pem"))
    keys = signing.keys(NAME, default="")
    assert [(key.algorithm, key.private is not None) for key in keys] == [("EdDSA", True), ("EdDSA", False)]
    assert len({key.kid for key in keys}) == 2
    assert "PRIVATE" not in repr(keys)


def test_key_has_the_id_of_rfc_7638():
    """The example of RFC 8037, appendix A.3."""
    raw = jwt.utils.base64url_decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    pem = ed25519.Ed25519PublicKey.from_public_bytes(raw).public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    (key,) = signing._pem_keys(pem.decode())
    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.django_db
def test_ids_of_tokens_never_repeat(user):
    drawn = [tokens.AccessJWT()["jti"] for _ in range(2000)]
    derived = [tokens._successor_id(token_id) for token_id in drawn]
    assert len({*drawn, *derived}) == 4000
    assert all(tokens.TOKEN_ID.fullmatch(each) for each in (*drawn, *derived))
    assert {uuid.UUID(each).version for each in drawn} == {4}  # 122 random bits
