"""Errors as clients see them: `application/problem+json` by RFC 9457, whatever went wrong and wherever."""

import difflib
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from django.contrib import admin
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults
from psycopg.errors import QueryCanceled, ReadOnlySqlTransaction
from rest_framework import exceptions
from rest_framework.settings import api_settings

from marketplace import faults
from marketplace.parameters import LONGEST_QUOTE, shown

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
# PostgreSQL is down or restarting, or stopped a statement that took too long.
DATABASE_ERRORS = (OperationalError, InterfaceError)
RETRY_SECONDS = 5

NOT_FOUND = "There is nothing at this address."
FORBIDDEN = "Your account may not do this here. Those who look after accounts can give it the right."
FAILED = "The server could not answer; what went wrong is in its log."
UNAVAILABLE = "The catalogue cannot be reached just now; try again in a few seconds."
TOO_LARGE = "The body is larger than this service takes."
NOT_UNDERSTOOD = "The request cannot be understood."
TOO_SLOW = "The answer took too long to find; ask for less, or try again later."
TOO_MANY = "There is too much to count: count=capped counts to 10,000, and count=none does not count."


# What other services call it, where the letters alone would not tell.
ELSEWHERE = {
    "search": "q", "query": "q", "sort": "ordering", "sort_by": "ordering", "order_by": "ordering",
    "limit": "page_size", "per_page": "page_size", "offset": "page", "after": "cursor", "expand": "include",
}  # fmt: skip


class BadParameters(exceptions.APIException):
    """Query parameters cannot be used; each fault is (parameter, code, sentence)."""

    status_code = HTTPStatus.BAD_REQUEST

    def __init__(self, errors: Iterable[tuple[str, str, str]]) -> None:
        super().__init__()
        self.errors = [{"parameter": name, "code": code, "detail": text} for name, code, text in errors]


def unknown_parameters(given: Iterable[str], known: Iterable[str]) -> list[tuple[str, str, str]]:
    """Return a fault for each parameter that is not known, with the nearest name that is."""
    names = set(known)
    found = []
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name[:LONGEST_QUOTE], sorted(names), n=1)
            meant = ELSEWHERE[name] if ELSEWHERE.get(name) in names else "".join(near)
            hint = f"; did you mean {meant}?" if meant else "."
            found.append((name, "unknown", f"{shown(name)} is not a parameter of this address{hint}"))
    return found


def refuse_unknown_parameters(request: HttpRequest, *known: str) -> None:
    """Raise BadParameters if the query holds other parameters than these."""
    if unknown := unknown_parameters(request.GET, known):
        raise BadParameters(unknown)


