"""The database answers lists from their indexes: plans of the statements that the API runs over many items."""

from urllib.parse import parse_qs, quote

import pytest
from django.db import connection
from django.test import Client

from catalog.api import filters
from catalog.tests.factories import ProductionFactory

FEW, MANY = 20_000, 100_000
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
    CASE n %% 1000 WHEN 1 THEN 'project' ELSE 'good' END, CASE n %% 1000 WHEN 1 THEN 'stunt' ELSE 'replica' END,
    '', '{}', '', n, CASE n %% 1000 WHEN 1 THEN 'JPY' ELSE 'USD' END,
    CASE n %% 1000 WHEN 1 THEN 'reserved' ELSE 'available' END, CASE n %% 10 WHEN 0 THEN 'draft' ELSE 'published' END,
    timestamptz '2020-01-01' + n * interval '1 minute', ''
FROM generate_series(1, %s) AS n
"""


APPEARED = "INSERT INTO catalog_appearance (item_id, production_id, role, notes) SELECT id, %s, 'hero', '' FROM catalog_item"
# Beside the items: of their history nothing is asked here.
NO_HISTORY = "SELECT format('ALTER TABLE catalog_item DISABLE TRIGGER %I', tgname) FROM pg_trigger"


def load(rows):
    """Load the items, and leave the tables as a vacuum would: pending index entries merged, statistics known."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(f"{NO_HISTORY} WHERE tgrelid = 'catalog_item'::regclass AND tgname LIKE 'pgtrigger%'")
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
        cursor.execute(LOAD, [rows])
        for film, every in (("rare-film", 1000), ("film", 20)):
            made = ProductionFactory.create(slug=film)
            cursor.execute(f"{APPEARED} WHERE price %% %s = 1", [made.pk, every])
        cursor.execute(
            "SELECT gin_clean_pending_list(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " JOIN pg_am ON pg_am.oid = relam WHERE amname = 'gin'"
            " AND indrelid IN ('catalog_item'::regclass, 'catalog_itemsearch'::regclass)"
        )
        for table in ("item", "itemsearch", "appearance", "production"):
            cursor.execute(f"ANALYZE catalog_{table}")


def plans_of(address):
    """Return the plans of all statements about items that the list at this address runs."""
    ran = []

    def note(execute, statement, params, many, context):
        ran.append((statement, params))
        return execute(statement, params, many, context)

    with connection.execute_wrapper(note):
        answer = Client().get(address)
    assert answer.status_code == 200, answer.content
    plans = [plan_of(*each) for each in ran if each[0].startswith("SELECT") and '"catalog_item"' in each[0]]
    assert plans
    return "\n\n".join(plans)


def plan_of(statement, params):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", params)
        return "\n".join(line for (line,) in cursor.fetchall())


SELECTIVE = [
    ("genres=Rare", "catalog_item_genres"),
    ("genres=Rare,Unknown", "catalog_item_genres"),
    ("genres__all=Action,Rare", "catalog_item_genres"),
    ("genres__exact=Action,Rare", "catalog_item_genres"),
    ("vehicle_types=Rare", "catalog_item_vehicle_types"),
    ("vehicle_types__all=Rare", "catalog_item_vehicle_types"),
    ("vehicle_types__exact=Rare", "catalog_item_vehicle_types"),
    ("categories=Rare", "catalog_item_categories"),
    ("categories__all=Rare", "catalog_item_categories"),
    ("categories__exact=Rare", "catalog_item_categories"),
    ("production_years=1901", "catalog_item_production_years"),
    ("production_years__all=1901", "catalog_item_production_years"),
    ("production_years__exact=1901", "catalog_item_production_years"),
    ("production_years__min=1900&production_years__max=1903", "catalog_item_production_years"),
    ("production_years__max=1903", "catalog_item_production_years"),
    ("production_years__min=2005", "catalog_item_production_years"),
    ("q=needle", "catalog_itemsearch_words"),
    ("q=needle&ordering=relevance", "catalog_itemsearch_words"),
    ("reference=r-77", "catalog_item_reference_unique"),
    ("make=Make 7", "catalog_item_public_make"),
    ("make=Make 7&ordering=price", "catalog_item_public_make"),
    ("model=Model 7", "catalog_item_model"),
    ("condition=project", "catalog_item_choices"),
    ("authenticity=stunt", "catalog_item_choices"),
    ("availability=reserved", "catalog_item_choices"),
    ("currency=JPY", "catalog_item_choices"),
    ("production=rare-film", "catalog_item_pkey"),
    ("price__min=99990", "catalog_item_public_"),
    ("price__max=9", "catalog_item_public_"),
    ("updated_since=9000-01-01", "catalog_item_updated"),
    ("kind=tool", "catalog_item_admin"),
    ("make=Make 7&genres=Rare&condition=project", "catalog_item_"),
]
# Parameters that narrow little by what they mean, so that no index is worth its writes.
NOT_SELECTIVE = {"__none", "__empty", "__len"}


@pytest.mark.timeout(900)  # the load, on a busy machine
@pytest.mark.django_db
def test_selective_filters_use_their_indexes():
    load(MANY)

    plans = {each: plans_of(f"/v1/items/?count=exact&{quote(each[0], safe='=&')}") for each in SELECTIVE}

    assert not {
        key: plan for key, plan in plans.items() if key[1] not in plan or "Seq Scan on catalog_item" in plan
    }


def test_every_selective_filter_is_explained():
    explained = {name for query, _ in SELECTIVE for name in parse_qs(query)}
    offered = filters.AnyItemFilters.offered(staff=False)

    assert {name for name in offered if not name.endswith((*NOT_SELECTIVE,))} == explained


ORDERED = [
    ("memorabilia/?", "catalog_item_public_newest"),  # the rarer kind: a quarter
    ("items/?", "catalog_item_public_all_newest"),
    ("items/?ordering=published_at", "catalog_item_public_all_newest"),
    ("items/?ordering=price", "catalog_item_public_cheapest"),
    ("items/?ordering=-price", "catalog_item_public_dearest"),
    ("items/?ordering=name", "catalog_item_public_name"),
    ("items/?ordering=-name", "catalog_item_public_name"),
    ("items/?ordering=-updated_at", "catalog_item_updated"),
    ("items/?ordering=updated_at", "catalog_item_updated"),
]


@pytest.mark.django_db
def test_ordered_lists_read_their_indexes_and_sort_nothing():
    load(FEW)

    plans = {(path, index): plans_of(f"/v1/{path}&count=none") for path, index in ORDERED}

    # The cover of each item, a subplan, sorts the few images of that item.
    assert not {
        key: plan
        for key, plan in plans.items()
        if key[1] not in plan or "Seq Scan on catalog_item" in plan or "Sort Key" in plan.split("SubPlan")[0]
    }
