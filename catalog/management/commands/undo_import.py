from typing import Any

from django.core.management.base import CommandParser

from catalog.imports.errors import ImportRefused
from catalog.imports.reach import EVERYTHING
from catalog.imports.undoing.undo import UndoResult, undo_run
from catalog.models import ImportRun
from marketplace.commands import CannotRun, OperatorCommand


class Command(OperatorCommand):
    help = (
        "Undo an import: every row returns to its state before it. Rows that were changed since are listed and"
        " left alone. Exit code 0: all rows returned; 1: rows were left alone; 2: nothing was undone."
    )
    examples = """  manage.py undo_import 12 --dry-run
  manage.py undo_import 12 --force --json"""

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument(
            "id", type=int, help="the number of the import, as its page and its command show it"
        )
        parser.add_argument(
            "--force", action="store_true", help="also return rows that were changed or deleted since"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, write nothing")

    def perform(self, **options: Any) -> UndoResult:
        run = ImportRun.objects.filter(pk=options["id"]).first()
        if run is None:
            raise CannotRun(f"There is no import {options['id']}.")
        try:
            return undo_run(run, force=options["force"], reach=EVERYTHING, dry_run=options["dry_run"])
        except ImportRefused as error:
            raise CannotRun(str(error)) from error
