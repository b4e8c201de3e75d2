"""`manage.py sync_s3`: what is in the bucket appears in the catalogue."""

import argparse
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from marketplace.commands import CannotRun, OperatorCommand, Outcome
from media_sync.errors import BucketUnavailable, SyncRefused
from media_sync.reconcile.guards import Cap
from media_sync.reconcile.purge import DAY, purge
from media_sync.reconcile.sync import apply_plan, sync_bucket

MOST_WORKERS = 32  # connections that a client keeps


class Command(OperatorCommand):
    help = (
        "Bring the catalogue's media into agreement with the bucket. It only reads the bucket; --purge-quarantine is"
        " the one thing that deletes in it."
    )
    examples = """\
  manage.py sync_s3                            the whole bucket
  manage.py sync_s3 --prefix vehicles/aston/   what begins with this
  manage.py sync_s3 --dry-run                  what would change; exit code 1 if something would
  manage.py sync_s3 --plan plan.jsonl          the same as a file, a line for each decision
  manage.py sync_s3 --apply plan.jsonl         exactly that, or nothing if bucket or catalogue moved on
  manage.py sync_s3 --max-missing 20%          after a large clean-up of the bucket
  manage.py sync_s3 --workers 8                list in 8 streams at once
  manage.py sync_s3 --purge-quarantine --older-than 30d --dry-run
                                               what would be deleted for good
"""
    # Their checks would load every page and address of the service, which a sync has no use for: 40 MB.
    requires_system_checks = ()

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--prefix", default="", help="look only at objects whose key begins with this")
        parser.add_argument("--dry-run", action="store_true", help="say what would change and change nothing")
        parser.add_argument("--plan", type=Path, metavar="FILE", help="write what would change to a file")
        parser.add_argument(
            "--apply", type=Path, metavar="FILE", help="do what such a file says, all or nothing"
        )
        parser.add_argument(
            "--workers", type=_workers, metavar="N",
            help=f"list in so many streams, 1 to {MOST_WORKERS} (default: 1, and 4 from 200,000 known objects on)",
        )  # fmt: skip
        parser.add_argument(
            "--max-missing", type=_cap, metavar="N|N%",
            help="mark at most so many known objects missing, else none (default: the larger of 100 and 5%%)",
        )  # fmt: skip
        parser.add_argument(
            "--purge-quarantine", action="store_true",
            help="delete for good what is in quarantine, and renditions that belong to nothing",
        )  # fmt: skip
        parser.add_argument(
            "--older-than", type=_age, metavar="N d|h",
            help="with --purge-quarantine: what has been so for at least so long, such as 30d; 1d is the least",
        )  # fmt: skip

    def perform(self, **options: Any) -> Outcome:
        _check(options)
        try:
            return _do(options, self._tell if self.stderr.isatty() else _say_nothing)
        except (BucketUnavailable, SyncRefused) as error:
            raise CannotRun(str(error)) from error

    def _tell(self, listed: int) -> None:
        # Not by rich's progress bar, as other commands: it takes 5 MB.
        self.stderr.write(f"\r{listed:,} objects listed", ending="")


def _say_nothing(listed: int) -> None:
    """Nobody watches."""


def _do(options: dict[str, Any], progress: Callable[[int], None]) -> Outcome:
    if options["purge_quarantine"]:
        return purge(older_than=options["older_than"], dry_run=options["dry_run"])
    if options["apply"]:
        return apply_plan(options["apply"], workers=options["workers"], progress=progress)
    return sync_bucket(
        prefix=options["prefix"],
        dry_run=options["dry_run"],
        cap=options["max_missing"],
        workers=options["workers"],
        plan=options["plan"],
        progress=progress,
    )


def _check(options: dict[str, Any]) -> None:
    """Raise CannotRun for options that do not go together."""
    if options["purge_quarantine"] != bool(options["older_than"]):
        raise CannotRun(
            "--purge-quarantine and --older-than go together: --purge-quarantine --older-than 30d."
        )
    given = {name for name in ("prefix", "plan", "apply", "max_missing") if options[name]}
    if options["purge_quarantine"] and given:
        raise CannotRun("--purge-quarantine goes with --older-than, --dry-run and --json only.")
    if options["apply"] and (given - {"apply"} or options["dry_run"]):
        raise CannotRun("--apply goes with --workers and --json only: the plan says all else.")


def _cap(text: str) -> Cap:
    """Read `250` or `5%`."""
    match = re.fullmatch(r"([0-9]{1,9})(%?)", text, re.ASCII)
    if not match or (match[2] and int(match[1]) > 100):  # noqa: PLR2004  (per cent)
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number, such as 250, nor a share, such as 5%"
        )
    return Cap(0, int(match[1]) / 100) if match[2] else Cap(int(match[1]), 0)


def _workers(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_WORKERS}")
    return int(text)


def _age(text: str) -> timedelta:
    """Read `30d` or `48h`."""
    match = re.fullmatch(r"([0-9]{1,5})([dh])", text, re.ASCII)
    age = timedelta(**{"days" if match[2] == "d" else "hours": int(match[1])}) if match else timedelta()
    if age < DAY:
        raise argparse.ArgumentTypeError(f"{text!r} is no time of a day or more, such as 30d or 48h")
    return age
