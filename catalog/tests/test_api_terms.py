"""Lists and details of the vocabularies."""

from datetime import UTC

import pytest

from catalog.api import serializers
from catalog.tests.api import listed_slugs
from catalog.tests.factories import TermFactory

pytestmark = pytest.mark.django_db


def moment(value):
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def racing(db):
    return TermFactory.create(
        vocabulary="genre", name="Racing", slug="racing", aliases=["Race", "Motor sport"]
    )


def body(term):
    return {
        "id": term.pk,
        "vocabulary": "genre",
        "slug": "racing",
        "url": "http://testserver/v1/terms/genre/racing/",
        "name": "Racing",
        "aliases": ["Race", "Motor sport"],
        "created_at": moment(term.created_at),
        "updated_at": moment(term.updated_at),
    }


def test_list(client, racing):
    answer = client.get("/v1/terms/").json()

    assert answer == {"count": 1, "next": None, "previous": None, "results": [body(racing)]}
    assert answer["results"][0].keys() == serializers.TermSerializer().fields.keys()


def test_detail(client, racing):
    TermFactory.create(vocabulary="category", name="Racing", slug="racing")

    assert client.get("/v1/terms/genre/racing/").json() == body(racing)


@pytest.mark.usefixtures("racing")
@pytest.mark.parametrize("path", ["genre/none", "make/racing", "colour/racing"])
def test_missing_term(client, path):
    answer = client.get(f"/v1/terms/{path}/")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("rows", [1, 30])
def test_list_takes_four_queries(client, django_assert_max_num_queries, rows):
    TermFactory.create_batch(rows)

    with django_assert_max_num_queries(4):
        client.get("/v1/terms/")


KEEPS = [
    ("", "car racing spy"),
    ("vocabulary=genre", "racing spy"),
    ("vocabulary=genre,make", "racing spy"),
    ("q=RAC", "racing"),
    ("vocabulary=make", ""),
]


@pytest.mark.usefixtures("racing")
@pytest.mark.parametrize(("query", "kept"), KEEPS, ids=[query or "all" for query, _ in KEEPS])
def test_list_keeps(client, query, kept):
    TermFactory.create(vocabulary="genre", name="Spy", slug="spy")
    TermFactory.create(vocabulary="vehicle_type", name="Car", slug="car")

    assert sorted(listed_slugs(client, f"/v1/terms/?{query}")) == kept.split()
