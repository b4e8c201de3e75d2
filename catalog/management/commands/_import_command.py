"""What the import commands share."""

import json
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from catalog.imports.columns import TARGETS
from catalog.imports.engine import ImportOptions, import_file
from catalog.imports.errors import ImportRefused
from catalog.imports.life import housekeeping
from catalog.imports.mapping.checks import check_rules
from catalog.imports.results import ImportResult
from marketplace.commands import CannotRun, OperatorCommand

OPTIONS = ("on_error", "max_rejected", "blank", "terms", "existing")
LONGEST_NUMBER = 9  # digits
LIST_OPTIONS = ("full_list", "full_list_prefix", "max_withdrawn")


class ImportCommand(OperatorCommand):
    """Imports one spreadsheet; a subclass names the target and the examples.

    `takes_mapping`: the file is one table, so a mapping of its columns may be given. `lists_stock`: it may be
    a full list of what is in stock.
    """

    target = ""
    takes_mapping = True
    lists_stock = False

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a .csv, .tsv, .txt, .xlsx, .xlsm or .ods file")
        parser.add_argument("--dry-run", action="store_true", help="judge and count, write nothing")
        _add_policies(parser)
        if self.takes_mapping:
            parser.add_argument(
                "--mapping", type=Path, metavar="FILE.json",
                help="how columns are made of the file's, as docs/importing.md says",
            )  # fmt: skip
        if self.lists_stock:
            _add_stock_list(parser)

    def perform(self, **options: Any) -> ImportResult:
        housekeeping.pick_up()  # what commands before this one left when they were killed
        policies = {name: options[name] for name in (*OPTIONS, *LIST_OPTIONS) if name in options}
        columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows read"), TimeElapsedColumn())
        with Progress(
            *columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True
        ) as bar:
            task = bar.add_task("", total=None)
            try:
                return import_file(
                    path=options["file"],
                    target=self.target,
                    options=ImportOptions(**policies),
                    on_rows=lambda rows: bar.update(task, completed=rows),
                    dry_run=options["dry_run"],
                    mapping=self._mapping(options.get("mapping")),
                    withdraw=options.get("withdraw"),
                )
            except ImportRefused as error:
                raise CannotRun(str(error)) from error

    def _mapping(self, path: Path | None) -> dict[str, Any] | None:
        if path is None:
            return None
        try:
            mapping = json.loads(path.read_bytes())
        except OSError as error:
            raise CannotRun(f"{path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise CannotRun(f"{path} is no JSON: {error}.") from error
        if faults := check_rules(mapping, TARGETS[self.target]):
            raise CannotRun(f"{path}: {' '.join(faults)}")
        return dict(mapping)


def _add_policies(parser: CommandParser) -> None:
    parser.add_argument(
        "--on-error", choices=["skip", "abort"], default="skip",
        help="skip: land the good rows (default); abort: land nothing when a row is rejected",
    )  # fmt: skip
    parser.add_argument(
        "--max-rejected", type=_count, metavar="N", help="land nothing when more rows than this are rejected"
    )
    parser.add_argument(
        "--blank", choices=["keep", "clear"], default="keep",
        help="keep: an empty cell leaves the field alone (default); clear: it clears the field",
    )  # fmt: skip
    parser.add_argument(
        "--terms", choices=["create", "refuse"], default="create",
        help="create: unknown genres, types and categories become terms (default); refuse: reject their rows",
    )  # fmt: skip
    parser.add_argument(
        "--existing", choices=["both", "add", "update"], default="both",
        help="both: change what is there and add what is new (default); add: only what is new; update: only what is there",
    )  # fmt: skip


def _add_stock_list(parser: CommandParser) -> None:
    parser.add_argument(
        "--full-list", action="store_true",
        help="the file names all that is in stock: published items of the kind that it does not name are withdrawn",
    )  # fmt: skip
    parser.add_argument(
        "--full-list-prefix", default="", metavar="P",
        help="the full list is of items whose reference begins with this",
    )  # fmt: skip
    parser.add_argument(
        "--max-withdrawn", type=_percentage, default=5.0, metavar="PERCENT",
        help="refuse a full list that withdraws more of the items than this (default: 5)",
    )  # fmt: skip
    parser.add_argument(
        "--withdraw", type=_count, metavar="N",
        help="how many items are withdrawn, as the dry run told; without it none is, and nothing lands",
    )  # fmt: skip


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > LONGEST_NUMBER:
        raise ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)


def _percentage(text: str) -> float:
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:  # noqa: PLR2004  (percent)
        raise ArgumentTypeError(f"{text!r} is no percentage from 0 to 100")
    return number
