"""Moves that only the content tells: an object that a sync brought has the checksum of one that the same sync missed.

The listing knows no checksums, and an etag changes where a copy was made in other parts or encrypted anew. The worker
reads what is new; when it has, the record of the object that went follows it, as it would have by the etag.
"""

import pghistory
from django.db import connection, transaction
from django.db.models.functions import Now

from catalog.models import MediaAsset, MediaState, Processing

BATCH = 500  # pairs in one transaction
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


def follow() -> int:
    """Let the records of objects that moved take their new keys; return how many did."""
    moved = 0
    while some := _follow_some():
        moved += some
    return moved


def _follow_some() -> int:
    with transaction.atomic(), pghistory.context(action="moved by checksum"):
        pairs = _pairs()
        ids = [asset_id for pair in pairs for asset_id in pair]
        # Nobody is waited for: a sync locks these rows in an order of its own.
        locked = MediaAsset.objects.filter(pk__in=ids).select_for_update(skip_locked=True).in_bulk()
        if len(locked) < len(ids) or _pairs() != pairs:
            return 0  # somebody is at them; the next pass looks again
        MediaAsset.objects.filter(pk__in=[come for _, come in pairs]).delete()
        for gone, come in pairs:
            _take_over(locked[gone], locked[come])
    return len(pairs)


def _pairs() -> list[tuple[int, int]]:
    """Return some of the records that went and came, in pairs."""
    with connection.cursor() as cursor:
        cursor.execute(PAIRS)
        found = cursor.fetchall()
        if not found:
            return []
        cursor.execute(UNREAD, [list({time for *_, time, _ in found}), list({size for *_, size in found})])
        unread = set(cursor.fetchall())
    return [(gone, come) for gone, come, *like in found if tuple(like) not in unread][:BATCH]


def _take_over(gone: MediaAsset, come: MediaAsset) -> None:
    """Give the old record the object of the new one. It is read again, for its name may be refused where the old was not."""
    owner = gone if gone.item_id else come
    MediaAsset.objects.filter(pk=gone.pk).update(
        key=come.key,
        etag=come.etag,
        source_modified=come.source_modified,
        item_id=owner.item_id,
        position=owner.position,
        state=MediaState.PRESENT,
        processing=Processing.WAITING,
        refusal="",
        updated_at=Now(),
    )
