"""Whether a person may undo what a run did: the same rights as to bring it in."""

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.errors import ImportRefused
from catalog.imports.reach import Reach
from catalog.imports.undoing.tables import (
    APPEARANCES,
    BRING_BACK,
    ITEMS,
    MEDIA,
    PRODUCTIONS,
    REMOVE,
    RESTORE,
    TERMS,
    Tracked,
)
from catalog.models import Status

Steps = tuple[str, ...]


def check_rights(cursor: CursorWrapper, reach: Reach) -> None:
    """Raise ImportRefused where undoing would touch what this reach does not cover."""
    kinds = _kinds(cursor, "TRUE") - set(reach.kinds)
    if kinds:
        raise ImportRefused(
            f"Undoing this import needs the rights to add and to change items of the kind {_listed(kinds)}."
        )
    published = _kinds(cursor, _changes_publication()) - set(reach.publish_kinds)
    if published:
        names = " and ".join(f"catalog.publish_{kind}" for kind in sorted(published))
        raise ImportRefused(
            f"Undoing this import publishes or withdraws items, which needs the right {names}."
        )
    for tracked, steps, allowed, right in _tables(reach):
        if not allowed and _touches(cursor, tracked, steps):
            plural = tracked.model._meta.verbose_name_plural
            raise ImportRefused(f"Undoing this import touches {plural}, which needs the right {right}.")


def _tables(reach: Reach) -> list[tuple[Tracked, Steps, bool, str]]:
    """Return what it takes to undo which steps in the tables beside the items."""
    made, changed = (REMOVE,), (RESTORE, BRING_BACK)
    return [
        (
            APPEARANCES,
            (REMOVE, BRING_BACK),
            reach.appearances,
            "catalog.add_appearance and catalog.delete_appearance",
        ),
        (
            APPEARANCES,
            (RESTORE,),
            reach.appearance_notes,
            "catalog.add_appearance and catalog.change_appearance",
        ),
        (PRODUCTIONS, made, reach.new_productions, "catalog.add_production"),
        (PRODUCTIONS, changed, reach.productions, "catalog.add_production and catalog.change_production"),
        (TERMS, made, reach.new_terms, "catalog.add_term"),
        (TERMS, changed, reach.terms, "catalog.add_term and catalog.change_term"),
        (MEDIA, (RESTORE, BRING_BACK), reach.images, "catalog.change_mediaasset"),
    ]


def _listed(kinds: set[str]) -> str:
    return " and ".join(sorted(kinds))


def _kinds(cursor: CursorWrapper, condition: str) -> set[str]:
    found = sql.rows(
        cursor,
        f"""SELECT DISTINCT a.kind FROM {ITEMS.work} AS u JOIN {ITEMS.events} AS a ON a.pgh_id = u.after
              LEFT JOIN {ITEMS.events} AS b ON b.pgh_id = u.before LEFT JOIN {ITEMS.table} AS r ON r.id = u.id
             WHERE {condition}""",
    )
    return {kind for (kind,) in found}


def _changes_publication() -> str:
    """Return the condition that the public sees an item come, go, or at another time."""
    return f"""u.why IS NULL AND CASE u.step
               WHEN '{REMOVE}' THEN r.status <> '{Status.DRAFT}'
               WHEN '{BRING_BACK}' THEN b.status <> '{Status.DRAFT}'
               ELSE r.status <> b.status OR r.published_at IS DISTINCT FROM b.published_at END"""


def _touches(cursor: CursorWrapper, tracked: Tracked, steps: Steps) -> bool:
    taken = ", ".join(map(sql.quoted, steps))
    return bool(
        sql.value(
            cursor, f"SELECT EXISTS (SELECT FROM {tracked.work} WHERE why IS NULL AND step IN ({taken}))"
        )
    )
