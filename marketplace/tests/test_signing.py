"""The keys that sign tokens: what is taken, which algorithm follows, and one sentence for what is not."""

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.exceptions import ImproperlyConfigured

from marketplace import signing

SECRET, OTHER = "first-secret-of-forty-characters-or-so-01", "other-secret-of-forty-characters-or-so-02"

# The worked example of RFC 7638, section 3.1.
MODULUS = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
    "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
    "kEgU8awapJzKnqDKgw"
)
THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
# And of RFC 8037, section A.3: the first test key of RFC 8032.
ED25519_SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
ED25519_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def private_pem(key, passphrase=None):
    sealed = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed).decode()


def public_pem(key):
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def edwards_key():
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture
def read(monkeypatch):
    """Return the keys of a text that the variable holds."""

    def keys(text):
        monkeypatch.setenv("X", text)
        return signing.keys("X", default="")

    return keys


def test_secret_signs_with_hs256_and_is_shown_to_nobody(read):
    (key,) = read(SECRET)

    assert (key.algorithm, key.private, key.public) == ("HS256", SECRET.encode(), SECRET.encode())
    assert key.jwk() is None
    assert SECRET not in repr(key)


def test_secrets_of_several_lines_are_as_many_keys_of_which_the_first_signs(read):
    keys = read(f"\n {SECRET} \r\n\n{OTHER}\n")

    assert [key.private for key in keys] == [SECRET.encode(), OTHER.encode()]
    assert keys[0].kid != keys[1].kid


def test_unset_variable_means_the_default(monkeypatch):
    monkeypatch.delenv("X", raising=False)

    assert signing.keys("X", default=SECRET)[0].private == SECRET.encode()


def test_key_of_a_file_is_read(monkeypatch, tmp_path, edwards_key):
    (tmp_path / "key.pem").write_text(private_pem(edwards_key))
    monkeypatch.setenv("X_FILE", str(tmp_path / "key.pem"))

    assert signing.keys("X", default="")[0].algorithm == "EdDSA"


@pytest.mark.parametrize(("kind", "algorithm"), [("edwards_key", "EdDSA"), ("rsa_key", "RS256")])
def test_private_key_signs_what_its_public_key_verifies(request, read, kind, algorithm):
    pem = private_pem(request.getfixturevalue(kind))

    (key,) = read(pem)

    token = jwt.encode({"sub": "1"}, key.private, algorithm=key.algorithm)
    assert key.algorithm == algorithm
    assert jwt.decode(token, key.public, algorithms=[algorithm]) == {"sub": "1"}


def test_public_keys_after_the_private_one_verify_only(read, edwards_key):
    former = ed25519.Ed25519PrivateKey.generate()

    signing_key, verifying_key = read(private_pem(edwards_key) + "a remark\n" + public_pem(former))

    assert signing_key.private is not None
    assert (verifying_key.private, verifying_key.algorithm) == (None, "EdDSA")


def test_key_has_the_same_id_whether_private_or_public(read, edwards_key):
    former = ed25519.Ed25519PrivateKey.generate()

    before = read(private_pem(former))[0].kid
    after = read(private_pem(edwards_key) + public_pem(former))[1].kid

    assert before == after


def test_id_of_an_rsa_key_is_its_thumbprint(read, rsa_key):
    jwk = jwt.PyJWK({"kty": "RSA", "e": "AQAB", "n": MODULUS}, algorithm="RS256").key
    example = jwk.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    assert read(private_pem(rsa_key) + example.decode())[1].kid == THUMBPRINT


def test_id_of_an_ed25519_key_is_its_thumbprint(read):
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(ED25519_SEED))

    assert read(private_pem(key))[0].kid == ED25519_THUMBPRINT


def test_public_key_is_shown_without_its_private_half(read, rsa_key):
    (key,) = read(private_pem(rsa_key))

    shown = key.jwk()

    assert shown is not None
    assert shown.keys() == {"kty", "n", "e", "kid", "use", "alg"}
    assert (shown["kid"], shown["use"], shown["alg"]) == (key.kid, "sig", "RS256")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(
            lambda: SECRET[:31], "X cannot be used: a secret is shorter than 32 bytes.", id="short secret"
        ),
        pytest.param(
            lambda: f"{SECRET}\n{OTHER[:20]}",
            "X cannot be used: a secret is shorter than 32 bytes.",
            id="short second secret",
        ),
        pytest.param(
            lambda: private_pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
            "X cannot be used: an RSA key has fewer than 2048 bits.",
            id="small RSA key",
        ),
        pytest.param(
            lambda: private_pem(ec.generate_private_key(ec.SECP256R1())),
            "X cannot be used: a key is neither Ed25519 nor RSA.",
            id="another kind of key",
        ),
        pytest.param(
            lambda: private_pem(ed25519.Ed25519PrivateKey.generate(), b"passphrase"),
            "X cannot be used: a PEM block is no readable key without a passphrase.",
            id="encrypted",
        ),
        pytest.param(
            lambda: "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n",
            "X cannot be used: a PEM block is no readable key without a passphrase.",
            id="garbage in PEM",
        ),
        pytest.param(
            lambda: public_pem(ed25519.Ed25519PrivateKey.generate()),
            "X must begin with the private key that signs.",
            id="public key first",
        ),
        pytest.param(
            lambda: "-----BEGIN PRIVATE KEY-----\nMC4CAQ",
            "X cannot be used: a PEM block has no end, or another end than its beginning.",
            id="cut off",
        ),
        pytest.param(lambda: f"{SECRET}\n{SECRET}", "X holds the same key twice.", id="twice"),
        pytest.param(lambda: " \n ", "X must begin with the private key that signs.", id="blanks"),
        pytest.param(
            lambda: private_pem(ed25519.Ed25519PrivateKey.generate())
            + public_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
            "X mixes RSA and Ed25519 keys; the algorithm is one.",
            id="mixed",
        ),
    ],
)
def test_keys_that_cannot_be_used_are_refused_without_being_quoted(read, make, sentence):
    text = make()

    with pytest.raises(ImproperlyConfigured) as raised:
        read(text)

    assert str(raised.value) == sentence
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    assert [word for word in text.split() if len(word) > 12 and word in str(raised.value)] == []


def test_derived_secret_differs_from_its_origin_and_is_stable():
    made = signing.derived(SECRET)

    assert made == signing.derived(SECRET)
    assert made != signing.derived(OTHER)
    assert len(made) >= signing.SHORTEST_SECRET
    assert SECRET not in made
