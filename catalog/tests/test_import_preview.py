"""The pages of a run: what becomes of each row, before it lands, when it has landed, and after an undo."""

import pytest
from django.db import ProgrammingError, connection

from catalog.imports.judging import judge
from catalog.imports.landing import land
from catalog.imports.options import ImportOptions
from catalog.imports.pages.preview import (
    Fault,
    FieldChange,
    PreviewPage,
    PreviewRow,
    StagingGone,
    page,
    withdrawals,
)
from catalog.imports.reach import EVERYTHING
from catalog.imports.reading import stage_file
from catalog.imports.staging import drop, schema_of
from catalog.imports.undoing.undo import undo_run
from catalog.models import ImportOrigin, ImportRun, ImportSheet, ImportState, Item
from catalog.tests.factories import AppearanceFactory, ItemFactory, ProductionFactory
from catalog.tests.imports import table

pytestmark = pytest.mark.django_db


def ready(path, target="vehicle", **options) -> ImportSheet:
    """Return the sheet of a run that waits for confirmation."""
    run = ImportRun.objects.create(
        target=target,
        origin=ImportOrigin.COMMAND,
        file_name=path.name,
        options=ImportOptions(**options).as_json(),
        state=ImportState.READY,
    )
    stage_file(run, path)
    judge(run)
    return run.sheets.get()


def landed(sheet: ImportSheet) -> ImportSheet:
    ImportRun.objects.filter(pk=sheet.run_id).update(state=ImportState.LANDING)
    land(ImportRun.objects.get(pk=sheet.run_id))
    with (
        connection.cursor() as cursor
    ):  # history's context lasts until the transaction's end, here the test's
        cursor.execute("SELECT set_config('pghistory.context_id', '', true)")
    return ImportSheet.objects.get(pk=sheet.pk)


def rows(sheet, **options) -> tuple[PreviewRow, ...]:
    return page(sheet, **options).rows


def changes(sheet, line=2) -> list[tuple[str, str, str]]:
    row = next(row for row in rows(sheet) if row.line == line)
    return [(change.column, change.before, change.after) for change in row.changes]


def test_new_row_shows_what_the_file_gives(tmp_path):
    sheet = ready(
        table(
            tmp_path / "t.csv", "reference,name,genres,price,make", ["A-1", "DB5", "Spy|Action", "1,000", ""]
        )
    )

    assert rows(sheet) == (
        PreviewRow(
            line=2,
            outcome="new",
            title="DB5 (A-1)",
            object_id=None,
            changes=(
                FieldChange("reference", "", "A-1"),
                FieldChange("name", "", "DB5"),
                FieldChange("genres", "", "Spy | Action"),
                FieldChange("price", "", "1000.00"),
            ),
            faults=(),
            left_out=False,
        ),
    )


def test_changed_row_shows_its_changed_columns_side_by_side(tmp_path):
    item = ItemFactory.create(reference="A-1", name="Old", price=5, genres=["Spy"], location="London")
    sheet = ready(
        table(
            tmp_path / "t.csv",
            "reference,name,price,genres,location,status",
            ["A-1", "New", "[clear]", "Spy|Heist", "London", "published"],
        )
    )

    (row,) = rows(sheet)

    assert (row.outcome, row.title, row.object_id) == ("changed", "New (A-1)", item.pk)
    shown = {change.column: (change.before, change.after) for change in row.changes}
    assert shown.pop("published_at")[0] == ""
    assert shown == {
        "name": ("Old", "New"),
        "price": ("5.00", ""),
        "genres": ("Spy", "Spy | Heist"),
        "status": ("draft", "published"),
    }


def test_unchanged_row_shows_its_title(tmp_path):
    item = ItemFactory.create(reference="A-1", name="Car", price=5)
    sheet = ready(table(tmp_path / "t.csv", "reference,price", ["a-1", "5"]))

    assert rows(sheet) == (PreviewRow(2, "unchanged", "Car (A-1)", item.pk, (), (), left_out=False),)


def test_rejected_row_shows_its_faults_with_the_cells_of_the_file(tmp_path):
    sheet = ready(table(tmp_path / "t.csv", "reference,name,price,currency", ["A-1", "Car", " -5 ", "eur"]))

    (row,) = rows(sheet, outcome="rejected")

    assert (row.outcome, row.title, row.changes) == ("rejected", "Car (A-1)", ())
    assert [(fault.column, fault.value) for fault in row.faults] == [
        ("currency", "eur"),
        ("price", " -5 "),
    ]
    assert row.faults[0].message == "The currency must be a code of three capital letters, such as USD."


