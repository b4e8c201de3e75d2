"""What the import commands share."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from catalog.imports.engine import ImportOptions, import_file
from catalog.imports.errors import ImportRefused
from catalog.imports.results import ImportResult
from marketplace.commands import CannotRun, OperatorCommand


class ImportCommand(OperatorCommand):
    """Imports one spreadsheet; a subclass names the target and the examples."""

    target = ""

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a .csv, .tsv, .txt, .xlsx, .xlsm or .ods file")
        parser.add_argument("--dry-run", action="store_true", help="judge and count, write nothing")
        parser.add_argument(
            "--on-error", choices=["skip", "abort"], default="skip",
            help="skip: land the good rows (default); abort: land nothing when a row is rejected",
        )  # fmt: skip
        parser.add_argument(
            "--blank", choices=["keep", "clear"], default="keep",
            help="keep: an empty cell leaves the field alone (default); clear: it clears the field",
        )  # fmt: skip
        parser.add_argument(
            "--terms", choices=["create", "refuse"], default="create",
            help="create: unknown genres, types and categories become terms (default); refuse: reject their rows",
        )  # fmt: skip

    def perform(self, **options: Any) -> ImportResult:
        wanted = ImportOptions(
            dry_run=options["dry_run"],
            on_error=options["on_error"],
            blank=options["blank"],
            terms=options["terms"],
        )
        columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows read"), TimeElapsedColumn())
        with Progress(
            *columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True
        ) as bar:
            task = bar.add_task("", total=None)
            try:
                return import_file(
                    path=options["file"],
                    target=self.target,
                    options=wanted,
                    on_rows=lambda rows: bar.update(task, completed=rows),
                )
            except ImportRefused as error:
                raise CannotRun(str(error)) from error
