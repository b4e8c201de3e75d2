"""The set-based comparison of a listing with the catalogue: one temporary table, a few statements.

These statements bypass `save()` and `full_clean()`; they set what those would set, and database triggers
keep the history. Each writes real changes only. All run in the caller's transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper

from media_sync.inventory import Page
from media_sync.keys import Ignored, place

MANY = 1000  # new rows that change what the planner should know
SAMPLE = 5  # keys named in a report, of each sort

CREATE_LISTING = """
CREATE TEMP TABLE media_sync_listing (
    key text COLLATE "C", etag text, size bigint, modified timestamptz,
    item_kind text, folder text, reference text, position integer, kind text, content_type text
) ON COMMIT DROP
"""
COPY_LISTING = """
COPY media_sync_listing (key, etag, size, modified, item_kind, folder, reference, position, kind, content_type)
FROM STDIN
"""
# Where the planner takes the catalogue's side for small (its statistics lag behind a restore or a first
# sync), it looks the listing up row by row: without the index that took hours for what takes seconds.
INDEX_LISTING = "CREATE INDEX ON media_sync_listing (key); ANALYZE media_sync_listing"
ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})

# What is pending or in quarantine is not ours to touch. The same etag and size mean the same content (the
# object was copied onto itself), so what is known of the picture stays.
UPDATE_CHANGED = """
WITH found AS (
    SELECT a.id, a.state, l.etag, l.size, l.modified, a.etag = l.etag AND a.size = l.size AND l.etag <> '' AS same
    FROM catalog_mediaasset a JOIN media_sync_listing l ON l.key = a.key
    WHERE a.state = 'missing'
       OR (a.state = 'present' AND (a.etag, a.size, a.source_modified) IS DISTINCT FROM (l.etag, l.size, l.modified))
), written AS (
    UPDATE catalog_mediaasset a SET
        state = 'present', etag = f.etag, size = f.size, source_modified = f.modified, updated_at = now(),
        width = CASE WHEN f.same THEN a.width END,
        height = CASE WHEN f.same THEN a.height END,
        sha256 = CASE WHEN f.same THEN a.sha256 ELSE '' END,
        processing = CASE WHEN f.same THEN a.processing ELSE 'waiting' END,
        refusal = CASE WHEN f.same THEN a.refusal ELSE '' END
    FROM found f WHERE a.id = f.id
    RETURNING f.state
)
SELECT count(*) FILTER (WHERE state = 'present'), count(*) FILTER (WHERE state = 'missing') FROM written
"""

# Which item each folder names: by slug, else by reference, else by a slug it had before. Only for objects
# that are new or belong to no item yet. UPPER as in the unique index of references, so that it serves.
CREATE_MATCH = """
CREATE TEMP TABLE media_sync_match ON COMMIT DROP AS
WITH wanted AS (
    SELECT DISTINCT l.item_kind, l.folder, l.reference
    FROM media_sync_listing l LEFT JOIN catalog_mediaasset a ON a.key = l.key
    WHERE l.item_kind <> '' AND (a.id IS NULL OR (a.item_id IS NULL AND a.state = 'present'))
)
SELECT w.item_kind, w.folder, coalesce(by_slug.id, by_reference.id, by_old_slug.id) AS item_id
FROM wanted w
LEFT JOIN catalog_item by_slug ON by_slug.slug = w.folder AND by_slug.kind = w.item_kind
LEFT JOIN catalog_item by_reference
    ON UPPER(by_reference.reference COLLATE "pg_c_utf8") = UPPER(w.reference COLLATE "pg_c_utf8")
    AND by_reference.kind = w.item_kind