def test_row_with_too_many_cells_has_a_fault_of_no_column(tmp_path):
    sheet = ready(table(tmp_path / "t.csv", "reference,name", ["A-1", "Car", "more"]))

    (row,) = rows(sheet)

    assert row.faults == (Fault("", "", "The row has 3 cells, the header has 2."),)


def test_appearances_are_compared_as_a_cell_lists_them(tmp_path):
    item = ItemFactory.create(reference="A-1")
    production = ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964", years=[1964])
    AppearanceFactory.create(item=item, production=production)
    path = table(
        tmp_path / "t.csv", "reference,appearances", ["A-1", "Goldfinger (1964): stunt | GoldenEye (1995)"]
    )

    sheet = ready(path)

    assert changes(sheet) == [
        ("appearances", "Goldfinger (1964): hero", "GoldenEye (1995): hero | Goldfinger (1964): stunt")
    ]


def test_preview_shows_the_same_after_landing_and_after_an_undo(tmp_path):
    item = ItemFactory.create(reference="A-1", name="Old", price=5)
    ItemFactory.create(reference="A-3", name="Three")
    production = ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964", years=[1964])
    AppearanceFactory.create(item=item, production=production)
    sheet = ready(
        table(
            tmp_path / "t.csv",
            "reference,name,price,appearances",
            ["A-1", "New", "[clear]", "GoldenEye (1995)"],
            ["A-2", "Two", "2", "Goldfinger (1964)"],
            ["A-3", "Three", "", "Goldfinger (1964)"],
            ["A-4", "", "", ""],
        )
    )
    before = rows(sheet)

    done = landed(sheet)
    Item.objects.filter(reference="A-1").update(name="Edited since")
    Item.objects.filter(reference="A-3").update(name="Edited since", price=9)
    after_landing = rows(done)
    undo_run(done.run, force=True, reach=EVERYTHING)
    after_undo = rows(ImportSheet.objects.get(pk=sheet.pk))

    assert [row.changes for row in after_landing] == [row.changes for row in before]
    assert [row.changes for row in after_undo] == [row.changes for row in before]
    assert [change.column for change in before[2].changes] == ["appearances"]
    assert after_landing[1].object_id is not None
    assert [row.outcome for row in after_undo] == ["changed", "new", "changed", "rejected"]


def test_pages_follow_the_file_and_count(tmp_path):
    path = table(tmp_path / "t.csv", "reference,name", *([f"A-{n}", "x" if n % 2 else ""] for n in range(7)))
    sheet = ready(path)

    found = page(sheet, outcome="new", number=2, size=2)

    assert ([row.line for row in found.rows], found.number, found.pages, found.total) == ([7], 2, 2, 3)


@pytest.mark.parametrize(("number", "shown"), [(-5, 1), (0, 1), (99, 2)])
def test_page_beyond_the_ends_is_the_nearest(tmp_path, number, shown):
    sheet = ready(table(tmp_path / "t.csv", "reference,name", *([f"A-{n}", "x"] for n in range(3))))

    assert page(sheet, number=number, size=2).number == shown


def test_page_without_rows_is_empty(tmp_path):
    sheet = ready(table(tmp_path / "t.csv", "reference,name", ["A-1", "x"]))

    found = page(sheet, outcome="rejected")

    assert (found.rows, found.number, found.pages, found.total) == ((), 1, 1, 0)


def test_values_are_cut_with_a_mark(tmp_path):
    sheet = ready(
        table(
            tmp_path / "t.csv",
            "reference,name,description",
            ["A-1", "x", "d" * 100_000],
            ["A-2", "n" * 400, "y"],
        )
    )

    new, rejected = rows(sheet)

    assert new.changes[-1] == FieldChange("description", "", "d" * 300 + "…")
    assert rejected.faults[0].value == "n" * 300 + "…"


@pytest.mark.parametrize(("size", "shown"), [(10, 300), (200, 120), (1000, 40)])
def test_more_long_cells_are_cut_shorter(tmp_path, size, shown):
    cells = ([f"A-{number}", "x", "d" * 1000, "p" * 1000] for number in range(size))
    sheet = ready(table(tmp_path / "t.csv", "reference,name,description,provenance", *cells))

    found = rows(sheet, size=size)

    assert {change.after for row in found for change in row.changes if change.column == "provenance"} == {
        "p" * shown + "…"
    }


