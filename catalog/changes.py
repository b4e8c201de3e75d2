"""Which state of the catalogue a reader sees: known by one quick query, different after every write.

The changes that are committed only ever grow in number, so their count names the state. It is asked for *before* an
answer is made: an answer may then be newer than its state's name, never older.

A statement on drafts is no change to the public. But it knows only what had ended before it: a draft that another
transaction publishes meanwhile is still a draft to it. So it counts as public, too, if a transaction that had not
ended at the statement (`oldest` is the first of those) has made a public change by now.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from marketplace import prepared

SHOWS = "shows_at <= now()"
MEANWHILE = "oldest <= public.newest AND transaction <> public.newest"
NEWEST = f"""
SELECT greatest((SELECT max(transaction) FROM catalog_cataloguechange WHERE {SHOWS}),
                (SELECT transaction FROM catalog_foldedchanges WHERE public)) AS newest
"""  # noqa: S608  (put together of constants)
# The last change's id tells a change that was taken back from one that came after it. An item whose time of
# publication comes changes answers without a write. What tells a restored copy of the rows, in which numbers come a
# second time: transactions, which the server never numbers alike, the table's oid and the server's start.
STATE = """
SELECT concat_ws('.', coalesce(folded.number, 0) + noted.number, greatest(noted.last, folded.last),
                 greatest(noted.newest, folded.transaction), extract(epoch FROM shown.at),
                 'catalog_cataloguechange'::regclass::oid, extract(epoch FROM pg_postmaster_start_time())),
       coalesce(greatest(folded.at, noted.at, shown.at), pg_postmaster_start_time())
  FROM (SELECT count(*) AS number, max(id) AS last, max(transaction) AS newest, max(at) AS at
          FROM {noted}) AS noted
 CROSS JOIN (SELECT max(published_at) AS at FROM catalog_item
              WHERE status = 'published' AND published_at <= now()) AS shown
  LEFT JOIN catalog_foldedchanges AS folded ON folded.public = {public}
"""
STATES = {
    True: STATE.format(
        noted=f"catalog_cataloguechange CROSS JOIN ({NEWEST}) AS public WHERE {SHOWS} OR {MEANWHILE}",
        public="true",
    ),
    False: STATE.format(noted="catalog_cataloguechange", public="false"),
}


@dataclass(frozen=True)
class State:
    """A state of the catalogue: its name, and when the last change before it was made."""

    name: str
    changed_at: datetime


def state(*, public: bool) -> State:
    """Return the state that the catalogue is in for everybody, or for those who may see more than that."""
    text = STATES[public]
    ((name, changed_at),) = prepared.rows(text.encode(), text=text)
    return State(name, changed_at)


def fold() -> None:
    """Count up the changes that are noted one by one, so that `state` stays quick. The state stays the same.

    The database itself does so at every thousandth change; this sees to the rest.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT catalog_fold_changes()")
