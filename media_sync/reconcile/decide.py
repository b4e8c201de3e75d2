"""What is to be done, as rows of one table: a staged listing compared with the catalogue in a few statements.

Nothing of the catalogue is written here. All statements run in the caller's transaction, in which plain names
mean the run's own tables (staging.inside).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from media_sync.keys import FOLDERS, OWN_FOLDERS, UPLOADS, Ignored, place
from media_sync.reconcile.staging import ESCAPES

BATCH = 2000  # rows that are in memory at once
TABLES = "differing, placed, loose, owner, decision, same, alike, plan_line"

# What to do with one object or record. The `was_...` columns hold what the decision is based on.
CREATE_DECISION = """
CREATE UNLOGGED TABLE decision (
    n bigint GENERATED ALWAYS AS IDENTITY, action text, asset_id bigint, key text COLLATE "C", item_id bigint,
    position integer, kind text, content_type text, etag text, size bigint, modified timestamptz,
    was_key text COLLATE "C", was_state text, was_item_id bigint, was_etag text, was_size bigint
)
"""
# A row that was written after the listing began is left to the next run: the listing may have passed it by
# before. What is pending or in quarantine is not ours to touch, and our own folders are not listed.
CREATE_DIFFERING = """
CREATE UNLOGGED TABLE differing AS
SELECT l.key AS listed_key, l.etag, l.size, l.modified,
    a.id, a.key AS known_key, a.state, a.item_id, a.etag AS was_etag, a.size AS was_size
FROM listing l FULL JOIN (
    SELECT id, key, state, item_id, etag, size, source_modified, updated_at
    FROM catalog_mediaasset WHERE starts_with(key, %s)
) a ON a.key = l.key
WHERE a.id IS NULL OR (a.updated_at < %s AND (
    (l.key IS NULL AND a.state = 'present' AND NOT a.key ^@ ANY (%s::text[]))
    OR (l.key IS NOT NULL AND (a.state = 'missing' OR (a.state = 'present'
        AND (a.etag, a.size, a.source_modified) IS DISTINCT FROM (l.etag, l.size, l.modified))))
))
"""
DECIDE_CHANGED = """
INSERT INTO decision (action, asset_id, key, item_id, etag, size, modified, was_key, was_state, was_item_id, was_etag, was_size)
SELECT CASE state WHEN 'missing' THEN 'return' ELSE 'change' END,
    id, listed_key, item_id, etag, size, modified, known_key, state, item_id, was_etag, was_size
FROM differing WHERE id IS NOT NULL AND listed_key IS NOT NULL
"""

# Where new objects belong (keys.place says it), and the folders of what belongs to no item yet.
CREATE_PLACED = """
CREATE UNLOGGED TABLE placed (
    key text COLLATE "C", etag text, size bigint, modified timestamptz,
    item_kind text, folder text, reference text, position integer, kind text, content_type text
)
"""
SELECT_NEW = (
    "SELECT listed_key, etag, size, modified::text FROM differing WHERE id IS NULL ORDER BY listed_key"
)
COPY_PLACED = "COPY placed FROM STDIN"
CREATE_LOOSE = "CREATE UNLOGGED TABLE loose (top text, folder text, item_kind text, reference text)"
SELECT_LOOSE = """
SELECT split_part(key, '/', 1), split_part(key, '/', 2) FROM catalog_mediaasset
WHERE state = 'present' AND item_id IS NULL AND starts_with(key, %s) AND split_part(key, '/', 1) = ANY (%s)
GROUP BY 1, 2
"""
COPY_LOOSE = "COPY loose FROM STDIN"
# An upload's object is there a moment before its record; an hour later it has none because that was lost.
DROP_ARRIVING = "DELETE FROM placed WHERE starts_with(key, %s) AND modified > %s - interval '1 hour'"

# Which item each folder names: by slug, else by reference, else by a slug it had before. UPPER as in the
# unique index of references, so that it serves.
CREATE_OWNER = """
CREATE UNLOGGED TABLE owner AS
SELECT w.item_kind, w.folder, coalesce(by_slug.id, by_reference.id, by_old_slug.id) AS item_id
FROM (
    SELECT item_kind, folder, reference FROM placed WHERE item_kind <> ''
    UNION SELECT item_kind, folder, reference FROM loose
) AS w
LEFT JOIN catalog_item by_slug ON by_slug.slug = w.folder AND by_slug.kind = w.item_kind
LEFT JOIN catalog_item by_reference
    ON UPPER(by_reference.reference COLLATE "pg_c_utf8") = UPPER(w.reference COLLATE "pg_c_utf8")
    AND by_reference.kind = w.item_kind
