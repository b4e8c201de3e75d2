"""What an import did, for a command, a screen and a stored run alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SHOWN = 50  # rejected rows that a command prints


@dataclass(frozen=True)
class Issue:
    """One fault of one row: where, what stands there, and a sentence."""

    line: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        if not self.column:
            return f"line {self.line} — {self.message}"
        return f'line {self.line}, {self.column}: "{self.value[:80]}" — {self.message}'


@dataclass(frozen=True)
class Difference:
    """One row that lands: its key and each column that it changes, with the values before and after."""

    line: int
    is_new: bool
    values: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class ImportResult:
    """The counts are rows of the file: rows = created + changed + unchanged + rejected.

    Where `landed` is false nothing was written, and the counts say what would have been.
    """

    run_id: int | None
    target: str
    file_name: str
    dry_run: bool
    landed: bool
    stops: bool  # rows were rejected, and the run was told to land nothing then
    rows: int
    created: int
    changed: int
    unchanged: int
    rejected: int
    issues: tuple[Issue, ...]  # the first ones; issue_count is their number in all
    issue_count: int
    warnings: tuple[str, ...]
    preview: tuple[Difference, ...]

    @property
    def exit_code(self) -> int:
        return 1 if self.rejected else 0

    def as_json(self) -> dict[str, Any]:
        shown = (
            "target",
            "file_name",
            "dry_run",
            "landed",
            "rows",
            "created",
            "changed",
            "unchanged",
            "rejected",
        )
        return {
            "run": self.run_id,
            **{name: getattr(self, name) for name in shown},
            "warnings": list(self.warnings),
            "issue_count": self.issue_count,
            "issues": [vars(issue) for issue in self.issues],
        }

    def lines(self) -> Iterator[str]:
        yield f"{self.file_name}: {self.summary()}"
        yield from (f"note: {warning}" for warning in self.warnings)
        yield from (str(issue) for issue in self.issues[:SHOWN])
        if self.issue_count > SHOWN:
            yield f"and {self.issue_count - SHOWN:,} more faults"

    def summary(self) -> str:
        counts = (
            f"{self.rows:,} rows: {self.created:,} new, {self.changed:,} changed,"
            f" {self.unchanged:,} unchanged, {self.rejected:,} rejected."
        )
        if self.stops:
            return f"{counts} Nothing lands, because rows were rejected."
        return f"{counts} Dry run: nothing was written." if self.dry_run else counts