LEFT JOIN catalog_oldslug o ON o.slug = w.folder
LEFT JOIN catalog_item by_old_slug ON by_old_slug.id = o.item_id AND by_old_slug.kind = w.item_kind
WHERE coalesce(by_slug.id, by_reference.id, by_old_slug.id) IS NOT NULL
"""
INDEX_MATCH = "CREATE INDEX ON media_sync_match (folder, item_kind); ANALYZE media_sync_match"
# An item that somebody deletes meanwhile must not fail the sync.
LOCK_ITEMS = """
SELECT count(*) FROM (
    SELECT id FROM catalog_item WHERE id IN (SELECT item_id FROM media_sync_match) ORDER BY id FOR KEY SHARE
) AS locked
"""
DROP_DELETED = """
DELETE FROM media_sync_match m WHERE NOT EXISTS (SELECT FROM catalog_item i WHERE i.id = m.item_id)
"""

INSERT_NEW = """
WITH written AS (
    INSERT INTO catalog_mediaasset (
        key, item_id, position, kind, content_type, size, etag, source_modified, state,
        sha256, alt_text, caption, focal_x, focal_y, created_at, updated_at,
        original_name, processing, refusal, frames, has_alpha, thumbhash, colour, exif, renditions, rendered_as
    )
    SELECT l.key, m.item_id, l.position, l.kind, l.content_type, l.size, l.etag, l.modified, 'present',
        '', '', '', 0.5, 0.5, now(), now(),
        '', 'waiting', '', 1, false, '', '', '{}', '[]', ''
    FROM media_sync_listing l
    LEFT JOIN media_sync_match m ON m.item_kind = l.item_kind AND m.folder = l.folder
    WHERE NOT EXISTS (SELECT FROM catalog_mediaasset a WHERE a.key = l.key)
    ORDER BY l.key
    ON CONFLICT (key) DO NOTHING
    RETURNING kind
)
SELECT count(*) FROM written
"""

# An asset that belonged to this item before was taken from it by somebody, and stays away.
ASSIGN_KNOWN = """
WITH written AS (
    UPDATE catalog_mediaasset a SET item_id = m.item_id, updated_at = now()
    FROM media_sync_listing l JOIN media_sync_match m ON m.item_kind = l.item_kind AND m.folder = l.folder
    WHERE a.key = l.key AND a.item_id IS NULL AND a.state = 'present'
      AND NOT EXISTS (
          SELECT FROM catalog_mediaassetevent e WHERE e.pgh_obj_id = a.id AND e.item_id = m.item_id
      )
    RETURNING a.id
)
SELECT count(*) FROM written
"""

# A row written while the listing ran may be of an object that the listing had already passed.
CREATE_GONE = """
CREATE TEMP TABLE media_sync_gone ON COMMIT DROP AS
SELECT a.id, a.key FROM catalog_mediaasset a
WHERE a.state = 'present' AND starts_with(a.key, %s) AND a.updated_at < %s
  AND NOT EXISTS (SELECT FROM media_sync_listing l WHERE l.key = a.key)