LEFT JOIN catalog_oldslug o ON o.slug = w.folder
LEFT JOIN catalog_item by_old_slug ON by_old_slug.id = o.item_id AND by_old_slug.kind = w.item_kind
WHERE coalesce(by_slug.id, by_reference.id, by_old_slug.id) IS NOT NULL
"""

# The same content under another key: the object was renamed. Only an etag that is an MD5 of the content tells
# that, and only where one object went and one came; all others are told, not guessed.
DECIDE_MOVED = """
WITH pair AS (
    SELECT d.id, d.known_key, d.state, d.item_id, d.was_etag, d.was_size, p.key, p.modified, p.position, p.item_kind, p.folder,
        count(*) OVER (PARTITION BY d.id) + count(*) OVER (PARTITION BY p.key) AS matches
    FROM differing d JOIN placed p ON p.etag = d.was_etag AND p.size = d.was_size
    WHERE d.listed_key IS NULL AND d.was_size > 0 AND length(d.was_etag) = 32 AND strpos(d.was_etag, '-') = 0
), decided AS (
    INSERT INTO decision (action, asset_id, key, item_id, position, etag, size, modified,
        was_key, was_state, was_item_id, was_etag, was_size)
    SELECT 'move', p.id, p.key, coalesce(p.item_id, o.item_id), p.position, p.was_etag, p.was_size, p.modified,
        p.known_key, p.state, p.item_id, p.was_etag, p.was_size
    FROM pair p LEFT JOIN owner o ON o.item_kind = p.item_kind AND o.folder = p.folder
    WHERE p.matches = 2 ORDER BY p.key
)
SELECT count(DISTINCT id) FROM pair WHERE matches > 2
"""
DECIDE_NEW = """
INSERT INTO decision (action, key, item_id, position, kind, content_type, etag, size, modified)
SELECT 'create', p.key, o.item_id, p.position, p.kind, p.content_type, p.etag, p.size, p.modified
FROM placed p LEFT JOIN owner o ON o.item_kind = p.item_kind AND o.folder = p.folder
WHERE NOT EXISTS (SELECT FROM decision d WHERE d.action = 'move' AND d.key = p.key)
ORDER BY p.key
"""
# An asset that belonged to this item before was taken from it by somebody, and stays away.
DECIDE_ASSIGNED = """
INSERT INTO decision (action, asset_id, key, item_id, was_key, was_state, was_etag, was_size)
SELECT 'assign', a.id, a.key, o.item_id, a.key, a.state, a.etag, a.size
FROM catalog_mediaasset a
JOIN loose l ON l.top = split_part(a.key, '/', 1) AND l.folder = split_part(a.key, '/', 2)
    AND starts_with(a.key, l.top || '/' || l.folder || '/')
JOIN owner o ON o.item_kind = l.item_kind AND o.folder = l.folder
WHERE a.state = 'present' AND a.item_id IS NULL AND starts_with(a.key, %s)
  AND NOT EXISTS (SELECT FROM differing d WHERE d.id = a.id AND d.listed_key IS NULL)
  AND NOT EXISTS (SELECT FROM catalog_mediaassetevent e WHERE e.pgh_obj_id = a.id AND e.item_id = o.item_id)
ORDER BY a.key
"""
COUNT_GONE = """
SELECT count(*) FROM differing d WHERE listed_key IS NULL
  AND NOT EXISTS (SELECT FROM decision m WHERE m.action = 'move' AND m.asset_id = d.id)
"""
DECIDE_GONE = """
INSERT INTO decision (action, asset_id, key, item_id, was_key, was_state, was_item_id, was_etag, was_size)
SELECT 'missing', id, known_key, item_id, known_key, state, item_id, was_etag, was_size
FROM differing d WHERE listed_key IS NULL
  AND NOT EXISTS (SELECT FROM decision m WHERE m.action = 'move' AND m.asset_id = d.id)
