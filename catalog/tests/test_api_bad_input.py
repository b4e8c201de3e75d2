"""What cannot be used is a 400 that names the parameter; never a 500, never a filter silently dropped."""

from urllib.parse import quote

import pytest

from catalog.tests.api import staff_client, view_of
from marketplace.tests.hostile import HOSTILE

pytestmark = pytest.mark.django_db


def refusal(client, address):
    """Return the parameter, the code and the sentence of the one fault."""
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), answer.content
    problem = answer.json()
    [fault] = problem["errors"]
    assert problem == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": fault["detail"],
        "errors": [fault],
    }
    return fault["parameter"], fault["code"], fault["detail"]


SENTENCES = [
    ("colour=red", "colour", "unknown", "'colour' is not a parameter of this address."),
    (
        "genre=Spy",
        "genre",
        "unknown",
        "'genre' is not a parameter of this address; did you mean genres?",
    ),
    (
        "page_size=101",
        "page_size",
        "invalid",
        "page_size must be a whole number from 1 to 100, not '101'.",
    ),
    (
        "price__min=cheap",
        "price__min",
        "invalid",
        "price__min must be an amount of up to 12 digits such as 125000 or 99.50, not 'cheap'.",
    ),
    (
        "condition=mint",
        "condition",
        "invalid",
        "condition must be one of concours, excellent, very_good, good, fair, project,"
        " or several separated by commas, not 'mint'.",
    ),
    ("genres__empty=maybe", "genres__empty", "invalid", "genres__empty must be true or false, not 'maybe'."),
    ("page=1&page=2", "page", "repeated", "page is given more than once; it takes one value."),
    ("q=", "q", "blank", "q is empty; it must be a text."),
    (
        "ordering=relevance",
        "ordering",
        "needs_q",
        "ordering by relevance needs words to search for in q.",
    ),
    (
        "page=2",
        "page",
        "beyond_end",
        "page 2 is beyond the end of the list; with this page_size its last page is 1.",
    ),
    ("cursor=", "cursor", "blank", "cursor is empty; it must be first, last, or what next or previous held."),
    (
        "genres=Action,",
        "genres",
        "blank",
        "genres holds an empty value beside others; leave out that comma or parameter.",
    ),
    (
        "updated_since=2026-02-30",
        "updated_since",
        "invalid",
        "updated_since must be a day or time such as 2026-01-31 or 2026-01-31T12:00:00Z"
        " (the + of an offset is written %2B), not '2026-02-30'.",
    ),
    (
        "fields=id&omit=id",
        "omit",
        "nothing_left",
        "omit leaves out every field that fields names; leave one of them.",
    ),
]


@pytest.mark.parametrize(
    ("query", "parameter", "code", "sentence"), SENTENCES, ids=[row[0] for row in SENTENCES]
)
def test_refusal(client, query, parameter, code, sentence):
    assert refusal(client, f"/v1/items/?{query}") == (parameter, code, sentence)


def test_pages_beyond_ten_thousand_items_name_cursor(client):
    parameter, code, sentence = refusal(client, "/v1/items/?page=501")

    assert (parameter, code) == ("page", "too_deep")
    assert "cursor" in sentence


# What no parameter takes.
NEVER = {"NUL", "NUL within", "blank", "lone surrogate", "not UTF-8", "500 values", "8 kB"}
LISTS = ["items", "productions", "terms", "media"]
SHAPING = ["page", "page_size", "count", "cursor", "fields", "omit"]
EVERY_PARAMETER = [
    *((route, name) for route in LISTS for name in [*view_of(route).filterset_class.base_filters, *SHAPING]),
    *(("items", name) for name in ["include", "facets", "highlight"]),
]


@pytest.mark.parametrize(("route", "parameter"), EVERY_PARAMETER)
def test_hostile_values_are_no_fault_of_the_server(client, route, parameter):
    answers = {name: client.get(f"/v1/{route}/?{parameter}={value}") for name, value in HOSTILE.items()}

    assert {answer.status_code for answer in answers.values()} <= {200, 400}
    refused = {name: answer.json() for name, answer in answers.items() if answer.status_code == 400}
    assert refused.keys() >= NEVER
    assert {problem["errors"][0]["parameter"] for problem in refused.values()} == {parameter}


REFUSED = [
    ("price__min", "tiny number"),
    ("price__max", "huge number"),
    ("price__min", "not a number"),
    ("price__min", "infinite"),
    ("price__min", "negative"),
    ("production_years", "year 99999"),
    ("production_years__min", "year 99999"),
    ("production_years__len", "huge number"),
    ("genres__len", "other digits"),
    ("updated_since", "date that is not"),
    ("updated_since", "year 99999 date"),
    ("updated_since", "offset beyond 15:59"),
    ("updated_since", "time before all"),
    ("genres", "500 values"),
    ("genres", "NUL"),
    ("q", "NUL within"),
    ("q", "8 kB"),
    ("q", "blank"),
    ("make", "quote left open"),
    ("make", "line break"),
    ("page", "huge number"),
    ("page", "negative"),
    ("ordering", "SQL"),
]


@pytest.mark.parametrize(("parameter", "value"), REFUSED)
def test_value_is_refused(client, parameter, value):
    assert refusal(client, f"/v1/items/?{parameter}={HOSTILE[value]}")[0] == parameter


@pytest.mark.parametrize(
    "ordering", ["id", "search", "status", "price,name", "-relevance", "make__name", "?"]
)
def test_ordering_by_what_is_not_offered(client, ordering):
    assert refusal(client, f"/v1/items/?ordering={quote(ordering)}")[0] == "ordering"


@pytest.mark.parametrize(
    "parameter", ["id", "slug", "version", "chassis_number", "search", "genres__icontains", "pk"]
)
def test_field_that_is_no_parameter(client, parameter):
    assert refusal(client, f"/v1/items/?{parameter}=1")[:2] == (parameter, "unknown")


def test_all_faults_are_told_at_once(client):
    answer = client.get("/v1/items/?page=0&price__min=x&genres__len=y&colour=red&ordering=relevance")

    assert [fault["parameter"] for fault in answer.json()["errors"]] == [
        "colour",
        "genres__len",
        "price__min",
        "page",
        "ordering",
    ]
    assert answer.json()["detail"].endswith("(4 more in errors)")


@pytest.mark.parametrize(
    "address",
    [
        "/v1/",
        "/v1/auth/me/",
        "/v1/vehicles/x/",
        "/v1/productions/x/",
        "/v1/terms/genre/x/",
        "/v1/productions/",
        "/v1/terms/",
    ],
)
def test_unknown_parameter_everywhere(address):
    assert refusal(staff_client(), f"{address}?colour=red")[:2] == ("colour", "unknown")
