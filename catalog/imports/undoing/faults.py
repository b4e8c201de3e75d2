"""Which rows an undo leaves alone, beside those that were edited since: what others lean on, and what has no room.

The order counts: whether an item goes is known before its appearances, and these before their productions.
"""

from django.db.backends.utils import CursorWrapper

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
    leave_alone,
    leave_taken,
)

ITEM_LEFT_ALONE = "Its item is left alone."


def find_faults(cursor: CursorWrapper, *, force: bool) -> None:
    """Write into the work tables why rows are left alone. `force` passes over what items have got since."""
    if not force:
        _leave_items_in_use(cursor)
    leave_taken(cursor, ITEMS)
    leave_taken(cursor, PRODUCTIONS)
    leave_taken(cursor, TERMS)
    _leave_lost_appearances(cursor)
    leave_taken(cursor, APPEARANCES)
    _leave_productions_in_use(cursor)
    _leave_lost_media(cursor)


def _goes(tracked: Tracked, row: str) -> str:
    """Return the condition that this row (its id, in SQL) will be removed."""
    return (
        f"EXISTS (SELECT FROM {tracked.work} AS gone"
        f" WHERE gone.id = {row} AND gone.step = '{REMOVE}' AND gone.why IS NULL)"
    )


def _lacks(tracked: Tracked, row: str) -> str:
    """Return the condition that there will be no such row (its id, in SQL)."""
    comes = (
        f"EXISTS (SELECT FROM {tracked.work} AS back"
        f" WHERE back.id = {row} AND back.step = '{BRING_BACK}' AND back.why IS NULL)"
    )
    present = f"EXISTS (SELECT FROM {tracked.table} AS present WHERE present.id = {row})"
    return f"({_goes(tracked, row)} OR NOT ({present} OR {comes}))"


def _leave_items_in_use(cursor: CursorWrapper) -> None:
    """Leave alone items that the run made and that have got appearances or media since, from elsewhere."""
    leave_alone(
        cursor,
        ITEMS,
        "It has appearances that were added or changed since.",
        f"""u.step = '{REMOVE}' AND EXISTS (
            SELECT FROM catalog_appearance AS has WHERE has.item_id = u.id AND NOT {_goes(APPEARANCES, 'has.id')})""",
    )
    leave_alone(
        cursor,
        ITEMS,
        "It has media that were added or changed since.",
        f"""u.step = '{REMOVE}' AND EXISTS (
            SELECT FROM catalog_mediaasset AS has WHERE has.item_id = u.id AND NOT EXISTS (
                   SELECT FROM {MEDIA.work} AS m JOIN {MEDIA.events} AS was ON was.pgh_id = m.before
                    WHERE m.id = has.id AND m.step = '{RESTORE}' AND m.why IS NULL
                      AND was.item_id IS DISTINCT FROM u.id))""",
    )


def _leave_lost_appearances(cursor: CursorWrapper) -> None:
    """Leave alone appearances of items that are left alone, and those whose item or production is gone."""
    leave_alone(
        cursor,
        APPEARANCES,
        ITEM_LEFT_ALONE,
        f"EXISTS (SELECT FROM {ITEMS.work} AS i WHERE i.id = a.item_id AND i.why IS NOT NULL)",
    )
    for tracked, column in ((ITEMS, "b.item_id"), (PRODUCTIONS, "b.production_id")):
        name = tracked.model._meta.verbose_name
        leave_alone(
            cursor,
            APPEARANCES,
            f"Its {name} was deleted since.",
            f"u.step <> '{REMOVE}' AND {_lacks(tracked, column)}",
        )


def _leave_productions_in_use(cursor: CursorWrapper) -> None:
    leave_alone(
        cursor,
        PRODUCTIONS,
        "Items appear in it that the import did not list, or that are left alone.",
        f"""u.step = '{REMOVE}' AND EXISTS (
            SELECT FROM catalog_appearance AS has WHERE has.production_id = u.id
               AND NOT {_goes(APPEARANCES, 'has.id')} AND NOT {_goes(ITEMS, 'has.item_id')})""",
    )


def _leave_lost_media(cursor: CursorWrapper) -> None:
    leave_alone(
        cursor,
        MEDIA,
        "The item that it belonged to was deleted since.",
        f"u.step <> '{REMOVE}' AND b.item_id IS NOT NULL AND {_lacks(ITEMS, 'b.item_id')}",
    )


def leave_terms_in_use(cursor: CursorWrapper) -> None:
    """Leave alone terms that the run made and that rows still use. Run when items and productions are as they will be."""
    array = "catalog_item AS has WHERE has.{column} @> ARRAY[a.name]::text[]"
    uses = {
        "genre": (
            array.format(column="genres"),
            "catalog_production AS has WHERE has.genres @> ARRAY[a.name]::text[]",
        ),
        "vehicle_type": (array.format(column="vehicle_types"),),
        "category": (array.format(column="categories"),),
        "make": ("catalog_item AS has WHERE has.make = a.name",),
    }
    for vocabulary, places in uses.items():
        for place in places:
            leave_alone(
                cursor,
                TERMS,
                "Rows of the catalogue use it.",
                f"u.step = '{REMOVE}' AND a.vocabulary = '{vocabulary}' AND EXISTS (SELECT FROM {place})",
            )
