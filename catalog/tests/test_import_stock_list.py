"""Full stock lists: what they do not name is withdrawn."""

from datetime import UTC, datetime

import pghistory.models
import pytest

from catalog.imports.engine import ImportOptions, import_file
from catalog.imports.errors import ImportRefused
from catalog.imports.reach import Reach
from catalog.models import Item
from catalog.tests.factories import ItemFactory
from catalog.tests.imports import run, table

pytestmark = pytest.mark.django_db


def published(*references: str, **values: object) -> None:
    for reference in references:
        ItemFactory.create(reference=reference, published=True, **values)


def statuses() -> dict[str, str]:
    return dict(Item.objects.values_list("reference", "status"))


def bring(path, withdraw: int | None, **options):
    chosen = ImportOptions(**{"full_list": True, "max_withdrawn": 50, **options})
    return import_file(path=path, target="vehicle", options=chosen, withdraw=withdraw)


def test_published_items_of_the_kind_that_the_list_lacks_are_withdrawn(tmp_path):
    published("A-1", "A-2", "B-1")
    published("T-1", kind="tool")
    ItemFactory.create(reference="D-1", status="archived")
    path = table(tmp_path / "t.csv", "reference,name", ["a-1", "Renamed"], ["B-1", ""], ["N-1", "New"])

    result = bring(path, 1)

    assert (result.created, result.changed, result.unchanged, result.withdrawn) == (1, 1, 1, 1)
    assert statuses() == {
        "A-1": "published", "A-2": "draft", "B-1": "published", "N-1": "draft", "T-1": "published", "D-1": "archived"
    }  # fmt: skip
    withdrawn = Item.objects.get(reference="A-2")
    assert (withdrawn.published_at, withdrawn.version) == (datetime(2026, 1, 1, tzinfo=UTC), 2)
    assert pghistory.models.Events.objects.tracks(withdrawn).filter(pgh_label="update").count() == 1


def test_rejected_and_left_out_rows_name_their_items_too(tmp_path):
    published("A-1", "A-2", "A-3")
    path = table(tmp_path / "t.csv", "reference,price", ["A-1", "cheap"], [" a-2 ", "5"], ["A-2", "6"])

    result = bring(path, 1, existing="add")

    assert (result.left_out, result.withdrawn) == (3, 1)
    assert statuses() == {"A-1": "published", "A-2": "published", "A-3": "draft"}


def test_list_of_one_prefix_leaves_the_other_references_alone(tmp_path):
    published("lon-1", "LON-2", "PAR-1", "L%N-1")

    result = bring(table(tmp_path / "t.csv", "reference,name", ["LON-1", "x"]), 1, full_list_prefix="Lon-")

    assert result.withdrawn == 1
    assert statuses() == {"lon-1": "published", "LON-2": "draft", "PAR-1": "published", "L%N-1": "published"}


def test_list_that_would_withdraw_too_much_is_refused(tmp_path):
    published("A-1", "A-2", "A-3", "A-4")
    path = table(tmp_path / "t.csv", "reference,name", ["A-1", "Renamed"])

    with pytest.raises(ImportRefused) as error:
        bring(path, 3)

    assert str(error.value) == (
        "3 of 4 published items are not in this list, and it would withdraw them;"
        " at most 50 percent may be withdrawn at once."
    )
    assert set(statuses().values()) == {"published"}
    assert not Item.objects.filter(name="Renamed").exists()


def test_list_of_someone_who_may_not_publish_is_refused(tmp_path, monkeypatch):
    published("A-1", "A-2")
    monkeypatch.setattr("catalog.imports.judging.EVERYTHING", Reach(publish_kinds=("tool",)))

    with pytest.raises(ImportRefused) as error:
        bring(table(tmp_path / "t.csv", "reference,name", ["A-1", "Renamed"]), 1)

    assert (
        str(error.value)
        == "A full stock list withdraws items, which needs the right catalog.publish_vehicle."
    )


def test_list_that_names_everything_withdraws_nothing(tmp_path):
    published("A-1", "A-2")
    path = table(tmp_path / "t.csv", "reference,name", ["A-1", "x"], ["A-2", "y"])

    result = bring(path, None)

    assert (result.changed, result.withdrawn) == (2, 0)
    assert set(statuses().values()) == {"published"}


def test_ordinary_list_withdraws_nothing(tmp_path):
    published("A-1", "A-2")

    result = run(table(tmp_path / "t.csv", "reference,name", ["A-1", "x"]))

    assert result.withdrawn == 0
    assert set(statuses().values()) == {"published"}
