"""The past of an item, put together from the history that the database keeps of it, its appearances and its files.

Whatever wrote is in it: the admin, the API, spreadsheets, the bucket's sync, commands and plain SQL.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from accounts.models import User
from catalog.models import Appearance, Item, MediaAsset, Production

PAGE = 25  # changes
MODELS: dict[str, Any] = {"item": Item, "appearance": Appearance, "media": MediaAsset}
# What every change changes, or a worker finds out by itself.
UNTOLD = (
    "pgh_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pgh_context_id", "id", "version", "created_at", "updated_at",
    "state_since", "processing", "frames", "has_alpha", "dhash", "thumbhash", "colour", "exif", "renditions",
    "rendered_as", "width", "height", "etag", "sha256", "size", "source_modified", "content_type",
)  # fmt: skip
EVENTS = """
SELECT '{source}' AS source, event.pgh_id AS id, event.pgh_created_at AS at, event.pgh_label AS label,
       event.pgh_context_id AS context, to_jsonb(event) AS now,
       (SELECT to_jsonb(earlier) FROM {table} AS earlier
         WHERE earlier.pgh_obj_id = event.pgh_obj_id AND earlier.pgh_id < event.pgh_id
         ORDER BY earlier.pgh_id + 0 DESC LIMIT 1) AS before  -- by the object's index, not by that of the keys
  FROM {table} AS event WHERE event.pgh_obj_id = ANY({objects})"""
OBJECTS = {
    "item": "ARRAY[%(item)s]::bigint[]",
    "appearance": "ARRAY(SELECT pgh_obj_id FROM catalog_appearanceevent WHERE item_id = %(item)s)",
    "media": "ARRAY(SELECT pgh_obj_id FROM catalog_mediaassetevent WHERE item_id = %(item)s)",
}
TABLES = {
    "item": "catalog_itemevent",
    "appearance": "catalog_appearanceevent",
    "media": "catalog_mediaassetevent",
}
ALL = " UNION ALL ".join(
    EVENTS.format(source=name, table=TABLES[name], objects=OBJECTS[name]) for name in MODELS
)
CHANGES = f"""
SELECT source, change.id, at, label, now, before, context.metadata
  FROM ({ALL}) AS change LEFT JOIN pghistory_context AS context ON context.id = change.context
 WHERE (%(at)s::timestamptz IS NULL OR (at, source, change.id) < (%(at)s, %(source)s, %(id)s))
   AND (source = 'item' OR now ->> 'item_id' = %(item)s::text OR before ->> 'item_id' = %(item)s::text)
   AND (label <> 'update' OR now - %(untold)s::text[] IS DISTINCT FROM before - %(untold)s::text[])
 ORDER BY at DESC, source DESC, change.id DESC LIMIT %(most)s
"""  # noqa: S608 -- fixed texts


class Place(NamedTuple):
    """Where a page of changes begins: after the change with this time, source and event."""

    at: datetime
    source: str
    id: int


@dataclass(frozen=True)
class FieldChange:
    """What a field was and became, as the database has them; None where there was no row."""

    name: str
    label: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Change:
    """One row's insert, update or delete: what, when, by whom, and what is known of why (`facts`)."""

    place: Place
    label: str
    title: str
    by: str
    facts: dict[str, Any]
    fields: list[FieldChange]

    @property
    def at(self) -> datetime:
        return self.place.at


def changes(item: int, after: Place | None = None) -> tuple[list[Change], Place | None]:
    """Return a page of an item's changes, the newest first, and where the next begins. Three queries."""
    at, source, event = after or (None, "", 0)
    params = {
        "item": item, "at": at, "source": source, "id": event, "untold": list(UNTOLD), "most": PAGE + 1,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(CHANGES, params)
        rows = [(*row[:4], *map(_parsed, row[4:])) for row in cursor.fetchall()]
    shown = rows[:PAGE]
    people, films = _people(shown), _films(shown)
    found = [_change(row, people, films) for row in shown]
    return found, found[-1].place if len(rows) > PAGE else None


def _parsed(text: str | None) -> Any:
    return json.loads(text) if text else None  # Django's cursors leave jsonb a text


def _people(rows: list[Any]) -> dict[int, str]:
    keys = {row[6].get("user") for row in rows if row[6]} - {None}
    return dict(User.objects.filter(pk__in=keys).values_list("pk", "username"))


def _films(rows: list[Any]) -> dict[int, str]:
    keys = {state["production_id"] for row in rows for state in row[4:6] if state and row[0] == "appearance"}
    return {film.pk: str(film) for film in Production.objects.filter(pk__in=keys).only("title", "years")}


def _change(row: Any, people: dict[int, str], films: dict[int, str]) -> Change:
    source, event, at, label, now, before, facts = row
    facts = facts or {}
    old = None if label == "insert" else now if label == "delete" else before
    new = None if label == "delete" else now
    fields = list(_fields(source, old, new, films))
    return Change(
        Place(at, source, event),
        label,
        _title(source, now, films),
        people.get(facts.get("user") or 0, ""),
        facts,
        fields,
    )


def _title(source: str, state: dict[str, Any], films: dict[int, str]) -> str:
    """Name the row that changed; the item itself needs no name on its own page."""
    if source == "appearance":
        return f"Appearance in {films.get(state['production_id'], 'a film that is gone')}"
    return f"File {state['key']}" if source == "media" else ""


def _fields(source: str, old: Any, new: Any, films: dict[int, str]) -> Iterator[FieldChange]:
    """Yield what differs; of a new or deleted row, what it has."""
    for field in MODELS[source]._meta.concrete_fields:
        name = field.column
        if name in UNTOLD:
            continue
        before, after = (state.get(name) if state else None for state in (old, new))
        if before == after or (not before and not after and None in (old, new)):
            continue
        if name == "production_id":
            before, after = films.get(before or 0), films.get(after or 0)
        label = str(field.verbose_name)
        yield FieldChange(field.name, label[:1].upper() + label[1:], before, after)
