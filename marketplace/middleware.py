"""What is settled for every request before any view sees it."""

from http import HTTPMethod, HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware import common
from django.utils.http import escape_leading_slashes

from marketplace.problems import problem

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
        if answer is not response and request.method not in {HTTPMethod.GET, HTTPMethod.HEAD}:
            answer.status_code = HTTPStatus.PERMANENT_REDIRECT
        if answer.status_code == HTTPStatus.NO_CONTENT:
            answer.headers.pop("Content-Type", None)
        return answer

    def get_full_path_with_slash(self, request: HttpRequest) -> str:
        # Django's also refuses, under DEBUG, what a 308 does rightly.
        return escape_leading_slashes(request.get_full_path(force_append_slash=True))