def test_row_left_out_is_marked(tmp_path):
    ItemFactory.create(reference="A-1", name="Old")
    sheet = ready(table(tmp_path / "t.csv", "reference,name", ["A-1", "New"], ["A-2", "Two"]), existing="add")

    assert [(row.outcome, row.left_out, row.title) for row in rows(sheet)] == [
        ("left_out", True, "New (A-1)"),
        ("new", False, "Two (A-2)"),
    ]


def test_items_that_a_full_list_withdraws_are_shown(tmp_path):
    kept, gone = ItemFactory.create_batch(2, published=True)
    path = table(tmp_path / "t.csv", "reference", [kept.reference])

    found = withdrawals(ready(path, full_list=True, max_withdrawn=100))

    assert found == PreviewPage(
        rows=(
            PreviewRow(
                line=0,
                outcome="withdrawn",
                title=f"{gone.name} ({gone.reference})",
                object_id=gone.pk,
                changes=(FieldChange("status", "published", "draft"),),
                faults=(),
                left_out=False,
            ),
        ),
        number=1,
        pages=1,
        total=1,
    )


def test_withdrawals_of_a_pruned_run_say_so(tmp_path):
    sheet = ready(table(tmp_path / "t.csv", "reference,name", ["A-1", "x"]))
    drop(sheet.run)

    with pytest.raises(StagingGone):
        withdrawals(sheet)


def test_withdrawals_say_so_when_a_crash_has_emptied_the_tables(tmp_path):
    kept, _ = ItemFactory.create_batch(2, published=True)
    sheet = ready(table(tmp_path / "t.csv", "reference", [kept.reference]), full_list=True, max_withdrawn=100)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {schema_of(sheet)}.import_withdrawn")

    with pytest.raises(StagingGone):
        withdrawals(sheet)


def test_production_named_by_its_slug_shows_its_title(tmp_path):
    production = ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964", franchise="")

    sheet = ready(table(tmp_path / "t.csv", "slug,franchise", ["goldfinger-1964", "Bond"]), "production")

    (row,) = rows(sheet)
    assert (row.title, row.object_id) == ("Goldfinger", production.pk)
    assert row.changes == (FieldChange("franchise", "", "Bond"),)


@pytest.mark.parametrize("target", ["production", "term"])
def test_other_tables_are_shown_too(tmp_path, target):
    header, cells, title = {
        "production": ("title,years", ["Goldfinger", "1964"], "Goldfinger, 1964"),
        "term": ("vocabulary,name", ["genre", "Spy"], "Spy, genre"),
    }[target]

    sheet = ready(table(tmp_path / "t.csv", header, cells), target)

    (row,) = rows(sheet)
    assert (row.outcome, row.title) == ("new", title)
    assert {change.after for change in row.changes} >= set(cells) - {"1964"}


def test_page_of_a_pruned_run_says_so(tmp_path):
    sheet = ready(table(tmp_path / "t.csv", "reference,name", ["A-1", "x"]))
    drop(sheet.run)

    with pytest.raises(StagingGone) as error:
        page(sheet)

    assert str(error.value) == (
        "The rows of this import are not kept any more; what it wrote stands in the history of each item."
    )


def test_page_says_so_when_a_crash_has_emptied_the_tables(tmp_path):
    sheet = ready(table(tmp_path / "t.csv", "reference,name", ["A-1", "x"]))
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {schema_of(sheet)}.import_row")

    with pytest.raises(StagingGone):
        page(sheet)


def test_page_of_rows_that_are_read_anew_says_so(tmp_path):
    sheet = ready(table(tmp_path / "t.csv", "reference,name", ["A-1", "x"]))
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {schema_of(sheet)}.import_fault")

    with pytest.raises(StagingGone) as error:
        page(sheet)

    assert str(error.value) == "The rows of this import are being worked on; look again in a moment."
    assert Item.objects.count() == 0  # the transaction at hand goes on


def test_other_faults_of_the_database_are_not_hidden(tmp_path):
    sheet = ready(table(tmp_path / "t.csv", "reference,name", ["A-1", "x"]))
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {schema_of(sheet)}.import_fault ALTER line TYPE text")

    with pytest.raises(ProgrammingError, match="operator does not exist"):
        page(sheet)


def test_page_costs_the_same_number_of_queries_whatever_its_size(tmp_path, django_assert_num_queries):
    cells = ([f"A-{n}", "x" if n % 3 else "", "Goldfinger (1964)"] for n in range(60))
    sheet = ready(table(tmp_path / "t.csv", "reference,name,appearances", *cells))

    for size in (1, 50):
        with django_assert_num_queries(9):  # two of them around the test's own transaction
            page(sheet, size=size)
