"""OpenDocument workbooks."""

import zipfile

import pytest

from catalog.imports.errors import ImportRefused
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


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            ods_row('<table:table-cell table:number-columns-repeated="800"/>', ods_text("x"))
            + '<table:table-row table:number-rows-repeated="800000"><table:table-cell/></table:table-row>'
            + ods_row(ods_text("x")),
            "t.ods repeats more cells than an import may read; save it as CSV.",
        ),
        (
            ods_row('<table:table-cell office:value-type="string" calcext:value-type="error"><text:p>#REF!</text:p></table:table-cell>'),
            "t.ods holds formulas that failed; mend them, or save it as XLSX to have their rows named.",
        ),
    ],
)  # fmt: skip
def test_ods_workbook_that_cannot_be_trusted_is_refused(tmp_path, rows, sentence):
    with pytest.raises(ImportRefused) as refusal:
        rows_of(ods(tmp_path / "t.ods", rows))

    assert str(refusal.value) == sentence
