"""Which state of the catalogue a reader sees: known by one quick query, different after every write.

The changes that are committed only ever grow in number, so their count names the state. It is asked for *before* an
answer is made: an answer may then be newer than its state's name, never older.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

# The last change's id tells a change that was taken back from one that came after it. An item whose time of
# publication comes changes answers without a write. The table's oid and the server's start tell a restored copy of
# the database, in which the numbers come a second time, from the first one.
STATE = """
SELECT concat_ws('.', coalesce(folded.number, 0) + noted.number, coalesce(noted.last, folded.last, 0),
                 extract(epoch FROM shown.at), 'catalog_cataloguechange'::regclass::oid,
                 extract(epoch FROM pg_postmaster_start_time())),
       coalesce(greatest(folded.at, noted.at, shown.at), pg_postmaster_start_time())
  FROM (SELECT count(*) AS number, max(id) AS last, max(at) AS at FROM catalog_cataloguechange
         WHERE public OR NOT %(public)s) AS noted
 CROSS JOIN (SELECT max(published_at) AS at FROM catalog_item
              WHERE status = 'published' AND published_at <= now()) AS shown
  LEFT JOIN catalog_foldedchanges AS folded ON folded.public = %(public)s
"""
FOLD = """
WITH noted AS (DELETE FROM catalog_cataloguechange RETURNING id, at, public)
INSERT INTO catalog_foldedchanges AS folded (public, number, last, at)
SELECT kind.public, count(*), max(noted.id), max(noted.at)
  FROM noted JOIN (VALUES (true), (false)) AS kind (public) ON noted.public OR NOT kind.public
 GROUP BY kind.public
ON CONFLICT (public) DO UPDATE SET number = folded.number + EXCLUDED.number,
   last = greatest(folded.last, EXCLUDED.last), at = greatest(folded.at, EXCLUDED.at)
"""


@dataclass(frozen=True)
class State:
    """A state of the catalogue: its name, and when the last change before it was made."""

    name: str
    changed_at: datetime


def state(*, public: bool) -> State:
    """Return the state that the catalogue is in for everybody, or for those who may see more than that."""
    with connection.cursor() as cursor:
        cursor.execute(STATE, {"public": public})
        name, changed_at = cursor.fetchone()
    return State(name, changed_at)


def fold() -> None:
    """Count up the changes that are noted one by one, so that `state` stays quick. The state stays the same."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('catalog.changes'))")
        if cursor.fetchone()[0]:  # else another process is at it
            cursor.execute(FOLD)
