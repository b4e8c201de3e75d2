"""Whether the catalogue has moved on since a preview was made.

Rows that the import changes carry the transaction that wrote them last (`present_xmin`). Rows that the preview called
unchanged carry nothing, since most of a file are such: for them the sheet's marks hold the snapshot in which they were
judged, and what was written since is what that snapshot does not see. For all else that a sheet was resolved against
there are digests, its other marks.
"""

from dataclasses import asdict
from typing import Any

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column
from catalog.imports.judgement.merging import Plan
from catalog.models import ImportSheet, Outcome

HALF = 2**31  # of the numbers of transactions that a row can tell apart
# What people say of a file. The worker and the sync write the rest at any time, and no preview shows it.
TOLD = ("item_id", "position", "alt_text", "caption", "focal_x", "focal_y")


def marks_before(cursor: CursorWrapper, plan: Plan) -> dict[str, Any]:
    """Return the digests of terms and productions, the reach, and the snapshot, as they are now."""
    marks: dict[str, Any] = {"reach": _as_json(asdict(plan.reach))}
    marks["snapshot"] = str(sql.value(cursor, "SELECT pg_current_snapshot()"))
    if plan.target.name == "term" or any(column.vocabulary for column in plan.mapping.columns):
        marks["terms"] = _digest(cursor, "catalog_term")
    if plan.target.name == "production" or _names_productions(plan.mapping.columns):
        marks["productions"] = _digest(cursor, "catalog_production")
    return marks


def marks_after(cursor: CursorWrapper, plan: Plan) -> dict[str, Any]:
    """Return the digest of the appearances that the items of the sheet have now."""
    if not (plan.target.kind and plan.mapping.has("appearances")):
        return {}
    return {"appearances": _digest(cursor, "catalog_appearance", "item_id IN (SELECT id FROM import_merged)")}


def _names_productions(columns: tuple[Column, ...]) -> bool:
    return bool({"appearances", "title", "production"} & {column.name for column in columns})


def _as_json(reach: dict[str, Any]) -> dict[str, Any]:
    """Return the reach as JSON gives it back."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in reach.items()}


def _digest(cursor: CursorWrapper, table: str, where: str = "TRUE") -> str:
    # xmin is the transaction that wrote the row last, so any write by any door changes the digest.
    query = (
        f"SELECT coalesce(md5(string_agg(id || ':' || xmin, ',' ORDER BY id)), '') FROM {table} WHERE {where}"
    )
    return str(sql.value(cursor, query))


def what_moved(cursor: CursorWrapper, sheet: ImportSheet, plan: Plan) -> str:
    """Return what has changed since the sheet was judged, as the end of a sentence; "" where nothing has."""
    now = _marks(cursor, plan)
    if now["reach"] != sheet.marks.get("reach"):
        return "your rights have changed"
    snapshot = str(sheet.marks.get("snapshot", ""))
    edited = int(sql.value(cursor, _edited(plan, snapshot)) or 0)
    if sheet.unchanged and snapshot:
        edited += int(sql.value(cursor, _moved_below(plan, snapshot)) or 0)
    if edited:
        were = "was" if edited == 1 else "were"
        return f"{edited:,} of its rows {were} changed, added or deleted in the catalogue"
    moved = [
        name for name in ("terms", "productions", "appearances") if now.get(name) != sheet.marks.get(name)
    ]
    return f"{' and '.join(moved)} that it refers to were changed" if moved else ""


def _marks(cursor: CursorWrapper, plan: Plan) -> dict[str, Any]:
    return marks_before(cursor, plan) | marks_after(cursor, plan)


def _edited(plan: Plan, snapshot: str) -> str:
    """Return the query of how many rows differ from what they were: written since, gone, or there by now."""
    otherwise = f" AND {_told_otherwise(snapshot)}" if plan.target.name == "image" and snapshot else ""
    return f"""SELECT (SELECT count(*) FROM import_merged AS m LEFT JOIN {plan.target.table} AS i ON i.id = m.id
                        WHERE m.id IS NOT NULL AND i.xmin::text IS DISTINCT FROM m.present_xmin{otherwise})
                    + (SELECT count(*) FROM import_merged AS m JOIN {plan.target.table} AS i ON {plan.matches('m')}
                        WHERE m.id IS NULL)"""


def _moved_below(plan: Plan, snapshot: str) -> str:
    """Return the query of how many of the rows that were called unchanged differ from what they were, or are gone.

    Of terms and productions the digests tell. Appearances leave no trace on their item, nor a row where they were
    taken away; so those are looked up in history.
    """
    if plan.target.name in {"term", "production"}:
        return "SELECT 0"
    image = plan.target.name == "image"
    column, key = ("r_key", "i.key") if image else ("r_reference", sql.folded("i.reference"))
    named = sql.cell(column, exact=True) if image else sql.folded(sql.canonical_cell(column))
    since = _is_later("i.xmin", snapshot)
    if image:
        since = f"({since} AND {_told_otherwise(snapshot)})"
    listed = ""
    if plan.target.name == "appearance" or plan.mapping.has("appearances"):
        later = _is_later("e.xmin", snapshot)
        listed = f" OR i.id IN (SELECT e.item_id FROM catalog_appearanceevent AS e WHERE {later})"
    if plan.target.name == "appearance":  # what else is written about an item is no matter of these rows
        since = "FALSE"
    table = plan.target.table if image or plan.target.kind else "catalog_item"
    return f"""SELECT count(*) FROM import_row AS r JOIN import_trimmed AS t USING (line)
                 LEFT JOIN {table} AS i ON {key} = {named}
                WHERE r.outcome = '{Outcome.UNCHANGED}' AND (i.id IS NULL OR {since}{listed})"""


def _told_otherwise(snapshot: str) -> str:
    """Return the SQL of whether people say something else of the file `i` than when the snapshot was taken."""
    now, then = (", ".join(f"{row}.{name}" for name in TOLD) for row in "ie")
    return f"""(i.id IS NULL OR NOT EXISTS (
                 SELECT FROM (SELECT * FROM catalog_mediaassetevent AS event
                               WHERE event.pgh_obj_id = i.id AND NOT {_is_later('event.xmin', snapshot)}
                               ORDER BY event.pgh_id DESC LIMIT 1) AS e
                  WHERE ({now}) IS NOT DISTINCT FROM ({then})))"""


def _is_later(xmin: str, snapshot: str) -> str:
    """Return the SQL of whether the transaction that wrote a row is one that the snapshot does not see.

    Rows know 32 bits of its number. It is taken for the one nearest to the snapshot's, and none that is still to come
    has written anything.
    """
    top = f"pg_snapshot_xmax('{snapshot}'::pg_snapshot)::text::bigint"
    ahead = f"(({xmin}::text::bigint - {top} + {HALF}) & {2 * HALF - 1}) - {HALF}"
    number = f"greatest({top} + {ahead}, 3)"
    latest = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    return f"({number} < {latest} AND NOT pg_visible_in_snapshot({number}::text::xid8, '{snapshot}'::pg_snapshot))"
