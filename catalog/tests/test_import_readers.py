"""Files as people send them: every one ends in rows, or in one sentence."""

import codecs
import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

from catalog.imports.errors import ImportRefused
from catalog.imports.sources import workbooks
from catalog.imports.staging import CONTROL
from catalog.models import Item
from catalog.tests.imports import counts, faults, rows_of, run, table, workbook

TEXT = "reference,name,make\nA-1,Café racer,Citroën\n"


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "warned"),
    [
        pytest.param(TEXT.encode(), False, id="utf-8"),
        pytest.param(codecs.BOM_UTF8 + TEXT.encode(), False, id="utf-8-mark"),
        pytest.param(TEXT.encode("utf-16"), False, id="utf-16-mark"),
        pytest.param(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), False, id="utf-16-be-mark"),
        pytest.param(TEXT.encode("utf-32"), False, id="utf-32-mark"),
        pytest.param(TEXT.encode("utf-16-le"), True, id="utf-16-le"),
        pytest.param(TEXT.encode("utf-16-be"), True, id="utf-16-be"),
        pytest.param(TEXT.encode("cp1252"), True, id="cp1252"),
        pytest.param(TEXT.replace("\n", "\r\n").encode(), False, id="windows-lines"),
        pytest.param(TEXT.replace("\n", "\r").encode(), False, id="old-mac-lines"),
    ],
)
def test_csv_in_common_encoding_is_read(tmp_path, content, warned):
    header, rows, warnings = rows_of(write(tmp_path / "t.csv", content))

    assert (header, rows) == (["reference", "name", "make"], [(2, ["A-1", "Café racer", "Citroën"], "")])
    assert bool(warnings) is warned


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiter_is_found_in_the_header(tmp_path, delimiter):
    content = 'reference,name,make\nA,"1,5;2|3\t4",b\n'.replace(",", delimiter).replace(
        f"1{delimiter}5", "1,5"
    )

    header, rows, _ = rows_of(write(tmp_path / "t.csv", content))

    assert (header, rows) == (["reference", "name", "make"], [(2, ["A", "1,5;2|3\t4", "b"], "")])


def test_csv_lines_are_numbered_by_where_a_row_begins(tmp_path):
    content = '\n\nreference,name\nA,"two\nlines"\n\n,\nB,b\n'

    assert rows_of(write(tmp_path / "t.csv", content))[1] == [
        (4, ["A", "two\nlines"], ""),
        (8, ["B", "b"], ""),
    ]


def test_csv_ragged_rows_are_filled_or_at_fault(tmp_path):
    content = "reference,name,make\nA\nB,b,c,,\nC,c,d,extra\n"

    assert rows_of(write(tmp_path / "t.csv", content))[1] == [
        (2, ["A", "", ""], ""),
        (3, ["B", "b", "c"], ""),
        (4, ["C", "c", "d", "extra"], "The row has 4 cells, the header has 3."),
    ]


def test_csv_that_declares_its_delimiter_is_read(tmp_path):
    assert rows_of(write(tmp_path / "t.csv", "sep=;\nreference;a,b,c\nA;1\n"))[:2] == (
        ["reference", "a,b,c"],
        [(3, ["A", "1"], "")],
    )


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("t.csv", b"", "t.csv is empty."),
        ("t.csv", b" \n\n", "t.csv is empty."),
        ("t.csv", b"a,b\n", None),
        ("t.csv", b"%PDF-1.7 ...", "t.csv is a PDF document, not a CSV file."),
        ("t.csv", b"PK\x03\x04....", "t.csv is a workbook or an archive, not a CSV file."),
        ("t.csv", b"ref\x00erence,name\nA,b\n", "The header of t.csv holds NUL bytes; save the file as CSV in UTF-8."),
        ("t.csv", b"caf\x81,\xff\nA,b\n", "t.csv is in an unknown encoding; save it as UTF-8."),
        ("t.pdf", b"%PDF", "t.pdf has an unknown ending; files must end in one of .csv, .ods, .tsv, .txt, .xlsm, .xlsx."),
        ("t.xlsx", b"%PDF-1.7 ...", "t.xlsx is a PDF document, not a workbook."),
        ("t.xlsx", b"reference,name", "t.xlsx is not a workbook."),
        ("t.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "t.xlsx is protected by a password or an old Excel file; save it as .xlsx."),
    ],
)  # fmt: skip
def test_file_that_is_no_table_is_refused(tmp_path, name, content, sentence):
    path = write(tmp_path / name, content)
    if sentence is None:
        assert rows_of(path) == (["a", "b"], [], [])
    else:
        with pytest.raises(ImportRefused) as refusal:
            rows_of(path)
        assert str(refusal.value) == sentence


def test_missing_file_and_folder_are_refused(tmp_path):
    folder = tmp_path / "folder.csv"
    folder.mkdir()

    for path, words in [(tmp_path / "none.csv", "cannot be read: No such file"), (folder, "is a folder")]:
        with pytest.raises(ImportRefused, match=words):
            rows_of(path)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "rows", "sentence"),
    [
        ("name,make", [["a", "b"]], "The header has no 'reference' column; it has 'name', 'make'."),
        ("reference,Name,NAME", [["A", "a", "b"]], "The header names the column 'name' twice."),
        ("reference,name", [], "The file has a header but no rows."),
    ],
)
def test_header_that_cannot_serve_is_refused(tmp_path, header, rows, sentence):
    with pytest.raises(ImportRefused) as refusal:
        run(table(tmp_path / "t.csv", header, *rows))

    assert str(refusal.value) == sentence


