"""An undone import: every row as it was before, or left alone and listed."""

from datetime import UTC, datetime
from decimal import Decimal

import pghistory
import pytest
from django.apps import apps
from django.db import connection

from catalog.imports.errors import ImportRefused
from catalog.imports.reach import EVERYTHING, Reach
from catalog.imports.undoing.undo import UndoResult, undo_run
from catalog.models import (
    Appearance,
    ImportRun,
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
    ToolFactory,
)

pytestmark = pytest.mark.django_db

KEPT_BY_DATABASE = {"updated_at", "version", "search"}
TABLES = (Item, Production, Term, MediaAsset, Appearance)


class Landing:
    """What is written inside counts as the work of a run."""

    def __enter__(self) -> ImportRun:
        self.run = ImportRun.objects.create(target="vehicle", file_name="stock.csv", state=ImportState.DONE)
        self.context = pghistory.context(import_run=self.run.pk)
        self.run.history_context = self.context.__enter__().id
        self.run.save()
        return self.run

    def __exit__(self, *error):
        self.context.__exit__(*error)
        # History's context lasts until the transaction's end, which is the test's here.
        sql("SELECT set_config('pghistory.context_id', '', true)")


def everything():
    """Return all rows of the catalogue, without what the database keeps of their writing."""
    found = {}
    for model in TABLES:
        names = [f.attname for f in model._meta.concrete_fields if f.name not in KEPT_BY_DATABASE]
        found[model.__name__] = list(model.objects.order_by("pk").values(*names))
    return found


def undo(run, *, force=False, reach=EVERYTHING, dry_run=False) -> UndoResult:
    return undo_run(run, force=force, reach=reach, dry_run=dry_run)


def counts(result: UndoResult) -> tuple[int, int, int, int]:
    """Return (restored, removed, brought back, left alone)."""
    return result.restored, result.removed, result.brought_back, result.left_alone


def left(result: UndoResult) -> list[tuple[str, int, str, str]]:
    return [(row.table, row.id, row.title, row.why) for row in result.rows]


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


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


def test_undo_of_a_slug_leaves_the_redirect_from_the_imports_slug_only():
    item = ItemFactory.create(slug="old")
    with Landing() as run:
        Item.objects.update(slug="new")

    undo(run)

    assert list(OldSlug.objects.values_list("slug", "item")) == [("new", item.pk)]


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


def test_undo_keeps_1000_of_the_rows_left_alone_and_counts_all():
    with Landing() as run:
        Term.objects.bulk_create(
            [Term(vocabulary="genre", name=f"G{number}", slug=f"g{number}") for number in range(1002)]
        )
    Term.objects.update(aliases=["x"])

    result = undo(run)

    assert (result.left_alone, len(run.undo_counts["rows_left_alone"])) == (1002, 1000)


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


def refused(run, **options) -> str:
    with pytest.raises(ImportRefused) as error:
        undo(run, **options)
    return str(error.value)


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


def test_undo_refuses_a_run_whose_history_was_never_kept():
    run = ImportRun.objects.create(target="vehicle", file_name="a.csv", state=ImportState.DONE, created=3)

    assert refused(run) == "History does not tell what this import wrote, so it cannot be undone."


def test_undo_refuses_a_run_whose_history_is_gone():
    with Landing() as run:
        ItemFactory.create()
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
