"""History is kept by the database, whichever door a change comes by."""

import pytest
from django.apps import apps
from django.db import connection

from catalog.models import Item
from catalog.tests.factories import ItemFactory

pytestmark = pytest.mark.django_db


def test_history_keeps_bulk_updates():
    items = ItemFactory.create_batch(3, price=None)

    Item.objects.update(price=5)

    events = apps.get_model("catalog.ItemEvent").objects.filter(pgh_label="update")
    assert set(events.values_list("pgh_obj", "price", "version")) == {(item.pk, 5, 2) for item in items}


def test_version_stays_when_nothing_changes():
    item = ItemFactory.create(price=5)

    Item.objects.update(price=5)

    item.refresh_from_db()
    assert item.version == 1


def test_history_of_many_rows_is_not_slowed_by_that_of_one():
    """The trigger's statement must not join: its plan is kept for the session, whatever the number of rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname LIKE 'pgtrigger_update_update_%'")
        bodies = [body for (body,) in cursor.fetchall()]

    assert len(bodies) == 5
    assert not [body for body in bodies if "JOIN" in body.upper()]
