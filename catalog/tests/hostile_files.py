"""Files made to harm whoever reads them: bombs, entities, lies about sizes, places that no sheet has."""

import codecs
import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import openpyxl

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET, TEXTS, CONTENTS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NOTHING: Mapping[str, str | bytes] = {}
Make = Callable[[Path], object]


def cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def sheet_of(rows: str, before: str = "") -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>{before}<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>'


HEADER = f'<row r="1">{cell("A1", "reference")}{cell("B1", "name")}</row>'
GOOD = HEADER + f'<row r="2">{cell("A2", "A")}{cell("B2", "a")}</row>'


def book(path: Path, sheet: str | bytes = "", *, parts: Mapping[str, str | bytes] = NOTHING) -> Path:
    """Write a workbook whose first sheet is this XML, with these parts added or put in place of its own."""
    made = io.BytesIO()
    openpyxl.Workbook().save(made)
    own = {SHEET: sheet or sheet_of(GOOD)} | dict(parts)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in source.infolist():
            if entry.filename not in own:
                archive.writestr(entry.filename, source.read(entry))
        for name, part in own.items():
            archive.writestr(name, part)
    return path


def with_parts(parts: dict[str, str | bytes]) -> Make:
    return lambda path: book(path, parts=parts)


def with_rows(rows: str, before: str = "") -> Make:
    return lambda path: book(path, sheet_of(rows, before))


def written(content: bytes) -> Make:
    return lambda path: path.write_bytes(content)


def large_part(name: str, megabytes: int) -> Make:
    """A workbook with a part of so many megabytes of blanks, which pack to a thousandth."""

    def make(path: Path) -> None:
        book(path)
        with (
            zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open(name, "w", force_zip64=True) as part,
        ):
            for _ in range(megabytes):
                part.write(b" " * 1024 * 1024)

    return make


def many_entries(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(100_000):
            archive.writestr(zipfile.ZipInfo(f"xl/worksheets/sheet{number}.xml"), b"")


def many_sheets(path: Path) -> None:
    sheets = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId1"/>' for n in range(1, 100_001))
    space = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    book(path, parts={CONTENTS: f'<workbook {MAIN} xmlns:r="{space}"><sheets>{sheets}</sheets></workbook>'})


def lying_sizes(path: Path) -> None:
    """The list of entries says that the sheet has 100 bytes; it has 50 megabytes."""
    book(path, sheet_of(GOOD + "<row/>" * 8_000_000))
    content = bytearray(path.read_bytes())
    place = content.rfind(SHEET.encode()) - 46
    content[place + 24 : place + 28] = struct.pack("<I", 100)
    path.write_bytes(content)


def zip_in_zip(path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.zip", b" " * 10_000_000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(16):
            archive.writestr(f"{number}.zip", inner.getvalue())


def truncated(path: Path) -> None:
    book(path)
    path.write_bytes(path.read_bytes()[:-300])


def packed_with_a_password(path: Path) -> None:
    book(path)
    content = bytearray(path.read_bytes())
    place = content.rfind(SHEET.encode()) - 46
    content[place + 8] |= 1
    path.write_bytes(content)


def ods(content: str | bytes, **parts: str) -> Make:
    """An ODS workbook with this content."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr("content.xml", content)
            manifest = (
                '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
            )
            archive.writestr("META-INF/manifest.xml", parts.get("manifest", manifest))

    return make


def ods_of(rows: str, before: str = "") -> str:
    spaces = "".join(
        f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
        for prefix in ("office", "table", "text")
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<office:document-content{spaces}><office:body><office:spreadsheet>'
        f'<table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    )


def ods_cell(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string"{more}><text:p>{text}</text:p></table:table-cell>'


def ods_row(cells: str, more: str = "") -> str:
    return f"<table:table-row{more}>{cells}</table:table-row>"


ODS_HEADER = ods_row(ods_cell("reference") + ods_cell("name"))


def utf16_sheet(path: Path) -> None:
    text = sheet_of(HEADER + f'<row r="200000">{cell("ZZ200000", "x")}</row>').replace("UTF-8", "UTF-16")
    book(path, codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
