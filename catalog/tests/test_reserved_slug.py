"""The slug `bulk`: at that address many rows are written, so no row has it, by whatever door."""

import pytest
from django.core.exceptions import ValidationError

from catalog.models import RESERVED, Item, Production
from catalog.tests.factories import ItemFactory, ProductionFactory
from catalog.tests.imports import run, table
from catalog.tests.writes import VEHICLES, faults, send, staff_of_all

pytestmark = pytest.mark.django_db


def test_slug_is_refused_over_the_api():
    client = staff_of_all()

    answers = [
        send(client, "post", VEHICLES, {"reference": "A-1", "name": "Car", "slug": "bulk"}),
        send(client, "post", "/v1/productions/", {"title": "Bulk"}),
        send(client, "post", "/v1/productions/bulk/?upsert=true", [{"title": "Bulk", "slug": "bulk"}]),
    ]

    assert [[said for _, _, said in faults(answer)] for answer in answers] == [[RESERVED]] * 3


@pytest.mark.parametrize("factory", [ItemFactory, ProductionFactory])
def test_slug_is_refused_in_a_form(factory):
    with pytest.raises(ValidationError) as error:
        factory.build(slug="bulk").validate_constraints()

    assert error.value.messages == [RESERVED]


@pytest.mark.parametrize(
    ("kind", "header", "row"),
    [("vehicle", "reference,name,slug", ["A-1", "Car", "bulk"]), ("production", "title", ["Bulk"])],
)
def test_slug_is_refused_in_a_file(tmp_path, kind, header, row):
    result = run(table(tmp_path / "t.csv", header, row), kind)

    assert [issue.message for issue in result.issues] == [RESERVED]
    assert Item.objects.count() + Production.objects.count() == 0