def problem(
    status: int,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return the response; `errors` name the parameters or the parts of the body at fault."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    # A lone surrogate, read from a client's JSON and quoted in a sentence, has no UTF-8 form.
    try:
        content = orjson.dumps(body)
    except orjson.JSONEncodeError:
        content = orjson.dumps(_without_surrogates(body))
    return HttpResponse(content, status=status, content_type=CONTENT_TYPE, headers=headers)


def problem_response(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Turn what an API view raised into a problem; None leaves it to Django (a 500)."""
    if _is_of_database(error):
        return _unavailable(error, getattr(context.get("request"), "query_params", {}))
    if isinstance(error, Http404):
        return problem(HTTPStatus.NOT_FOUND, NOT_FOUND)
    if isinstance(error, PermissionDenied):
        return _from_api_exception(exceptions.PermissionDenied())
    if isinstance(error, SuspiciousOperation):
        return _suspicious(error)
    if isinstance(error, exceptions.APIException):
        return _from_api_exception(error, _offer(error, context.get("view")))
    return None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_page(request):
        return defaults.bad_request(request, exception)
    return _suspicious(exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_page(request):
        return _page(request, HTTPStatus.FORBIDDEN, FORBIDDEN)
    return problem(HTTPStatus.FORBIDDEN, str(exceptions.PermissionDenied.default_detail))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_page(request):
        return _page(request, HTTPStatus.NOT_FOUND, NOT_FOUND)
    return problem(HTTPStatus.NOT_FOUND, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for an exception that nobody caught; Django has logged it."""
    error = sys.exc_info()[1]
    if error is not None and _is_of_database(error):
        return _unavailable(error)
    if is_page(request):
        return defaults.server_error(request)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, FAILED)


def is_page(request: HttpRequest) -> bool:
    """Return whether a person with a browser asked, rather than a program: whether it is about the admin."""
    return request.path_info.startswith("/admin/")


def _is_of_database(error: BaseException) -> bool:
    """Whether the fault is the database's: it is away, too slow, or, after a failover, takes no writes."""
    is_read_only = isinstance(error, InternalError) and isinstance(error.__cause__, ReadOnlySqlTransaction)
    return is_read_only or isinstance(error, DATABASE_ERRORS)


def _page(request: HttpRequest, status: HTTPStatus, sentence: str) -> HttpResponse:
    """Say it to a person in the admin's own look, with a way back."""
    context = admin.site.each_context(request) | {"title": status.phrase, "sentence": sentence}
    return render(request, "admin/refused.html", context, status=status)


def _suspicious(error: Exception) -> HttpResponse:
    if isinstance(error, RequestDataTooBig):
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)
    # Django's own words name settings and what it suspects; neither is for clients.
    return problem(HTTPStatus.BAD_REQUEST, NOT_UNDERSTOOD)


def _unavailable(error: BaseException, query: Mapping[str, str] | None = None) -> HttpResponse:
    logger.error("The database did not answer: %s", faults.database_reason(error))
    detail = UNAVAILABLE
    if isinstance(error.__cause__, QueryCanceled):
        detail = TOO_MANY if query and query.get("count") == "exact" else TOO_SLOW
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_SECONDS)})


def _offer(error: exceptions.APIException, view: Any) -> str:
    """Return a sentence on which kinds of body would do, where the error is about that."""
    if isinstance(error, exceptions.UnsupportedMediaType):
        return f" This address reads {_kinds(view.parser_classes)}."
    if isinstance(error, exceptions.NotAcceptable):
        return f" This address answers {_kinds(view.renderer_classes)}."
    return ""


def _kinds(classes: Iterable[Any]) -> str:
    return " or ".join(dict.fromkeys(each.media_type for each in classes))


def _from_api_exception(error: exceptions.APIException, offer: str = "") -> HttpResponse:
    errors = error.errors if isinstance(error, BadParameters) else None
    if isinstance(error, exceptions.ValidationError):
        errors = list(_faults(error.detail, ""))
    detail = _summary(errors) if errors else f"{error.detail}{offer}"
    return problem(error.status_code, detail, errors=errors, headers=_headers(error))


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(challenge)
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    return headers


def _summary(errors: list[dict[str, str]]) -> str:
    more = f" ({len(errors) - 1} more in errors)" if len(errors) > 1 else ""
    sentence, pointer = errors[0]["detail"], errors[0].get("pointer")
    # Such a sentence does not say which field it is about.
    place = f"{pointer}: " if pointer and sentence.startswith("This field") else ""
    return f"{place}{sentence}{more}"


def _faults(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Yield a fault for each leaf of a validation error, with a JSON Pointer into the body."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            whole = key == api_settings.NON_FIELD_ERRORS_KEY
            yield from _faults(value, pointer if whole else f"{pointer}/{_escaped(key)}")
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, dict | list)
            yield from _faults(value, f"{pointer}/{index}" if nested else pointer)
    else:
        code = getattr(detail, "code", "invalid")
        yield {"pointer": pointer, "code": str(code), "detail": str(detail)}


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _without_surrogates(body: Any) -> Any:
    if isinstance(body, dict):
        return {key: _without_surrogates(value) for key, value in body.items()}
    if isinstance(body, list):
        return [_without_surrogates(value) for value in body]
    return body.encode("utf-8", "replace").decode() if isinstance(body, str) else body
