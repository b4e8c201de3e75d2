"""The keys that sign tokens, read from one text: what they are decides the algorithm, a token never does.

The text holds PEM keys, Ed25519 (EdDSA) or RSA (RS256): the first one is private and signs, the others,
private or public, verify what was signed before the change. Or it holds secrets for HS256, one a line, of
which again the first signs. No Django here: the settings read it.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from django.core.exceptions import ImproperlyConfigured

from marketplace import environment

PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
SHORTEST_SECRET = 32  # bytes, as many as HS256's hash has (RFC 7518, section 3.2)
SMALLEST_RSA = 2048  # bits


@dataclass(frozen=True)
class Key:
    """One key: `private` signs (None: it only verifies), `public` verifies; for HS256 both are the secret."""

    kid: str
    algorithm: str
    public: Any = field(repr=False)
    private: Any = field(default=None, repr=False)

    def jwk(self) -> dict[str, Any] | None:
        """Return the public key as a JSON Web Key (RFC 7517); None for a secret, which is shown to nobody."""
        if self.algorithm == "HS256":
            return None
        return _jwk(self.algorithm, self.public) | {"kid": self.kid, "use": "sig", "alg": self.algorithm}


def derived(secret_key: str) -> str:
    """Return a secret for tokens that is as good as SECRET_KEY and tells nothing of it."""
    return hmac.new(secret_key.encode(), b"catalogue: signing of tokens", hashlib.sha256).hexdigest()


def keys(name: str, *, default: str) -> tuple[Key, ...]:
    """Read the variable's keys, the signing one first; raise ImproperlyConfigured, never quoting it."""
    text = environment.text(name, default)
    try:
        found = tuple(_pem_keys(text) if "-----BEGIN" in text else _secrets(text))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be used: {error}.") from None
    if not found or found[0].private is None:
        raise ImproperlyConfigured(f"{name} must begin with the private key that signs.")
    if len({key.kid for key in found}) < len(found):
        raise ImproperlyConfigured(f"{name} holds the same key twice.")
    if len({key.algorithm for key in found}) > 1:
        raise ImproperlyConfigured(f"{name} mixes RSA and Ed25519 keys; the algorithm is one.")
    return found


def _secrets(text: str) -> list[Key]:
    secrets = [line.strip().encode() for line in text.splitlines() if line.strip()]
    if any(len(secret) < SHORTEST_SECRET for secret in secrets):
        raise ValueError(f"a secret is shorter than {SHORTEST_SECRET} bytes")
    return [Key(_mark(b"HS256" + secret), "HS256", secret, secret) for secret in secrets]


def _pem_keys(text: str) -> list[Key]:
    if "-----" in PEM.sub("", text):
        raise ValueError("a PEM block has no end, or another end than its beginning")
    return [_pem_key(block.group(0).encode(), private="PRIVATE" in block[1]) for block in PEM.finditer(text)]


def _pem_key(pem: bytes, *, private: bool) -> Key:
    try:
        own = load_pem_private_key(pem, password=None) if private else None
        public = own.public_key() if own else load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
        raise ValueError("a PEM block is no readable key without a passphrase") from error
    algorithm = _algorithm(public)
    jwk = _jwk(algorithm, public)
    # RFC 7638: the required members in the order of their names.
    named = {name: jwk[name] for name in sorted(jwk) if name in {"crv", "e", "kty", "n", "x"}}
    text = ",".join(f'"{name}":"{value}"' for name, value in named.items())
    return Key(_mark(f"{{{text}}}".encode()), algorithm, public, own)


def _algorithm(public: object) -> str:
    if isinstance(public, Ed25519PublicKey | Ed25519PrivateKey):
        return "EdDSA"
    if not isinstance(public, RSAPublicKey | RSAPrivateKey):
        raise ValueError("a key is neither Ed25519 nor RSA")  # noqa: TRY004  (the caller knows one kind)
    if public.key_size < SMALLEST_RSA:
        raise ValueError(f"an RSA key has fewer than {SMALLEST_RSA} bits")
    return "RS256"


def _jwk(algorithm: str, public: Any) -> dict[str, Any]:
    maker: Any = jwt.get_algorithm_by_name(algorithm)
    made: dict[str, Any] = maker.to_jwk(public, as_dict=True)
    return {name: value for name, value in made.items() if name != "key_ops"}


def _mark(text: bytes) -> str:
    """Return the key's id: SHA-256 in base64url, as RFC 7638 has it."""
    return jwt.utils.base64url_encode(hashlib.sha256(text).digest()).decode()
