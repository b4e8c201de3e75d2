"""`manage.py import_media`: many files at once, each to its item."""

from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console
from rich.progress import Progress

from marketplace.commands import CannotRun, OperatorCommand
from media_sync.arrivals import batches
from media_sync.arrivals.errors import ArrivalRefused
from media_sync.arrivals.prefix import SCHEME, BucketPart
from media_sync.arrivals.report import Arrived
from media_sync.arrivals.sources import opened
from media_sync.errors import BucketUnavailable
from media_sync.pictures.errors import ReaderUnavailable


class Command(OperatorCommand):
    help = (
        "Import pictures, films and documents from a folder, a ZIP archive, a part of the bucket, or addresses in a"
        " spreadsheet. Each goes to the item whose reference or slug stands in the name of one of its folders, or in its"
        " own; a number at the name's end or beginning is its position. What an item has already is not stored again."
    )
    examples = """\
  manage.py import_media photos/                     what lies in the folder and below
  manage.py import_media photos.zip --dry-run        a table of what matches what
  manage.py import_media s3://catalogue/old/shoot/   objects of the bucket, which stay where they are
  manage.py import_media pictures.csv                columns reference (or slug), url, and perhaps position
  manage.py import_media photos/ --keep-unmatched    store files without an item, too: to be assigned in the admin
"""

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument(
            "source",
            metavar="PATH|s3://BUCKET/PREFIX",
            help="a folder, a .zip, a spreadsheet, or a part of the bucket",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what matches what and write nothing")
        parser.add_argument(
            "--keep-unmatched",
            action="store_true",
            help="store files without an item, to be assigned in the admin",
        )

    def perform(self, **options: Any) -> Arrived:
        try:
            if options["source"].startswith(SCHEME):
                return self._do(BucketPart(options["source"]), options)
            with opened(options["source"]) as source:
                return self._do(source, options)
        except (ArrivalRefused, BucketUnavailable, ReaderUnavailable) as error:
            raise CannotRun(str(error)) from error

    def _do(self, source: Any, options: dict[str, Any]) -> Arrived:
        if options["dry_run"]:
            return batches.preview(source)
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not self.stderr.isatty()) as bar:
            task = bar.add_task("files", total=None)
            return batches.run(
                source,
                keep_unmatched=options["keep_unmatched"],
                progress=lambda done, of: bar.update(task, completed=done, total=of or None),
            )
