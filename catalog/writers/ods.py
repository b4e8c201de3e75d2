"""ODS as a stream. Cells are texts or numbers, never formulas."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from catalog.writers.archive import Part, archived
from catalog.writers.table import Cell, Header, Rows, Sheet, Unwritable, check_line, place, plain
from catalog.writers.xml import BLOCK_ROWS, FORBIDDEN, HEAD, check_sheets, escaped, width

MEDIA_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
NAMES = "urn:oasis:names:tc:opendocument:xmlns"
SPECIAL = re.compile('[&<>"\r\n\t\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|  |^ | $')
BLANKS = re.compile(r"^ +| +$|(?<= ) +")
MANIFEST = (
    f'{HEAD}<manifest:manifest xmlns:manifest="{NAMES}:manifest:1.0" manifest:version="1.2">'
    f'<manifest:file-entry manifest:full-path="/" manifest:version="1.2" manifest:media-type="{MEDIA_TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    '<manifest:file-entry manifest:full-path="settings.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)
OPENING = (
    f'{HEAD}<office:document-content xmlns:office="{NAMES}:office:1.0" xmlns:text="{NAMES}:text:1.0"'
    f' xmlns:table="{NAMES}:table:1.0" xmlns:style="{NAMES}:style:1.0" xmlns:fo="{NAMES}:xsl-fo-compatible:1.0"'
    ' office:version="1.2"><office:automatic-styles>'
    '<style:style style:name="headed" style:family="table-cell"><style:text-properties fo:font-weight="bold"/></style:style>'
    "{widths}</office:automatic-styles><office:body><office:spreadsheet>"
)
CLOSING = "</office:spreadsheet></office:body></office:document-content>"


def write(sheets: Sequence[Sheet]) -> Iterator[bytes]:
    """Yield the workbook in chunks; each sheet has a frozen bold header.

    Refused: characters that XML cannot hold, rows beyond the end of a sheet.
    """
    check_sheets(sheets)
    parts = [
        Part("META-INF/manifest.xml", [MANIFEST]),
        Part("settings.xml", [_settings([name for name, *_ in sheets])]),
        Part("content.xml", _content(sheets)),
    ]
    return archived(parts, MEDIA_TYPE)


def _settings(names: list[str]) -> str:
    """Return the part that freezes the headers."""

    def item(name: str, value: int, kind: str = "int") -> str:
        return f'<config:config-item config:name="{name}" config:type="{kind}">{value}</config:config-item>'

    frozen = (
        item("VerticalSplitMode", 2, "short") + item("VerticalSplitPosition", 1) + item("PositionBottom", 1)
    )
    tables = "".join(
        f'<config:config-item-map-entry config:name="{escaped(name)}">{frozen}</config:config-item-map-entry>'
        for name in names
    )
    return (
        f'{HEAD}<office:document-settings xmlns:office="{NAMES}:office:1.0" xmlns:config="{NAMES}:config:1.0"'
        ' office:version="1.2"><office:settings><config:config-item-set config:name="ooo:view-settings">'
        '<config:config-item-map-indexed config:name="Views"><config:config-item-map-entry>'
        f'<config:config-item-map-named config:name="Tables">{tables}</config:config-item-map-named>'
        "</config:config-item-map-entry></config:config-item-map-indexed></config:config-item-set>"
        "</office:settings></office:document-settings>"
    )


def _content(sheets: Sequence[Sheet]) -> Iterator[str]:
    widths = sorted({width(title) for _, header, _ in sheets for title in header})
    yield OPENING.format(
        widths="".join(
            f'<style:style style:name="w{wide}" style:family="table-column">'
            f'<style:table-column-properties style:column-width="{wide * 0.22:.2f}cm"/></style:style>'
            for wide in widths
        )
    )
    for name, header, rows in sheets:
        columns = "".join(f'<table:table-column table:style-name="w{width(title)}"/>' for title in header)
        yield f'<table:table table:name="{escaped(name)}">{columns}'
        yield _row(1, header, header, ' table:style-name="headed"')
        lines = _lines(name, header, rows)
        while block := "".join(islice(lines, BLOCK_ROWS)):
            yield block
        yield "</table:table>"
    yield CLOSING


def _lines(name: str, header: Header, rows: Rows) -> Iterator[str]:
    for line, row in enumerate(rows, start=2):
        check_line(name, line)
        yield _row(line, header, row)


def _row(line: int, header: Header, row: Iterable[Cell], style: str = "") -> str:
    cells = []
    empty = 0
    for column, cell in enumerate(row):
        if cell is None or cell == "":
            empty += 1
            continue
        if empty:
            cells.append(f'<table:table-cell table:number-columns-repeated="{empty}"/>')
            empty = 0
        if isinstance(cell, str):
            shown = (
                _paragraphs(header, line, column, cell)
                if SPECIAL.search(cell)
                else f"<text:p>{cell}</text:p>"
            )
            cells.append(f'<table:table-cell{style} office:value-type="string">{shown}</table:table-cell>')
        else:
            number = plain(cell)
            cells.append(
                f'<table:table-cell office:value-type="float" office:value="{number}"><text:p>{number}</text:p></table:table-cell>'
            )
    return f"<table:table-row>{''.join(cells) or '<table:table-cell/>'}</table:table-row>"


def _paragraphs(header: Header, line: int, column: int, text: str) -> str:
    """Return the text's lines, with the blanks and tabs that OpenDocument would else collapse."""
    if bad := FORBIDDEN.search(text):
        raise Unwritable(
            f"{place(header, line, column)} holds the control character U+{ord(bad[0]):04X}, which ODS cannot;"
            " use CSV, XLSX or JSON lines."
        )
    lines = [
        BLANKS.sub(lambda run: f'<text:s text:c="{len(run[0])}"/>', escaped(part)).replace(
            "\t", "<text:tab/>"
        )
        for part in text.split("\n")
    ]
    return "".join(f"<text:p>{part}</text:p>" for part in lines)
