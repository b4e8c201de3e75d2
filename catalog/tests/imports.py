"""What the tests of imports share: files made on the spot, and the engine called with few words."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from catalog.imports import judging
from catalog.imports.engine import ImportOptions, import_file
from catalog.imports.reach import EVERYTHING, Reach
from catalog.imports.results import ImportResult
from catalog.imports.sources.readers import open_table


def table(path: Path, header: str, *rows: list[str]) -> Path:
    """Write a CSV file; the header is a comma-separated text, each row a list of cells."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    return path


def workbook(path: Path, *rows: Sequence[object]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def run(
    path: Path, target: str = "vehicle", *, dry_run: bool = False, reach: Reach = EVERYTHING, **options: Any
) -> ImportResult:
    """Import the file as at the server's console, which reaches everything unless `reach` says otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "EVERYTHING", reach)
        return import_file(path=path, target=target, dry_run=dry_run, options=ImportOptions(**options))


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    """Return (created, changed, unchanged, rejected)."""
    return result.created, result.changed, result.unchanged, result.rejected


def faults(result: ImportResult) -> list[tuple[int, str, str, str]]:
    return [(issue.line, issue.column, issue.value, issue.message) for issue in result.issues]


def rows_of(path: Path) -> tuple[list[str], list[tuple[Any, ...]], list[str]]:
    """Return the header, the rows and the warnings of a file as the readers see it."""
    with open_table(path) as opened:
        return opened.header, [tuple(row) for block in opened.blocks for row in block], opened.warnings
