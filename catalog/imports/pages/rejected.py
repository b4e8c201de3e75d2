"""The rejected rows of a run as a file in the layout of the one that was brought, with what is wrong in a last column.

Mended, it is brought like any other file: the column "error" is passed over then. The rows are read from the
bucket's copy again, so that they are as the file has them; memory stays flat whatever the number of rows.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Self

from django.db import connection, transaction

from catalog.imports import sql
from catalog.imports.columns import column_name
from catalog.imports.errors import ImportRefused
from catalog.imports.life import files
from catalog.imports.locking import hold_tables
from catalog.imports.mapping.binding import ERROR_HEADER, recognised
from catalog.imports.pages.changes import staged_columns
from catalog.imports.sources.readers import Table, open_tables
from catalog.imports.staging import schema_of
from catalog.models import ImportRun, ImportSheet, Outcome
from catalog.writers import csv, ods, xlsx

FAULTS_AT_ONCE = 2000  # rows whose faults are held at a time
ERROR_CHARACTERS = 10_000  # a cell of a workbook holds 32,767
GONE = "The rejected rows of this import are not kept any more; bring the file again to see them."
NONE_REJECTED = "No row of this import was rejected."
XLSX, ODS = ".xlsx", ".ods"
CONTENT_TYPES = {
    XLSX: xlsx.MEDIA_TYPE,
    ODS: ods.MEDIA_TYPE,
    ".tsv": "text/tab-separated-values; charset=utf-8",
}
Line = tuple[int, str]  # of the file, and what is wrong with it
Cells = list[str]


class Chunks:
    """The file's bytes; closing it, as a response does when it has ended, gives back what it holds open."""

    def __init__(self, chunks: Iterator[bytes], opened: ExitStack) -> None:
        self._chunks = chunks
        self._opened = opened

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        self._opened.close()


@dataclass(frozen=True)
class RunFile:
    """A file of a run to be sent: its name, media type, and bytes, which are read from the bucket's copy as they go."""

    name: str
    content_type: str
    chunks: Chunks


def rejected_file(run: ImportRun, sheet: ImportSheet | None = None) -> RunFile:
    """Return the rejected rows of the run, or of one sheet; of a workbook as one workbook.

    Raises ImportRefused where there are none, where they are not kept any more, and where the bucket does not
    give the file.
    """
    wanted = [sheet] if sheet else list(run.sheets.order_by("position"))
    sheets = [each for each in wanted if each.rejected]
    if not sheets:  # runs of earlier versions have none
        raise ImportRefused(GONE if run.rejected and not sheet else NONE_REJECTED)
    if not all(_is_kept(each) for each in sheets):
        raise ImportRefused(GONE)
    path = Path(run.file_name)
    suffix = XLSX if path.suffix.lower() == ".xlsm" else path.suffix.lower()
    opened = ExitStack()  # the sheets of a workbook join it one by one
    with ExitStack() as failing:
        failing.callback(opened.close)
        copy = opened.enter_context(files.local(run))
        chunks = _chunks(run, sheets, copy, suffix, opened)
        beginning = next(chunks)  # what cannot be read is refused now, not in the midst of a download
        failing.pop_all()
    return RunFile(
        f"{path.stem}-rejected{suffix}",
        CONTENT_TYPES.get(suffix, "text/csv; charset=utf-8"),
        Chunks(chain([beginning], chunks), opened),
    )


def _is_kept(sheet: ImportSheet) -> bool:
    with connection.cursor() as cursor:
        if "import_fault" not in staged_columns(cursor, schema_of(sheet)):
            return False
    return bool(_faults_after(sheet, 0, 1))


def _chunks(
    run: ImportRun, sheets: list[ImportSheet], path: Path, suffix: str, opened: ExitStack
) -> Iterator[bytes]:
    if suffix in (XLSX, ODS):
        write = xlsx.write if suffix == XLSX else ods.write
        # Each is opened when its turn has come: the sheets of a run are in another order than those of the file.
        return write([(sheet.name, _header(sheet), _later(run, sheet, path, opened)) for sheet in sheets])
    table = _open(run, sheets[0], path, opened)
    return csv.write(_header(sheets[0]), _rows(sheets[0], table), delimiter=table.delimiter)


def _open(run: ImportRun, sheet: ImportSheet, path: Path, opened: ExitStack) -> Table:
    tables = opened.enter_context(
        open_tables(
            path,
            run.file_name,
            recognise=recognised,
            sheets=(lambda name: name == sheet.name) if sheet.name else None,
        )
    )
    return next(tables)


def _later(run: ImportRun, sheet: ImportSheet, path: Path, opened: ExitStack) -> Iterator[Cells]:
    yield from _rows(sheet, _open(run, sheet, path, opened))


def _header(sheet: ImportSheet) -> Cells:
    return [*sheet.header[: _width(sheet)], ERROR_HEADER]


def _width(sheet: ImportSheet) -> int:
    """Return the number of the file's own columns: a mended file that was rejected again has "error" as its last."""
    again = bool(sheet.header) and column_name(sheet.header[-1]) == ERROR_HEADER
    return len(sheet.header) - again


def _rows(sheet: ImportSheet, table: Table) -> Iterator[Cells]:
    """Yield the rejected rows, each with what is wrong with it; both files and faults are in the order of lines.

    Cells beyond the header stand behind that, so that none is lost.
    """
    width = _width(sheet)
    rows = chain.from_iterable(table.blocks)
    for line, error in _faults(sheet):
        row = next(row for row in rows if row.line == line)
        yield [*row.cells[:width], error, *row.cells[len(sheet.header) :]]


def _faults(sheet: ImportSheet) -> Iterator[Line]:
    """Yield the rejected lines and what is wrong with each, in blocks, so that no transaction is held open."""
    titles = _titles(sheet)
    last = 0
    while found := _faults_after(sheet, last, FAULTS_AT_ONCE):
        for line, faults in found:
            told = [f"{titles.get(name, name)}: {message}" if name else message for name, message in faults]
            yield line, " ".join(told)[:ERROR_CHARACTERS]
        last = found[-1][0]


def _faults_after(sheet: ImportSheet, line: int, count: int) -> list[tuple[int, list[list[str]]]]:
    schema = schema_of(sheet)
    with transaction.atomic(), connection.cursor() as cursor:
        hold_tables(cursor, sheet.run_id, to_read=True)
        found: list[Any] = sql.rows(
            cursor,
            f"""SELECT line, array_agg(ARRAY[name, message] ORDER BY name, message) FROM {schema}.import_fault
                 WHERE line > {int(line)} AND EXISTS (
                       SELECT FROM {schema}.import_row AS r
                        WHERE r.line = import_fault.line AND r.outcome = '{Outcome.REJECTED}')
                 GROUP BY line ORDER BY line LIMIT {int(count)}""",
        )
    return found


def _titles(sheet: ImportSheet) -> dict[str, str]:
    """Return how the file calls the columns that are mapped from one of its own."""
    rules = {name: rule for name, rule in sheet.mapping.items() if isinstance(rule, dict)}
    return {name: str(rule["header"]) for name, rule in rules.items() if rule.get("header")}
