"""One spreadsheet into the catalogue from start to end in this process, for commands and the demo.

    file -> rows of text -> import_text (COPY) -> import_typed (cast) -> import_merged (as it will be) -> table

The admin and the API take the same steps one by one, with a person between them: see life/runs.py.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import DatabaseError, transaction

from accounts.models import User
from catalog.imports.errors import ImportRefused
from catalog.imports.judging import judge
from catalog.imports.landing import land_at_once
from catalog.imports.life.work import keeping, working
from catalog.imports.options import ImportOptions
from catalog.imports.reading import stage_file
from catalog.imports.results import ImportResult
from catalog.models import ImportOrigin, ImportRun, ImportState
from marketplace import faults

__all__ = ["ImportOptions", "import_file"]
OnRows = Callable[[int], None]


def import_file(
    *,
    path: Path,
    target: str,
    options: ImportOptions,
    by: User | None = None,
    on_rows: OnRows | None = None,
    file_name: str = "",
    dry_run: bool = False,
    mapping: dict[str, Any] | None = None,
    withdraw: int | None = None,
) -> ImportResult:
    """Import a spreadsheet; raise ImportRefused where it cannot be imported at all.

    `target` is one of columns.TARGETS, or workbook. `on_rows` hears how many rows were read so far. `file_name`
    is what people call the file, where `path` is not its own name. `mapping` says how columns are made of the
    file's. `withdraw` is the number of withdrawals that the caller agreed to. A dry run judges and leaves nothing.
    """
    run = ImportRun(
        target=target,
        origin=ImportOrigin.COMMAND,
        file_name=(file_name or path.name)[-255:],
        options=options.as_json(),
        started_by=by,
        confirmed_withdrawals=withdraw,
        state=ImportState.READING,
    )
    if dry_run:
        return _try(run, path, mapping, on_rows)
    return _land(run, path, mapping, on_rows)


def _begin(run: ImportRun, mapping: dict[str, Any] | None) -> None:
    run.save()
    if mapping:
        run.sheets.create(position=0, target=run.target, mapping=mapping)


def _try(run: ImportRun, path: Path, mapping: dict[str, Any] | None, on_rows: OnRows | None) -> ImportResult:
    """Judge in a transaction that is taken back."""
    try:
        with transaction.atomic():
            _begin(run, mapping)
            stage_file(run, path, on_rows)
            judge(run)
            result = ImportResult.of(run, dry_run=True)
            transaction.set_rollback(True)
            return result
    except DatabaseError as error:
        raise ImportRefused(faults.sentence(error)) from error


def _land(run: ImportRun, path: Path, mapping: dict[str, Any] | None, on_rows: OnRows | None) -> ImportResult:
    _begin(run, mapping)
    with working(run, on_rows) as tell:
        stage_file(run, path, tell)
        with keeping(run, path) as kept:  # while the database judges, this process has little else to do
            landed = land_at_once(run, kept)
            kept()
    return ImportResult.of(run, landed=landed)
