"""OpenDocument workbooks."""

import zipfile
from io import BytesIO

import pytest

from catalog.imports.sources.ods_scan import SCAN_BYTES, scan_content
from catalog.imports.sources.workbook_cells import UNCALCULATED
from catalog.tests.imports import rows_of

OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
TEXT_NS = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"


def ods(path, rows):
    """Write an ODS workbook of one sheet whose rows are this XML."""
    content = (
        f'<office:document-content xmlns:office="{OFFICE}" xmlns:table="{TABLE}" xmlns:text="{TEXT_NS}"'
        f' xmlns:calcext="{CALC}" office:version="1.3"><office:body><office:spreadsheet>'
        f'<table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return path


def ods_row(*cells):
    return "<table:table-row>" + "".join(cells) + "</table:table-row>"


def ods_text(text):
    return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'


def test_ods_workbook_is_read(tmp_path):
    number = '<table:table-cell office:value-type="float" office:value="1964"><text:p>1964</text:p></table:table-cell>'
    date_cell = '<table:table-cell office:value-type="date" office:date-value="2026-01-31"><text:p>x</text:p></table:table-cell>'
    path = ods(
        tmp_path / "t.ods",
        ods_row(ods_text("reference"), ods_text("year"), ods_text("day"))
        + ods_row(ods_text("A"), number, date_cell),
    )

    assert rows_of(path)[:2] == (["reference", "year", "day"], [(2, ["A", "1964", "2026-01-31"], "")])


def ods_number(value, shown):
    return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{shown}</text:p></table:table-cell>'


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        pytest.param('<table:table-cell office:value-type="string" calcext:value-type="error"><text:p>#REF!</text:p></table:table-cell>', "#REF!", id="failed formula"),
        pytest.param('<table:table-cell office:value-type="string" calcext:value-type="error"><text:p>Err:502</text:p></table:table-cell>', "#VALUE!", id="failed formula of LibreOffice"),
        pytest.param('<table:table-cell table:formula="of:=[.A1]"/>', UNCALCULATED, id="formula without a value"),
        pytest.param('<table:table-cell table:formula="of:=[.A1]" office:value-type="string" office:string-value=""/>', "", id="formula of an empty text"),
        pytest.param(ods_number("1234567890123456789", "1.23E+18"), "1234567890123456789", id="long digits"),
        pytest.param(ods_number("7", "00007"), "00007", id="zeros before a number"),
        pytest.param(ods_number("1000.5", "1.000,50 EUR"), "1000.5", id="currency"),
        pytest.param('<table:table-cell office:value-type="percentage" office:value="0.125"><text:p>13%</text:p></table:table-cell>', "0.125", id="percentage"),
        pytest.param('<table:table-cell office:value-type="boolean" office:boolean-value="true"><text:p>WAHR</text:p></table:table-cell>', "true", id="boolean"),
        pytest.param('<table:table-cell office:value-type="time" office:time-value="PT36H05M00S"><text:p>x</text:p></table:table-cell>', "36:05:00", id="duration"),
        pytest.param('<table:table-cell office:value-type="fancy"><text:p>abcd</text:p></table:table-cell>', "abcd", id="unknown kind"),
        pytest.param("<table:table-cell><text:p>abcd</text:p></table:table-cell>", "abcd", id="no kind"),
        pytest.param('<table:table-cell office:value-type="string"><text:p>two<text:s text:c="2"/>blanks</text:p><text:p>two<text:tab/>lines</text:p></table:table-cell>', "two  blanks\ntwo\tlines", id="blanks and paragraphs"),
        pytest.param('<table:table-cell office:value-type="string"><office:annotation><text:p>note</text:p></office:annotation><text:p>text</text:p></table:table-cell>', "text", id="annotation"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "odd", ["", ods_row(ods_text("Z"), ods_number("7", "07"))], ids=["calamine", "stream"]
)
def test_ods_cell_is_read_as_it_is_meant(tmp_path, cell, text, odd):
    path = ods(
        tmp_path / "t.ods",
        ods_row(ods_text("reference"), ods_text("name")) + ods_row(ods_text("A"), cell) + odd,
    )

    assert rows_of(path)[1][0] == (2, ["A", text], "")


def test_ods_blank_rows_and_cells_are_counted_but_not_held(tmp_path):
    rows = (
        ods_row(
            ods_text("reference"), '<table:table-cell table:number-columns-repeated="800"/>', ods_text("name")
        )
        + '<table:table-row table:number-rows-repeated="800000"><table:table-cell/></table:table-row>'
        + ods_row(ods_text("A"))
    )

    header, found, _ = rows_of(ods(tmp_path / "t.ods", rows))

    assert (header[0], header[-1], len(header)) == ("reference", "name", 802)
    assert [(line, cells[0]) for line, cells, _ in found] == [(800_002, "A")]


def scanned(*rows, before=""):
    """Return whether calamine may read these rows; they stand behind so many texts that they are looked at alone."""
    long = ods_row(ods_text("x" * SCAN_BYTES))
    text = (
        f'<office:spreadsheet><table:table table:name="S">{before}{long}{long}{"".join(rows)}</table:table>'
    )
    return scan_content(BytesIO(text.encode()), 1000)


@pytest.mark.parametrize(
    "row",
    [
        ods_row(ods_text("007")),
        ods_row(
            '<table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell>'
        ),
        ods_row(ods_text("x"), '<table:table-cell table:number-columns-repeated="16000"/>'),
        ods_row("<table:table-cell/>", ods_text("x")),
    ],
)
def test_ods_with_common_cells_alone_is_left_to_calamine(row):
    assert scanned(row, ods_row(ods_text("x")))


@pytest.mark.parametrize(
    "row",
    [
        ods_row(ods_text("a<text:tab/>b")),
        ods_row(ods_text("a<text:line-break/>b")),
        ods_row(ods_text('a<text:s text:c="5000"/>b')),
        ods_row("<table:table-cell><text:p>x</text:p></table:table-cell>"),
        ods_row('<table:table-cell table:formula="of:=1"/>'),
        ods_row(
            '<table:table-cell office:value-type="float" office:value="7"><text:p>007</text:p></table:table-cell>'
        ),
        ods_row(
            '<table:table-cell office:value-type="float" office:value="12345678901234567"><text:p>1</text:p></table:table-cell>'
        ),
        ods_row(
            '<table:table-cell office:value-type="string" calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell>'
        ),
        ods_row(
            '<table:table-cell table:number-columns-repeated="900" office:value-type="string"><text:p>x</text:p></table:table-cell>'
        ),
        f'<table:table-row table:number-rows-repeated="900">{ods_text("x")}{ods_text("y")}</table:table-row>',
        "".join(ods_row(*map(ods_text, "abcde")) for _ in range(250)),
    ],
)
def test_ods_with_an_odd_cell_behind_common_ones_is_streamed(row):
    assert not scanned(row, ods_row(ods_text("x")))


def test_ods_width_is_that_of_its_rows_not_of_its_list_of_columns():
    columns = '<table:table-column table:style-name="co1"/>' * 400

    assert scanned(ods_row(ods_text("x")), before=columns)
