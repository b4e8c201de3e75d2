"""Tokens made by hand, as an attacker or a broken client makes them."""

import base64
import json
from typing import Any

import jwt
from django.conf import settings


def base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def claims(token: str) -> dict[str, Any]:
    """Return what the token says, unverified."""
    said: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return said


def header() -> dict[str, Any]:
    """Return the header that our tokens have."""
    return {"alg": settings.TOKEN_KEYS[0].algorithm, "typ": "JWT", "kid": settings.TOKEN_KEYS[0].kid}


def signed(head: Any, payload: Any, *, key: bytes | None = None, algorithm: str = "HS256") -> str:
    """Return a token of these two parts (bytes go as they are), rightly signed with our secret or with `key`."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (head, payload)]
    message = b".".join(base64url(part) for part in parts)
    maker = jwt.get_algorithm_by_name(algorithm)
    signature = maker.sign(message, settings.TOKEN_KEYS[0].private if key is None else key)
    return (message + b"." + base64url(signature)).decode()


def forged(
    token: str, *, key: bytes | None = None, head: dict[str, Any] | None = None, **changes: Any
) -> str:
    """Return the token with changed claims (`...` takes one away), signed with our secret unless told."""
    payload = {name: value for name, value in (claims(token) | changes).items() if value is not ...}
    return signed(header() | (head or {}), payload, key=key)
