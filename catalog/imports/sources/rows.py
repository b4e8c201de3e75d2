"""What every reader of files hands on: tables of numbered rows of text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

BLOCK_ROWS = 2000
BLOCK_CHARACTERS = (
    2 * 1024 * 1024
)  # a block ends here even with fewer rows, so that long cells do not pile up
MAX_COLUMNS = 2_000


class Row(NamedTuple):
    line: int  # of the file or sheet, the first being 1
    cells: list[str]  # as many as the header has; of a row whose fault is to have more, all
    fault: str = ""  # what is wrong with the row as a whole


@dataclass
class Table:
    """One table of a file: its rows can be read once, and before the next table of the file is asked for.

    `sheet` is "" for a file of one table. `header_line` is where the header begins. `warnings` are sentences.
    `delimiter` stands between the cells of a text file; a workbook has none.
    """

    header: list[str]
    blocks: Iterator[list[Row]]
    sheet: str = ""
    header_line: int = 1
    warnings: list[str] = field(default_factory=list)
    delimiter: str = ""


def fitted(line: int, cells: list[str], width: int) -> Row:
    """Return the row with as many cells as the header: missing ones are blank, filled ones beyond are a fault."""
    if len(cells) == width:
        return Row(line, cells)
    if len(cells) <= width or not any(cell.strip() for cell in cells[width:]):
        return Row(line, (cells + [""] * width)[:width])
    fault = f"The row has {len(cells)} cells, the header has {width}."
    return Row(line, cells, fault)
