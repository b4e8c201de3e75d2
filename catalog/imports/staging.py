"""From rows of text to the temporary table that everything else reads.

`import_text` holds one row a line: `line`, `fault` (what is wrong with the row as a whole) and a text
column `r_<name>` for each known column of the file. The view `import_trimmed` shows the same with
blanks taken off and empty cells as NULL.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from operator import itemgetter

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column, Target, column_name
from catalog.imports.errors import ImportRefused
from catalog.imports.readers import Row, Table

CELL, ROW = "\x1f", "\x1e"  # put between cells and rows while a block is one text; cells may not hold them
CONTROL = "The row holds a control character (such as NUL) that no text can hold."


@dataclass(frozen=True)
class Mapping:
    """Which cell of a row belongs to which column, and what to say about the headers."""

    columns: tuple[Column, ...]
    positions: tuple[int, ...]
    warnings: tuple[str, ...]

    def has(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)


def map_header(header: list[str], target: Target) -> Mapping:
    """Find the columns that the header names; refuse a column named twice and a table without its key."""
    found: dict[str, int] = {}
    unknown: list[str] = []
    for position, title in enumerate(header):
        name = column_name(title)
        if name in found:
            raise ImportRefused(f"The header names the column {name!r} twice.")
        if name in target.by_name:
            found[name] = position
        elif name:
            unknown.append(" ".join(title.split()))
    if not found.keys() & set(target.needs):
        wanted = " or ".join(repr(name) for name in target.needs)
        raise ImportRefused(f"The header has no {wanted} column; it has {_listed(header)}.")
    columns = tuple(column for column in target.columns if column.name in found)
    return Mapping(
        columns,
        tuple(found[column.name] for column in columns),
        tuple(_unknown_header(title, target) for title in unknown),
    )


def _listed(header: list[str]) -> str:
    titles = [repr(title.strip()[:40]) for title in header[:12] if title.strip()]
    return ", ".join(titles) + (" and more" if len(header) > len(titles) else "")


def _unknown_header(title: str, target: Target) -> str:
    close = get_close_matches(column_name(title)[:60], target.by_name, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"The column '{title[:60]}' is unknown and was ignored.{hint}"


def stage(
    cursor: CursorWrapper, table: Table, mapping: Mapping, on_rows: Callable[[int], None] | None
) -> int:
    """Copy the table's rows into `import_text`; return how many there are."""
    _create(cursor, mapping.columns)
    count = 0
    with cursor.copy("COPY import_text FROM STDIN (DELIMITER E'\\x1f', NULL '')") as copy:
        for block in table.blocks:
            copy.write(_as_copy_text(block, mapping.positions))
            count += len(block)
            if on_rows:
                on_rows(count)
    if not count:
        raise ImportRefused("The file has a header but no rows.")
    sql.run(cursor, "ANALYZE import_text (line)")
    return count


def _create(cursor: CursorWrapper, columns: tuple[Column, ...]) -> None:
    raw = ", ".join(f"r_{column.name} text" for column in columns)
    trimmed = ", ".join(f"{sql.trimmed(f'r_{column.name}')} AS r_{column.name}" for column in columns)
    sql.run(cursor, "DROP TABLE IF EXISTS pg_temp.import_text CASCADE")
    sql.run(cursor, f"CREATE TEMP TABLE import_text (line int, fault text, {raw}) ON COMMIT DROP")
    # OFFSET 0 keeps the trimming from being repeated wherever a column is named.
    sql.run(
        cursor,
        f"CREATE TEMP VIEW import_trimmed AS SELECT line, fault, {trimmed} FROM import_text OFFSET 0",
    )


def _as_copy_text(block: list[Row], positions: tuple[int, ...]) -> bytes:
    """Return the block in COPY's text format: escaped as one text, which costs a fraction of escaping cells."""
    pick: Callable[[list[str]], tuple[str, ...]] = (
        itemgetter(*positions) if len(positions) > 1 else lambda cells: (cells[positions[0]],)
    )
    lines = [CELL.join((str(line), fault, *pick(cells))) for line, cells, fault in block]
    text = ROW.join(lines)
    expected = len(block) * (len(positions) + 1)
    if "\0" in text or text.count(CELL) != expected or text.count(ROW) != len(block) - 1:
        text = ROW.join(_without_control(block, pick))
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace(ROW, "\n")
    return (text + "\n").encode("utf-8", "replace")


def _without_control(block: list[Row], pick: Callable[[list[str]], tuple[str, ...]]) -> Iterator[str]:
    for line, cells, fault in block:
        picked = CELL.join(pick(cells))
        clean = [cell.replace("\0", "\ufffd").replace(CELL, " ").replace(ROW, " ") for cell in pick(cells)]
        control = CONTROL if CELL.join(clean) != picked else ""
        yield CELL.join((str(line), fault or control, *clean))
