"""Rows that change nothing are found early; what is wrong with them is found all the same."""

import pytest

from catalog.models import Item
from catalog.tests.imports import counts, faults, run, table

HEADER = "reference,name,genres,price,slug"
FIRST = ["A-1", "One", "Spy", "5.00", "one"]
SECOND = ["A-2", "Two", "Crime | Spy", "7", "two"]


@pytest.fixture(autouse=True)
def _there(db, tmp_path):
    run(table(tmp_path / "first.csv", HEADER, FIRST, SECOND))


def test_same_rows_change_nothing_however_they_are_written(tmp_path):
    path = table(tmp_path / "t.csv", HEADER, ["a-1", " One", "spy", "5", "one"], SECOND)

    assert counts(run(path)) == (0, 0, 2, 0)


def test_changed_row_between_unchanged_ones_keeps_all_its_values(tmp_path):
    path = table(
        tmp_path / "t.csv", HEADER, FIRST, ["A-2", "Zwei", "Spy", "8", "two"], ["A-3", "", "", "", ""]
    )

    result = run(path)

    assert counts(result) == (0, 1, 1, 1)
    changed = Item.objects.get(reference="A-2")
    assert (changed.name, changed.genres, str(changed.price), changed.slug) == (
        "Zwei",
        ["Spy"],
        "8.00",
        "two",
    )


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (
            ["A-1", "One", "Spy", "5.000", "one"],
            (3, "price", "5.000", "A price must be a plain number with at most 2 decimals, such as 1250000 or"
             " 1,250,000.00; the currency has its own column. Without a price write: on request."),
        ),
        (["A-2", "Two", "Crime | Spy", "7", "two"], (3, "reference", "A-2", "Line 2 has the same reference.")),
        (["A-9", "Nine", "", "", "two"], (3, "slug", "two", "Line 2 has the same slug.")),
        (["A-1", "#REF!", "Spy", "5", "one"], (3, "name", "#REF!", "The cell holds an error of its spreadsheet instead of a value.")),
        (["A-1", "One", "#N/A", "5", "one"], (3, "genres", "#N/A", "The cell holds an error of its spreadsheet instead of a value.")),
        ([*FIRST, "more"], (3, "", "", "The row has 6 cells, the header has 5.")),
    ],
)  # fmt: skip
def test_bad_row_is_rejected_though_it_would_change_nothing(tmp_path, row, fault):
    result = run(table(tmp_path / "t.csv", HEADER, SECOND, row))

    assert counts(result) == (0, 0, 1, 1)
    assert fault in faults(result)


def test_item_of_another_kind_is_rejected_though_nothing_differs(tmp_path):
    result = run(table(tmp_path / "t.csv", "reference,name", ["A-1", "One"]), target="tool")

    assert counts(result) == (0, 0, 0, 1)
    assert [column for _, column, _, _ in faults(result)] == ["reference"]


def test_price_of_many_digits_is_no_price(tmp_path):
    result = run(table(tmp_path / "t.csv", "reference,price", ["A-1", "1" * 81], ["A-2", "0" * 79 + "7"]))

    assert counts(result) == (0, 0, 1, 1)
    assert [(line, column) for line, column, _, _ in faults(result)] == [(2, "price")]
