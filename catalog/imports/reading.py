"""From a file to judged rows: open, map, stage, judge. Nothing of the catalogue is written."""

import gc
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from pathlib import Path

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog.imports.columns import SHEET_ORDER, TARGETS, WORKBOOK, WORKBOOK_SHEETS, target_of_sheet
from catalog.imports.errors import ImportRefused
from catalog.imports.judging import judge
from catalog.imports.locking import hold_tables, prepare
from catalog.imports.mapping.binding import Mapping, bind, recognised, untitled
from catalog.imports.mapping.layouts import remembered as remembered_mapping
from catalog.imports.sources.readers import Row, Table, open_tables
from catalog.imports.staging import is_staged, stage
from catalog.models import ImportOrigin, ImportRun, ImportSheet, ImportState

SAMPLE_ROWS, SAMPLE_CELLS, SAMPLE_CHARACTERS = 200, 5_000, 100
OnRows = Callable[[int], None]


def read(
    run: ImportRun, open_path: Callable[[], AbstractContextManager[Path]], on_rows: OnRows | None = None
) -> ImportState:
    """Stage the run's file, unless its rows are staged as they are mapped now, and judge them.

    Returns READY, or MAPPING where a person has to say first what the columns mean. Raises ImportRefused.
    """
    if not staged_already(run):
        with open_path() as path:
            if not stage_file(run, path, on_rows):
                return ImportState.MAPPING
    judge(run)
    return ImportState.READY


def staged_already(run: ImportRun) -> bool:
    """Return whether all sheets lie staged, made by the mapping that they have now."""
    sheets = list(run.sheets.all())
    return bool(sheets) and all(
        sheet.marks.get("mapping") == sheet.mapping and is_staged(sheet) for sheet in sheets
    )


def stage_file(run: ImportRun, path: Path, on_rows: OnRows | None = None) -> bool:
    """Copy the file's tables into staging; return whether all of their columns are known or mapped."""
    named = target_of_sheet if run.target == WORKBOOK else None
    with transaction.atomic(), connection.cursor() as cursor:
        prepare(cursor)
        hold_tables(cursor, run.pk)
        with (
            _old_objects_set_aside(),
            open_tables(path, run.file_name, recognise=recognised, sheets=named) as tables,
        ):
            known = [_stage(cursor, run, table, on_rows) for table in tables]
    if not run.sheets.exists():
        raise ImportRefused(_nothing(run, len(known)))
    return all(known)


@contextmanager
def _old_objects_set_aside() -> Iterator[None]:
    """Keep what is in memory already from being looked through for garbage, which rows by the thousand set off.

    It would take half as long again as reading the rows. They themselves, and what comes with them, are looked at.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _stage(cursor: CursorWrapper, run: ImportRun, table: Table, on_rows: OnRows | None) -> bool:
    """Stage one table; return whether its columns are known. A table that has a header only is passed over."""
    first = next((block for block in table.blocks if block), [])
    if not first:
        return True
    sheet = _sheet(run, table, first)
    target = TARGETS[sheet.target]
    mapping = bind(table.header, target, sheet.mapping)
    refusal = mapping.refusal(table.header, target)
    if refusal and run.origin == ImportOrigin.COMMAND:
        raise ImportRefused(refusal)
    if refusal or _asks(run, sheet, mapping):
        deque(table.blocks, maxlen=0)  # the next table begins behind this one
        sheet.save()
        return False
    table.blocks = chain([first], table.blocks)
    stage(cursor, sheet, table, mapping, on_rows)
    nameless = untitled(table.header, sheet.sample, sheet.mapping)
    sheet.notes = [*table.warnings, *mapping.warnings, *nameless, *sheet.notes]
    sheet.save()
    return True


def _asks(run: ImportRun, sheet: ImportSheet, mapping: Mapping) -> bool:
    """Return whether a person has to say what the columns mean: some are unknown, and nobody said so yet."""
    return bool(mapping.unknown) and not sheet.mapping and run.origin != ImportOrigin.COMMAND


def _sheet(run: ImportRun, table: Table, first: list[Row]) -> ImportSheet:
    """Return the run's sheet for this table, with the mapping that was given or is remembered for its layout."""
    name = target_of_sheet(table.sheet) if run.target == WORKBOOK else run.target
    position = SHEET_ORDER.index(name) if run.target == WORKBOOK else 0
    sheet, _made = run.sheets.get_or_create(position=position, defaults={"target": name, "name": table.sheet})
    if run.target == WORKBOOK and sheet.name != table.sheet:
        raise ImportRefused(
            f"The sheets {sheet.name!r} and {table.sheet!r} both bring {name} rows; join them."
        )
    sheet.name, sheet.header, sheet.header_line = table.sheet, table.header, table.header_line
    sheet.sample = _sample(first, len(table.header))
    sheet.notes = []
    if not sheet.mapping and (remembered := remembered_mapping(TARGETS[sheet.target], table.header)):
        sheet.mapping = remembered
        sheet.notes = ["The columns were mapped as remembered for files of this layout."]
    return sheet


def _sample(rows: list[Row], width: int) -> list[list[str]]:
    count = max(1, min(SAMPLE_ROWS, SAMPLE_CELLS // max(width, 1)))
    return [[_shown(cell) for cell in row.cells[:width]] for row in rows[:count]]


def _shown(cell: str) -> str:
    return cell[:SAMPLE_CHARACTERS].replace("\0", "\ufffd")


def _nothing(run: ImportRun, tables: int) -> str:
    if tables or run.target != WORKBOOK:
        return "The file has a header but no rows."
    names = ", ".join(name.title() for name in WORKBOOK_SHEETS)
    return f"{run.file_name} has no sheet that an import knows; sheets are called {names}."
