"""What the routes for staff share: who may call them, what they read from a query, and files as answers."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.http import HttpResponseBase, QueryDict, StreamingHttpResponse
from django.utils.http import content_disposition_header
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from accounts.models import User
from marketplace.parameters import ParameterType, read_values
from marketplace.problems import BadParameters, unknown_parameters
from marketplace.rest import PageNumberPagination


class HoldsRight(BasePermission):
    """Staff with one of the permissions that the view's `rights()` names for the request at hand.

    A method that the view lacks passes, so that it ends as a 405 for everybody. An API key stands for its
    owner as far as its scopes reach.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method != "OPTIONS" and not hasattr(view, str(request.method).lower()):
            return True
        user = request.user
        return bool(user.is_active and user.is_staff) and any(user.has_perm(name) for name in view.rights())


class StaffViewSet(GenericViewSet[Any]):
    """Routes that open to staff by a right."""

    permission_classes = (HoldsRight,)

    def rights(self) -> tuple[str, ...]:
        """Return the permissions that open the route for the request at hand; one of them is enough."""
        raise NotImplementedError

    def sees_unpublished(self) -> bool:
        """Return whether the filters for staff are open; those who get here are staff."""
        return True

    def other_parameters(self) -> dict[str, ParameterType]:
        """Return what the list's query may hold beside filters."""
        return cast(PageNumberPagination, self.paginator).types

    def account(self) -> User:
        return cast(User, self.request.user)

    @property
    def default_response_headers(self) -> dict[str, str]:
        return super().default_response_headers | {"Vary": "Authorization"}


class FileNegotiation(DefaultContentNegotiation):
    """For routes that answer with a file: it is what it is, whatever the client would rather have."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type


def read_parameters(request: Request, known: Mapping[str, ParameterType]) -> dict[str, Any]:
    """Return the values of the query parameters that were given; raise BadParameters naming each that is at fault."""
    given = cast(QueryDict, request.query_params)
    values, faults = read_values(known, given)
    if faults := [*unknown_parameters(given, known), *faults]:
        raise BadParameters(faults)
    return values


def download(
    name: str, content_type: str, chunks: Iterable[bytes], *, size: int | None = None
) -> HttpResponseBase:
    """Return the answer that a browser saves as a file of this name; its bytes are sent as they are made.

    `size` is their number, where it is known beforehand.
    """
    disposition = str(content_disposition_header(as_attachment=True, filename=name))
    measured = {} if size is None else {"Content-Length": str(size)}
    return StreamingHttpResponse(
        chunks,
        content_type=content_type,
        headers={"Content-Disposition": disposition, "Vary": "Authorization", **measured},
    )
