"""An undone import: every row as it was before, or left alone and listed."""

import pytest
from django.apps import apps

from catalog.models import (
    Appearance,
    ImportState,
    Item,
    MediaAsset,
    OldSlug,
    Production,
    Status,
    Term,
)
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
)
from catalog.tests.undoing import Landing, counts, everything, left, undo

pytestmark = pytest.mark.django_db


def test_undo_returns_changed_rows_to_what_they_were():
    item = ItemFactory.create(price=5, genres=["Spy"], specs={"a": {"b": [1]}}, published=True)
    other = ItemFactory.create()
    term, production, asset = TermFactory.create(), ProductionFactory.create(), MediaAssetFactory.create()
    before = everything()
    with Landing() as run:
        Item.objects.update(price=None, genres=["Action", "Spy"], specs={}, name="N", status=Status.ARCHIVED)
        Term.objects.update(aliases=["x"])
        Production.objects.update(years=[1999], franchise="Bond")
        MediaAsset.objects.update(item=other, alt_text="Front", position=3)

    result = undo(run)

    assert everything() == before
    assert counts(result) == (5, 0, 0, 0)
    assert Item.objects.get(pk=item.pk).version == 3
    assert {term.pk, production.pk, asset.pk} <= {row["id"] for rows in before.values() for row in rows}


def test_undo_removes_what_the_run_made():
    ItemFactory.create(genres=["Spy"])
    asset = MediaAssetFactory.create()
    TermFactory.create(name="Spy")
    before = everything()
    with Landing() as run:
        item = ItemFactory.create(genres=["Heist"], make="Lotus")
        AppearanceFactory.create(item=item)
        for vocabulary, name in (
            ("genre", "Heist"),
            ("make", "Lotus"),
            ("category", "C"),
            ("vehicle_type", "V"),
        ):
            TermFactory.create(vocabulary=vocabulary, name=name)
        MediaAsset.objects.filter(pk=asset.pk).update(item=item)
        Item.objects.filter(pk=item.pk).update(slug="other")

    result = undo(run)

    assert everything() == before
    assert (counts(result), OldSlug.objects.count()) == ((1, 7, 0, 0), 0)


def test_undo_brings_back_what_the_run_deleted():
    appearance = AppearanceFactory.create(notes="in the chase", role="stunt")
    before = everything()
    with Landing() as run:
        Appearance.objects.filter(pk=appearance.pk).update(notes="")
        Appearance.objects.filter(pk=appearance.pk).delete()
        AppearanceFactory.create(item=appearance.item, production=appearance.production, role="stunt")

    result = undo(run)

    assert everything() == before
    assert counts(result) == (0, 1, 1, 0)


def test_undo_passes_over_what_has_no_net_effect():
    item = ItemFactory.create(price=5)
    with Landing() as run:
        Item.objects.update(price=6)
        passing = ItemFactory.create()
        passing.delete()
        made = ItemFactory.create()
    made.delete()
    Item.objects.filter(pk=item.pk).update(price=5)
    version = Item.objects.get().version

    result = undo(run)

    assert counts(result) == (0, 0, 0, 0)
    assert Item.objects.get().version == version


def test_forced_undo_restores_rows_edited_since():
    item = ItemFactory.create(name="Old", price=5)
    before = everything()
    with Landing() as run:
        Item.objects.update(price=6)
    Item.objects.filter(pk=item.pk).update(name="New", price=7)

    result = undo(run, force=True)

    assert everything() == before
    assert counts(result) == (1, 0, 0, 0)


def test_undo_takes_back_a_row_that_was_saved_since_without_a_change():
    item = ItemFactory.create(price=5)
    with Landing() as run:
        Item.objects.update(price=6)
    Item.objects.update(price=7)
    Item.objects.update(price=6)
    item.refresh_from_db()
    item.save()

    result = undo(run)

    assert counts(result) == (1, 0, 0, 0)
    assert Item.objects.get().price == 5


def test_undo_does_not_touch_what_the_bucket_says_of_a_file():
    asset = MediaAssetFactory.create(alt_text="")
    with Landing() as run:
        MediaAsset.objects.update(alt_text="Front")
    MediaAsset.objects.update(etag="new", size=2, state="missing")

    result = undo(run)

    asset.refresh_from_db()
    assert (asset.alt_text, asset.etag, asset.size, asset.state) == ("", "new", 2, "missing")
    assert counts(result) == (1, 0, 0, 0)


