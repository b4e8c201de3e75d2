"""Workbooks of several sheets, and headers that stand below a title."""

import openpyxl
import pytest

from catalog.imports.errors import ImportRefused
from catalog.imports.sources.readers import open_tables
from catalog.tests.hostile_files import book, ods, ods_cell, ods_of, ods_row

KNOWN = {"reference", "name", "make", "price", "title", "year"}


def recognise(cells):
    return len({text.strip().lower() for text in cells} & KNOWN)


def tables_of(path, **asked):
    """Return (sheet, line of the header, header, rows, warnings) of each table."""
    with open_tables(path, recognise=recognise, **asked) as tables:
        return [
            (table.sheet, table.header_line, table.header, rows_in(table), table.warnings) for table in tables
        ]


def rows_in(table):
    return [(row.line, row.cells) for block in table.blocks for row in block]


def workbook(path, **sheets):
    """Write a workbook of these sheets; one whose name begins with an underscore is hidden."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title.strip("_"))
        sheet.sheet_state = ["visible", "hidden", "veryHidden"][len(title) - len(title.lstrip("_"))]
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


CARS = [["reference", "name"], ["A", "a"]]
FILMS = [["title", "year"], ["Goldfinger", 1964]]


def test_wanted_sheets_are_read_in_one_pass(tmp_path):
    path = workbook(tmp_path / "t.xlsx", Vehicles=CARS, Empty=[], Productions=FILMS, Notes=[["x"]])

    found = tables_of(
        path, sheets=lambda name: {"Vehicles": "vehicle", "Productions": "production"}.get(name, "")
    )

    assert found == [
        ("Vehicles", 1, ["reference", "name"], [(2, ["A", "a"])], ["The sheet 'Notes' was passed over."]),
        ("Productions", 1, ["title", "year"], [(2, ["Goldfinger", "1964"])], []),
    ]


def test_first_visible_sheet_that_holds_anything_is_read_and_others_are_named(tmp_path):
    path = workbook(
        tmp_path / "t.xlsx", Empty=[], _Old=CARS, Stock=CARS, More=CARS, Films=FILMS, __Lists=[["x"]]
    )

    found = tables_of(path)

    assert [table[0] for table in found] == ["Stock"]
    assert found[0][4] == [
        "The sheets 'More', 'Films' were passed over.",
        "The hidden sheet 'Old' was passed over.",
    ]


@pytest.mark.parametrize(
    ("sheets", "wanted", "sentence"),
    [
        ({"Empty": []}, None, "t.xlsx is empty."),
        ({"Empty": [], "_Old": CARS}, None, "t.xlsx is empty. The hidden sheet 'Old' was passed over."),
        ({"Cars": CARS, "Films": FILMS}, bool, None),
        ({"Cars": CARS, "Films": FILMS}, "".join, None),
        (
            {f"S{n}": CARS for n in range(7)},
            lambda name: False,
            "t.xlsx has no sheet that an import knows by its name;"
            " it has 'S0', 'S1', 'S2', 'S3', 'S4' and 2 more.",
        ),
    ],
)
def test_workbook_without_a_sheet_to_read_is_refused(tmp_path, sheets, wanted, sentence):
    path = workbook(tmp_path / "t.xlsx", **sheets)

    if sentence is None:
        assert len(tables_of(path, sheets=wanted)) == 2
    else:
        with pytest.raises(ImportRefused) as refused:
            tables_of(path, sheets=wanted)
        assert str(refused.value) == sentence


def test_workbook_of_hidden_sheets_only_is_refused(tmp_path):
    path = tmp_path / "t.xlsx"
    contents = (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r='
        '"http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
        '<sheet name="S" sheetId="1" state="hidden" r:id="rId1"/></sheets></workbook>'
    )
    book(path, parts={"xl/workbook.xml": contents})

    with pytest.raises(ImportRefused) as refused:
        tables_of(path)

    assert str(refused.value) == "t.xlsx has hidden sheets only; show the sheet that is to be imported."


@pytest.mark.parametrize("more", ["", ods_row(ods_cell("a<text:tab/>b"))], ids=["calamine", "stream"])
def test_ods_sheets_are_found_alike(tmp_path, more):
    rows = ods_row(ods_cell("reference") + ods_cell("name")) + ods_row(ods_cell("A") + ods_cell("a"))
    styles = (
        '<office:automatic-styles><style:style xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
        ' style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>'
        "</office:automatic-styles><office:body>"
    )
    content = ods_of(rows).replace("<office:body>", styles)
    second = f'<table:table table:name="Old" table:style-name="ta2">{rows}</table:table>'
    third = f'<table:table table:name="Notes">{ods_row(ods_cell("x"))}{more}</table:table>'
    ods(content.replace("</office:spreadsheet>", f"{second}{third}</office:spreadsheet>"))(tmp_path / "t.ods")

    found = tables_of(tmp_path / "t.ods")

    notes = ["The sheet 'Notes' was passed over.", "The hidden sheet 'Old' was passed over."]
    assert found == [("S", 1, ["reference", "name"], [(2, ["A", "a"])], notes)]


TITLED = [
    ["Stock list of our house", "", "", ""],
    ["as of", "31 March 2026", "", ""],
    ["", "", "", ""],
    ["Reference", "Name", "Make", "Colour"],
    ["A", "Name", "BMW", "red"],
]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_csv_header_below_titles_is_found(tmp_path, delimiter):
    path = tmp_path / "t.csv"
    path.write_text("".join(delimiter.join(row) + "\n" for row in TITLED))

    assert tables_of(path) == [
        (
            "",
            4,
            ["Reference", "Name", "Make", "Colour"],
            [(5, ["A", "Name", "BMW", "red"])],
            ["The header was found in line 4; 2 lines above it were passed over."],
        )
    ]


def test_workbook_header_below_merged_titles_is_found(tmp_path):
    path = workbook(tmp_path / "t.xlsx", Stock=TITLED[1:])
    made = openpyxl.load_workbook(path)
    made.active.merge_cells("B1:D1")
    made.save(path)

    assert tables_of(path) == [
        (
            "Stock",
            3,
            ["Reference", "Name", "Make", "Colour"],
            [(4, ["A", "Name", "BMW", "red"])],
            ["The header was found in line 3; line 1 above it was passed over."],
        )
    ]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        pytest.param([["Bestandsliste"], ["Nummer", "Bezeichnung", "Preis"], ["1", "a", "5"]], 2, id="unknown below a title"),
        pytest.param([["Nummer", "Bezeichnung"], ["1", "a"], ["2", "b"]], 1, id="unknown first row"),
        pytest.param([["1", "2"], ["3", "4"]], 1, id="numbers only"),
        pytest.param([["2026-01-31", "5"], ["Nummer", "Preis"]], 2, id="below numbers"),
        pytest.param([["reference", "x"], ["reference", "name"]], 2, id="most recognised cells"),
        pytest.param([["reference", "name"], ["name", "make"]], 1, id="first of equals"),
        pytest.param([["x"]] * 30 + [["reference", "name"]], 1, id="beyond the first rows"),
    ],
)  # fmt: skip
def test_header_is_the_row_of_titles(tmp_path, rows, line):
    path = tmp_path / "t.csv"
    path.write_text("".join(";".join(row) + "\n" for row in rows))

    assert tables_of(path)[0][1] == line


def test_header_with_blanks_between_delimiter_and_quote_is_found_below_a_title(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('Stock\n"reference", "name, in full", "make"\n"A", "a, b", "c"\n')

    assert tables_of(path)[0][2:4] == (["reference", "name, in full", "make"], [(3, ["A", "a, b", "c"])])


def test_misquoted_row_is_at_fault_alone_and_others_keep_their_lines(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('reference,name\nA,"two\nlines"\nB,"the "big" one"\nC,c\n')

    with open_tables(path) as tables:
        rows = [row for block in next(tables).blocks for row in block]

    quotes = "The quotes in this row cannot be read: a quotation mark inside quotes must be written twice."
    assert rows == [(2, ["A", "two\nlines"], ""), (4, ["B", 'the big" one"'], quotes), (5, ["C", "c"], "")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param('reference,name\nA,"the "big one"\nB,b\n', 2, id="odd quotes in a line"),
        pytest.param('reference,name\nA,a\nB,"b\nC,c\n', 3, id="open to the end"),
        pytest.param('reference,name\nA,"a\nb "c" d"\nC,c\n', 2, id="in a cell of two lines"),
    ],
)
def test_quote_without_a_clear_end_refuses_the_file(tmp_path, text, line):
    path = tmp_path / "t.csv"
    path.write_text(text)

    with pytest.raises(
        ImportRefused, match=rf"^Line {line} cannot be read as CSV \(.*\); is a quote left open\?$"
    ):
        tables_of(path)


def test_long_rows_come_in_small_blocks(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("reference,name\n" + f"A,{'x' * 1_000_000}\n" * 30)

    with open_tables(path) as tables:
        sizes = [len(block) for block in next(tables).blocks]

    assert (sum(sizes), max(sizes)) == (30, 3)
