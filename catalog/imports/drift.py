"""Whether the catalogue has moved on since a preview was made.

Rows that the import changes carry the transaction that wrote them last (`present_xmin`); for all else that a sheet
was resolved against there are digests, its marks.
"""

from dataclasses import asdict
from typing import Any

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column
from catalog.imports.judgement.merging import Plan
from catalog.models import ImportSheet


def marks_before(cursor: CursorWrapper, plan: Plan) -> dict[str, Any]:
    """Return the digests of terms and productions, and the reach, as they are now."""
    marks: dict[str, Any] = {"reach": _as_json(asdict(plan.reach))}
    if any(column.vocabulary for column in plan.mapping.columns):
        marks["terms"] = _digest(cursor, "catalog_term")
    if _names_productions(plan.mapping.columns):
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
    edited = int(sql.value(cursor, _edited(plan)) or 0)
    if edited:
        return f"{edited:,} of its rows were changed, added or deleted in the catalogue"
    moved = [
        name for name in ("terms", "productions", "appearances") if now.get(name) != sheet.marks.get(name)
    ]
    return f"{' and '.join(moved)} that it refers to were changed" if moved else ""


def _marks(cursor: CursorWrapper, plan: Plan) -> dict[str, Any]:
    return marks_before(cursor, plan) | marks_after(cursor, plan)


def _edited(plan: Plan) -> str:
    """Return the query of how many rows differ from what they were: written since, gone, or there by now."""
    return f"""SELECT (SELECT count(*) FROM import_merged AS m LEFT JOIN {plan.target.table} AS i ON i.id = m.id
                        WHERE m.id IS NOT NULL AND i.xmin::text IS DISTINCT FROM m.present_xmin)
                    + (SELECT count(*) FROM import_merged AS m JOIN {plan.target.table} AS i ON {plan.matches('m')}
                        WHERE m.id IS NULL)"""
