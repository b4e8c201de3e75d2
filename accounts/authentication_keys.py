"""Signs API requests in by `Authorization: Api-Key <key>`."""

import logging
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import keys
from accounts.models import ApiKey, User

logger = logging.getLogger(__name__)

SCHEME = "Api-Key"
MALFORMED = f"The Authorization header must read: {SCHEME} <key>."
# One for everything: what is wrong is for the owner, who finds it in his list of keys, and for the log.
REFUSED = (
    "The API key opens nothing: it is unknown, expired or revoked, its owner is inactive, or it may not be"
    " used from this address."
)


class ApiKeyAuthentication(BaseAuthentication):
    """Turns a key into its owner (`request.user`), limited to the key's scopes, and itself (`request.auth`).

    Anything wrong with the key is a 401. A request without the header, or with one of another scheme,
    costs no query. The challenge that goes with a 401 is TokenAuthentication's, which stands before it.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, credential = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        if len(credential.split()) != 1:
            raise AuthenticationFailed(MALFORMED)
        try:
            key = keys.opened_by(credential.strip())
        except keys.KeyRefused as refusal:
            logger.warning("An API key was refused (%s).", refusal)
            raise AuthenticationFailed(REFUSED, code="key_refused") from refusal
        return key.owner, key


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Shows the scheme in the OpenAPI document."""

    target_class = "accounts.authentication_keys.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": f"A key for machines: `{SCHEME} cat_...` (the word, a blank, the key).",
        }
