"""What finding keeps of items that were written: bitmaps of their values, and the words that there are.

Triggers list the items of every write, in its own transaction (`ItemChange`). Whoever reads the bitmaps leaves
out what they say of a listed item and looks at the item itself, so answers are right at any moment;
`take_in_changes` only makes them cheap again. A bitmap's bits are slots, not ids: `FacetSlot` gives each item
its slot.
"""

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog.models import CHUNK, PRICE_BIT, FacetBits, FacetSlot, Item, ItemChange, ItemSearch, SearchWord

LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('catalog.upkeep'))"

# The columns whose values are counted, each with the texts it holds; one that is held twice is one bit.
ARRAYS = {
    "genres": "unnest(item.genres)",
    "vehicle_types": "unnest(item.vehicle_types)",
    "categories": "unnest(item.categories)",
    "production_years": "unnest(item.production_years)::text",
    "decades": "(unnest(item.production_years) / 10 * 10)::text",
}
SCALARS = {
    **{
        name: f"item.{name}"
        for name in ("kind", "status", "make", "condition", "authenticity", "availability")
    },
    "currency": "item.currency",
    "price": "catalog_bracket(item.price)",
    **{f"{name}__len": f"cardinality(item.{name})::text" for name in ARRAYS if name != "decades"},
}
# Bitmaps are put together from pieces, since each step copies all of what it adds a bit to.
PIECE = 256
# The binary digits of prices, from which any range of them is put together.
PRICE_BITS = "price_bits"
HELD = " UNION ALL ".join(
    [
        *(f"SELECT '{facet}' AS facet, {value} AS value" for facet, value in (ARRAYS | SCALARS).items()),
        f"SELECT '{PRICE_BITS}', digit::text FROM generate_series(0, {PRICE_BIT}) AS digit"
        f" WHERE get_bit(((item.price * 100)::bigint | (1::bigint << {PRICE_BIT}))::bit(64), 63 - digit) = 1",
    ]
)
NONE = f"B'0'::bit({CHUNK})"
NO_PIECE = f"B'0'::bit({PIECE})"


def bitmaps_of(slots: str, *of: str) -> str:
    """Return SQL of the bitmaps of slots, by chunk and by the columns `of`; `slots` is SQL that returns them."""
    each = ", ".join(of) + ", " if of else ""
    numbers = ", ".join(str(number + 1) for number in range(len(of) + 1))
    return f"""
        SELECT {each}(piece * {PIECE} / {CHUNK})::int AS chunk,
            bit_or(bits::bit({CHUNK}) >> (piece * {PIECE} %% {CHUNK})::int) AS bits
        FROM (
            SELECT {each}slot / {PIECE} AS piece,
                bit_or(set_bit({NO_PIECE}, (slot %% {PIECE})::int, 1)) AS bits
            FROM ({slots}) AS slots GROUP BY {numbers}
        ) AS pieces GROUP BY {numbers}
    """


BATCH = 20_000  # items that are taken in by one transaction
MANY = 100_000  # changed items at which all is made anew
MUCH = 10_000  # changed items from which it is worth seeing to what they leave behind

TAKE = """
DELETE FROM catalog_itemchange WHERE id IN (SELECT id FROM catalog_itemchange ORDER BY id LIMIT %s) RETURNING item_id
"""
NEW_SLOTS = """
INSERT INTO catalog_facetslot (item_id, slot)
SELECT id, (SELECT coalesce(max(slot) + 1, 0) FROM catalog_facetslot) + row_number() OVER (ORDER BY make, model, id) - 1
FROM catalog_item WHERE id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM catalog_facetslot WHERE item_id = catalog_item.id)
"""
HELD_SLOTS = f"""
    SELECT facet, value, slot FROM catalog_facetslot JOIN catalog_item item ON item.id = item_id, LATERAL ({HELD}) AS held
    WHERE item_id = ANY(%(ids)s) AND value <> ''
"""
CHANGED_BITS = f"""
WITH mask AS MATERIALIZED ({bitmaps_of("SELECT slot FROM catalog_facetslot WHERE item_id = ANY(%(ids)s)")}),
held AS MATERIALIZED ({bitmaps_of(HELD_SLOTS, "facet", "value")}),
known AS (
    UPDATE catalog_facetbits stored SET bits = (stored.bits & ~mask.bits) | coalesce(held.bits, {NONE})
    FROM catalog_facetbits before JOIN mask USING (chunk) LEFT JOIN held USING (facet, value, chunk)
    WHERE before.id = stored.id AND (before.bits & mask.bits) <> coalesce(held.bits, {NONE})
)
INSERT INTO catalog_facetbits (facet, value, chunk, bits)
SELECT facet, value, chunk, bits FROM held
WHERE NOT EXISTS (
    SELECT FROM catalog_facetbits stored
    WHERE stored.facet = held.facet AND stored.value = held.value AND stored.chunk = held.chunk)
"""
FREE_SLOTS = """
DELETE FROM catalog_facetslot
WHERE item_id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM catalog_item WHERE id = item_id)
"""
# A word whose witness is public shows in public answers at once (migrations/_changes.py), so it has such a one if it can.
WITNESS = "coalesce(min(id) FILTER (WHERE is_public), min(id))"
WORDS = f"""
WITH texts AS MATERIALIZED (
    SELECT id, status = 'published' AND published_at <= now() AS is_public, make, name || ' ' || make || ' ' || model || ' ' || catalog_titles(id) || ' '
        || catalog_joined(vehicle_types) || ' ' || catalog_joined(categories) || ' ' || catalog_joined(genres) AS words
    FROM catalog_item WHERE id = ANY(%(ids)s)
)
INSERT INTO catalog_searchword (kind, text, folded, witness)
SELECT '{SearchWord.WORD}', word, word, {WITNESS}
FROM texts, unnest(tsvector_to_array(to_tsvector('catalog_text', words))) AS word
WHERE word ~ '[[:alpha:]]' AND length(word) BETWEEN 3 AND 40 GROUP BY word
UNION ALL
SELECT '{SearchWord.MAKE}', make, catalog_folded(make), {WITNESS} FROM texts WHERE make <> '' GROUP BY make
ON CONFLICT (kind, text) DO NOTHING
"""

