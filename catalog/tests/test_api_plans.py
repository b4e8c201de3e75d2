"""The database answers lists from their indexes: plans of the API's own queries over 20,000 items."""

from urllib.parse import quote

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from catalog.api import views
from catalog.api.filtering import values_of
from catalog.api.shapes import lists

ROWS = 20_000
# One item in 1,000 is rare in a column; the sequence number drives all, so that runs are equal.
LOAD = """
INSERT INTO catalog_item (
    kind, reference, slug, name, make, model, description, production_years, vehicle_types, categories, genres,
    condition, authenticity, chassis_number, specs, provenance, price, currency, availability, status,
    published_at, location)
SELECT
    CASE n %% 4 WHEN 0 THEN 'memorabilia' ELSE 'vehicle' END,
    'R-' || n, 'item-' || n, 'Item ' || n, 'Make ' || n %% 97, 'Model ' || n %% 997,
    CASE n %% 1000 WHEN 1 THEN 'needle' ELSE 'hay' END,
    ARRAY[CASE n %% 1000 WHEN 1 THEN 1901 ELSE 1950 + n %% 50 END],
    CASE n %% 4 WHEN 0 THEN '{}' ELSE ARRAY[CASE n %% 1000 WHEN 1 THEN 'Rare' ELSE 'Car' END] END,
    CASE n %% 4 WHEN 0 THEN ARRAY[CASE n %% 1000 WHEN 4 THEN 'Rare' ELSE 'Poster' END] ELSE '{}' END,
    ARRAY['Action', CASE n %% 1000 WHEN 1 THEN 'Rare' ELSE 'Drama' END],
    '', '', '', '{}', '', n, 'USD', 'available', CASE n %% 10 WHEN 0 THEN 'draft' ELSE 'published' END,
    timestamptz '2020-01-01' + n * interval '1 minute', ''
FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def many(db):
    """Load the items, and leave the table as a vacuum would: pending index entries merged, statistics known."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(LOAD, [ROWS])
        cursor.execute(
            "SELECT gin_clean_pending_list(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " JOIN pg_am ON pg_am.oid = relam WHERE indrelid = 'catalog_item'::regclass AND amname = 'gin'"
        )
        cursor.execute("ANALYZE catalog_item")


def plan_of(viewset, query):
    """Return the plan of the statement that finds the rows of the list's first page."""
    request = Request(APIRequestFactory().get(f"/?{quote(query, safe='=&%')}"))
    request.user = AnonymousUser()
    view = viewset(request=request, action="list", kwargs={}, format_kwarg=None)
    values = values_of(request, view)
    places = {**values, lists.LIMIT: 21, lists.SKIPPED: 0, lists.WALKED: 1000}
    statement = lists.ways_to(view.finding(values), places)[0]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement.text}", [place(places) for place in statement.places])
        return "\n".join(line for (line,) in cursor.fetchall())


SELECTIVE = [
    ("genres=Rare", "catalog_item_genres"),
    ("genres=Rare,Unknown", "catalog_item_genres"),
    ("genres__all=Action,Rare", "catalog_item_genres"),
    ("genres__exact=Action,Rare", "catalog_item_genres"),
    ("vehicle_types=Rare", "catalog_item_vehicle_types"),
    ("categories=Rare", "catalog_item_categories"),
    ("production_years=1901", "catalog_item_production_years"),
    ("production_years__all=1901", "catalog_item_production_years"),
    ("production_years__min=1900&production_years__max=1903", "catalog_item_production_years"),
    ("q=needle", "catalog_itemsearch_words"),
    ("q=needle&ordering=relevance", "catalog_itemsearch_words"),
    ("reference=r-77", "catalog_item_reference_unique"),
    ("make=Make 7&ordering=price", "catalog_item_public_make"),
    ("price__min=19990", "catalog_item_public_"),
]


@pytest.mark.usefixtures("many")
def test_selective_filters_use_their_indexes():
    plans = {(query, index): plan_of(views.ItemViewSet, query) for query, index in SELECTIVE}

    assert not {
        key: plan for key, plan in plans.items() if key[1] not in plan or "Seq Scan on catalog_item" in plan
    }


ORDERED = [
    (views.MemorabiliaViewSet, "", "catalog_item_public_newest"),  # the rarer kind: a quarter
    (views.ItemViewSet, "", "catalog_item_public_all_newest"),
    (views.ItemViewSet, "ordering=published_at", "catalog_item_public_all_newest"),
    (views.ItemViewSet, "ordering=price", "catalog_item_public_cheapest"),
    (views.ItemViewSet, "ordering=-price", "catalog_item_public_dearest"),
    (views.ItemViewSet, "ordering=name", "catalog_item_public_name"),
    (views.ItemViewSet, "ordering=-name", "catalog_item_public_name"),
    (views.ItemViewSet, "ordering=-updated_at", "catalog_item_updated"),
    (views.ItemViewSet, "ordering=updated_at", "catalog_item_updated"),
]


@pytest.mark.usefixtures("many")
def test_ordered_lists_read_their_indexes_and_sort_nothing():
    plans = {(query, index): plan_of(viewset, query) for viewset, query, index in ORDERED}

    assert not {
        key: plan
        for key, plan in plans.items()
        if key[1] not in plan or "Seq Scan on catalog_item" in plan or "Sort Key" in plan
    }
