"""What is settled for every request before any view sees it."""

from http import HTTPMethod, HTTPStatus
from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware import common
from django.utils.http import escape_leading_slashes

from marketplace.headers import API
from marketplace.problems import problem

READS = frozenset({HTTPMethod.GET, HTTPMethod.HEAD})
NO_LENGTH = "The body needs a Content-Length; a body of unknown length (chunked) is not read."


class CommonMiddleware(common.CommonMiddleware):
    """Django's, with three mends for clients that write.

    An address without its slash is answered by a 308 unless it is read: on a 301 clients drop the body
    and come back with a GET. A body without a length, which Django would take for none, is refused. An answer without
    content names no type of it.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]  # only redirects
        if "transfer-encoding" in request.headers and not request.headers.get("content-length"):
            return problem(HTTPStatus.LENGTH_REQUIRED, NO_LENGTH)
        return super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        answer = super().process_response(request, response)
        if answer is not response and request.method not in READS:
            answer.status_code = HTTPStatus.PERMANENT_REDIRECT
        if answer.status_code == HTTPStatus.NO_CONTENT:
            answer.headers.pop("Content-Type", None)
        return answer

    def get_full_path_with_slash(self, request: HttpRequest) -> str:
        # Django's also refuses, under DEBUG, what a 308 does rightly.
        return escape_leading_slashes(request.get_full_path(force_append_slash=True))


class NotForReads:
    """Passes reads of the API by: they know no cookie, and what browsers need costs them a tenth of their time."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.method in READS and request.path_info.startswith(API):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]  # Django's, which comes next


class SessionMiddleware(NotForReads, sessions.SessionMiddleware):
    """Django's."""


class AuthenticationMiddleware(NotForReads, auth.AuthenticationMiddleware):
    """Django's: signs in by session. The API signs in by itself, by token or key."""


class MessageMiddleware(NotForReads, messages.MessageMiddleware):
    """Django's."""
