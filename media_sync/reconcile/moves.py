"""Moves that only the content tells: an object that a sync brought has the checksum of one that the same sync missed.

The listing knows no checksums, and an etag changes where a copy was made in other parts or encrypted anew. The worker
reads what is new; when it has, the record of the object that went follows it, as it would have by the etag.
"""

import pghistory
from django.db import connection, transaction

from catalog.models import MediaAsset

BATCH = 1000  # pairs in one transaction
# A sync writes all that it decides in one transaction, whose time tells what went and what came together. Only where
# one went and one came, and nobody has touched the new record.
PAIRS = """
WITH pair AS (
    SELECT gone.id AS gone_id, come.id AS come_id, come.created_at, come.size,
        count(*) OVER (PARTITION BY gone.id) + count(*) OVER (PARTITION BY come.id) AS matches
    FROM catalog_mediaasset gone
    JOIN catalog_mediaasset come ON come.sha256 = gone.sha256 AND come.sha256 <> '' AND come.size = gone.size
        AND come.state = 'present' AND come.created_at = gone.state_since
    WHERE gone.state = 'missing' AND gone.size > 0 AND gone.state_since > now() - interval '7 days'
        AND (%(among)s::bigint[] IS NULL
            OR gone.sha256 = ANY (SELECT sha256 FROM catalog_mediaasset WHERE id = ANY (%(among)s)))
)
SELECT gone_id, come_id, created_at, size FROM pair
WHERE matches = 2 AND NOT EXISTS (
    SELECT FROM catalog_mediaassetevent e JOIN pghistory_context c ON c.id = e.pgh_context_id
    WHERE e.pgh_obj_id = pair.come_id AND NOT c.metadata ? 'sync_run'
)
ORDER BY gone_id
"""
# What may be a further copy, and is still to be read. On its own: the planner would look for it once for each pair.
UNREAD = """
SELECT DISTINCT created_at, size FROM catalog_mediaasset
WHERE processing = 'waiting' AND state = 'present' AND sha256 = '' AND created_at = ANY (%s) AND size = ANY (%s)
"""


TAKE_OVER = """
UPDATE catalog_mediaasset a
SET key = p.key, etag = p.etag, source_modified = p.source_modified, item_id = p.item_id, position = p.position,
    state = 'present', processing = 'waiting', refusal = '', updated_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::bigint[], %s::integer[])
    AS p (id, key, etag, source_modified, item_id, position)
WHERE a.id = p.id
"""

Pair = tuple[int, int]  # the record of the object that went, and that of the one that came


def follow() -> int:
    """Let the records of objects that moved take their new keys; return how many did."""
    pairs = _pairs()
    return sum(_follow(pairs[at : at + BATCH]) for at in range(0, len(pairs), BATCH))


def _follow(pairs: list[Pair]) -> int:
    with transaction.atomic(), pghistory.context(action="moved by checksum"):
        ids = [asset_id for pair in pairs for asset_id in pair]
        # Nobody is waited for: a sync locks these rows in an order of its own.
        locked = MediaAsset.objects.filter(pk__in=ids).select_for_update(skip_locked=True).in_bulk()
        if len(locked) < len(ids) or _pairs(ids) != pairs:
            return 0  # somebody is at them; the next pass looks again
        MediaAsset.objects.filter(pk__in=[come for _, come in pairs]).delete()
        _take_over([(locked[gone], locked[come]) for gone, come in pairs])
    return len(pairs)


def _pairs(among: list[int] | None = None) -> list[Pair]:
    """Return the records that went and came, in pairs; narrowed to those of the same content as one of `among`."""
    with connection.cursor() as cursor:
        cursor.execute(PAIRS, {"among": among})
        found = cursor.fetchall()
        if not found:
            return []
        cursor.execute(UNREAD, [list({time for *_, time, _ in found}), list({size for *_, size in found})])
        unread = set(cursor.fetchall())
    return [(gone, come) for gone, come, *like in found if tuple(like) not in unread]


def _take_over(pairs: list[tuple[MediaAsset, MediaAsset]]) -> None:
    """Give the old records the objects of the new ones.

    They are read again, for a name may be refused where the old was not.
    """
    rows = []
    for gone, come in pairs:
        owner = gone if gone.item_id else come
        rows.append((gone.pk, come.key, come.etag, come.source_modified, owner.item_id, owner.position))
    with connection.cursor() as cursor:
        cursor.execute(TAKE_OVER, [list(column) for column in zip(*rows, strict=True)])