"""
COUNT_PRESENT = "SELECT count(*) FROM catalog_mediaasset WHERE state = 'present' AND starts_with(key, %s)"
COUNT_UNASSIGNED = COUNT_PRESENT + " AND item_id IS NULL"
NEWEST_UNASSIGNED = """
SELECT key FROM catalog_mediaasset
WHERE state = 'present' AND starts_with(key, %s) AND item_id IS NULL ORDER BY id DESC LIMIT %s
"""
UPDATE_GONE = """
UPDATE catalog_mediaasset a SET state = 'missing', updated_at = now() FROM media_sync_gone g WHERE a.id = g.id
"""


class Cap(NamedTuple):
    """How many present assets one run may mark missing: a number, or a share of those under the prefix."""

    number: int = 100
    share: float = 0.05

    def of(self, present: int) -> int:
        return max(self.number, int(present * self.share))


@dataclass
class Staged:
    """What came in with the listing."""

    listed: int = 0
    ignored: Counter[Ignored] = field(default_factory=Counter)
    unstorable: list[str] = field(default_factory=list)


def prepare(cursor: CursorWrapper) -> None:
    """Make this transaction fit for long work, and its tables."""
    # Lifted for this transaction only; a listing takes as long as it takes.
    cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
    cursor.execute("SET LOCAL lock_timeout = '60s'; SET LOCAL work_mem = '64MB'")
    cursor.execute(
        "DROP TABLE IF EXISTS pg_temp.media_sync_listing, pg_temp.media_sync_match, pg_temp.media_sync_gone"
    )
    cursor.execute(CREATE_LISTING)


def stage(cursor: CursorWrapper, pages: Iterable[Page], progress: Callable[[int], None]) -> Staged:
    """Copy the listing to the temporary table, page by page: memory stays flat."""
    staged = Staged()
    with cursor.copy(COPY_LISTING) as copy:
        for page in pages:
            copy.write(_block(page, staged))
            staged.listed += len(page)
            progress(staged.listed)
    cursor.execute(INDEX_LISTING)
    return staged


def _block(page: Page, staged: Staged) -> str:
    """Return the page as COPY's text, without what is passed over."""
    lines = []
    for key, etag, size, modified in page:
        where = place(key)
        if isinstance(where, Ignored):
            staged.ignored[where] += 1
            if where in (Ignored.UNSTORABLE, Ignored.TOO_LONG) and len(staged.unstorable) < SAMPLE:
                staged.unstorable.append(key)
            continue
        texts = (key, etag[:100], str(size), modified, where.item_kind, where.folder, where.reference)
        lines.append(
            "\t".join(text.translate(ESCAPES) for text in texts)
            + f"\t{where.position}\t{where.kind}\t{where.content_type}\n"
        )
    return "".join(lines)


def write_listed(cursor: CursorWrapper) -> dict[str, Any]:
    """Write what is changed, back, new, or newly matched; return how many of each."""
    cursor.execute(UPDATE_CHANGED)
    changed, returned = cursor.fetchone()
    for statement in (CREATE_MATCH, INDEX_MATCH, LOCK_ITEMS, DROP_DELETED, INSERT_NEW):
        cursor.execute(statement)
    (created,) = cursor.fetchone()
    cursor.execute(ASSIGN_KNOWN)
    (assigned,) = cursor.fetchone()
    if created >= MANY:
        cursor.execute("ANALYZE catalog_mediaasset")  # for the statements that follow, and for readers
    return {"changed": changed, "returned": returned, "created": created, "assigned": assigned}


def write_gone(
    cursor: CursorWrapper, prefix: str, started: datetime, cap: Cap, *, listed: int
) -> dict[str, Any]:
    """Mark missing what is not listed any more, or say in `refused` why not.

    `started` is the database's time before the listing began.
    """
    cursor.execute(COUNT_PRESENT, [prefix])
    (present,) = cursor.fetchone()
    cursor.execute(CREATE_GONE, [prefix, started])
    gone = cursor.rowcount
    refused = _refusal(gone, present, cap, listed)
    if gone and not refused:
        cursor.execute(UPDATE_GONE)
    cursor.execute("SELECT key FROM media_sync_gone ORDER BY key LIMIT %s", [SAMPLE])
    keys = tuple(key for (key,) in cursor.fetchall())
    return {"missing": 0 if refused else gone, "missing_keys": keys, "refused": refused}


def _refusal(gone: int, present: int, cap: Cap, listed: int) -> str:
    """Return why so many may not be marked missing. Truncated and empty listings emptied others' catalogues."""
    if gone and not listed:
        return f"Nothing was listed, so none of the {gone:,} known objects was marked missing: is it the right bucket?"
    if gone > cap.of(present):
        return (
            f"{gone:,} of {present:,} known objects are not in the bucket, more than the {cap.of(present):,} that one"
            f" run may mark missing, so none was marked: check the bucket, or allow it with --max-missing {gone}."
        )
    return ""


def unassigned(cursor: CursorWrapper, prefix: str) -> dict[str, Any]:
    """Return what belongs to no item: how many, and the newest few."""
    cursor.execute(COUNT_UNASSIGNED, [prefix])
    (count,) = cursor.fetchone()
    cursor.execute(NEWEST_UNASSIGNED, [prefix, SAMPLE])
    return {"unassigned": count, "unassigned_keys": tuple(key for (key,) in cursor.fetchall())}
