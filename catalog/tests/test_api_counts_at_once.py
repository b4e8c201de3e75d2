"""Counts while somebody writes, and right after a load of which PostgreSQL knows nothing yet."""

import psycopg
import pytest
from django.db import connection
from django.test import Client

from catalog import upkeep
from catalog.models import Item
from catalog.tests.factories import ItemFactory
from marketplace.tests.database import database_address

COUNTS = "/v1/items/?genres=Spy&count=exact&facets=vehicle_types,model"
# As a vacuum leaves a table of which all rows belong to a transaction that has not ended.
FALSE = """
SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', relname::text, 'relpages', 100, 'reltuples', 0::real)
  FROM pg_class WHERE relname LIKE 'catalog%' AND relkind IN ('r', 'i')
"""


def watched(address, before):
    """Get the answer, and call `before` with each statement before it runs."""

    def note(execute, statement, params, many, context):
        before(statement, params)
        return execute(statement, params, many, context)

    with connection.execute_wrapper(note):
        return Client().get(address)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ['FROM "catalog_itemchange"', "WITH hidden", '"held"'])
def test_counts_of_one_answer_are_of_one_moment_while_a_writer_commits(moment):
    ItemFactory.create_batch(
        3, published=True, genres=["Spy"], vehicle_types=["Car"], kind="vehicle", model="M1"
    )
    upkeep.take_in_changes()
    Item.objects.filter(pk=Item.objects.latest("pk").pk).update(model="M2")
    written: list[str] = []

    def write(statement, params):
        if moment in statement and not written:
            written.append(moment)
            with psycopg.connect(database_address()) as other:
                other.execute(
                    "UPDATE catalog_item SET genres = '{War}', vehicle_types = '{Boat}', model = 'M3'"
                )

    answer = watched(COUNTS, write).json()

    assert written == [moment]
    assert (answer["count"], len(answer["results"])) == (3, 3)
    assert answer["facets"] == {
        "vehicle_types": [{"value": "Car", "count": 3}],
        "model": [{"value": "M1", "count": 2}, {"value": "M2", "count": 1}],
    }


@pytest.mark.django_db
def test_bitmaps_are_read_without_a_look_at_all_slots_for_each_item_under_false_statistics():
    ItemFactory.create_batch(3, published=True)
    upkeep.take_in_changes()
    plans = []
    with connection.cursor() as cursor:
        cursor.execute(FALSE)

    def explain(statement, params):
        if statement.startswith("WITH hidden"):
            with connection.connection.cursor() as cursor:
                plans.append(str(cursor.execute(f"EXPLAIN {statement}", params).fetchall()))

    watched("/v1/items/?count=exact&facets=genres,make&page_size=1", explain)

    assert len(plans) == 2
    assert [plan for plan in plans if "catalog_item.id)" in plan] == []


@pytest.mark.django_db(transaction=True)
def test_large_load_leaves_fresh_statistics(monkeypatch):
    monkeypatch.setattr(upkeep, "MUCH", 5)
    ItemFactory.create_batch(5)

    upkeep.take_in_changes()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reltuples FROM pg_class"
            " WHERE relname IN ('catalog_item', 'catalog_itemsearch', 'catalog_facetslot') ORDER BY 1"
        )
        assert cursor.fetchall() == [
            ("catalog_facetslot", 5),
            ("catalog_item", 5),
            ("catalog_itemsearch", 5),
        ]
