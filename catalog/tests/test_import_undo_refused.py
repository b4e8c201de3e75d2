"""What no undo does, and says: runs without history, and what is beyond a person's rights."""

from datetime import UTC, datetime

import pytest
from django.apps import apps

from catalog.imports.reach import Reach
from catalog.models import (
    ImportRun,
    ImportState,
    Item,
    Status,
)
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
)
from catalog.tests.undoing import Landing, refused, undo

pytestmark = pytest.mark.django_db


def test_second_undo_says_so():
    ItemFactory.create(price=5)
    with Landing() as run:
        Item.objects.update(price=6)
    undo(run)
    ImportRun.objects.update(undone_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC))

    assert refused(run) == "This import has been undone already, on 2026-01-02 at 03:04 UTC."


def test_undo_refuses_a_run_that_has_not_landed():
    run = ImportRun.objects.create(target="vehicle", file_name="a.csv", state=ImportState.READY)

    assert refused(run) == "This import has not landed, so there is nothing to undo."


def test_undo_refuses_a_run_that_changed_nothing():
    run = ImportRun.objects.create(target="vehicle", file_name="a.csv", state=ImportState.DONE)

    assert refused(run) == "This import changed nothing, so there is nothing to undo."


def test_undo_refuses_a_run_that_landed_without_a_change():
    with Landing() as run:
        pass

    assert refused(run) == "This import changed nothing, so there is nothing to undo."


def test_undo_refuses_a_run_whose_history_was_never_kept():
    run = ImportRun.objects.create(target="vehicle", file_name="a.csv", state=ImportState.DONE, created=3)

    assert refused(run) == "History does not tell what this import wrote, so it cannot be undone."


def test_undo_refuses_a_run_whose_history_is_gone():
    with Landing() as run:
        ItemFactory.create()
    ImportRun.objects.update(created=1)
    apps.get_model("catalog.ItemEvent").objects.all().delete()

    assert refused(run) == "The history of this import is not kept any more, so it cannot be undone."


def test_undo_refuses_items_of_a_kind_beyond_reach():
    with Landing() as run:
        ItemFactory.create()
        ToolFactory.create()

    sentence = refused(run, reach=Reach(kinds=("vehicle",)))

    assert sentence == "Undoing this import needs the rights to add and to change items of the kind tool."
    assert Item.objects.count() == 2


@pytest.mark.parametrize("before", [Status.PUBLISHED, Status.DRAFT])
def test_undo_refuses_to_publish_or_withdraw_without_the_right(before):
    item = ItemFactory.create(status=before, published_at=datetime(2026, 1, 1, tzinfo=UTC))
    with Landing() as run:
        Item.objects.update(status=Status.ARCHIVED if before == Status.PUBLISHED else Status.PUBLISHED)

    sentence = refused(run, reach=Reach(publish_kinds=("tool",)))

    assert (
        sentence
        == "Undoing this import publishes or withdraws items, which needs the right catalog.publish_vehicle."
    )
    assert Item.objects.get(pk=item.pk).status != before


APPEARANCE_RIGHTS = "catalog.add_appearance and catalog.{}_appearance"
CHANGE_RIGHTS = "catalog.add_{0} and catalog.change_{0}"


@pytest.mark.parametrize(
    ("factory", "changes", "reach", "things", "rights"),
    [
        (AppearanceFactory, {}, Reach(appearances=False), "appearances", APPEARANCE_RIGHTS.format("delete")),
        (
            AppearanceFactory,
            {"notes": "x"},
            Reach(appearance_notes=False),
            "appearances",
            APPEARANCE_RIGHTS.format("change"),
        ),
        (ProductionFactory, {}, Reach(new_productions=False), "productions", "catalog.add_production"),
        (
            ProductionFactory,
            {"franchise": "x"},
            Reach(productions=False),
            "productions",
            CHANGE_RIGHTS.format("production"),
        ),
        (TermFactory, {}, Reach(new_terms=False), "terms", "catalog.add_term"),
        (TermFactory, {"aliases": ["x"]}, Reach(terms=False), "terms", CHANGE_RIGHTS.format("term")),
        (
            MediaAssetFactory,
            {"caption": "x"},
            Reach(images=False),
            "media assets",
            "catalog.change_mediaasset",
        ),
    ],
)
def test_undo_refuses_tables_beyond_reach(factory, changes, reach, things, rights):
    if changes:
        factory.create()
        with Landing() as run:
            factory._meta.model.objects.update(**changes)
    else:
        with Landing() as run:
            factory.create()

    assert (
        refused(run, reach=reach) == f"Undoing this import touches {things}, which needs the right {rights}."
    )
