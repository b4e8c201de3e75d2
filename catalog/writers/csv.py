"""CSV by RFC 4180, in UTF-8 with the mark without which Excel misreads accents; tab-separated too."""

import csv
import re
from collections.abc import Iterator
from io import StringIO

from catalog.writers.table import Cell, Header, Rows, Unwritable, place, plain

CHUNK = 64 * 1024  # characters
MARK = b"\xef\xbb\xbf"
# A spreadsheet program runs a cell that begins so, blanks before it or not; some know the full-width signs too.
FORMULA = re.compile("[\\s\0]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n\0]")
NEGATIVE = re.compile(r"-\d+([.,]\d+)*")


def guarded(cell: Cell) -> str:
    """Return the cell's text, behind an apostrophe where a program would run it; import takes that off."""
    if not isinstance(cell, str):
        return "" if cell is None else plain(cell)
    if not cell[:1].isalnum() and FORMULA.match(cell) and not NEGATIVE.fullmatch(cell):
        return f"'{cell}"
    return cell


def write(header: Header, rows: Rows, delimiter: str = ",") -> Iterator[bytes]:
    """Yield the file in chunks, the header's first. Numbers are written plainly: -1250.50."""
    text = StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow([guarded(title) for title in header])
    yield MARK + _taken(text, header, 1)
    line = 1
    for line, row in enumerate(rows, start=2):
        writer.writerow([guarded(cell) for cell in row])
        if text.tell() > CHUNK:
            yield _taken(text, header, line)
    yield _taken(text, header, line)


def _taken(text: StringIO, header: Header, line: int) -> bytes:
    """Empty the buffer; return what was in it."""
    try:
        taken = text.getvalue().encode()
    except UnicodeEncodeError as error:
        raise Unwritable(
            f"{place(header, line, 0)} or shortly before: half a surrogate pair is no text, and UTF-8 cannot hold it."
        ) from error
    text.seek(0)
    text.truncate()
    return taken
