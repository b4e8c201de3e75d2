"""Sheets of one workbook that refer to each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from catalog.imports.columns import WORKBOOK_SHEETS, target_of_sheet
from catalog.imports.landing import land_at_once
from catalog.imports.reading import stage_file
from catalog.imports.results import ImportResult
from catalog.models import Appearance, ImportRun, ImportState, Item, MediaAsset, Production, Term
from catalog.tests.factories import AppearanceFactory, ItemFactory, MediaAssetFactory, ProductionFactory
from catalog.tests.imports import run

pytestmark = pytest.mark.django_db

SHEETS = {
    "Images": (["key", "reference", "position"], ["1.jpg", "a-1", 1], ["2.jpg", "T-1", 1]),
    "Appearances": (
        ["reference", "title", "year", "production", "role", "notes"],
        ["A-1", "Goldfinger", 1964, None, "stunt", "The spare"],
        ["T-1", None, None, "moonraker", "other", None],
        ["A-1", "Thunderball", 1965, None, "hero", None],
    ),
    "Vehicles": (
        ["reference", "name", "genres", "appearances"],
        ["A-1", "DB5", "Espionage|sci fi", "Goldfinger (1964): hero | New Film (2001)"],
        ["A-2", "Lotus", "Spy", "Moonraker (1979)"],
    ),
    "Tools": (["reference", "name"], ["T-1", "Hammer"]),
    "Productions": (
        ["title", "slug", "years", "genres"],
        ["Goldfinger", "the-gold", 1964, "Sci-Fi"],
        ["Moonraker", "moonraker", 1979, None],
    ),
    "Terms": (["vocabulary", "name", "aliases"], ["genre", "Spy", "Espionage"]),
}


def book(path: Path, sheets: Mapping[str, Any]) -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path


def faults(result: ImportResult) -> list[tuple[str, int, str, str]]:
    issues = ImportRun.objects.get(pk=result.run_id or 0).issues.order_by("id")
    return list(issues.values_list("sheet", "line", "column", "message"))


def appearances() -> list[tuple[str, str, str, str]]:
    return sorted(Appearance.objects.values_list("item__reference", "production__slug", "role", "notes"))


def test_sheets_refer_to_each_other_in_whatever_order_they_stand(tmp_path):
    for key in ("1.jpg", "2.jpg"):
        MediaAssetFactory.create(key=key)
    path = book(tmp_path / "t.xlsx", SHEETS)

    result = run(path, "workbook")

    assert faults(result) == []
    assert (result.created, result.changed) == (9, 2)
    assert appearances() == [
        ("A-1", "new-film-2001", "hero", ""),
        ("A-1", "the-gold", "hero", ""),
        ("A-1", "the-gold", "stunt", "The spare"),
        ("A-1", "thunderball-1965", "hero", ""),
        ("A-2", "moonraker", "hero", ""),
        ("T-1", "moonraker", "other", ""),
    ]
    assert sorted(MediaAsset.objects.values_list("key", "item__reference")) == [
        ("1.jpg", "A-1"),
        ("2.jpg", "T-1"),
    ]
    assert Item.objects.get(reference="A-1").genres == ["Spy", "Sci-Fi"]
    assert sorted(Term.objects.values_list("name", flat=True)) == ["Sci-Fi", "Spy"]
    assert Production.objects.count() == 4


def test_workbook_that_lands_twice_changes_nothing_but_what_a_cell_takes_away(tmp_path):
    for key in ("1.jpg", "2.jpg"):
        MediaAssetFactory.create(key=key)
    path = book(tmp_path / "t.xlsx", SHEETS)

    run(path, "workbook")
    before = appearances()
    again = run(path, "workbook")

    # The vehicle's cell lists all of its appearances; the sheet of appearances adds the two others again.
    assert (again.created, again.changed, again.unchanged) == (2, 1, 8)
    assert appearances() == before


def test_words_of_the_sheet_of_terms_are_known(tmp_path):
    sheets = {name: SHEETS[name] for name in ("Terms", "Vehicles")}

    result = run(book(tmp_path / "t.xlsx", sheets), "workbook", terms="refuse")

    assert faults(result) == [("Vehicles", 2, "genres", "'sci fi' is not a known genre.")]
    assert Item.objects.get().reference == "A-2"


def test_reference_to_a_rejected_row_names_its_sheet_and_line(tmp_path):
    MediaAssetFactory.create(key="1.jpg")
    sheets = {
        "Vehicles": (["reference", "name", "price"], ["A-1", "Car", "cheap"]),
        "Appearances": (["reference", "title", "year"], ["a-1", "Dune", 1984], ["A-9", "Dune", 1984]),
        "Images": (["key", "reference"], ["1.jpg", "A-1"]),
    }

    result = run(book(tmp_path / "t.xlsx", sheets), "workbook")

    told = "The row of this item was rejected: sheet Vehicles, line 2."
    assert faults(result)[1:] == [
        ("Appearances", 2, "reference", told),
        ("Appearances", 3, "reference", "There is no item with the reference 'A-9'."),
        ("Images", 2, "reference", told),
    ]
    assert (result.created, result.changed, result.rejected) == (0, 0, 4)


def test_reference_on_two_sheets_counts_once(tmp_path):
    sheets = {
        "Vehicles": (["reference", "name"], ["A-1", "Car"]),
        "Tools": (["reference", "name"], ["a-1", "Hammer"], ["T-1", "Saw"]),
    }

    result = run(book(tmp_path / "t.xlsx", sheets), "workbook")

    sentence = "The sheet Vehicles has the same reference in line 2."
    assert faults(result) == [("Tools", 2, "reference", sentence)]
    assert sorted(Item.objects.values_list("reference", flat=True)) == ["A-1", "T-1"]


def test_row_left_out_by_policy_is_no_item_to_refer_to(tmp_path):
    ItemFactory.create(reference="A-1")
    sheets = {
        "Vehicles": (["reference", "name"], ["A-1", "Car"], ["A-2", "Other"]),
        "Appearances": (["reference", "title", "year"], ["A-2", "Dune", 1984]),
    }

    result = run(book(tmp_path / "t.xlsx", sheets), "workbook", existing="update")

    told = "The row of this item was left out: sheet Vehicles, line 3."
    assert (result.changed, result.left_out, result.rejected) == (1, 1, 1)
    assert faults(result) == [("Appearances", 2, "reference", told)]


@pytest.mark.parametrize(
    ("name", "target"),
    [("VEHICLES", "vehicle"), ("vehicle", "vehicle"), (" Tools ", "tool"), ("Memorabilia", "memorabilia"), ("image", "image"), ("Notes", ""), ("", "")],
)  # fmt: skip
def test_sheet_is_known_in_the_singular_and_the_plural(name, target):
    assert target_of_sheet(name) == target


def test_sheets_land_before_those_that_refer_to_them():
    assert list(WORKBOOK_SHEETS) == [
        "Terms",
        "Productions",
        "Vehicles",
        "Memorabilia",
        "Tools",
        "Appearances",
        "Images",
    ]


def test_row_that_a_person_left_out_takes_those_that_refer_to_it_along(tmp_path):
    MediaAssetFactory.create(key="1.jpg")
    sheets = {
        "Vehicles": (["reference", "name"], ["A-1", "Car"], ["A-2", "Other"]),
        "Appearances": (["reference", "title", "year"], ["A-1", "Dune", 1984], ["A-2", "Dune", 1984]),
        "Images": (["key", "reference"], ["1.jpg", "A-1"]),
    }
    judged = ImportRun.objects.create(target="workbook", file_name="t.xlsx", state=ImportState.LANDING)
    stage_file(judged, book(tmp_path / "t.xlsx", sheets))
    judged.sheets.filter(target="vehicle").update(left_out_lines=[2])

    land_at_once(judged)

    told = "The row of this item was left out: sheet Vehicles, line 2."
    assert list(judged.issues.order_by("id").values_list("sheet", "line", "message")) == [
        ("Appearances", 2, told),
        ("Images", 2, told),
    ]
    assert (judged.created, judged.left_out, judged.rejected) == (2, 1, 2)
    assert appearances() == [("A-2", "dune-1984", "hero", "")]


def test_appearance_that_cell_and_row_name_lands_once_with_its_notes(tmp_path):
    sheets = {
        "Vehicles": (["reference", "name", "appearances"], ["A-1", "Car", "Dune (1984)"]),
        "Appearances": (["reference", "title", "year", "notes"], ["A-1", "Dune", 1984, "The spare"]),
    }

    result = run(book(tmp_path / "t.xlsx", sheets), "workbook")

    assert (result.created, faults(result)) == (2, [])
    assert appearances() == [("A-1", "dune-1984", "hero", "The spare")]


@pytest.mark.parametrize(("header", "kept"), [([], "Theirs"), (["notes"], "Ours")])
def test_appearance_that_a_cell_takes_away_and_a_row_names_is_there_afterwards(tmp_path, header, kept):
    film = ProductionFactory.create(title="Dune", slug="dune-1984", years=[1984])
    car = ItemFactory.create(reference="A-1")
    AppearanceFactory.create(item=car, production=film, role="stunt", notes="Theirs")
    sheets = {
        "Vehicles": (["reference", "appearances"], ["A-1", "Dune (1984): hero"]),
        "Appearances": (
            ["reference", "title", "year", "role", *header],
            ["A-1", "Dune", 1984, "stunt", *(["Ours"] if header else [])],
        ),
    }

    result = run(book(tmp_path / "t.xlsx", sheets), "workbook")

    assert (result.created, result.changed, faults(result)) == (1, 1, [])
    assert appearances() == [("A-1", "dune-1984", "hero", ""), ("A-1", "dune-1984", "stunt", kept)]


def test_unknown_word_of_an_earlier_sheet_stays_unknown(tmp_path):
    sheets = {
        "Productions": (["title", "years", "genres"], ["Dune", 1984, "Nonsense"]),
        "Vehicles": (["reference", "name", "genres"], ["A-1", "Car", "nonsense"]),
    }

    result = run(book(tmp_path / "t.xlsx", sheets), "workbook", terms="refuse")

    assert faults(result) == [
        ("Productions", 2, "genres", "'Nonsense' is not a known genre."),
        ("Vehicles", 2, "genres", "'nonsense' is not a known genre."),
    ]
    assert not Term.objects.exists()


def test_film_that_only_a_rejected_row_brings_is_not_known_by_its_slug(tmp_path):
    sheets = {
        "Vehicles": (
            ["reference", "name", "price", "appearances"],
            ["A-1", "Car", "bad", "Dune (1984) [du]"],
        ),
        "Tools": (["reference", "name", "appearances"], ["T-1", "Saw", "[du]"], ["T-2", "Hammer", None]),
        "Appearances": (["reference", "production"], ["T-2", "du"]),
    }

    result = run(book(tmp_path / "t.xlsx", sheets), "workbook")

    told = "There is no production with the slug 'du'."
    assert faults(result)[1:] == [("Tools", 2, "appearances", told), ("Appearances", 2, "production", told)]
    assert (result.created, Production.objects.count()) == (1, 0)


def test_row_that_a_person_left_out_is_in_nobodys_way(tmp_path):
    sheets = {
        "Terms": (["vocabulary", "name", "aliases"], ["genre", "Spy", "Agents"], ["genre", "Agents", None]),
        "Vehicles": (["reference", "name"], ["A-1", "Wrong"], ["a-1", "Right"], ["A-2", "Car"]),
        "Tools": (["reference", "name"], ["A-2", "Hammer"]),
    }
    judged = ImportRun.objects.create(target="workbook", file_name="t.xlsx", state=ImportState.LANDING)
    stage_file(judged, book(tmp_path / "t.xlsx", sheets))
    judged.sheets.filter(target="term").update(left_out_lines=[2])
    judged.sheets.filter(target="vehicle").update(left_out_lines=[2, 4])

    land_at_once(judged)

    assert (judged.created, judged.left_out, judged.rejected) == (3, 3, 0)
    assert sorted(Item.objects.values_list("kind", "name")) == [("tool", "Hammer"), ("vehicle", "Right")]
    assert Term.objects.get().name == "Agents"
