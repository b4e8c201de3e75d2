"""JSON in and out, permissions, and how faults become problems."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.db import InterfaceError, InternalError, OperationalError, connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ErrorDetail, NotAuthenticated, Throttled, ValidationError
from rest_framework.test import APIRequestFactory

from accounts.models import User
from catalog.models import Term
from marketplace.parameters import Amount, Choice, Flag, ListOf, Moment, Refused, WholeNumber, Word, Words
from marketplace.problems import problem, problem_response
from marketplace.rest import JSONRenderer, ReadOnlyOrModelPermissions

RENDERED = [
    pytest.param(Decimal("1000.50"), '"1000.50"', id="decimal"),
    pytest.param(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), '"2026-01-02T03:04:05Z"', id="time"),
    pytest.param(
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))),
        '"2026-01-02T03:04:05+02:00"',
        id="time with an offset",
    ),
    pytest.param(gettext_lazy("Name"), '"Name"', id="lazy text"),
    pytest.param({"é": [1, None, True]}, '{"é":[1,null,true]}', id="nested"),
]


@pytest.mark.parametrize(("value", "text"), RENDERED)
def test_renderer(value, text):
    assert JSONRenderer().render(value) == text.encode()


def test_renderer_of_nothing():
    assert JSONRenderer().render(None) == b""


def test_renderer_refuses_what_has_no_json_form():
    with pytest.raises(TypeError, match="not JSON serializable"):
        JSONRenderer().render(object())


READS = [
    pytest.param(WholeNumber(1, 9), ["7"], 7, id="number"),
    pytest.param(WholeNumber(1, 9), [" 7 "], 7, id="blanks around"),
    pytest.param(Amount(), ["99.50"], Decimal("99.50"), id="amount"),
    pytest.param(Flag(), ["True"], True, id="flag"),
    pytest.param(Choice(("a", "b")), ["b"], "b", id="choice"),
    pytest.param(Words(), [" two words "], "two words", id="words"),
    pytest.param(Moment(), ["2026-01-31"], datetime(2026, 1, 31, tzinfo=UTC), id="date"),
    pytest.param(
        Moment(),
        ["2026-01-31T12:00:00+02:00"],
        datetime(2026, 1, 31, 10, tzinfo=UTC),
        id="time with an offset",
    ),
    pytest.param(ListOf(Word()), ["a,b", "c"], ["a", "b", "c"], id="list"),
    pytest.param(ListOf(Word()), ['"a, b", c '], ["a, b", "c"], id="quoted comma"),
    pytest.param(ListOf(Word()), ['"5"" gun"'], ['5" gun'], id="doubled quote"),
    pytest.param(ListOf(WholeNumber()), ["1, 2 ,3"], [1, 2, 3], id="list of numbers"),
]


@pytest.mark.parametrize(("kind", "texts", "value"), READS)
def test_parameter_reads(kind, texts, value):
    assert kind.read(texts) == value


REFUSALS = [
    pytest.param(WholeNumber(1, 9), ["0"], "must be a whole number from 1 to 9, not '0'.", id="below"),
    pytest.param(WholeNumber(1, 9), ["1", "2"], "is given more than once; it takes one value.", id="twice"),
    pytest.param(Words(), ["x" * 501], "is longer than 500 characters.", id="long"),
    pytest.param(Words(), ["a\0"], "holds a NUL character (%00); leave it out.", id="NUL"),
    pytest.param(
        Words(),
        ["a\ufffd"],
        "holds bytes that are not UTF-8; write it in UTF-8, percent-encoded.",
        id="not UTF-8",
    ),
    pytest.param(
        Choice(("a", "b")), ["y" * 80], f"must be one of a, b, not '{'y' * 60}...'.", id="long value is cut"
    ),
    pytest.param(
        ListOf(Word()),
        ["a,,b"],
        "holds an empty value beside others; leave out that comma or parameter.",
        id="gap",
    ),
    pytest.param(
        ListOf(Word()), [" "], "is empty; it must be a value, or several separated by commas.", id="empty"
    ),
    pytest.param(ListOf(Word()), ["a"] * 101, "holds 101 values; it takes up to 100.", id="many"),
    pytest.param(
        ListOf(Word()),
        ['"a'],
        "has double quotes or line breaks that do not fit: '\"a'; a value that holds a comma or a quote is"
        ' written "like, this", a quote within it twice.',
        id="open quote",
    ),
]


@pytest.mark.parametrize(("kind", "texts", "sentence"), REFUSALS)
def test_parameter_refuses(kind, texts, sentence):
    with pytest.raises(Refused) as refusal:
        kind.read(texts)

    assert refusal.value.sentence == sentence


def answer_to(error: Exception) -> HttpResponse:
    response = problem_response(error, {})
    assert response is not None
    return response


def body_of(response: HttpResponse) -> dict[str, Any]:
    assert response["Content-Type"] == "application/problem+json"
    return dict(json.loads(response.content))


def test_validation_error_points_into_the_body():
    error = ValidationError(
        {
            "name": [ErrorDetail("Too long.", code="max_length")],
            "rows": [{}, {"a/b": ["Odd."]}],
            "non_field_errors": ["Do not fit."],
        }
    )

    response = answer_to(error)

    assert body_of(response) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "Too long. (2 more in errors)",
        "errors": [
            {"pointer": "/name", "code": "max_length", "detail": "Too long."},
            {"pointer": "/rows/1/a~1b", "code": "invalid", "detail": "Odd."},
            {"pointer": "", "code": "invalid", "detail": "Do not fit."},
        ],
    }


def test_throttled_says_when_to_come_back():
    response = answer_to(Throttled(wait=7))

    assert (response.status_code, response["Retry-After"]) == (429, "7")


def test_unauthenticated_says_how_to_sign_in():
    error: Any = NotAuthenticated()
    error.auth_header = 'Bearer realm="api"'

    response = answer_to(error)

    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


@pytest.mark.parametrize("error", [OperationalError("server closed"), InterfaceError("connection is closed")])
def test_lost_database_is_a_503(error):
    response = answer_to(error)

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert (
        body_of(response)["detail"] == "The catalogue cannot be reached just now; try again in a few seconds."
    )


@pytest.mark.django_db
def test_statement_that_takes_too_long_is_a_503():
    with connection.cursor() as cursor, pytest.raises(OperationalError) as caught:
        cursor.execute("SET LOCAL statement_timeout = 10; SELECT pg_sleep(5)")

    response = answer_to(caught.value)

    assert response.status_code == 503
    assert (
        body_of(response)["detail"] == "The answer took too long to find; ask for less, or try again later."
    )


@pytest.mark.django_db
def test_write_to_a_database_that_takes_none_is_a_503():
    with connection.cursor() as cursor, pytest.raises(InternalError) as caught:
        cursor.execute("SET TRANSACTION READ ONLY; DELETE FROM accounts_session")

    response = answer_to(caught.value)

    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_unexpected_error_is_left_to_django():
    assert problem_response(RuntimeError("a bug"), {}) is None


def test_problem_with_a_lone_surrogate_is_still_json():
    assert body_of(problem(400, "not '\ud800'"))["detail"] == "not '?'"


class TermsView:
    """As much of a view as permissions look at."""

    http_method_names = ("get", "post", "delete")

    def get_queryset(self):
        return Term.objects.all()

    def post(self):
        raise NotImplementedError


def may(method: str, user: Any) -> bool:
    request: Any = APIRequestFactory().generic(method, "/")
    request.user = user
    view: Any = TermsView()
    return ReadOnlyOrModelPermissions().has_permission(request, view)


@pytest.mark.parametrize(
    ("method", "allowed"),
    [
        ("GET", True),
        ("HEAD", True),
        ("OPTIONS", True),
        ("POST", False),
        ("DELETE", True),
    ],  # the view has no DELETE
)
def test_anybody_reads_and_writes_nothing(method, allowed):
    assert may(method, AnonymousUser()) is allowed


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("permission", "is_staff", "allowed"),
    [("add_term", True, True), ("change_term", True, False), ("add_term", False, False)],
)
def test_write_needs_staff_and_the_models_permission(permission, is_staff, allowed):
    user = User.objects.create_user("ada", is_staff=is_staff)
    user.user_permissions.set(Permission.objects.filter(codename=permission))

    assert may("POST", user) is allowed
