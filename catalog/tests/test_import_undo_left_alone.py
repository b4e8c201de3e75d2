"""What an undo leaves alone and lists: rows edited since, in use, or without room for what they were."""

from decimal import Decimal

import pytest
from django.apps import apps

from catalog.models import (
    Appearance,
    Item,
    MediaAsset,
    OldSlug,
    Production,
    Term,
)
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
)
from catalog.tests.undoing import Landing, counts, left, undo

pytestmark = pytest.mark.django_db


def test_undo_leaves_alone_and_lists_rows_edited_since():
    item = ItemFactory.create(reference="A-1", name="Old", price=5)
    untouched = ItemFactory.create(price=5)
    with Landing() as run:
        Item.objects.update(price=6)
    Item.objects.filter(pk=item.pk).update(name="New", price=7)

    result = undo(run)

    assert left(result) == [("item", item.pk, "Old (A-1)", "Changed since: name, price.")]
    assert counts(result) == (1, 0, 0, 1)
    item.refresh_from_db()
    untouched.refresh_from_db()
    assert (item.name, item.price, untouched.price) == ("New", Decimal(7), Decimal(5))


def test_undo_leaves_a_made_item_that_has_got_appearances_or_media_since():
    with Landing() as run:
        seen, pictured, plain = ItemFactory.create_batch(3)
        made = AppearanceFactory.create(item=seen)
    since = AppearanceFactory.create(item=seen)
    MediaAssetFactory.create(item=pictured)

    result = undo(run)

    assert [(row.table, row.id, row.why) for row in result.rows] == [
        ("item", seen.pk, "It has appearances that were added or changed since."),
        ("item", pictured.pk, "It has media that were added or changed since."),
        (
            "production",
            made.production_id,
            "Items appear in it that the import did not list, or that are left alone.",
        ),
        ("appearance", made.pk, "Its item is left alone."),
    ]
    assert set(Item.objects.values_list("pk", flat=True)) == {seen.pk, pictured.pk}
    assert set(Appearance.objects.values_list("pk", flat=True)) == {made.pk, since.pk}
    assert not Item.objects.filter(pk=plain.pk).exists()


def test_undo_leaves_a_made_production_that_others_use_even_when_forced():
    with Landing() as run:
        production = ProductionFactory.create(title="Goldfinger", years=[1964])
    AppearanceFactory.create(production=production)

    result = undo(run, force=True)

    assert left(result) == [
        (
            "production",
            production.pk,
            "Goldfinger (1964)",
            "Items appear in it that the import did not list, or that are left alone.",
        )
    ]
    assert Production.objects.filter(pk=production.pk).exists()


def test_undo_leaves_made_terms_that_rows_use():
    with Landing() as run:
        terms = [
            TermFactory.create(vocabulary=vocabulary, name=name)
            for vocabulary, name in (
                ("genre", "A"), ("genre", "B"), ("make", "C"), ("vehicle_type", "D"), ("category", "E"), ("make", "A"),
            )
        ]  # fmt: skip
    ItemFactory.create(genres=["A"], make="C", vehicle_types=["D"])
    ToolFactory.create(categories=["E"])
    ProductionFactory.create(genres=["B"])

    result = undo(run)

    assert [(row.title, row.why) for row in result.rows] == [
        (title, "Rows of the catalogue use it.")
        for title in ("A (genre)", "B (genre)", "C (make)", "D (vehicle type)", "E (category)")
    ]
    assert set(Term.objects.values_list("pk", flat=True)) == {term.pk for term in terms[:5]}


@pytest.mark.parametrize("force", [False, True])
def test_undo_leaves_alone_what_would_get_a_slug_that_another_has_by_now(force):
    item = ItemFactory.create(slug="db5", price=5)
    with Landing() as run:
        Item.objects.update(slug="db5-goldfinger", price=6)
    OldSlug.objects.all().delete()
    ItemFactory.create(slug="db5")

    result = undo(run, force=force)

    assert [(row.id, row.why) for row in result.rows] == [(item.pk, "Another item has its slug by now.")]
    item.refresh_from_db()
    assert (item.slug, item.price) == ("db5-goldfinger", Decimal(6))


def test_forced_undo_leaves_gone_what_would_get_a_reference_that_another_has_by_now():
    item = ItemFactory.create(reference="a-1", price=5)
    with Landing() as run:
        Item.objects.update(price=6)
    Item.objects.all().delete()
    ItemFactory.create(reference="A-1", slug="other")

    result = undo(run, force=True)

    assert [(row.id, row.why) for row in result.rows] == [(item.pk, "Another item has its reference by now.")]


def test_undo_leaves_out_an_appearance_whose_item_is_gone():
    kept, lost = AppearanceFactory.create_batch(2)
    with Landing() as run:
        Appearance.objects.all().delete()
    Item.objects.filter(pk=lost.item_id).delete()

    result = undo(run, force=True)

    assert [(row.table, row.id, row.why) for row in result.rows] == [
        ("appearance", lost.pk, "Its item was deleted since.")
    ]
    assert list(Appearance.objects.values_list("pk", flat=True)) == [kept.pk]


def test_undo_leaves_out_an_appearance_whose_production_is_gone():
    lost = AppearanceFactory.create()
    with Landing() as run:
        Appearance.objects.all().delete()
    Production.objects.all().delete()

    result = undo(run)

    assert [(row.id, row.why) for row in result.rows] == [(lost.pk, "Its production was deleted since.")]


def test_undo_leaves_out_an_appearance_that_was_entered_again():
    lost = AppearanceFactory.create(role="hero")
    with Landing() as run:
        Appearance.objects.all().delete()
    AppearanceFactory.create(item=lost.item, production=lost.production, role="hero")

    result = undo(run)

    assert [(row.id, row.why) for row in result.rows] == [
        (lost.pk, "Its item is listed in that production in that role by now.")
    ]


def test_undo_leaves_media_with_its_item_where_the_one_before_is_gone():
    before, after = ItemFactory.create_batch(2)
    asset = MediaAssetFactory.create(item=before)
    with Landing() as run:
        MediaAsset.objects.update(item=after)
    before.delete()

    result = undo(run, force=True)

    assert [(row.table, row.why) for row in result.rows] == [
        ("mediaasset", "The item that it belonged to was deleted since.")
    ]
    asset.refresh_from_db()
    assert asset.item_id == after.pk


def test_undo_says_where_a_rows_history_is_gone():
    item = ItemFactory.create(price=5)
    with Landing() as run:
        Item.objects.update(price=6)
    apps.get_model("catalog.ItemEvent").objects.filter(pgh_label="insert").delete()

    result = undo(run, force=True)

    assert [(row.id, row.why) for row in result.rows] == [
        (item.pk, "Its state before the import is not in the history any more.")
    ]
    assert Item.objects.get().price == 6


def test_undo_keeps_1000_of_the_rows_left_alone_and_counts_all():
    with Landing() as run:
        Term.objects.bulk_create(
            [Term(vocabulary="genre", name=f"G{number}", slug=f"g{number}") for number in range(1002)]
        )
    Term.objects.update(aliases=["x"])

    result = undo(run)

    assert (result.left_alone, len(run.undo_counts["rows_left_alone"])) == (1002, 1000)
