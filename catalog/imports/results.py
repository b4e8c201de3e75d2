"""What an import did, for a command and its report."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from catalog.imports.judging import COUNTS
from catalog.imports.landing import stops
from catalog.models import ImportRun

SHOWN = 50  # rejected rows that a command prints


@dataclass(frozen=True)
class Issue:
    """One fault of one row: where, what stands there, and a sentence."""

    sheet: str
    line: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        where = f"sheet {self.sheet}, line {self.line}" if self.sheet else f"line {self.line}"
        if not self.column:
            return f"{where} — {self.message}"
        return f'{where}, {self.column}: "{self.value[:80]}" — {self.message}'


@dataclass(frozen=True)
class ImportResult:
    """The counts are rows of the file: rows = created + changed + unchanged + rejected + left_out.

    `withdrawn` are items beside them. Where `landed` is false nothing was written, and the counts say what
    would have been; `stops` says why, where rejected rows kept all of it from landing.
    """

    run_id: int | None
    target: str
    file_name: str
    dry_run: bool
    landed: bool
    stops: str
    rows: int
    created: int
    changed: int
    unchanged: int
    rejected: int
    left_out: int
    withdrawn: int
    changed_fields: dict[str, int]
    issues: tuple[Issue, ...]  # the first ones; issue_count is their number in all
    issue_count: int
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, run: ImportRun, *, landed: bool = False, dry_run: bool = False) -> Self:
        """Return the result of a run that was judged, and perhaps landed."""
        names = ("sheet", "line", "column", "value", "message")
        issues = tuple(Issue(*row) for row in run.issues.order_by("id").values_list(*names))
        return cls(
            run_id=None if dry_run else run.pk,
            target=run.target,
            file_name=run.file_name,
            dry_run=dry_run,
            landed=landed,
            stops=stops(run),
            **{name: getattr(run, name) for name in COUNTS},
            changed_fields=run.changed_fields,
            issues=issues,
            issue_count=run.issue_count,
            warnings=tuple(run.warnings),
        )

    @property
    def exit_code(self) -> int:
        return 1 if self.rejected else 0

    def as_json(self) -> dict[str, Any]:
        shown = ("target", "file_name", "dry_run", "landed", *COUNTS, "changed_fields", "issue_count")
        return {
            "run": self.run_id,
            **{name: getattr(self, name) for name in shown},
            "warnings": list(self.warnings),
            "issues": [vars(issue) for issue in self.issues],
        }

    def lines(self) -> Iterator[str]:
        yield f"{self.file_name}: {self.summary()}"
        if self.landed and self.created + self.changed + self.withdrawn:
            yield f"This is import {self.run_id}: manage.py undo_import {self.run_id} takes it back."
        yield from (f"note: {warning}" for warning in self.warnings)
        yield from (str(issue) for issue in self.issues[:SHOWN])
        if self.issue_count > SHOWN:
            yield f"and {self.issue_count - SHOWN:,} more faults"

    def summary(self) -> str:
        """Return the counts in one sentence, and a second one where nothing was written."""
        counts = (
            f"{self.rows:,} row{'' if self.rows == 1 else 's'}: {self.created:,} new, {self.changed:,} changed,"
            f" {self.unchanged:,} unchanged, {self.rejected:,} rejected"
        )
        counts += f", {self.left_out:,} left out" if self.left_out else ""
        items = "item" if self.withdrawn == 1 else "items"
        counts += f"; {self.withdrawn:,} {items} withdrawn" if self.withdrawn else ""
        if self.stops:
            return f"{counts}. {self.stops}"
        return f"{counts}. Dry run: nothing was written." if self.dry_run else f"{counts}."
