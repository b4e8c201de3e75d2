"""XLSX as a stream. Cells are texts or numbers, never formulas: nothing in the file is written as one.

Written here rather than by openpyxl, which takes six times as long, or by xlsxwriter, which takes three times as
long: both also need the finished file on disk, and a download should begin with its first row.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from catalog.writers.archive import Part, archived
from catalog.writers.csv import FORMULA
from catalog.writers.table import Cell, Header, Rows, Sheet, Unwritable, check_line, place, plain
from catalog.writers.xml import BLOCK_ROWS, FORBIDDEN, HEAD, check_sheets, escaped, width

CELL_UNITS = 32_767  # of UTF-16: Excel declares a file with a longer cell damaged, and cuts it
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SPECIAL = re.compile('[&<>"\r\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_')
FORBIDDEN_NAME = re.compile(r"[\[\]:*?/\\]|^'|'$")
SHEET_NAME = 31  # characters
CODED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
HEADED, TEXT = 1, 2  # styles: bold; text that stays text when somebody edits it
STYLES = (
    f'{HEAD}<styleSheet xmlns="{MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def write(sheets: Sequence[Sheet]) -> Iterator[bytes]:
    """Yield the workbook in chunks; each sheet has a frozen bold header.

    Refused: texts longer than Excel's cells hold, rows beyond the end of a sheet.
    """
    check_sheets(sheets)
    for name, *_ in sheets:
        if len(name) > SHEET_NAME or FORBIDDEN_NAME.search(name):
            raise Unwritable(f"'{name}' cannot be the name of a sheet of Excel; use ODS.")
    tables = (
        Part(f"xl/worksheets/sheet{number}.xml", _sheet(*sheet))
        for number, sheet in enumerate(sheets, start=1)
    )
    return archived(chain(_frame([name for name, *_ in sheets]), tables))


def _frame(names: list[str]) -> Iterator[Part]:
    numbers = range(1, len(names) + 1)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{kind}.worksheet+xml"/>'
        for number in numbers
    )
    yield Part(
        "[Content_Types].xml",
        [
            f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{types}</Types>'
        ],
    )
    yield Part("_rels/.rels", [_relations([("officeDocument", "xl/workbook.xml")])])
    listed = "".join(
        f'<sheet name="{escaped(name)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in zip(numbers, names, strict=True)
    )
    yield Part(
        "xl/workbook.xml",
        [f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'],
    )
    related = [("worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
    yield Part("xl/_rels/workbook.xml.rels", [_relations([*related, ("styles", "styles.xml")])])
    yield Part("xl/styles.xml", [STYLES])


def _relations(targets: list[tuple[str, str]]) -> str:
    related = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{related}</Relationships>'


def _sheet(name: str, header: Header, rows: Rows) -> Iterator[str]:
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width(title)}" customWidth="1"/>'
        for number, title in enumerate(header, start=1)
    )
    yield (
        f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" '
        'topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"{f'<cols>{columns}</cols>' if columns else ''}<sheetData>"
    )
    yield _row(1, header, header, f' s="{HEADED}"')
    lines = _lines(name, header, rows)
    while block := "".join(islice(lines, BLOCK_ROWS)):
        yield block
    yield "</sheetData></worksheet>"


def _lines(name: str, header: Header, rows: Rows) -> Iterator[str]:
    for line, row in enumerate(rows, start=2):
        check_line(name, line)
        yield _row(line, header, row)


def _row(line: int, header: Header, row: Iterable[Cell], style: str = "") -> str:
    cells = []
    for column, cell in enumerate(row):
        if isinstance(cell, str):
            if cell:
                if len(cell) > CELL_UNITS // 2:
                    _check_length(header, line, column, cell)
                look = style or ("" if cell[0].isalnum() or not FORMULA.match(cell) else f' s="{TEXT}"')
                shown = _coded(cell) if SPECIAL.search(cell) else cell
                cells.append(
                    f'<c r="{_letters(column)}{line}"{look} t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'
                )
        elif cell is not None:
            cells.append(f'<c r="{_letters(column)}{line}"><v>{plain(cell)}</v></c>')
    return f'<row r="{line}">{"".join(cells)}</row>'


def _check_length(header: Header, line: int, column: int, cell: str) -> None:
    if utf16_units(cell) > CELL_UNITS:
        raise Unwritable(
            f"{place(header, line, column)}: the text has {len(cell):,} characters, and a cell of Excel holds"
            f" {CELL_UNITS:,}; use CSV, ODS or JSON lines."
        )


def utf16_units(text: str) -> int:
    """Return the text's length as Excel counts it: two for each character beyond the first 65,536."""
    return len(text) + sum(character > "\uffff" for character in text)


def _coded(text: str) -> str:
    """Return the text as XML, with characters that XML cannot hold as Excel writes them: _x0001_."""
    escapes = FORBIDDEN.sub(lambda match: f"_x{ord(match[0]):04X}_", CODED.sub("_x005F_", text))
    return escaped(escapes)


def _name_of(column: int) -> str:
    """Return the letters of a column, the first being 0: A, B ... Z, AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


LETTERS = [_name_of(column) for column in range(200)]


def _letters(column: int) -> str:
    return LETTERS[column] if column < len(LETTERS) else _name_of(column)
