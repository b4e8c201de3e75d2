"""Signs API requests in by `Authorization: Bearer <access token>`."""

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import AccessToken, Token

from accounts import tokens
from accounts.models import User


class TokenAuthentication(JWTAuthentication):
    """Turns an access token into its account: one query. Anything wrong with either is a 401.

    A request without the header, or with one of another scheme (a proxy's Basic), is anonymous and
    costs no query.
    """

    def get_raw_token(self, header: bytes) -> bytes | None:
        scheme, _, credential = header.strip().partition(b" ")
        if scheme.lower() != b"bearer":  # case-insensitive by RFC 9110, unlike simplejwt's
            return None
        if len(credential.split()) != 1:
            raise AuthenticationFailed("The Authorization header must read: Bearer <token>.")
        return credential.strip()

    def get_validated_token(self, raw_token: bytes) -> AccessToken:
        return tokens.read(AccessToken, raw_token)

    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]  # theirs is generic for nothing
        return tokens.owner(validated_token)


class TokenAuthenticationScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """Shows the scheme in the OpenAPI document as a bearer JWT."""

    target_class = "accounts.authentication.TokenAuthentication"
    name = "bearer"
