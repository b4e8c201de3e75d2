"""Which way a page is found: along the order's index, or by the filters first. The rows are the same."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from catalog.api import views
from catalog.api.shapes import lists
from catalog.api.shapes.given import PUBLIC
from catalog.api.shapes.lists import LIMIT, SKIPPED, WALKED, Shape
from catalog.tests.api import listed_slugs
from catalog.tests.factories import ItemFactory

pytestmark = pytest.mark.django_db

QUERIES = [
    "genres=Spy&ordering=price",
    "genres=Spy&ordering=-price",
    "genres=Spy",
    "genres=Spy&ordering=price&page=2",
    "genres__none=Spy&ordering=name",
    "genres=Spy&price__min=3&ordering=-published_at",
    "genres=Nothing&ordering=price",
    "ordering=price",
    "q=item",
]


@pytest.fixture
def twenty(db):
    for number in range(20):
        ItemFactory.create(
            slug=f"i-{number}", genres=["Spy"] if number % 3 else ["Drama"], price=number % 7 or None,
            status="published", published_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number),
        )  # fmt: skip


@pytest.mark.usefixtures("twenty")
@pytest.mark.parametrize(
    ("most_fenced", "most_walked"),
    [
        pytest.param(10**9, 1, id="fenced"),
        pytest.param(-1, 1, id="walked in vain"),
        pytest.param(-1, 10**9, id="walked"),
        pytest.param(-1, 12, id="walked in part"),
    ],
)
@pytest.mark.parametrize("query", QUERIES)
def test_every_way_finds_the_same_page(client, monkeypatch, query, most_fenced, most_walked):
    address = f"/v1/items/?page_size=5&{query}"
    found = [row.slug for row in plainly(query)]
    monkeypatch.setattr(lists, "most_fenced", lambda whole, page: most_fenced)
    monkeypatch.setattr(lists, "MOST_WALKED", most_walked)

    answer = client.get(address)

    if found:
        assert [row["slug"] for row in answer.json()["results"]] == found
    else:
        assert listed_slugs(client, address) == []


def plainly(query):
    """Return the page as the filters and the ordering alone give it."""
    given = dict(each.split("=") for each in query.split("&"))
    kinds = views.ItemViewSet.filterset_class.base_filters
    values = {name: kinds[name].kind.read([text]) for name, text in given.items() if name in kinds}
    items = views.ItemViewSet.filterset_class.narrow(views.ItemViewSet.visible(PUBLIC), values)
    start = 5 * (int(given.get("page", 1)) - 1)
    return items[start : start + 5]


LOAD = """
INSERT INTO catalog_item (
    kind, reference, slug, name, make, model, description, production_years, vehicle_types, categories, genres,
    condition, authenticity, chassis_number, specs, provenance, price, currency, availability, status,
    published_at, location)
SELECT 'vehicle', 'R-' || n, 'item-' || n, 'Item ' || n, '', '', '', '{}', '{}', '{}',
       ARRAY[CASE WHEN n > 19600 THEN 'Dear' ELSE 'Drama' END],
       '', '', '', '{}', '', n, 'USD', 'available', 'published', timestamptz '2020-01-01', ''
FROM generate_series(1, 20000) AS n
"""


def test_value_of_dear_items_is_not_looked_for_from_the_cheapest_on():
    """2 % of the items, all of them dearer than the rest: the index of the order would be read to its end."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(LOAD)
        cursor.execute("ANALYZE catalog_item")
    shape = Shape(views.VehicleViewSet, PUBLIC, names=("genres",), fixed=(("ordering", "price"),))
    values = {"genres": ["Dear"], "ordering": "price", LIMIT: 21, SKIPPED: 0, WALKED: 1}

    few, many = (
        lists.estimated(shape, {"genres": [genre], "ordering": "price"}) for genre in ("Dear", "Drama")
    )
    plans = [explained(way(shape), values) for way in (lists.places_on, lists.fenced_places_on)]

    assert 300 < few < 500 < many
    assert ["catalog_item_public_cheapest" in plan for plan in plans] == [True, False]


def explained(statement, values):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement.text}", [place(values) for place in statement.places])
        return "\n".join(line for (line,) in cursor.fetchall())
