"""What a sync did, for the terminal, for machines and for the record."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class SyncResult:
    """What a sync did, or on a dry run would do. Counts are of objects, but `missing` is of assets."""

    bucket: str
    prefix: str
    dry_run: bool
    listed: int = 0
    created: int = 0
    changed: int = 0
    returned: int = 0
    missing: int = 0
    unchanged: int = 0
    unassigned: int = 0  # present under the prefix after the run, belonging to no item
    assigned: int = 0  # known objects whose item has appeared since
    ignored: int = 0
    ignored_by_reason: dict[str, int] = field(default_factory=dict)
    refused: str = ""  # why nothing was marked missing although something is
    unstorable_keys: tuple[str, ...] = ()  # the first few of each
    unassigned_keys: tuple[str, ...] = ()
    missing_keys: tuple[str, ...] = ()
    seconds: float = 0

    @property
    def writes(self) -> int:
        return self.created + self.changed + self.returned + self.missing + self.assigned

    @property
    def exit_code(self) -> int:
        """1 when the bucket and the catalogue still differ: a refusal, or a dry run with something to do."""
        return int(bool(self.refused or (self.dry_run and self.writes)))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        under = f" under {self.prefix!r}" if self.prefix else ""
        yield f"Bucket {self.bucket}: {self.listed:,} objects listed{under} in {self.seconds:.1f} s."
        yield (
            f"{'Would be' if self.dry_run else 'Now'}: {self.created:,} new, {self.changed:,} changed,"
            f" {self.returned:,} returned, {self.missing:,} missing, {self.unchanged:,} unchanged."
        )
        if self.assigned:
            yield f"{self.assigned:,} known objects found their item."
        if self.ignored:
            reasons = ", ".join(
                f"{reason} {count:,}" for reason, count in sorted(self.ignored_by_reason.items())
            )
            yield f"Passed over: {self.ignored:,} ({reasons})."
        yield from _sample("Cannot be kept", len(self.unstorable_keys), self.unstorable_keys)
        yield from _sample("Missing from the bucket", self.missing, self.missing_keys)
        yield from _sample("Belong to no item", self.unassigned, self.unassigned_keys)
        if self.refused:
            yield self.refused


def _sample(title: str, count: int, keys: tuple[str, ...]) -> Iterator[str]:
    """Yield a line that names some keys; repr() keeps control characters off the terminal."""
    if count:
        more = ", ..." if count > len(keys) else ""
        yield f"{title}: {count:,} ({', '.join(map(repr, keys))}{more})."