ORDER BY known_key
"""


def prepare(cursor: CursorWrapper) -> None:
    """Make the empty tables, in place of what a run before left."""
    cursor.execute(f"DROP TABLE IF EXISTS {TABLES}")
    for statement in (CREATE_DECISION, CREATE_PLACED, CREATE_LOOSE):
        cursor.execute(statement)


def decide(cursor: CursorWrapper, prefix: str, since: datetime) -> tuple[Counter[str], int]:
    """Fill the table of decisions, but for what is gone.

    `since` is when the listing began. Returns what is passed over, by reason, and how many assets may have
    moved but not to one place.
    """
    cursor.execute(CREATE_DIFFERING, [prefix, since, list(OWN_FOLDERS)])
    cursor.execute("ANALYZE differing")
    cursor.execute(DECIDE_CHANGED)
    ignored = _place(cursor)
    _find_loose(cursor, prefix)
    cursor.execute(DROP_ARRIVING, [UPLOADS, since])
    ignored[Ignored.ARRIVAL.value] += cursor.rowcount
    cursor.execute("ANALYZE placed; ANALYZE loose")
    cursor.execute(CREATE_OWNER)
    cursor.execute("ANALYZE owner")
    cursor.execute(DECIDE_MOVED)
    (ambiguous,) = cursor.fetchone()
    cursor.execute("ANALYZE decision")
    cursor.execute(DECIDE_NEW)
    cursor.execute(DECIDE_ASSIGNED, [prefix])
    return +ignored, ambiguous


def count_gone(cursor: CursorWrapper) -> int:
    """Return how many present assets are not listed and have not moved."""
    cursor.execute(COUNT_GONE)
    return int(cursor.fetchone()[0])


def count_new(cursor: CursorWrapper) -> int:
    """Return how many objects are new, or under another key than before."""
    cursor.execute("SELECT count(*) FROM placed")
    return int(cursor.fetchone()[0])


def decide_gone(cursor: CursorWrapper) -> None:
    cursor.execute(DECIDE_GONE)


def forget_moves(cursor: CursorWrapper) -> None:
    """Take back that anything moved."""
    cursor.execute("DELETE FROM decision WHERE action = 'move'")


def _place(cursor: CursorWrapper) -> Counter[str]:
    """Say of each new object where it belongs; count what is passed over."""
    ignored: Counter[str] = Counter()
    for rows in batches(cursor, SELECT_NEW):
        lines = []
        for key, etag, size, modified in rows:
            where = place(key)
            if isinstance(where, Ignored):
                ignored[where.value] += 1
                continue
            texts = (key, etag, str(size), modified, where.item_kind, where.folder, where.reference)
            lines.append(f"{_line(texts)}\t{where.position}\t{where.kind}\t{where.content_type}\n")
        _copy(cursor, COPY_PLACED, lines)
    return ignored


def _find_loose(cursor: CursorWrapper, prefix: str) -> None:
    """Collect the folders of assets that belong to no item."""
    for rows in batches(cursor, SELECT_LOOSE, [prefix, list(FOLDERS)]):
        lines = []
        for top, folder in rows:
            where = place(f"{top}/{folder}/1")
            if not isinstance(where, Ignored) and where.item_kind:
                lines.append(_line((top, folder, where.item_kind, where.reference)) + "\n")
        _copy(cursor, COPY_LOOSE, lines)


def _line(texts: Iterable[str]) -> str:
    """Return the texts as COPY's."""
    joined = "\t".join(texts)
    if "\\" in joined or "\r" in joined or "\n" in joined or joined.count("\t") != len(tuple(texts)) - 1:
        return "\t".join(text.translate(ESCAPES) for text in texts)
    return joined


def _copy(cursor: CursorWrapper, statement: str, lines: list[str]) -> None:
    with cursor.copy(statement) as copy:
        copy.write("".join(lines))


def batches(
    cursor: CursorWrapper, query: str, parameters: list[Any] | None = None
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield a query's rows some thousands at a time; the cursor may be used for other statements meanwhile."""
    cursor.execute(f"DECLARE rows_of_a_sync NO SCROLL CURSOR FOR {query}", parameters or [])
    while True:
        cursor.execute(f"FETCH {BATCH} FROM rows_of_a_sync")
        rows = cursor.fetchall()
        if not rows:
            break
        yield rows
    cursor.execute("CLOSE rows_of_a_sync")
