"""The catalogue's state while several transactions write: each one that changes public answers shows as it ends."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection

from catalog import changes
from catalog.models import CatalogueChange, Item
from catalog.tests.factories import AppearanceFactory, ItemFactory, MediaAssetFactory, TermFactory
from marketplace.tests.database import database_address

pytestmark = pytest.mark.django_db


@pytest.fixture
def car() -> Item:
    return ItemFactory.create(published=True)


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


PUBLISH = "UPDATE catalog_item SET status = 'published', published_at = clock_timestamp() WHERE slug = 'late'"
OF_ANOTHER = {
    "item": "UPDATE catalog_item SET name = 'Another' WHERE slug = 'late'",
    "picture": "UPDATE catalog_mediaasset SET alt_text = 'seen from the left'",
    "film": "UPDATE catalog_production SET franchise = 'Another'",
}


@pytest.fixture
def other() -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_address()) as connected:
        yield connected


@pytest.fixture
def late() -> Item:
    item = ItemFactory.create(status="draft", slug="late")
    MediaAssetFactory.create(item=item)
    AppearanceFactory.create(item=item)
    return item


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("folded", [True, False])
def test_write_of_a_draft_that_is_published_meanwhile_shows(late, other, folded):
    other.execute(OF_ANOTHER["picture"])
    sql(PUBLISH)
    if folded:
        changes.fold()
    before = changes.state(public=True)

    other.commit()

    assert changes.state(public=True).name != before.name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("door", OF_ANOTHER)
def test_transaction_that_began_before_the_item_was_public_shows(late, other, door):
    other.execute("SELECT now()")
    sql(PUBLISH)
    other.execute(OF_ANOTHER[door])
    before = changes.state(public=True)

    other.commit()

    assert changes.state(public=True).name != before.name


@pytest.mark.django_db(transaction=True)
def test_transaction_that_is_taken_back_changes_nothing(car, other):
    before = changes.state(public=True)
    other.execute("UPDATE catalog_item SET price = 1")
    during = changes.state(public=True)

    other.rollback()

    assert (during, changes.state(public=True)) == (before, before)


@pytest.mark.django_db(transaction=True)
def test_transactions_that_end_in_another_order_each_show(car, other):
    other.execute("UPDATE catalog_term SET name = name || '!'")
    other.execute("UPDATE catalog_item SET price = 1")
    names = [changes.state(public=True).name]
    TermFactory.create()
    names.append(changes.state(public=True).name)
    changes.fold()
    names.append(changes.state(public=True).name)

    other.commit()

    names.append(changes.state(public=True).name)
    assert (names[1] == names[2], len(set(names))) == (True, 3)


def test_folding_leaves_what_is_to_show_later(car):
    ItemFactory.create(status="published", published_at=datetime(9000, 1, 1, tzinfo=UTC))
    before = changes.state(public=True), changes.state(public=False)

    changes.fold()

    assert list(CatalogueChange.objects.values_list("shows_at__year", flat=True)) == [9000]
    assert (changes.state(public=True), changes.state(public=False)) == before
