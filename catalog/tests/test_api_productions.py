"""Lists and details of films and series."""

from datetime import UTC, datetime

import pytest

from catalog.api import serializers
from catalog.tests.api import listed_slugs, staff_client
from catalog.tests.factories import AppearanceFactory, ItemFactory, ProductionFactory

pytestmark = pytest.mark.django_db


def moment(value):
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def goldfinger(db):
    """A film in which three items appeared: one published (in two roles), one draft, one scheduled."""
    film = ProductionFactory.create(
        title="Goldfinger",
        slug="goldfinger-1964",
        years=[1964],
        genres=["Action", "Spy"],
        franchise="Bond",
        external_ids={"imdb": "tt0058150"},
    )
    seen = ItemFactory.create(published=True)
    AppearanceFactory.create(production=film, item=seen)
    AppearanceFactory.create(production=film, item=seen, role="stunt")
    AppearanceFactory.create(production=film, item=ItemFactory.create())
    scheduled = ItemFactory.create(status="published", published_at=datetime(9000, 1, 1, tzinfo=UTC))
    AppearanceFactory.create(production=film, item=scheduled)
    return film


def body(film, item_count):
    return {
        "id": film.pk,
        "slug": "goldfinger-1964",
        "url": "http://testserver/v1/productions/goldfinger-1964/",
        "title": "Goldfinger",
        "kind": "film",
        "years": [1964],
        "genres": ["Action", "Spy"],
        "franchise": "Bond",
        "external_ids": {"imdb": "tt0058150"},
        "item_count": item_count,
        "created_at": moment(film.created_at),
        "updated_at": moment(film.updated_at),
    }


def test_list(client, goldfinger):
    answer = client.get("/v1/productions/").json()

    assert answer == {"count": 1, "next": None, "previous": None, "results": [body(goldfinger, item_count=1)]}
    assert answer["results"][0].keys() == serializers.ProductionSerializer().fields.keys()


def test_detail(client, goldfinger):
    assert client.get("/v1/productions/goldfinger-1964/").json() == body(goldfinger, item_count=1)


def test_staff_count_every_item(goldfinger):
    answer = staff_client("view_item").get("/v1/productions/goldfinger-1964/").json()

    assert answer == body(goldfinger, item_count=3)


def test_missing_production(client):
    answer = client.get("/v1/productions/none/")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("rows", [1, 30])
def test_list_takes_four_queries(client, django_assert_max_num_queries, rows):
    item = ItemFactory.create(published=True)
    AppearanceFactory.create_batch(rows, item=item)

    with django_assert_max_num_queries(4):
        client.get("/v1/productions/")


@pytest.mark.usefixtures("goldfinger")
def test_detail_takes_two_queries(client, django_assert_num_queries):
    with django_assert_num_queries(2):
        client.get("/v1/productions/goldfinger-1964/")


KEEPS = [
    ("genres=Spy", "goldfinger-1964"),
    ("genres__all=Spy,Crime", ""),
    ("genres__empty=true", "airwolf-1984"),
    ("years=1964,1986", "airwolf-1984 goldfinger-1964"),
    ("years__min=1965", "airwolf-1984"),
    ("years__min=1965&years__max=1983", ""),
    ("kind=series", "airwolf-1984"),
    ("franchise=Bond", "goldfinger-1964"),
    ("q=finger", "goldfinger-1964"),
    ("q=%25", ""),
    ("ordering=-title", "goldfinger-1964 airwolf-1984"),
    ("ordering=title", "airwolf-1984 goldfinger-1964"),
    ("", "airwolf-1984 goldfinger-1964"),
    ("ordering=updated_at", "goldfinger-1964 airwolf-1984"),
]


@pytest.mark.usefixtures("goldfinger")
@pytest.mark.parametrize(("query", "kept"), KEEPS, ids=[query or "default" for query, _ in KEEPS])
def test_list_keeps(client, query, kept):
    airwolf = ProductionFactory.create(
        title="Airwolf", slug="airwolf-1984", kind="series", years=[1984, 1985, 1986]
    )
    AppearanceFactory.create(production=airwolf, item=ItemFactory.create(published=True))

    assert listed_slugs(client, f"/v1/productions/?{query}") == kept.split()


@pytest.mark.parametrize("address", ["/v1/productions/", "/v1/productions/the-canary-2026/"])
def test_production_of_drafts_only_is_not_told_of(client, address):
    film = ProductionFactory.create(title="The Canary", slug="the-canary-2026", years=[2026])
    AppearanceFactory.create(production=film, item=ItemFactory.create())

    assert "Canary" not in client.get(address).text
    assert "The Canary" in staff_client("view_item").get(address).text


def test_production_without_items_is_for_staff(client):
    ProductionFactory.create(slug="lonely-1999")

    assert listed_slugs(client, "/v1/productions/") == []
    assert listed_slugs(staff_client("view_production"), "/v1/productions/") == ["lonely-1999"]
