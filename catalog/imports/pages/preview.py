"""What becomes of a sheet's rows, page by page: before they land, when they have landed, and after an undo.

A page costs the same number of queries whatever the size of the file. Values are read as text and cut in the
database, so that a cell of a megabyte never comes as far as here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import errors

from catalog.imports import sql
from catalog.imports.columns import TARGETS, Target
from catalog.imports.errors import ImportRefused
from catalog.imports.judging import COUNTED
from catalog.imports.locking import hold_tables
from catalog.imports.pages.changes import Values, find_changes, find_faults, find_titles, staged_columns
from catalog.imports.staging import schema_of
from catalog.models import ImportSheet, Outcome, Status

SIZE = 50  # rows of a page
LIMITS = (300, 120, 40)  # characters of a value that are shown: fewer where a page would grow too large
PAGE_CHARACTERS = 80_000
MARK = "…"
BUSY = "The rows of this import are being worked on; look again in a moment."
GONE = "The rows of this import are not kept any more; what it wrote stands in the history of each item."
WITHDRAWN = "withdrawn"  # what becomes of items that a full stock list does not name
COUNTS = {"": "rows", **COUNTED}  # by the outcome that is asked for


class StagingGone(ImportRefused):
    """The sheet's rows cannot be shown: pruned, lost with a crash of the database, or being read anew just now."""


@dataclass(frozen=True)
class FieldChange:
    """A column of a row with its value before and after; empty before: new, empty after: cleared."""

    column: str
    before: str
    after: str


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row: the column (empty for the row as a whole), its cell as the file has it, a sentence."""

    column: str
    value: str
    message: str


@dataclass(frozen=True)
class PreviewRow:
    """One row of the file. `object_id` is the catalogue's row that it is about, None where there is none."""

    line: int
    outcome: str
    title: str
    object_id: int | None
    changes: tuple[FieldChange, ...]
    faults: tuple[Fault, ...]
    left_out: bool


@dataclass(frozen=True)
class PreviewPage:
    """`number` of `pages` (at least one); `total` is the number of rows with the wanted outcome."""

    rows: tuple[PreviewRow, ...]
    number: int
    pages: int
    total: int


