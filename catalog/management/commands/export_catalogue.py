import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from django.core.management.base import CommandParser
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.models import Action
from catalog.exports import EXPORTS, FORMATS, ExportRefused, file_of, prepare
from catalog.models import Kind, Status
from catalog.template_workbook import template_workbook
from catalog.writers import Unwritable
from marketplace.commands import CannotRun, OperatorCommand

STDOUT = "-"


@dataclass(frozen=True)
class Exported:
    """What was written where."""

    what: str
    file: str
    format: str
    rows: int
    bytes: int
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterable[str]:
        if self.file != STDOUT:  # which holds the file itself
            rows = "row" if self.rows == 1 else "rows"
            yield f"{self.file}: {self.rows:,} {rows}, {self.bytes:,} bytes."


class Command(OperatorCommand):
    help = "Write rows of the catalogue to a file that imports read back without a change, or the template workbook."
    examples = """  manage.py export_catalogue vehicle vehicles.xlsx
  manage.py export_catalogue item everything.jsonl --status published
  manage.py export_catalogue production - --format csv | gzip > productions.csv.gz
  manage.py export_catalogue --template template.xlsx"""

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="?", choices=sorted(EXPORTS), help="item: those of every kind")
        parser.add_argument("file", nargs="?", help="its ending tells the format; - is the standard output")
        parser.add_argument("--format", choices=sorted(FORMATS), help="where the ending does not tell it")
        parser.add_argument(
            "--status", choices=Status.values, action="append", help="only items of this status"
        )
        parser.add_argument("--template", metavar="FILE", help="write the template workbook instead")

    def perform(self, **options: Any) -> Exported:
        if options["json"] and STDOUT in (options["file"], options["template"]):
            raise CannotRun("The standard output cannot take both the file and the outcome; name a file.")
        if options["template"]:
            content = template_workbook()
            return self._written("template", options["template"], "xlsx", 0, [content])
        if not (options["what"] and options["file"]):
            raise CannotRun("Name what to export and the file, or --template FILE; see --help.")
        return self._export(options["what"], options["file"], _format(options), options["status"] or [])

    def _export(self, what: str, file: str, ending: str, statuses: list[str]) -> Exported:
        """Write the rows as they are at one moment."""
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            export = prepare(what, _rows(what, statuses))
            try:
                done = self._written(what, file, ending, len(export), file_of(export, ending))
            except (ExportRefused, Unwritable) as refusal:
                raise CannotRun(str(refusal)) from refusal
            audit.record(
                Action.EXPORT, by=None, subject=f"{what} ({len(export):,})", rows=len(export), format=ending
            )
        return done

    def _written(self, what: str, file: str, ending: str, rows: int, chunks: Iterable[bytes]) -> Exported:
        try:
            size = _copy(chunks, sys.stdout.buffer) if file == STDOUT else _save(chunks, Path(file))
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CannotRun(f"{file} cannot be written: {error.strerror}.") from error
        return Exported(what, file, ending, rows, size)


def _format(options: dict[str, Any]) -> str:
    ending = Path(options["file"]).suffix.lower().removeprefix(".")
    name: str = options["format"] or ("csv" if options["file"] == STDOUT else ending)
    if name not in FORMATS:
        raise CannotRun(f"{options['file']} must end in .{', .'.join(FORMATS)}; or name the --format.")
    return name


def _rows(what: str, statuses: list[str]) -> "QuerySet[Any]":
    rows = EXPORTS[what].model._base_manager.all()
    if what in Kind.values:
        rows = rows.filter(kind=what)
    if statuses and what not in {"item", *Kind.values}:
        raise CannotRun(f"--status is for items; a {what} has none.")
    return rows.filter(status__in=statuses) if statuses else rows


def _copy(chunks: Iterable[bytes], target: BinaryIO) -> int:
    return sum(target.write(chunk) for chunk in chunks)


def _save(chunks: Iterable[bytes], path: Path) -> int:
    """Write beside the file and rename when complete: what stood there stays until then, and half a file never does."""
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        with part.open("xb") as target:
            size = _copy(chunks, target)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return size
