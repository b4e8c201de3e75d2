"""What a sync did, for the terminal, for machines and for the record."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.backends.utils import CursorWrapper

from media_sync.keys import OWN_FOLDERS, Ignored
from media_sync.models import SyncRun
from media_sync.reconcile.staging import SAMPLE

OWN_REASONS = {reason.value for reason in OWN_FOLDERS.values()}
ACTIONS = "SELECT action, count(*) FROM decision GROUP BY action"
COUNT_IN_STATE = (
    "SELECT count(*) FILTER (WHERE state = 'missing'), count(*) FILTER (WHERE state = 'present' AND item_id IS NULL)"
    " FROM catalog_mediaasset WHERE starts_with(key, %s)"
    " AND (state = 'missing' OR (state = 'present' AND item_id IS NULL))"
)
# How the decisions change the number of assets that belong to no item.
LOOSENED = """
SELECT coalesce(sum(CASE
    WHEN action IN ('create', 'return') AND item_id IS NULL THEN 1
    WHEN action IN ('assign', 'missing', 'move') AND was_item_id IS NULL AND (action = 'missing' OR item_id IS NOT NULL) THEN -1
    ELSE 0 END), 0) FROM decision
"""
NEWEST_LOOSE = """
SELECT key FROM (
    (SELECT 1 AS place, key, n FROM decision WHERE action IN ('create', 'return') AND item_id IS NULL ORDER BY n DESC LIMIT %s)
    UNION ALL
    (SELECT 2, a.key, a.id FROM catalog_mediaasset a WHERE a.state = 'present' AND a.item_id IS NULL AND starts_with(a.key, %s)
        AND NOT EXISTS (SELECT FROM decision d WHERE d.asset_id = a.id AND d.action IN ('assign', 'missing', 'move'))
        ORDER BY a.id DESC LIMIT %s)
) AS o ORDER BY place, n DESC LIMIT %s
"""
# Only an etag that is an MD5 of the content tells of duplicates.
CREATE_SAME = """
CREATE UNLOGGED TABLE same AS
SELECT etag, size, count(*) AS copies, min(key) AS first FROM listing
WHERE size > 0 AND length(etag) = 32 AND strpos(etag, '-') = 0 AND NOT key ^@ ANY (%s::text[])
GROUP BY etag, size HAVING count(*) > 1
"""
DUPLICATES = "SELECT coalesce(sum(copies - 1), 0)::bigint FROM same"
SAMPLE_DUPLICATES = "SELECT first FROM same ORDER BY copies DESC, first LIMIT %s"
# Keys that people, and some file systems, take for one another. Grouped by a hash of a few bytes first: the table
# of a million keys would not fit into the memory that a statement has.
FOLDED = """lower(CASE WHEN octet_length(key) = length(key) THEN key ELSE normalize(key, NFC) END COLLATE "pg_c_utf8")"""
CREATE_ALIKE = f"""
CREATE UNLOGGED TABLE alike AS
WITH suspect AS (
    SELECT hashtextextended({FOLDED}, 0) AS hash FROM listing WHERE NOT key ^@ ANY (%s::text[])
    GROUP BY 1 HAVING count(*) > 1
)
SELECT min(key) AS first, count(*) AS copies FROM listing
WHERE NOT key ^@ ANY (%s::text[]) AND hashtextextended({FOLDED}, 0) IN (SELECT hash FROM suspect)
GROUP BY {FOLDED} HAVING count(*) > 1
"""
COLLISIONS = "SELECT coalesce(sum(copies), 0)::bigint FROM alike"
SAMPLE_COLLISIONS = "SELECT first FROM alike ORDER BY first LIMIT %s"
STORAGE_CLASSES = """
SELECT storage_class, count(*) FROM listing WHERE storage_class <> '' AND NOT key ^@ ANY (%s::text[]) GROUP BY 1 ORDER BY 2 DESC, 1
"""
SAMPLE_MISSING = "SELECT key FROM decision WHERE action = 'missing' ORDER BY n LIMIT %s"
SAMPLE_GONE = "SELECT known_key FROM differing WHERE listed_key IS NULL ORDER BY known_key LIMIT %s"
SAMPLE_MOVED = "SELECT was_key, key FROM decision WHERE action = 'move' ORDER BY n LIMIT %s"

COUNTS = (
    "listed", "created", "changed", "moved", "returned", "missing", "unchanged", "assigned", "unassigned", "duplicates",
    "collisions", "ignored", "absent", "unrecorded", "ambiguous",
)  # fmt: skip
ACTION_OF = {
    "created": "create", "changed": "change", "moved": "move", "returned": "return", "missing": "missing",
    "assigned": "assign",
}  # fmt: skip


@dataclass(frozen=True)
class SyncResult:
    """What a sync did, or on a dry run would do. Counts are of objects, but `missing` and `absent` are of assets."""

    bucket: str
    prefix: str
    dry_run: bool
    run: int | None = None  # the record's number
    listed: int = 0
    created: int = 0
    changed: int = 0
    moved: int = 0  # under another key than before, with the same content
    returned: int = 0
    missing: int = 0
    unchanged: int = 0
    unassigned: int = 0  # present under the prefix after the run, belonging to no item
    assigned: int = 0  # known objects whose item has appeared since
    ignored: int = 0
    duplicates: int = 0  # objects whose content another object has too
    collisions: int = 0  # objects whose keys differ in letter case or Unicode form only
    ambiguous: int = 0  # missing assets whose content is under several keys, or which share it
    absent: int = 0  # records whose object is missing, after the run
    unrecorded: int = 0  # objects without a record, after the run, but for those in folders of our own
    ignored_by_reason: dict[str, int] = field(default_factory=dict)
    storage_classes: dict[str, int] = field(
        default_factory=dict
    )  # objects of each, as far as the server tells
    refused: str = ""  # why nothing was marked missing although something is
    unstorable_keys: tuple[str, ...] = ()
    missing_keys: tuple[str, ...] = ()
    unassigned_keys: tuple[str, ...] = ()
    moved_keys: tuple[tuple[str, str], ...] = ()
    duplicate_keys: tuple[str, ...] = ()
    collision_keys: tuple[str, ...] = ()
    plan: str = ""  # the file that it was written to, or done from
    seconds: float = 0

    @property
    def writes(self) -> int:
        return self.created + self.changed + self.moved + self.returned + self.missing + self.assigned

    @property
    def exit_code(self) -> int:
        """1 when the bucket and the catalogue still differ: a refusal, or a dry run with something to do."""
        return int(bool(self.refused or (self.dry_run and self.writes)))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def keep(self, run: SyncRun) -> None:
        """Put the counts into the record; who ends the run saves it."""
        for name in COUNTS:
            setattr(run, name, getattr(self, name))
        run.message = self.refused

    def lines(self) -> Iterator[str]:
        under = f" under {self.prefix!r}" if self.prefix else ""
        yield f"Bucket {self.bucket}: {self.listed:,} objects listed{under} in {self.seconds:.1f} s."
        yield (
            f"{'Would be' if self.dry_run else 'Now'}: {self.created:,} new, {self.changed:,} changed,"
            f" {self.moved:,} moved, {self.returned:,} returned, {self.missing:,} missing, {self.unchanged:,} unchanged."
        )
        if self.assigned:
            yield f"{self.assigned:,} known objects found their item."
        if self.ignored:
            reasons = ", ".join(
                f"{reason} {count:,}{' or more' * (reason in OWN_REASONS)}"  # a page of them is listed
                for reason, count in sorted(self.ignored_by_reason.items())
            )
            yield f"Passed over: {self.ignored:,} ({reasons})."
        if self.storage_classes:
            classes = ", ".join(f"{name} {count:,}" for name, count in self.storage_classes.items())
            yield f"By storage class: {classes}."
        yield from self._samples()
        if self.ambiguous:
            yield f"May have moved, but not to one place: {self.ambiguous:,}; they count as missing and new."
        yield f"Records whose object is missing: {self.absent:,}. Objects without a record: {self.unrecorded:,}."
        if self.plan and self.dry_run:
            yield f"The plan is in {self.plan}; do it with: manage.py sync_s3 --apply {self.plan}"
        if self.refused:
            yield self.refused

    def _samples(self) -> Iterator[str]:
        odd = sum(
            self.ignored_by_reason.get(reason.value, 0) for reason in (Ignored.UNSTORABLE, Ignored.TOO_LONG)
        )
        yield from _sample(
            "Cannot be kept", odd, tuple(f"'{key}'" for key in self.unstorable_keys), as_is=True
        )
        yield from _sample("Missing from the bucket", self.missing, self.missing_keys)
        yield from _sample(
            "Moved", self.moved, tuple(f"{old!r} to {new!r}" for old, new in self.moved_keys), as_is=True
        )
        yield from _sample("Belong to no item", self.unassigned, self.unassigned_keys)
        yield from _sample("Content that is there more than once", self.duplicates, self.duplicate_keys)
        yield from _sample(
            "Keys that differ in letter case or Unicode form only", self.collisions, self.collision_keys
        )


def _sample(title: str, count: int, keys: tuple[str, ...], *, as_is: bool = False) -> Iterator[str]:
    """Yield a line that names some keys; repr() keeps control characters off the terminal."""
    if count:
        more = ", ..." if count > len(keys) else ""
        yield f"{title}: {count:,} ({', '.join(keys if as_is else map(repr, keys))}{more})."


def actions(cursor: CursorWrapper) -> dict[str, int]:
    """Return how many decisions of each action there are."""
    cursor.execute(ACTIONS)
    return dict(cursor.fetchall())


def both_ways(cursor: CursorWrapper, prefix: str, planned: dict[str, int]) -> dict[str, Any]:
    """Return what will be so once the decisions are applied: records without an object, and without an item."""
    cursor.execute(COUNT_IN_STATE, [prefix])
    absent, unassigned = cursor.fetchone()
    cursor.execute(LOOSENED)
    (more,) = cursor.fetchone()
    return {
        "absent": absent + planned.get("missing", 0) - planned.get("return", 0),
        "unassigned": unassigned + int(more),
        "unassigned_keys": _keys(cursor, NEWEST_LOOSE, [SAMPLE, prefix, SAMPLE, SAMPLE]),
    }


def storage_classes(cursor: CursorWrapper) -> dict[str, int]:
    """Return how many objects are stored how, the most frequent class first. Some are dear, some must be asked for."""
    cursor.execute(STORAGE_CLASSES, [list(OWN_FOLDERS)])
    return dict(cursor.fetchall())


def alike(cursor: CursorWrapper) -> dict[str, Any]:
    """Return what is listed more than once: by content, and by keys that look the same."""
    own = list(OWN_FOLDERS)
    cursor.execute(CREATE_SAME, [own])
    cursor.execute(DUPLICATES)
    (duplicates,) = cursor.fetchone()
    cursor.execute(CREATE_ALIKE, [own, own])
    cursor.execute(COLLISIONS)
    (collisions,) = cursor.fetchone()
    return {
        "duplicates": duplicates,
        "duplicate_keys": _keys(cursor, SAMPLE_DUPLICATES, [SAMPLE]),
        "collisions": collisions,
        "collision_keys": _keys(cursor, SAMPLE_COLLISIONS, [SAMPLE]),
    }


def examples(cursor: CursorWrapper) -> dict[str, Any]:
    """Return some keys of what is decided to be missing, and of what has moved."""
    cursor.execute(SAMPLE_MOVED, [SAMPLE])
    moved = tuple(cursor.fetchall())
    return {"missing_keys": _keys(cursor, SAMPLE_MISSING, [SAMPLE]), "moved_keys": moved}


def gone(cursor: CursorWrapper) -> tuple[str, ...]:
    """Return some keys of present assets that are not listed, whatever is decided about them."""
    return _keys(cursor, SAMPLE_GONE, [SAMPLE])


def _keys(cursor: CursorWrapper, query: str, parameters: list[Any]) -> tuple[str, ...]:
    cursor.execute(query, parameters)
    return tuple(key for (key,) in cursor.fetchall())
