"""Texts and numbers as XML, for both kinds of workbook."""

import re
from collections.abc import Sequence

from catalog.writers.table import SHEET_COLUMNS, Sheet, Unwritable

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# No XML can hold these, whatever the way they are written.
FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
BLOCK_ROWS = 200  # that go to the compressor at a time


def escaped(text: str) -> str:
    """Return the text with what XML would read otherwise written as references; a lone CR would become LF."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("\r", "&#13;")


def width(title: str) -> int:
    """Return how many characters wide a column should stand."""
    return min(max(len(title) + 4, 12), 40)


def check_sheets(sheets: Sequence[Sheet]) -> None:
    """Refuse what no workbook can have."""
    for name, header, _ in sheets:
        if len(header) > SHEET_COLUMNS:
            raise Unwritable(f"{name} has {len(header):,} columns, and a sheet ends at {SHEET_COLUMNS:,}.")
        if not name:
            raise Unwritable("A sheet needs a name.")
    if len({name.casefold() for name, *_ in sheets}) < len(sheets):
        raise Unwritable("Two sheets have the same name.")
