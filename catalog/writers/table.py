"""What the writers share."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

Cell = str | int | float | Decimal | None
Header = Sequence[str]
Rows = Iterable[Sequence[Cell]]
Sheet = tuple[str, Header, Rows]  # its name, header and rows

SHEET_ROWS = 1_048_576  # of a spreadsheet program's sheet, the header among them
SHEET_COLUMNS = 16_384


class Unwritable(Exception):
    """The format cannot hold this; the message is one sentence that names row and column."""


def place(header: Header, line: int, column: int) -> str:
    """Return words for a cell's place; `line` is that of the file, the header being line 1."""
    title = header[column] if column < len(header) else f"number {column + 1}"
    return f"Line {line:,}, column {title}"


def check_line(name: str, line: int) -> None:
    """Refuse the line behind the last one that a sheet has."""
    if line > SHEET_ROWS:
        raise Unwritable(
            f"{name} has more than {SHEET_ROWS - 1:,} rows, and a sheet ends there; use CSV or JSON lines."
        )


def plain(number: int | float | Decimal) -> str:
    """Return the number in digits, without an exponent."""
    return str(number) if isinstance(number, int) else format(Decimal(str(number)), "f")
