"""Columns are read the short way only while no cell of theirs needs more, wherever in the file it stands."""

import gc

import pytest

from catalog.imports.engine import ImportOptions, import_file
from catalog.imports.staging import Traits
from catalog.models import Item
from catalog.tests.imports import counts, faults, run, table

BLOCK = 2000  # rows that are staged at a time; the odd cell comes later


def file_with(tmp_path, name):
    rows = [[f"A-{number}", f"Car {number}"] for number in range(BLOCK + 5)]
    return table(tmp_path / "t.csv", "reference,name", *rows, ["Z-1", name])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("  Two blanks ", "Two blanks"),
        ("\u00a0No-break\u2003", "No-break"),
        ("'=1+1", "=1+1"),
        ("''=1+1", "'=1+1"),
        ("'tis", "'tis"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("\uff21\uff23", "AC"),
        ('[text]"[clear]"', "[clear]"),
        ("[odd", "[odd"),
        ("#1", "#1"),
    ],
)
def test_odd_cell_behind_plain_ones_is_read_as_any(tmp_path, cell, name):
    result = run(file_with(tmp_path, cell))

    assert counts(result) == (BLOCK + 6, 0, 0, 0)
    assert Item.objects.get(reference="Z-1").name == name
    assert Item.objects.get(reference="A-7").name == "Car 7"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("#REF!", "The cell holds an error of its spreadsheet instead of a value."),
        ("[clear]", "An item needs a name."),
        ("x" * 201, "Ensure this value has at most 200 characters (it has 201)."),
        ("\u00e9" * 201, "Ensure this value has at most 200 characters (it has 201)."),
    ],
)
def test_bad_cell_behind_plain_ones_is_rejected(tmp_path, cell, sentence):
    result = run(file_with(tmp_path, cell))

    assert counts(result) == (BLOCK + 5, 0, 0, 1)
    assert faults(result) == [(BLOCK + 7, "name", cell, sentence)]


@pytest.mark.django_db
def test_long_text_beyond_ascii_counts_characters(tmp_path):
    result = run(file_with(tmp_path, "\u00e9" * 200))

    assert counts(result) == (BLOCK + 6, 0, 0, 0)


@pytest.mark.parametrize(
    ("cell", "untidy", "special"),
    [
        ("plain", set(), set()),
        (" x", {1}, set()),
        ("x\x1c", {1}, set()),
        ("\tx", {1}, set()),
        ("x\r\n", {1}, set()),
        ("x' y", set(), set()),
        ("'x", {1}, set()),
        ("[x", set(), {1}),
        ("#x", set(), {1}),
        ("\u00e9", set(), {1}),
        ("", set(), set()),
    ],
)
def test_traits_of_a_column(cell, untidy, special):
    traits = Traits()
    rows: list[tuple[str, ...]] = [("A-1", "x"), ("A-2", cell)]

    traits.find(rows, "\x1e".join("\x1f".join(("2", "", *row)) for row in rows))

    assert (traits.untidy, traits.special) == (untidy, special)


@pytest.mark.django_db
def test_objects_of_before_are_set_aside_only_while_a_file_is_read(tmp_path):
    aside: list[bool] = []

    import_file(
        path=file_with(tmp_path, "x"),
        target="vehicle",
        options=ImportOptions(),
        on_rows=lambda _rows: aside.append(gc.get_freeze_count() > 0),
    )

    assert (aside, gc.get_freeze_count()) == ([True, True], 0)
