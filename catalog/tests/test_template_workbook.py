"""The workbook that staff fill in."""

from io import BytesIO

import openpyxl
import pytest

from catalog.imports.columns import TARGETS, WORKBOOK_SHEETS
from catalog.imports.engine import import_file
from catalog.imports.errors import ImportRefused
from catalog.imports.options import ImportOptions
from catalog.models import Appearance, Availability, Item, Production, Vocabulary
from catalog.template_workbook import template_workbook
from catalog.tests.factories import TermFactory

pytestmark = pytest.mark.django_db


def opened():
    return openpyxl.load_workbook(BytesIO(template_workbook()))


def offered(book, sheet, column):
    """Return (words of the drop-down, whether others are refused)."""
    page = book[sheet]
    letter = next(cell.column_letter for cell in page[1] if cell.value == column)
    (check,) = [
        found
        for found in page.data_validations.dataValidation
        if f"{letter}2" in str(found.sqref).split(":")[0]
    ]
    name, cells = check.formula1.removeprefix("=").rsplit("!", 1)
    words = [row[0].value for row in book[name.strip("'")][cells.replace("$", "")]]
    return words, check.showErrorMessage


def test_template_has_the_sheets_and_headers_of_imports():
    book = opened()

    assert book.sheetnames == [*WORKBOOK_SHEETS, "Instructions", "Lists"]
    for name, target in WORKBOOK_SHEETS.items():
        assert [cell.value for cell in book[name][1]] == [column.name for column in TARGETS[target].columns]
        assert book[name].freeze_panes == "A2"
    assert [sheet.title for sheet in book if sheet.sheet_state == "hidden"] == ["Lists"]


def test_template_marks_what_is_needed():
    header = opened()["Vehicles"][1]

    assert [cell.value for cell in header if cell.fill.fill_type] == ["reference"]
    assert header[0].comment.text.startswith("Needed in every row.")


def test_template_offers_choices_and_refuses_others():
    assert offered(opened(), "Vehicles", "availability") == (Availability.values, True)


def test_template_offers_words_and_allows_others():
    for name in ("Western", "Spy", "=1+1"):
        TermFactory.create(vocabulary=Vocabulary.GENRE, name=name, slug=name.lower())

    assert offered(opened(), "Vehicles", "genres") == (["=1+1", "Spy", "Western"], False)


def test_template_holds_no_formula():
    TermFactory.create(vocabulary=Vocabulary.GENRE, name="=1+1", slug="one")

    assert {cell.data_type for sheet in opened() for row in sheet for cell in row} <= {"s", "n"}


def test_template_filled_in_lands(tmp_path):
    TermFactory.create(vocabulary=Vocabulary.GENRE, name="Spy", slug="spy")
    book = opened()
    book["Vehicles"].append({1: "V-1", 4: "Aston Martin DB5", 8: "1964"})
    book["Productions"].append({1: "Goldfinger", 4: "1964", 5: "Spy"})
    book["Appearances"].append({1: "V-1", 2: "Goldfinger", 3: 1964, 5: "hero"})
    path = tmp_path / "filled.xlsx"
    book.save(path)

    result = import_file(path=path, target="workbook", options=ImportOptions())

    assert (result.created, result.rejected, result.issues) == (3, 0, ())
    assert Item.objects.values_list("reference", "production_years").get() == ("V-1", [1964])
    assert Production.objects.get().genres == ["Spy"]
    assert Appearance.objects.values_list("item__reference", "production__title", "role").get() == (
        "V-1", "Goldfinger", "hero",
    )  # fmt: skip


def test_template_untouched_is_refused_in_a_sentence(tmp_path):
    TermFactory.create(vocabulary=Vocabulary.GENRE, name="Spy", slug="spy")
    path = tmp_path / "template.xlsx"
    path.write_bytes(template_workbook())

    with pytest.raises(ImportRefused) as refused:
        import_file(path=path, target="workbook", options=ImportOptions())

    assert "no rows" in str(refused.value)
