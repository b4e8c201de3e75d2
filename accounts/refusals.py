"""The answer to an attempt that was refused, where no view of the API gives it."""

import math
from collections.abc import Callable
from http import HTTPStatus

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.attempts import TooManyAttempts
from marketplace.problems import is_page, problem_response


class Refusals:
    """Middleware: TooManyAttempts, from whatever view asks for a password, becomes a 429 with Retry-After."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, TooManyAttempts):
            return None
        if is_page(request):
            return _page(request, exception)
        return problem_response(exception, {})


def _page(request: HttpRequest, refusal: TooManyAttempts) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Too many attempts",
        "minutes": math.ceil(refusal.wait / 60),
    }
    response = render(request, "admin/too_many_attempts.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(refusal.wait)
    response["Cache-Control"] = "no-store"
    return response
