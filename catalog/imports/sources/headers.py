"""Which row of a table is its header: often the first one, sometimes below a title and the date of the list."""

import re
from collections.abc import Callable, Sequence

from catalog.imports.errors import ImportRefused
from catalog.imports.sources.rows import MAX_COLUMNS

HEADER_ROWS = 30  # filled rows among which the header is looked for
NO_TITLE = re.compile(r"[\W\d_]*")  # numbers, dates, prices: what no column is called
Recognise = Callable[[list[str]], int]  # how many of the cells mean a column of ours


def find_header(rows: Sequence[list[str]], recognise: Recognise) -> int:
    """Return the place of the header among a table's first filled rows.

    It is the first of the rows with the most recognised cells. Where nothing is recognised, it is the first
    row that holds nothing but titles and is more than half as wide as the widest; else the first row.
    """
    # A wrong delimiter makes a million cells of a long text; a title cannot stand beyond the last column that is read.
    rows = [cells[:MAX_COLUMNS] for cells in rows]
    known = [recognise(cells) for cells in rows]
    if most := max(known):
        return known.index(most)
    wide = max(_filled(cells) for cells in rows) / 2
    likely = (place for place, cells in enumerate(rows) if _filled(cells) > wide and _are_titles(cells))
    return next(likely, 0)


def first_row(_cells: list[str]) -> int:
    """Recognise every row alike, so that the first one is the header."""
    return 1


def above(lines: Sequence[int], place: int) -> list[str]:
    """Return what to say about the filled rows above the header, which are no rows of the table."""
    if not place:
        return []
    passed = f"line {lines[0]} above it was" if place == 1 else f"{place} lines above it were"
    return [f"The header was found in line {lines[place]}; {passed} passed over."]


def checked(header: list[str], name: str) -> list[str]:
    """Return the header without the blank cells of an endless one; refuse more columns than an import reads."""
    if len(header) > MAX_COLUMNS:
        header = without_blank_end(header)
    if len(header) > MAX_COLUMNS:
        raise ImportRefused(
            f"{name} has {len(header):,} columns, an import reads at most {MAX_COLUMNS:,};"
            " delete what lies right of the table."
        )
    return header


def without_blank_end(cells: list[str]) -> list[str]:
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _filled(cells: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _are_titles(cells: list[str]) -> bool:
    return all(not NO_TITLE.fullmatch(cell) for cell in cells if cell.strip())
