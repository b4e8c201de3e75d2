"""The formats of exports, and an export as the bytes of one."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from django.db import connection, models

from catalog import writers
from catalog.exports.rows import Export, ExportRefused
from catalog.imports import sql
from catalog.imports.columns import WORKBOOK_SHEETS, Column, Reading
from catalog.writers.table import SHEET_ROWS
from catalog.writers.xlsx import CELL_UNITS, utf16_units

IDS_AT_ONCE = 5_000
LONGEST_ESCAPE = 6  # characters that stand for one: \u0001


class FileFormat(NamedTuple):
    title: str
    content_type: str
    write: Callable[[Export], Iterator[bytes]]


def _sheet_name(export: Export) -> str:
    names = {target: sheet for sheet, target in WORKBOOK_SHEETS.items()}
    return names.get(export.target.name, "Items")


def _csv(export: Export, delimiter: str = ",") -> Iterator[bytes]:
    return writers.csv.write(export.header, export.cells(), delimiter)


def _xlsx(export: Export) -> Iterator[bytes]:
    _check_rows(export)
    _check_lengths(export)
    return writers.xlsx.write([(_sheet_name(export), export.header, export.cells())])


def _ods(export: Export) -> Iterator[bytes]:
    _check_rows(export)
    return writers.ods.write([(_sheet_name(export), export.header, export.cells())])


def _jsonl(export: Export) -> Iterator[bytes]:
    return writers.jsonl.write(export.header, export.objects())


FORMATS = {
    "csv": FileFormat("CSV", "text/csv", _csv),
    "xlsx": FileFormat("XLSX (Excel)", writers.xlsx.MEDIA_TYPE, _xlsx),
    "ods": FileFormat("ODS (LibreOffice)", writers.ods.MEDIA_TYPE, _ods),
    "jsonl": FileFormat("JSON lines", "application/jsonl", _jsonl),
    "tsv": FileFormat("Tab-separated", "text/tab-separated-values", partial(_csv, delimiter="\t")),
}


def file_of(export: Export, name: str) -> Iterator[bytes]:
    """Return the export's file in chunks. Refused before the first of them: what the format cannot hold."""
    return FORMATS[name].write(export)


def _check_rows(export: Export) -> None:
    if len(export) >= SHEET_ROWS:
        raise ExportRefused(
            f"A sheet holds {SHEET_ROWS - 1:,} rows and the list has {len(export):,};"
            " export CSV or JSON lines, or narrow the list."
        )


def _check_lengths(export: Export) -> None:
    """Refuse a text longer than a cell of Excel; only rows that may hold one are looked at closely."""
    for row in export.cells(_long_rows(export)):
        for title, cell in zip(export.header, row, strict=True):
            if isinstance(cell, str) and (units := utf16_units(cell)) > CELL_UNITS:
                key = dict(zip(export.header, row, strict=True)).get(export.target.key, "a row")
                raise ExportRefused(
                    f"The {title} of {key} has {units:,} characters, and a cell of Excel holds {CELL_UNITS:,};"
                    " export CSV, ODS or JSON lines, or leave that column out."
                )


def _long_rows(export: Export) -> list[int]:
    """Return the ids of rows with a value of more bytes than surely fit, by columns that hold texts of any length."""
    named = [
        sql.name(column.stored)
        for column in export.columns
        if column.reading is Reading.OBJECT
        or (column.reading is Reading.TEXT and _is_unbounded(export, column))
    ]
    if not named:
        return []
    long = " OR ".join(f"octet_length({name}::text) > {CELL_UNITS // LONGEST_ESCAPE}" for name in named)
    query = f"SELECT id FROM {export.target.table} WHERE id = ANY(%s) AND ({long}) ORDER BY id"  # noqa: S608  (our own names)
    found: list[int] = []
    with connection.cursor() as cursor:
        for start in range(0, len(export), IDS_AT_ONCE):
            cursor.execute(query, [list(export.ids[start : start + IDS_AT_ONCE])])
            found += (pk for (pk,) in cursor.fetchall())
    return found


def _is_unbounded(export: Export, column: Column) -> bool:
    return bool(column.stored) and isinstance(
        export.target.model._meta.get_field(column.stored), models.TextField
    )
