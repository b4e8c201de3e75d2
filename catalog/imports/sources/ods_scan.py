"""A look over the content of an ODS workbook: may calamine, which unfolds all that is repeated, read it?"""

import re
from collections.abc import Iterator
from typing import IO

from catalog.imports.sources.workbook_xml import ENTITIES, Unreadable

SCAN_BYTES = 1024 * 1024
LONGEST_ROW = 16 * SCAN_BYTES
ROW_END = b"</table:table-row>"
REPEATED = re.compile(rb"""number-(columns|rows)-repeated\s*=\s*["'](\d{1,9})["']""")
BLANK_END = re.compile(rb"""number-columns-repeated\s*=\s*["']\d+["'][^<>]*/>\s*$""")
COMMON_END = re.compile(rb'number-columns-repeated="\d+"[^<>]*/></table:table-row>')
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
        extent.add(piece)
        odd = odd or _is_odd(piece) or extent.width * extent.lines > most_cells
    return extent.lines > 0 and not odd


class Extent:
    """At most how wide and long the tables are, but for blank cells at the ends of rows and blank rows at the end."""

    def __init__(self) -> None:
        self.width = self.lines = self._blank = 0

    def add(self, piece: bytes) -> None:
        rows = piece.split(ROW_END)[:-1]
        if rows and piece.count(b"-repeated") == len(COMMON_END.findall(piece)):
            self._add(max(row.count(b"<table:") for row in rows), len(rows))
            return
        for row in rows:
            self._add_row(row)

    def _add(self, width: int, lines: int) -> None:
        self.width, self.lines, self._blank = max(self.width, width), self.lines + self._blank + lines, 0

    def _add_row(self, row: bytes) -> None:
        cells, times = row.count(b"<table:"), 1
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


def _is_odd(piece: bytes) -> bool:
    return (
        ODD_VALUE.search(piece) is not None
        or NO_VALUE.search(piece) is not None
        or b"<text:tab" in piece
        or b"<text:line-break" in piece
        or LONG_BLANK.search(piece) is not None
        or LONG_TIME.search(piece) is not None
        or PADDED.search(piece) is not None
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
