"""Sign-in over HTTP."""

from collections.abc import Iterable
from typing import Any, cast

from django.core.exceptions import ValidationError as ModelValidationError
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error

from accounts import actions, sessions, tokens
from accounts.api import serializers
from accounts.api.permissions import BY_TOKEN, IsSignedIn
from accounts.authentication import TokenAuthentication
from accounts.models import User
from marketplace.problems import refuse_unknown_parameters

DONE = {
    200: {"type": "object", "description": "Done; there is nothing to tell.", "additionalProperties": False}
}


@method_decorator(cache_control(no_store=True), name="dispatch")
class AuthView(GenericAPIView[Any]):
    """Takes no query parameters but those it names; its answers are for the caller alone."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if str(request.method) in self.allowed_methods:  # of any other, that is what is wrong
            refuse_unknown_parameters(request, *self.known_parameters())

    def known_parameters(self) -> Iterable[str]:
        """Return the query parameters that this request may carry."""
        return ()


class CredentialView(AuthView):
    """A POST whose body is itself the credential: an Authorization header beside it, fresh or stale, is ignored."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        return TokenAuthentication().authenticate_header(request)

    def checked_body(self) -> dict[str, Any]:
        body = self.get_serializer(data=self.request.data)
        body.is_valid(raise_exception=True)
        return cast(dict[str, Any], body.validated_data)


def _pair(pair: tokens.Pair) -> Response:
    return Response({"access": pair.access, "refresh": pair.refresh})


@extend_schema(tags=["auth"], responses=serializers.TokenPairSerializer)
class SignInView(CredentialView):
    """Give an access and a refresh token for a username and password."""

    serializer_class = serializers.CredentialsSerializer

    def post(self, request: Request) -> Response:
        return _pair(tokens.sign_in(request=request._request, **self.checked_body()))


@extend_schema(tags=["auth"], responses=serializers.TokenPairSerializer)
class RefreshView(CredentialView):
    """Exchange a refresh token for a new pair. It works once: one that comes a second time ends its session.

    A client whose answer was lost may repeat the exchange for a few seconds; it gets the same refresh
    token again. Not so for staff.
    """

    serializer_class = serializers.RefreshSerializer

    def post(self, request: Request) -> Response:
        return _pair(tokens.rotate(self.checked_body()["refresh"]))


@extend_schema(tags=["auth"], responses=DONE)
class VerifyView(CredentialView):
    """Say whether an access token would be accepted now: 200 or 401.

    A refresh token is refused: it opens no resource, and only its exchange says whether it still works.
    """

    serializer_class = serializers.AccessSerializer

    def post(self, request: Request) -> Response:
        tokens.session_of(tokens.read(tokens.AccessJWT, self.checked_body()["token"]))
        return Response({})


@extend_schema(tags=["auth"], responses=DONE)
class LogoutView(CredentialView):
    """End the session of a refresh token, and with it its access tokens."""

    serializer_class = serializers.RefreshSerializer

    def post(self, request: Request) -> Response:
        tokens.revoke(self.checked_body()["refresh"])
        return Response({})


class AccountView(AuthView):
    """Something that the account does to itself."""

    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated,)

    def account(self) -> User:
        return cast(User, self.request.user)


@extend_schema(tags=["auth"], auth=BY_TOKEN, request=None, responses=DONE)
class LogoutAllView(AccountView):
    """End every session of the account, this one too; access tokens with them."""

    permission_classes = (IsSignedIn,)

    def post(self, request: Request) -> Response:
        sessions.end_all(self.account())
        return Response({})


@extend_schema(tags=["auth"], auth=BY_TOKEN, responses=DONE)
class PasswordView(AccountView):
    """Change the password. Every token of the account ends at once: sign in anew."""

    permission_classes = (IsSignedIn,)
    serializer_class = serializers.PasswordChangeSerializer

    def post(self, request: Request) -> Response:
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            actions.change_password(user=self.account(), **body.validated_data)
        except ModelValidationError as error:
            raise ValidationError(as_serializer_error(error)) from error
        return Response({})


@extend_schema(tags=["auth"])
class MeView(AccountView):
    """The account that is signed in."""

    serializer_class = serializers.AccountSerializer

    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(self.account()).data)