def test_undo_of_a_row_deleted_since_lists_it():
    item = ItemFactory.create(reference="A-1", name="Car", price=5)
    with Landing() as run:
        Item.objects.update(price=6)
    Item.objects.all().delete()

    result = undo(run)

    assert left(result) == [("item", item.pk, "Car (A-1)", "It was deleted since.")]
    assert not Item.objects.exists()


def test_forced_undo_brings_back_a_row_deleted_since_with_its_id():
    item = ItemFactory.create(price=5, published=True)
    appearance = AppearanceFactory.create(item=item)
    before = everything()
    with Landing() as run:
        Item.objects.update(price=6)
        Appearance.objects.filter(pk=appearance.pk).delete()
    Item.objects.all().delete()

    result = undo(run, force=True)

    assert everything() == before
    assert counts(result) == (0, 0, 2, 0)
    assert Item.objects.get().version == 3


def test_ids_go_on_after_a_row_was_brought_back():
    ItemFactory.create()
    with Landing() as run:
        Item.objects.update(price=6)
    Item.objects.all().delete()
    undo(run, force=True)

    assert ItemFactory.create().pk > Item.objects.order_by("pk")[0].pk


def test_forced_undo_removes_a_made_item_with_what_it_has_got_since():
    MediaAssetFactory.create()
    with Landing() as run:
        item = ItemFactory.create()
        AppearanceFactory.create(item=item)
    since = AppearanceFactory.create(item=item)
    MediaAsset.objects.update(item=item)

    result = undo(run, force=True)

    assert (Item.objects.count(), Appearance.objects.count()) == (0, 0)
    assert list(Production.objects.values_list("pk", flat=True)) == [since.production_id]
    assert MediaAsset.objects.get().item is None
    assert counts(result) == (0, 3, 0, 0)


def test_undo_of_a_slug_leaves_the_redirect_from_the_imports_slug_only():
    item = ItemFactory.create(slug="old")
    with Landing() as run:
        Item.objects.update(slug="new")

    undo(run)

    assert list(OldSlug.objects.values_list("slug", "item")) == [("new", item.pk)]


def test_undo_is_in_history_itself():
    ItemFactory.create(price=5)
    with Landing() as run:
        Item.objects.update(price=6)

    undo(run)

    event = apps.get_model("catalog.ItemEvent").objects.latest("pgh_id")
    assert (event.price, event.pgh_context_id, event.pgh_context.metadata["import_undo"]) == (
        5,
        run.undo_context,
        run.pk,
    )


def test_undo_leaves_the_run_undone_with_what_it_did():
    item = ItemFactory.create(reference="A-1", name="Car", price=5)
    with Landing() as run:
        Item.objects.update(price=6)
        ItemFactory.create()
    Item.objects.filter(pk=item.pk).update(price=7)

    undo(run)

    run.refresh_from_db()
    assert (run.state, run.undone_at is not None, run.undo_options) == (
        ImportState.UNDONE,
        True,
        {"force": False},
    )
    assert run.undo_counts == {
        "restored": 0,
        "removed": 1,
        "brought_back": 0,
        "left_alone": 1,
        "rows_left_alone": [
            {"table": "item", "id": item.pk, "title": "Car (A-1)", "why": "Changed since: price."}
        ],
    }
    assert run.message == "0 rows restored, 1 removed, 0 brought back, 1 left alone."


def test_dry_run_of_an_undo_says_the_same_and_writes_nothing():
    ItemFactory.create(price=5)
    with Landing() as run:
        Item.objects.update(price=6)
        ItemFactory.create()
    before = everything()

    result = undo(run, dry_run=True)

    run.refresh_from_db()
    assert (counts(result), everything() == before) == ((1, 1, 0, 0), True)
    assert (run.state, run.undo_context, run.undo_counts) == (ImportState.DONE, None, {})


def test_two_runs_undone_in_turn_lead_back_to_the_start():
    ItemFactory.create(price=5)
    before = everything()
    with Landing() as first:
        Item.objects.update(price=6)
    with Landing() as second:
        Item.objects.update(price=7)

    blocked = undo(first, dry_run=True)
    undo(second)
    undo(first)

    assert everything() == before
    assert [row.why for row in blocked.rows] == ["Changed since: price."]