@pytest.mark.django_db
def test_headers_in_any_order_and_spelling_are_known(tmp_path):
    path = table(
        tmp_path / "t.csv",
        "Chassis-Number,NAME, Reference ,Prise,,Production Years",
        ["C", "n", "A", "5", "", "1964"],
    )

    result = run(path)

    assert Item.objects.values_list("reference", "name", "chassis_number", "production_years").get() == (
        "A",
        "n",
        "C",
        [1964],
    )
    assert result.warnings == ("The column 'Prise' is unknown and was ignored. Did you mean 'price'?",)


@pytest.mark.django_db
@pytest.mark.parametrize("character", ["\0", "\x1e", "\x1f"])
def test_row_with_control_character_is_refused_alone(tmp_path, character):
    content = f"reference,name\nA,a{character}b\nB,b\\t\nC,c\n"

    result = run(write(tmp_path / "t.csv", content))

    assert faults(result) == [(2, "", "", CONTROL)]
    assert list(Item.objects.order_by("reference").values_list("name", flat=True)) == ["b\\t", "c"]


def test_workbook_cells_read_as_a_person_would_type_them(tmp_path):
    path = workbook(
        tmp_path / "t.xlsx",
        ["reference", "number", "float", "sum", "date", "time", "flag", None],
        [
            10010,
            1964.0,
            0.5,
            0.1 + 0.2,
            date(2026, 1, 31),
            datetime.fromisoformat("2026-01-31T18:30"),
            True,
            None,
        ],
        [None, None, None, None, None, None, None, None],
        ["A", 1e14, 1.5e-7, "", "", "", False, None],
    )

    header, rows, _ = rows_of(path)

    assert header == ["reference", "number", "float", "sum", "date", "time", "flag"]
    assert rows == [
        (2, ["10010", "1964", "0.5", "0.3", "2026-01-31", "2026-01-31T18:30:00", "true"], ""),
        (4, ["A", "100000000000000", "0.00000015", "", "", "", "false"], ""),
    ]


@pytest.mark.django_db
def test_workbook_with_error_cells_is_streamed_and_its_rows_refused(tmp_path):
    book = tmp_path / "t.xlsx"
    workbook(book, ["reference", "name", "price"], ["A", "a", 5], ["B", "b", "#REF!"])
    with zipfile.ZipFile(book) as archive:
        assert b't="e"' in archive.read("xl/worksheets/sheet1.xml")

    result = run(book)

    assert counts(result) == (1, 0, 0, 1)
    assert faults(result)[0][:3] == (3, "price", "#REF!")


def test_workbook_skips_empty_and_hidden_sheets(tmp_path):
    path = tmp_path / "t.xlsx"
    book = workbook_of(("Notes", []), ("Secret", [["reference"], ["S"]]), ("Stock", [["reference"], ["A"]]))
    book["Secret"].sheet_state = "hidden"
    book.save(path)

    assert rows_of(path)[:2] == (["reference"], [(2, ["A"], "")])


def workbook_of(*sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    return book


def hand_made(path, sheet, **parts):
    """Write a workbook whose first sheet is this XML."""
    book = io.BytesIO()
    workbook_of(("Sheet1", [])).save(book)
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in source.infolist():
            own = sheet if entry.filename == "xl/worksheets/sheet1.xml" else source.read(entry)
            archive.writestr(entry.filename, own)
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def cell(reference, text):
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


@pytest.mark.parametrize(
    ("far", "sentence"),
    [
        ("XFD1048576", "has cells beyond column 2000; delete what lies right of the table."),
        ("A99999999", "has cells beyond the last row of a sheet."),
    ],
)
def test_workbook_with_one_far_cell_is_refused(tmp_path, far, sentence):
    row = far.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    sheet = (
        f'<worksheet {MAIN}><sheetData><row r="1">{cell("A1", "reference")}</row>'
        f'<row r="{row}">{cell(far, "x")}</row></sheetData></worksheet>'
    )

    with pytest.raises(ImportRefused) as refusal:
        rows_of(hand_made(tmp_path / "t.xlsx", sheet))

    assert str(refusal.value) == f"t.xlsx {sentence}"


def test_workbook_with_a_gap_of_a_million_rows_is_streamed(tmp_path):
    sheet = (
        f'<worksheet {MAIN}><sheetData><row r="1">{cell("A1", "reference")}{cell("T1", "name")}</row>'
        f'<row r="1000000">{cell("A1000000", "A")}</row></sheetData></worksheet>'
    )

    header, rows, _ = rows_of(hand_made(tmp_path / "t.xlsx", sheet))

    assert (header[0], header[-1], rows[0][0], rows[0][1][0]) == ("reference", "name", 1000000, "A")


def test_workbook_that_unpacks_to_a_bomb_is_refused(tmp_path):
    sheet = f"<worksheet {MAIN}><sheetData/>{' ' * 50_000_000}</worksheet>"

    with pytest.raises(ImportRefused, match=r"^t\.xlsx unpacks to far more than its size"):
        rows_of(hand_made(tmp_path / "t.xlsx", sheet))


def test_workbook_that_needs_too_much_memory_is_refused(tmp_path, monkeypatch):
    path = workbook(tmp_path / "t.xlsx", ["reference"], ["A"])
    monkeypatch.setattr(workbooks, "CHILD", ["-c", "import os; os.abort()"])

    with pytest.raises(ImportRefused, match="needs more memory or time than an import may take"):
        rows_of(path)


def test_archive_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "t.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")

    with pytest.raises(ImportRefused) as refusal:
        rows_of(path)

    assert str(refusal.value) == "t.xlsx is a ZIP archive, not a workbook."


def test_empty_workbook_is_refused(tmp_path):
    with pytest.raises(ImportRefused) as refusal:
        rows_of(workbook(tmp_path / "t.xlsx"))

    assert str(refusal.value) == "t.xlsx is empty."
