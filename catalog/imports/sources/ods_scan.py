"""A look over the content of an ODS workbook: may calamine, which unfolds all that is repeated, read it?"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import IO

from catalog.imports.sources.workbook_xml import ENTITIES, Unreadable

SCAN_BYTES = 1024 * 1024
LONGEST_ROW = 16 * SCAN_BYTES
ROW_END = b"</table:table-row>"
REPEATED = re.compile(rb"""number-(columns|rows)-repeated\s*=\s*["'](\d{1,9})["']""")
BLANK_END = re.compile(rb"""number-columns-repeated\s*=\s*["']\d+["'][^<>]*/>\s*$""")
COMMON_END = re.compile(rb'number-columns-repeated="\d+"[^<>]*/></table:table-row>')
PARAGRAPH = b'"><text:p>'  # how a cell of one paragraph begins, and one that holds a text
TEXT = b'value-type="string"' + PARAGRAPH[1:]
TAGS_OF_CELL, TAGS_OF_ROW = 4, 2
# Failed formulas and kinds that calamine does not know, which it leaves out; digits that it would change.
ODD_VALUE = re.compile(
    rb'value(?:-type="(?!float"|string"|date"|time"|percentage"|currency"|boolean")|="-?\d{16})'
)
NO_VALUE = re.compile(
    rb"<table:table-cell(?! office:value-type)(?![^>]*office:value-type)[^>]*(?<!/)><text:p"  # left out as well
)
UNCALCULATED = re.compile(rb"<table:table-cell(?=[^>]*table:formula)(?![^>]*office:value-type)")
# Tabs and line breaks it leaves out, days it does not turn into hours, and blanks it makes as many as it is told.
LONG_BLANK = re.compile(rb"""text:c\s*=\s*["']\d{4}""")
LONG_TIME = re.compile(rb'time-value="(?!PT(?:[01]\d|2[0-3])H)')
PADDED = re.compile(rb"<text:p>0\d")  # zeros before a number, which calamine leaves out


def scan_content(content: IO[bytes], most_cells: int) -> bool:
    """Return whether calamine may read it: it unfolds to a small rectangle, and nothing in it is hidden."""
    extent = Extent()
    odd = False
    for number, piece in enumerate(_pieces(content)):
        if not number and b"<!DOCTYPE" in piece:
            raise Unreadable(ENTITIES)
        rows = piece.split(ROW_END)[:-1]
        regularity = _regularity(piece, rows)
        extent.add(piece, rows, regularity)
        odd = odd or _is_odd(piece, regularity) or extent.width * extent.lines > most_cells
    return extent.lines > 0 and not odd


class Regularity(Enum):
    """What a piece has no tags but for, beside those of its rows and of blank ends of rows."""

    NONE = auto()  # of anything
    CELLS = auto()  # cells of one paragraph
    TEXTS = auto()  # cells that hold a text of one paragraph


class Extent:
    """At most how wide and long the tables are, but for blank cells at the ends of rows and blank rows at the end."""

    def __init__(self) -> None:
        self.width = self.lines = self._blank = 0

    def add(self, piece: bytes, rows: list[bytes], regularity: Regularity) -> None:
        """Add the rows of a piece."""
        if regularity is not Regularity.NONE:
            self._add(max(row.count(b"<") for row in rows) // TAGS_OF_CELL + 1, len(rows))
            return
        if rows and piece.count(b"-repeated") == len(COMMON_END.findall(piece)):
            self._add(max(map(_cells, rows)), len(rows))
            return
        for row in rows:
            self._add_row(row)

    def _add(self, width: int, lines: int) -> None:
        self.width, self.lines, self._blank = max(self.width, width), self.lines + self._blank + lines, 0

    def _add_row(self, row: bytes) -> None:
        cells, times = _cells(row), 1
        if end := BLANK_END.search(row):
            row = row[: end.start()]
        for axis, count in REPEATED.findall(row):
            if axis == b"columns":
                cells += int(count)
            else:
                times = max(times, int(count))
        if b"<text:" in row or b"office:value" in row:
            self._add(cells, times)
        else:
            self._blank += times  # counts only where a filled row follows


def _cells(row: bytes) -> int:
    """Return at most how many cells a row has; before a sheet's first one stands the list of its columns."""
    if row.startswith(b"<table:table-row"):
        return row.count(b"<table:")
    return row.count(b"<table:table-cell") + row.count(b"<table:covered-table-cell")


def _regularity(piece: bytes, rows: list[bytes]) -> Regularity:
    """Tell by counting tags what need not be looked for one by one: a cell of one paragraph has four, a row two."""
    blank = piece.count(b"-repeated")
    tags = piece.count(b"<") - TAGS_OF_ROW * len(rows) - blank
    if not rows or tags % TAGS_OF_CELL or (blank and blank != len(COMMON_END.findall(piece))):
        return Regularity.NONE
    if tags == TAGS_OF_CELL * piece.count(TEXT):
        return Regularity.TEXTS
    return Regularity.CELLS if tags == TAGS_OF_CELL * piece.count(PARAGRAPH) else Regularity.NONE


def _is_odd(piece: bytes, regularity: Regularity) -> bool:
    if regularity is Regularity.TEXTS:
        return False
    if any(pattern.search(piece) for pattern in (ODD_VALUE, NO_VALUE, LONG_TIME, PADDED)):
        return True
    return regularity is Regularity.NONE and (
        b"<text:tab" in piece
        or b"<text:line-break" in piece
        or LONG_BLANK.search(piece) is not None
        or (b"table:formula" in piece and UNCALCULATED.search(piece) is not None)
    )


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    """Yield the text in pieces, each of which ends where a row does."""
    rest = b""
    while piece := content.read(SCAN_BYTES):
        text = rest + piece
        found = text.rfind(ROW_END)
        end = found + len(ROW_END) if found >= 0 else 0
        rest = text[end:]
        if len(rest) > LONGEST_ROW:
            raise Unreadable("holds a row that is longer than an import may read; save it as CSV.")
        if end:
            yield text[:end]
    yield rest
