"""What an import of media did, for people and for machines."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from media_sync.arrivals.files import Entry
from media_sync.arrivals.matching import Match
from media_sync.models import FileState, MatchedBy, MediaBatch

TOLD = 1000  # files that are named of each kind
ORDER = (FileState.STORED, FileState.DUPLICATE, FileState.UNMATCHED, FileState.REFUSED, FileState.WAITING)
LABELS = {
    FileState.STORED: "stored", FileState.DUPLICATE: "there already", FileState.UNMATCHED: "without an item",
    FileState.REFUSED: "refused", FileState.WAITING: "waiting",
}  # fmt: skip


@dataclass
class Arrived:
    """Counts by state. `matches` has a line for each file of a dry run: path, item, why, position, sentence."""

    source: str
    name: str
    dry_run: bool = False
    batch: int | None = None
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    matches: list[tuple[str, str, str, int | None, str]] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)  # what has no item, or was refused, and why

    @classmethod
    def of(cls, batch: MediaBatch, *, seconds: float) -> Self:
        """Return the report of a batch as it is recorded."""
        states = batch.files.values_list("state", flat=True).order_by()
        left = batch.files.filter(state__in=[FileState.UNMATCHED, FileState.REFUSED]).order_by("pk")
        return cls(
            source=batch.source,
            name=batch.name,
            batch=batch.pk,
            seconds=round(seconds, 3),
            counts=Counter(states.iterator()),
            left=list(left.values_list("path", "message")[:TOLD]),
        )

    @property
    def exit_code(self) -> int:
        """1: some files have no item, were refused, or wait."""
        return int(
            any(self.counts[state] for state in (FileState.UNMATCHED, FileState.REFUSED, FileState.WAITING))
        )

    def tell(self, entry: Entry, match: Match) -> None:
        """Note what would become of a file."""
        state = FileState.WAITING if match.item_id else FileState.UNMATCHED
        if entry.refusal:
            state = FileState.REFUSED
        self.counts["matched" if state == FileState.WAITING else state] += 1
        position = match.position if entry.position is None else entry.position
        why = MatchedBy(match.matched_by).label if match.item_id else ""
        self.matches.append((entry.path, match.reference, why, position, entry.refusal or match.message))

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "batch": self.batch, "source": self.source, "name": self.name, "dry_run": self.dry_run,
            "files": self.counts.total(), "seconds": self.seconds,
        }  # fmt: skip
        if self.dry_run:
            names = ("path", "item", "matched_by", "position", "message")
            counts = {name: self.counts[name] for name in ("matched", FileState.UNMATCHED, FileState.REFUSED)}
            return {
                **told,
                **counts,
                "matches": [dict(zip(names, each, strict=True)) for each in self.matches],
            }
        left = [{"path": path, "message": message} for path, message in self.left]
        return {**told, **{str(state): self.counts[state] for state in ORDER}, "left": left}

    def lines(self) -> Iterator[str]:
        if self.dry_run:
            yield from self._table()
            matched, unmatched = self.counts["matched"], self.counts[FileState.UNMATCHED]
            yield (
                f"{self.counts.total():,} files: {matched:,} matched, {unmatched:,} without an item,"
                f" {self.counts[FileState.REFUSED]:,} refused. Nothing was written."
            )
            return
        told = ", ".join(f"{self.counts[state]:,} {LABELS[state]}" for state in ORDER if self.counts[state])
        yield f"{self.counts.total():,} files in {self.seconds:.1f} s: {told or 'none'}."
        for path, message in self.left:
            yield f"  {_printed(path)}: {message}"

    def _table(self) -> Iterator[str]:
        rows = [("File", "Item", "Found by", "Position")]
        rows += [
            (_printed(path), reference or message, why, "" if position is None else str(position))
            for path, reference, why, position, message in self.matches
        ]
        widths = [min(max(len(row[at]) for row in rows), 70) for at in range(3)]
        for row in rows:
            yield "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]
            ).rstrip()


def _printed(path: str) -> str:
    """Return the path without what would move a terminal's cursor, or change its colours or direction."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in path)
