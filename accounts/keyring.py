"""simplejwt's signing and verifying, once for each of our keys."""

import time
from functools import cache
from typing import Any

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken
from rest_framework_simplejwt.settings import api_settings

from marketplace.signing import Key

LEEWAY_SECONDS = 5  # by so much the clocks of machines that share the keys may differ
LONGEST_TOKEN = 4096  # characters; ours have a few hundred


class KeyBackend(TokenBackend):
    """One key; the tokens that it signs name it in their header (`kid`)."""

    def __init__(self, key: Key) -> None:
        super().__init__(
            key.algorithm,
            signing_key=key.private,
            verifying_key=key.public,
            audience=api_settings.AUDIENCE,
            issuer=api_settings.ISSUER,
            leeway=LEEWAY_SECONDS,
        )
        self.key = key

    def encode(self, payload: dict[str, Any]) -> str:
        claims = payload | {"aud": self.audience, "iss": self.issuer}
        return jwt.encode(
            claims, self.prepared_signing_key, algorithm=self.algorithm, headers={"kid": self.key.kid}
        )


class KeyRing(TokenBackend):
    """All keys of settings.TOKEN_KEYS: the first signs; the one that a token names verifies it.

    A token chooses among our keys, never the algorithm: each key has its own.
    """

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self.backends = {key.kid: KeyBackend(key) for key in keys}
        self.signing = self.backends[keys[0].kid]
        super().__init__(self.signing.algorithm)

    def encode(self, payload: dict[str, Any]) -> str:
        return self.signing.encode(payload)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 (theirs)
        if len(token) > LONGEST_TOKEN:
            raise TokenBackendError("Token is too long")
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError as error:
            raise TokenBackendError("Token is invalid") from error
        if not isinstance(kid, str) or kid not in self.backends:
            raise TokenBackendError("Token names none of our keys")
        payload = self.backends[kid].decode(token, verify=verify)
        if verify and payload["exp"] <= time.time():  # the leeway is for tokens from the future alone
            raise TokenBackendExpiredToken("Token is expired")
        return payload

    def jwks(self) -> list[dict[str, Any]]:
        """Return the public keys as JSON Web Keys; none where tokens are signed with a secret."""
        found = (backend.key.jwk() for backend in self.backends.values())
        return [jwk for jwk in found if jwk]


@cache
def ring() -> KeyRing:
    """Return the keys of this process."""
    return KeyRing(settings.TOKEN_KEYS)
