"""Signs API requests in by `Authorization: Bearer <access token>`."""

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from accounts import keys, tokens
from accounts.models import Session, User

KEY_MARK = keys.MARK.encode()


class TokenAuthentication(JWTAuthentication):
    """Turns an access token into its account (`request.user`) and session (`request.auth`): one query.

    Anything wrong with either is a 401. A request without the header, or with one of another scheme (a
    proxy's Basic), is anonymous and costs no query.
    """

    def authenticate(self, request: Request) -> tuple[User, Session] | None:  # type: ignore[override]  # theirs: the token
        header = self.get_header(request)
        raw = None if header is None else self.get_raw_token(header)
        if raw is None:
            return None
        session = tokens.session_of(tokens.read(tokens.AccessJWT, raw))
        return session.user, session

    def get_raw_token(self, header: bytes) -> bytes | None:
        scheme, _, credential = header.strip().partition(b" ")
        if scheme.lower() != b"bearer":  # case-insensitive by RFC 9110, unlike simplejwt's
            return None
        if len(credential.split()) != 1:
            raise AuthenticationFailed("The Authorization header must read: Bearer <token>.")
        if credential.strip().startswith(KEY_MARK):
            raise AuthenticationFailed("An API key is sent as: Authorization: Api-Key <key>.")
        return credential.strip()


class TokenAuthenticationScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """Shows the scheme in the OpenAPI document as a bearer JWT."""

    target_class = "accounts.authentication.TokenAuthentication"
    name = "bearer"
