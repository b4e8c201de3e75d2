"""Who may call the routes of the account itself."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Session

# For extend_schema(auth=...): such a route takes tokens only.
BY_TOKEN: Any = [{"bearer": []}]


class IsSignedIn(BasePermission):
    """A person signed in with a token; a key stands for its owner everywhere but where he looks after himself."""

    message = "An API key opens nothing here; sign in, and send the access token."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Session)


class LacksNothing(BasePermission):
    """The sign-in reaches as far as its account does."""

    message = "This sign-in is limited: change the temporary password, or sign in with the second factor."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return getattr(request.user, "limit", None) is None
