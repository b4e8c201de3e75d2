"""`manage.py sync_s3`: what is in the bucket appears in the catalogue."""

import argparse
import re
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from marketplace.commands import CannotRun, OperatorCommand
from media_sync.diff import Cap
from media_sync.errors import BucketUnavailable, SyncRefused
from media_sync.report import SyncResult
from media_sync.sync import sync_bucket


class Command(OperatorCommand):
    help = "Bring the catalogue's media into agreement with the bucket. It only reads the bucket."
    examples = """\
  manage.py sync_s3                            the whole bucket
  manage.py sync_s3 --prefix vehicles/aston/   what begins with this
  manage.py sync_s3 --dry-run                  what would change; exit code 1 if something would
  manage.py sync_s3 --max-missing 20%          after a large clean-up of the bucket
"""

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--prefix", default="", help="look only at objects whose key begins with this")
        parser.add_argument("--dry-run", action="store_true", help="say what would change and change nothing")
        parser.add_argument(
            "--max-missing",
            type=_cap,
            default=Cap(),
            metavar="N|N%",
            help="mark at most so many known objects missing, else none (default: the larger of 100 and 5%%)",
        )

    def perform(self, **options: Any) -> SyncResult:
        with Progress(
            SpinnerColumn(), TextColumn("{task.completed:,} objects listed"),
            console=Console(stderr=True), transient=True, disable=not self.stderr.isatty(),
        ) as bar:  # fmt: skip
            task = bar.add_task("listing", total=None)
            try:
                return sync_bucket(
                    prefix=options["prefix"],
                    dry_run=options["dry_run"],
                    cap=options["max_missing"],
                    progress=lambda listed: bar.update(task, completed=listed),
                )
            except (BucketUnavailable, SyncRefused) as error:
                raise CannotRun(str(error)) from error


def _cap(text: str) -> Cap:
    """Read `250` or `5%`."""
    match = re.fullmatch(r"([0-9]{1,9})(%?)", text, re.ASCII)
    if not match or (match[2] and int(match[1]) > 100):  # noqa: PLR2004  (per cent)
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number, such as 250, nor a share, such as 5%"
        )
    return Cap(0, int(match[1]) / 100) if match[2] else Cap(int(match[1]), 0)
