"""Files that landed, undone: the catalogue is as it was, to the last row."""

import openpyxl
import pytest

from catalog.imports.engine import import_file
from catalog.imports.options import ImportOptions
from catalog.imports.pages.preview import page
from catalog.imports.reach import EVERYTHING
from catalog.imports.undoing.undo import undo_run
from catalog.models import Appearance, ImportRun, Item, MediaAsset, OldSlug, Production, Term
from catalog.tests.factories import ItemFactory, MediaAssetFactory, TermFactory
from catalog.tests.imports import table

pytestmark = pytest.mark.django_db(transaction=True)

WRITTEN = {"updated_at", "version"}


def catalogue():
    """Return all rows, without what the database keeps of their writing."""
    return {
        model.__name__: list(
            model.objects.order_by("pk").values(
                *(f.attname for f in model._meta.concrete_fields if f.name not in WRITTEN)
            )
        )
        for model in (Item, Production, Term, MediaAsset, Appearance, OldSlug)
    }


def imported(path, target, **options) -> ImportRun:
    result = import_file(path=path, target=target, options=ImportOptions(**options))
    assert result.run_id
    return ImportRun.objects.get(pk=result.run_id)


def workbook(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_list_of_items_is_undone_with_its_terms_productions_and_appearances(tmp_path):
    header = "reference,name,genres,make,price,status,slug,specs,appearances"
    imported(
        table(
            tmp_path / "a.csv",
            header,
            ["A-1", "One", "Spy", "Lotus", "5", "published", "one", "a: b", "Goldfinger (1964)"],
            ["A-2", "Two", "Spy|Heist", "", "", "", "two", "", "Goldfinger (1964): stunt"],
            ["A-3", "Three", "", "", "", "", "", "", ""],
        ),
        "vehicle",
    )
    before = catalogue()
    run = imported(
        table(
            tmp_path / "b.csv",
            header,
            ["A-1", "One", "Sci-Fi", "Lotus Cars", "[clear]", "archived", "one", "[clear]", "[clear]"],
            ["A-2", "2", "Spy|Heist", "", "7", "", "two", "", "GoldenEye (1995) | Goldfinger (1964): stunt"],
            ["A-4", "Four", "Western", "", "", "", "", "", "High Noon (1952)"],
        ),
        "vehicle",
    )
    assert catalogue() != before

    result = undo_run(run, force=False, reach=EVERYTHING)

    assert (result.left_alone, result.rows) == (0, ())
    assert catalogue() == before


def test_full_stock_list_is_undone_with_its_withdrawals(tmp_path):
    kept, gone = ItemFactory.create_batch(2, published=True)
    before = catalogue()
    path = table(tmp_path / "t.csv", "reference,name", [kept.reference, "New name"])
    import_file(
        path=path, target="vehicle", options=ImportOptions(full_list=True, max_withdrawn=100), withdraw=1
    )
    assert Item.objects.get(pk=gone.pk).status == "draft"

    undone = undo_run(ImportRun.objects.get(), force=False, reach=EVERYTHING)

    assert undone.restored == 2
    assert catalogue() == before


def test_workbook_is_undone_with_all_its_sheets(tmp_path):
    MediaAssetFactory.create(key="a.jpg")
    TermFactory.create(vocabulary="genre", name="Spy", slug="spy")
    before = catalogue()
    path = workbook(
        tmp_path / "t.xlsx",
        {
            "Terms": [
                ["vocabulary", "name", "aliases"],
                ["genre", "Spy", "Espionage"],
                ["genre", "Heist", ""],
            ],
            "Productions": [["title", "years", "genres"], ["Goldfinger", "1964", "Spy"]],
            "Vehicles": [["reference", "name", "genres"], ["A-1", "DB5", "Heist"]],
            "Appearances": [["reference", "title", "year", "role"], ["A-1", "Goldfinger", "1964", "hero"]],
            "Images": [["key", "reference", "alt_text"], ["a.jpg", "A-1", "Front"]],
        },
    )
    run = imported(path, "workbook")
    assert (run.created, run.changed, run.rejected) == (4, 2, 0)

    result = undo_run(run, force=False, reach=EVERYTHING)

    assert (result.restored, result.removed, result.left_alone) == (2, 4, 0)
    assert catalogue() == before


def test_every_sheet_of_a_workbook_is_shown(tmp_path):
    MediaAssetFactory.create(key="a.jpg")
    path = workbook(
        tmp_path / "t.xlsx",
        {
            "Vehicles": [["reference", "name"], ["A-1", "DB5"]],
            "Appearances": [["reference", "title", "year", "role"], ["A-1", "Goldfinger", "1964", "hero"]],
            "Productions": [["title", "years"], ["Goldfinger", "1964"]],
            "Images": [["key", "reference", "alt_text"], ["a.jpg", "A-1", "Front"]],
        },
    )

    run = imported(path, "workbook")

    shown = {sheet.target: page(sheet).rows for sheet in run.sheets.all()}
    assert {target: [(row.outcome, row.title) for row in rows] for target, rows in shown.items()} == {
        "production": [("new", "Goldfinger, 1964")],
        "vehicle": [("new", "DB5 (A-1)")],
        "appearance": [("new", "A-1, Goldfinger, 1964, hero")],
        "image": [("changed", "a.jpg")],
    }
    assert {change.column: (change.before, change.after) for change in shown["image"][0].changes} == {
        "reference": ("", "A-1"),
        "alt_text": ("", "Front"),
    }


def test_undone_file_lands_again(tmp_path):
    path = table(tmp_path / "t.csv", "reference,name,appearances", ["A-1", "One", "Goldfinger (1964)"])
    first = imported(path, "vehicle")
    undo_run(first, force=False, reach=EVERYTHING)

    second = imported(path, "vehicle")

    assert (second.created, Item.objects.get().slug, Appearance.objects.count()) == (1, "one-a-1", 1)
