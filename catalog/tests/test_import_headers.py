"""The header of a CSV file: quotes, line breaks, and which delimiter splits it."""

import csv

import pytest

from catalog.imports.errors import ImportRefused
from catalog.imports.sources.readers import open_table
from catalog.tests.imports import counts, run


def read(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with open_table(path) as opened:
        return opened.header, [(row.line, row.cells) for block in opened.blocks for row in block]


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        pytest.param(
            'reference,12" wheels\nA,x\nB,y\n',
            ["reference", '12" wheels'],
            [(2, ["A", "x"]), (3, ["B", "y"])],
            id="inches",
        ),
        pytest.param(
            'reference,"make\nand, model"\nA,x\n',
            ["reference", "make\nand, model"],
            [(3, ["A", "x"])],
            id="line break in a title",
        ),
        pytest.param(
            'a;"b,c\nd";"e"\n1;2;3\n4;5;6\n',
            ["a", "b,c\nd", "e"],
            [(3, ["1", "2", "3"]), (4, ["4", "5", "6"])],
            id="comma in a title",
        ),
        pytest.param(
            'a,b;"c,d\n1,2,3\n4,5,6\n',
            ["a", 'b;"c', "d"],
            [(2, ["1", "2", "3"]), (3, ["4", "5", "6"])],
            id="lines read ahead for another delimiter",
        ),
        pytest.param(
            "\n,,\nreference,name\nA,x\n", ["reference", "name"], [(4, ["A", "x"])], id="blank lines"
        ),
    ],
)
def test_csv_header_is_split_as_csv(tmp_path, text, header, rows):
    assert read(tmp_path, text) == (header, rows)


@pytest.mark.parametrize("rows", [1, 50_000])
def test_csv_header_with_an_open_quote_is_refused(tmp_path, rows):
    with pytest.raises(ImportRefused) as refused:
        read(tmp_path, 'reference,name,"12 wheels\n' + "A,some name,some cell\n" * rows)

    assert str(refused.value) == "A quote in the header of t.csv is left open."


@pytest.fixture
def usual_cells():
    """Put csv's own limit back: it is the process's, and other readers of CSV would meet it."""
    limit = csv.field_size_limit()
    yield
    csv.field_size_limit(limit)


@pytest.mark.usefixtures("usual_cells")
def test_csv_header_of_endless_cells_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.imports.sources.delimited.CELL_CHARACTERS", 100)

    with pytest.raises(ImportRefused) as refused:
        read(tmp_path, "reference," + "x" * 200)

    assert (
        str(refused.value)
        == "The header of t.csv cannot be read as CSV (field larger than field limit (100))."
    )


def test_refusal_calls_the_file_by_the_name_given(tmp_path):
    path = tmp_path / "stored.csv"
    path.write_text("")

    with pytest.raises(ImportRefused) as refused, open_table(path, "auction.csv"):
        pass

    assert str(refused.value) == "auction.csv is empty."


@pytest.mark.django_db
def test_unknown_header_with_a_line_break_is_reported_on_one_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('reference,name,"wheels\nand tyres"\nA,a,x\n')

    result = run(path)

    assert (counts(result), result.warnings) == (
        (1, 0, 0, 0),
        ("The column 'wheels and tyres' is unknown and was ignored.",),
    )
