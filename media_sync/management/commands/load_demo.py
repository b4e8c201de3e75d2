"""`manage.py load_demo`: a catalogue to look at, brought in as an operator would."""

from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console
from rich.progress import Progress

from catalog.imports.errors import ImportRefused
from marketplace.commands import CannotRun, OperatorCommand
from media_sync.demo.loading import DemoResult, load_demo
from media_sync.errors import BucketUnavailable, SyncRefused


class Command(OperatorCommand):
    help = (
        "Load the demo catalogue: vehicles, tools and memorabilia of films and series, with drawn pictures. "
        "It leaves all other items alone, and a second run writes nothing."
    )
    examples = """\
  manage.py load_demo            load it, or what is missing of it
  manage.py load_demo --dry-run  what would be loaded
  manage.py load_demo --json     the outcome for machines
"""

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would change and change nothing")

    def perform(self, **options: Any) -> DemoResult:
        with Progress(
            console=Console(stderr=True), transient=True, disable=not self.stderr.isatty()
        ) as bar:  # fmt: skip
            task = bar.add_task("pictures", total=None)
            try:
                return load_demo(
                    dry_run=options["dry_run"],
                    progress=lambda done, of: bar.update(task, completed=done, total=of),
                )
            except (ImportRefused, BucketUnavailable, SyncRefused) as error:
                raise CannotRun(str(error)) from error