# Items of one make lie together, so that its bitmap is a run in a few chunks, not a bit here and there in all.
ALL_SLOTS = """
DELETE FROM catalog_itemchange;
DELETE FROM catalog_searchword;
DELETE FROM catalog_facetbits;
DELETE FROM catalog_facetslot;
INSERT INTO catalog_facetslot (item_id, slot)
SELECT id, row_number() OVER (ORDER BY make, model, id) - 1 FROM catalog_item;
"""
IDS_OF_CHUNK = f"""
SELECT coalesce(array_agg(item_id), '{{}}') FROM catalog_facetslot
WHERE slot >= %s::bigint * {CHUNK} AND slot < (%s::bigint + 1) * {CHUNK}
"""
# Makes of new items are bits here and there, until all is made anew.
IS_SCATTERED = """
SELECT count(*) > 2 * (count(DISTINCT value) + count(DISTINCT chunk)) FROM catalog_facetbits WHERE facet = 'make'
"""


def take_in_changes() -> int:
    """Bring bitmaps and words up to date, in transactions of `BATCH` items; return how many items it were.

    Safe at any time; where another process is at it, it has the rest.
    """
    if ItemChange.objects.count() > MANY:
        return make_anew()
    taken = 0
    while ids := _take_in_batch():
        taken += len(ids)
    if taken >= MUCH:
        _settle()
    return taken


def make_anew() -> int:
    """Make bitmaps and words of all items, in one transaction; who reads has the old ones until it ends.

    Return about how many items there are; 0 where another process is at it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if not _is_mine(cursor):
            return 0
        cursor.execute(ALL_SLOTS)
        chunks = 0
        while ids := _ids_of(chunks, cursor):
            cursor.execute(CHANGED_BITS, {"ids": ids})
            cursor.execute(WORDS, {"ids": ids})
            chunks += 1
    _settle()
    return chunks * CHUNK


def _settle() -> None:
    """Let PostgreSQL know how large the tables are now, and use the room of rows that are gone.

    Plans that are made for tables as they were before a large load can take minutes. Within a transaction nothing is
    done: it is not over yet.
    """
    if connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        for model in (Item, ItemSearch, ItemChange, FacetSlot, FacetBits, SearchWord):
            cursor.execute(f"VACUUM (ANALYZE, PARALLEL 0, TRUNCATE OFF, SKIP_LOCKED) {model._meta.db_table}")


def _ids_of(chunk: int, cursor: CursorWrapper) -> list[int]:
    cursor.execute(IDS_OF_CHUNK, [chunk, chunk])
    ids: list[int] = cursor.fetchone()[0]
    return ids


def tidy() -> int:
    """Make bitmaps and words anew where they have come apart; return how many items that took in."""
    with connection.cursor() as cursor:
        cursor.execute(IS_SCATTERED)
        (is_scattered,) = cursor.fetchone()
    return make_anew() if is_scattered else 0


def _take_in_batch() -> list[int]:
    with transaction.atomic(), connection.cursor() as cursor:
        if not _is_mine(cursor):
            return []
        cursor.execute(TAKE, [BATCH])
        ids = [item_id for (item_id,) in cursor.fetchall()]
        for statement in (NEW_SLOTS, CHANGED_BITS, FREE_SLOTS, WORDS) if ids else ():
            cursor.execute(statement, {"ids": ids})
        return ids


def _is_mine(cursor: CursorWrapper) -> bool:
    """Take the lock until the transaction ends; return whether no other process had it."""
    cursor.execute(LOCK)
    return bool(cursor.fetchone()[0])
