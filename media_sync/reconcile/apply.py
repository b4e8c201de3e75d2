"""The decisions, written to the catalogue: a few statements, each of real changes only.

They bypass `save()` and `full_clean()` and set what those would set; database triggers keep the history. Each
writes only where the catalogue still is what the decision was based on. All run in the caller's transaction.
"""

from django.db.backends.utils import CursorWrapper

MANY = 1000  # new rows that change what the planner should know

# An item that somebody deletes meanwhile must not fail the sync.
LOCK_ITEMS = """
SELECT count(*) FROM (
    SELECT id FROM catalog_item WHERE id IN (SELECT item_id FROM decision WHERE action IN ('create', 'move', 'assign'))
    ORDER BY id FOR KEY SHARE
) AS locked
"""
AS_IT_WAS = """a.id = d.asset_id AND a.key = d.was_key AND a.state = d.was_state AND a.etag = d.was_etag
    AND a.size = d.was_size AND a.item_id IS NOT DISTINCT FROM d.was_item_id"""
# The same etag and size mean the same content (the object was copied onto itself), so what is known of the
# picture stays.
CHANGE = f"""
UPDATE catalog_mediaasset a SET
    state = 'present', etag = f.etag, size = f.size, source_modified = f.modified, updated_at = now(),
    width = CASE WHEN f.same THEN a.width END,
    height = CASE WHEN f.same THEN a.height END,
    sha256 = CASE WHEN f.same THEN a.sha256 ELSE '' END,
    processing = CASE WHEN f.same THEN a.processing ELSE 'waiting' END,
    refusal = CASE WHEN f.same THEN a.refusal ELSE '' END
FROM (
    SELECT a.id, d.etag, d.size, d.modified, a.etag = d.etag AND a.size = d.size AND d.etag <> '' AS same
    FROM catalog_mediaasset a JOIN decision d ON {AS_IT_WAS}
    WHERE d.action = %s
) AS f
WHERE a.id = f.id
"""
MOVE = f"""
UPDATE catalog_mediaasset a SET
    key = d.key, source_modified = d.modified, updated_at = now(),
    item_id = CASE WHEN a.item_id IS NULL THEN i.id ELSE a.item_id END,
    position = CASE WHEN a.item_id IS NULL AND i.id IS NOT NULL THEN d.position ELSE a.position END
FROM decision d LEFT JOIN catalog_item i ON i.id = d.item_id
WHERE d.action = %s AND {AS_IT_WAS} AND NOT EXISTS (SELECT FROM catalog_mediaasset o WHERE o.key = d.key)
"""
CREATE = """
INSERT INTO catalog_mediaasset (
    key, item_id, position, kind, content_type, size, etag, source_modified, state,
    sha256, alt_text, caption, focal_x, focal_y, created_at, updated_at,
    original_name, processing, refusal, frames, has_alpha, thumbhash, colour, exif, renditions, rendered_as
)
SELECT d.key, i.id, d.position, d.kind, d.content_type, d.size, d.etag, d.modified, 'present',
    '', '', '', 0.5, 0.5, now(), now(),
    '', 'waiting', '', 1, false, '', '', '{}', '[]', ''
FROM decision d LEFT JOIN catalog_item i ON i.id = d.item_id
WHERE d.action = %s AND NOT EXISTS (SELECT FROM catalog_mediaasset o WHERE o.key = d.key)
ORDER BY d.n
ON CONFLICT (key) DO NOTHING
"""
ASSIGN = f"""
UPDATE catalog_mediaasset a SET item_id = d.item_id, updated_at = now()
FROM decision d JOIN catalog_item i ON i.id = d.item_id
WHERE d.action = %s AND {AS_IT_WAS}
"""
GONE = f"""
UPDATE catalog_mediaasset a SET state = 'missing', updated_at = now()
FROM decision d WHERE d.action = %s AND {AS_IT_WAS}
"""
# In this order: an object may take the key that another has left.
STATEMENTS = {
    "change": CHANGE, "return": CHANGE, "move": MOVE, "create": CREATE, "assign": ASSIGN, "missing": GONE,
}  # fmt: skip


def apply(cursor: CursorWrapper, planned: dict[str, int]) -> dict[str, int]:
    """Write what was decided; return how many rows of each action were written."""
    if not planned:
        return {}
    cursor.execute("ANALYZE decision")
    cursor.execute(LOCK_ITEMS)
    written = {}
    for action, statement in STATEMENTS.items():
        if planned.get(action):
            cursor.execute(statement, [action])
            written[action] = cursor.rowcount
    if written.get("create", 0) >= MANY:
        cursor.execute("ANALYZE catalog_mediaasset")  # for readers
    return written
