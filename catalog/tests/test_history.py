"""History is kept by the database, whichever door a change comes by."""

import pytest
from django.apps import apps

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