def page(sheet: ImportSheet, *, outcome: str = "", number: int = 1, size: int = SIZE) -> PreviewPage:
    """Return a page of the sheet's rows, in the file's order; `outcome` is one of Outcome, empty for all rows.

    A number beyond the last page gives the last. Raises StagingGone where the rows are not kept any more.
    """
    total = int(getattr(sheet, COUNTS[outcome]))
    pages = max(1, -(-total // size))
    number = min(max(number, 1), pages)
    with _settled(sheet) as cursor:
        columns = staged_columns(cursor, schema_of(sheet))
        if not {"import_row", "import_merged"} <= columns.keys():
            raise StagingGone(GONE)
        start = (number - 1) * size
        found = _lines(
            cursor, sheet, outcome=outcome, start=start, count=min(size, total - start), total=total
        )
        if total and not found:  # a crash of the database empties the tables
            raise StagingGone(GONE)
        rows = _rows(cursor, sheet, found, columns) if found else []
    return PreviewPage(tuple(_fitting(rows)), number, pages, total)


@contextmanager
def _settled(sheet: ImportSheet) -> Iterator[CursorWrapper]:
    """Turn into StagingGone what comes of tables that another process replaces at this moment."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            hold_tables(cursor, sheet.run_id, to_read=True)
            yield cursor
    except (ProgrammingError, OperationalError) as error:
        if isinstance(
            error.__cause__, errors.UndefinedTable | errors.UndefinedColumn | errors.LockNotAvailable
        ):
            raise StagingGone(BUSY) from error
        raise


def withdrawals(sheet: ImportSheet, *, number: int = 1, size: int = SIZE) -> PreviewPage:
    """Return a page of the items that a full stock list withdraws, in the order of their ids; they have no line.

    Raises StagingGone as `page` does.
    """
    pages = max(1, -(-sheet.withdrawn // size))
    number = min(max(number, 1), pages)
    with _settled(sheet) as cursor:
        if not staged_columns(cursor, schema_of(sheet)).get("import_withdrawn"):
            raise StagingGone(GONE)
        found = sql.rows(
            cursor,
            f"""SELECT w.id, i.id, coalesce(format('%s (%s)', i.name, i.reference), 'item ' || w.id)
                  FROM {schema_of(sheet)}.import_withdrawn AS w LEFT JOIN catalog_item AS i ON i.id = w.id
                 ORDER BY w.id LIMIT {int(size)} OFFSET {(number - 1) * int(size)}""",
        )
    if sheet.withdrawn and not found:
        raise StagingGone(GONE)
    change = FieldChange("status", Status.PUBLISHED.value, Status.DRAFT.value)
    rows = (PreviewRow(0, WITHDRAWN, title, item, (change,), (), left_out=False) for _, item, title in found)
    return PreviewPage(tuple(rows), number, pages, sheet.withdrawn)


def _lines(
    cursor: CursorWrapper, sheet: ImportSheet, *, outcome: str, start: int, count: int, total: int
) -> list[tuple[Any, ...]]:
    """Return (line, outcome, id) of the page's rows; counted from the end of the file where that is nearer."""
    order, offset = ("DESC", total - start - count) if start > total // 2 else ("ASC", start)
    where = f"WHERE outcome = {sql.quoted(outcome)}" if outcome else ""
    table = f"{schema_of(sheet)}.import_row"
    return sql.rows(
        cursor,
        f"""SELECT line, outcome, id FROM {table} WHERE line IN (
                   SELECT line FROM {table} {where} ORDER BY line {order} LIMIT {count} OFFSET {offset})
             ORDER BY line""",
    )


def _rows(
    cursor: CursorWrapper, sheet: ImportSheet, found: list[tuple[Any, ...]], columns: dict[str, list[str]]
) -> list[PreviewRow]:
    target = TARGETS[sheet.target]
    lines = [line for line, _, _ in found]
    titles = find_titles(cursor, sheet, target, columns, lines)
    changes = find_changes(cursor, sheet, target, columns, lines)
    faults = find_faults(cursor, sheet, columns, lines)
    left_out = set(sheet.left_out_lines)
    rows = []
    for line, outcome, found_id in found:
        title, present_id = titles.get(line, ("", None))
        shown = changes.get(line, []) if outcome in (Outcome.NEW, Outcome.CHANGED) else []
        rows.append(
            PreviewRow(
                line=line,
                outcome=outcome,
                title=title,
                object_id=found_id or present_id,
                changes=tuple(FieldChange(*change) for change in _given(shown, target, columns, outcome)),
                faults=tuple(Fault(*fault) for fault in faults.get(line, [])),
                left_out=outcome == Outcome.LEFT_OUT or line in left_out,
            )
        )
    return rows


def _given(
    changes: list[Values], target: Target, columns: dict[str, list[str]], outcome: str
) -> list[Values]:
    """Return what to show of the changes: of a new row what the file gives, not what the model fills in."""
    if outcome != Outcome.NEW:
        return changes
    given = {name.removeprefix("r_") for name in columns["import_text"]}
    return [(column, before, after) for column, before, after in changes if column in given and after]


def _fitting(rows: list[PreviewRow]) -> list[PreviewRow]:
    """Return the rows with their values cut, so that the page stays small whatever the cells hold."""
    for limit in LIMITS:
        cut = [_cut_row(row, limit) for row in rows]
        if _size(cut) <= PAGE_CHARACTERS:
            break
    return cut


def _cut_row(row: PreviewRow, limit: int) -> PreviewRow:
    return replace(
        row,
        title=_cut(row.title, limit),
        changes=tuple(
            FieldChange(c.column, _cut(c.before, limit), _cut(c.after, limit)) for c in row.changes
        ),
        faults=tuple(Fault(f.column, _cut(f.value, limit), f.message) for f in row.faults),
    )


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + MARK


def _size(rows: list[PreviewRow]) -> int:
    return sum(
        len(text)
        for row in rows
        for text in chain(
            [row.title],
            *((c.before, c.after) for c in row.changes),
            *((f.value, f.message) for f in row.faults),
        )
    )
