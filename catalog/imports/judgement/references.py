"""Rows that refer to others: appearances and images name items and productions, maybe of an earlier sheet.

What is referred to may not be in the catalogue before the run lands. So a row is judged by names
(`item_key`, `production_slug`), and the keys of the database are filled in when what it refers to has landed.
"""

from collections.abc import Sequence

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column, Target, sheet_of
from catalog.imports.judgement import appearances
from catalog.imports.judgement.lookups import create_lookup, distinct_cells, suggestion
from catalog.imports.judgement.productions import resolve_productions
from catalog.imports.mapping.binding import Mapping
from catalog.imports.reach import Reach
from catalog.models import Role

SUGGESTIONS = (
    10  # unknown references that get a suggestion; of a large stock, each costs a look at most of it
)
ALIKE = 0.4  # pg_trgm similarity from which a reference is worth suggesting
GONE = "What this row refers to did not land."
Earlier = Sequence[tuple[str, Target]]


def named_items(earlier: Earlier, *, with_left_out: bool = True) -> str:
    """Return the query of (key, schema, sheet, line) of the rows of the earlier sheets of items."""
    key = sql.folded(sql.canonical_cell("r_reference"))
    sheets = [
        f"""SELECT {key} AS key, {sql.quoted(schema)} AS schema, {sql.quoted(sheet_of(target))} AS sheet, min(line) AS line
              FROM {schema}.import_trimmed WHERE r_reference IS NOT NULL{_taking_part(schema, with_left_out=with_left_out)} GROUP BY 1"""
        for schema, target in earlier
        if target.kind
    ]
    nothing = (
        "SELECT NULL::text AS key, NULL::text AS schema, NULL::text AS sheet, NULL::int AS line WHERE FALSE"
    )
    return " UNION ALL ".join(sheets) or nothing


def _taking_part(schema: str, *, with_left_out: bool) -> str:
    return "" if with_left_out else f" AND line NOT IN (SELECT line FROM {schema}.import_left_out)"


def refuse_items_of_earlier_sheets(cursor: CursorWrapper, earlier: Earlier) -> None:
    """Refuse each item that an earlier sheet of the run brings too."""
    sql.run(
        cursor,
        f"""INSERT INTO import_fault
            SELECT t.line, 'reference', format('The sheet %s has the same reference in line %s.', e.sheet, e.line)
              FROM import_typed AS t JOIN ({named_items(earlier, with_left_out=False)}) AS e ON e.key = t.key""",
    )


def look_up_items(cursor: CursorWrapper, column: Column, kinds: tuple[str, ...], earlier: Earlier) -> None:
    """Read references of items: of the catalogue, of these kinds, or new ones of an earlier sheet."""
    coming = [
        f"SELECT key, reference FROM {schema}.import_merged WHERE id IS NULL"
        for schema, target in earlier
        if target.kind
    ]
    rejected = [
        f"SELECT {sql.quoted(schema)} AS schema, line FROM {schema}.import_fault"
        for schema, target in earlier
        if target.kind
    ]
    listed = ", ".join(map(sql.quoted, ("", *kinds)))
    create_lookup(
        cursor,
        column,
        f"""WITH cells AS MATERIALIZED (
                SELECT cell, line, {sql.folded(sql.canonical_cell('cell'))} AS key FROM ({distinct_cells(column)}) AS c),
            found AS MATERIALIZED (
                SELECT cell, cells.line, key, coalesce(i.reference, coming.reference) AS value,
                       named.sheet, named.line AS named_line,
                       EXISTS (SELECT FROM ({' UNION ALL '.join(rejected) or NOTHING_REJECTED}) AS r
                                WHERE r.schema = named.schema AND r.line = named.line) AS is_rejected,
                       row_number() OVER (PARTITION BY coalesce(i.reference, coming.reference) IS NULL
                                              ORDER BY cells.line, cell) AS place
                  FROM cells
                  LEFT JOIN catalog_item AS i ON {sql.folded('i.reference')} = key AND i.kind IN ({listed})
                  LEFT JOIN ({' UNION ALL '.join(coming) or NOTHING_COMING}) AS coming USING (key)
                  LEFT JOIN (SELECT DISTINCT ON (key) * FROM ({named_items(earlier)}) AS n ORDER BY key, schema)
                         AS named USING (key))
            SELECT cell, line, value, {_fault(listed)} AS fault FROM found""",
    )


NOTHING_COMING = "SELECT NULL::text AS key, NULL::text AS reference WHERE FALSE"
NOTHING_REJECTED = "SELECT NULL::text AS schema, NULL::int AS line WHERE FALSE"


def _fault(kinds: str) -> str:
    # The index is on upper(reference), which is what Django's Upper makes.
    closest = f"""(SELECT i.reference FROM catalog_item AS i
                    WHERE upper(i.reference) % upper(cell) AND i.kind IN ({kinds})
                      AND similarity(upper(i.reference), upper(cell)) >= {ALIKE}
                    ORDER BY similarity(upper(i.reference), upper(cell)) DESC, i.reference LIMIT 1)"""
    return f"""CASE
        WHEN value IS NOT NULL THEN NULL
        WHEN sheet IS NOT NULL AND is_rejected
        THEN format('The row of this item was rejected: sheet %s, line %s.', sheet, named_line)
        WHEN sheet IS NOT NULL
        THEN format('The row of this item was left out: sheet %s, line %s.', sheet, named_line)
        ELSE format('There is no item with the reference ''%s''.', left(cell, 60))
             || CASE WHEN place <= {SUGGESTIONS} THEN {suggestion(closest)} ELSE '' END END"""


def resolve_references(
    cursor: CursorWrapper, target: Target, mapping: Mapping, reach: Reach, earlier: Earlier
) -> None:
    """Give the rows of `import_typed` their `item_key` and `item_id`, and appearances their production, role and key."""
    if target.name == "appearance":
        _name_productions(cursor, mapping, reach, earlier)
        _place_appearances(cursor, mapping, appearances.cells_that_list(cursor, earlier))
    elif mapping.has("reference"):
        _place(cursor, "t.*", "")


def _place(cursor: CursorWrapper, columns: str, joins: str) -> None:
    """Make `import_typed` anew with these columns and the item that the row refers to."""
    key = sql.folded("t.v_reference")
    sql.create_table(
        cursor,
        "import_placed",
        f"""SELECT {columns}, {key} AS item_key, item.id AS item_id FROM import_typed AS t
              LEFT JOIN catalog_item AS item ON {sql.folded('item.reference')} = {key}{joins}""",
    )
    sql.run(cursor, "DROP TABLE pg_temp.import_typed")
    sql.run(cursor, "ALTER TABLE pg_temp.import_placed RENAME TO import_typed")
    sql.run(cursor, "ANALYZE import_typed (line, key)")


def _parts(mapping: Mapping) -> tuple[str, str, str]:
    """Return the SQL of title, year and slug as `import_production` has them."""
    title = f"coalesce({sql.canonical('v_title')}, '')" if mapping.has("title") else "''"
    year = "coalesce(v_year, 0)" if mapping.has("year") else "0"
    return title, year, "coalesce(v_production, '')" if mapping.has("production") else "''"


def _name_productions(cursor: CursorWrapper, mapping: Mapping, reach: Reach, earlier: Earlier) -> None:
    title, year, slug = _parts(mapping)
    named = f"SELECT {title} AS title, {year} AS year, {slug} AS given FROM import_typed"
    resolve_productions(cursor, named, reach, earlier)
    said = "coalesce(p.fault, 'The production is missing; name its title and year, or its slug.')"
    blamed = "production" if mapping.has("production") and not mapping.has("title") else "title"
    column = f"CASE WHEN {slug} <> '' AND {title} = '' THEN 'production' ELSE '{blamed}' END"
    sql.run(
        cursor,
        f"""INSERT INTO import_fault SELECT t.line, {column}, {said} FROM import_typed AS t
              LEFT JOIN import_production AS p ON (p.title, p.year, p.given) = ({title}, {year}, {slug})
             WHERE p.slug IS NULL""",
    )


def _place_appearances(cursor: CursorWrapper, mapping: Mapping, cells: str) -> None:
    """Place them; what one of the `cells` takes away before these rows land is `taken_away`, and has to be added again."""
    title, year, slug = _parts(mapping)
    role = f"coalesce(v_role, '{Role.HERO}')" if mapping.has("role") else f"'{Role.HERO}'::text"
    item = sql.folded("t.v_reference")
    kept = ", ".join(f"t.v_{column.name}" for column in mapping.columns)
    _place(
        cursor,
        f"""t.line, CASE WHEN wrong.line IS NULL THEN {item} || ':' || p.slug || ':' || {role} END AS key, t.fault, t.bad, {kept}, {role} AS role,
            p.slug AS production_slug, known.id AS production_id,
            EXISTS (SELECT FROM ({cells}) AS cells WHERE cells.key = {item}
                       AND p.slug || ':' || {role} <> ALL(cells.appearances)) AS taken_away""",
        f""" LEFT JOIN import_production AS p ON (p.title, p.year, p.given) = ({title}, {year}, {slug})
             LEFT JOIN catalog_production AS known ON known.slug = p.slug
             LEFT JOIN (SELECT DISTINCT line FROM import_fault) AS wrong ON wrong.line = t.line""",
    )


def settle_references(cursor: CursorWrapper, target: Target) -> None:
    """Fill in the keys of what has landed meanwhile; rows that refer to what did not are left out with a sentence."""
    _forget_gone(cursor, "item_id", "catalog_item")
    sql.run(
        cursor,
        f"""UPDATE import_merged AS m SET item_id = i.id FROM catalog_item AS i
             WHERE m.item_id IS NULL AND m.item_key IS NOT NULL AND {sql.folded('i.reference')} = m.item_key""",
    )
    gone = "item_id IS NULL AND item_key IS NOT NULL"
    if target.name == "appearance":
        _forget_gone(cursor, "production_id", "catalog_production")
        sql.run(
            cursor,
            """UPDATE import_merged AS m SET production_id = p.id FROM catalog_production AS p
                WHERE m.production_id IS NULL AND p.slug = m.production_slug""",
        )
        gone = f"({gone}) OR production_id IS NULL"
    sql.run(
        cursor,
        f"INSERT INTO import_fault SELECT line, 'reference', {sql.quoted(GONE)} FROM import_merged WHERE {gone}",
    )
    sql.run(cursor, f"DELETE FROM import_merged WHERE {gone}")


def note_listed(cursor: CursorWrapper) -> None:
    """Give the notes of new rows to those appearances that a cell of an earlier sheet has brought already."""
    sql.run(
        cursor,
        """UPDATE catalog_appearance AS i SET notes = m.notes FROM import_merged AS m
            WHERE m.id IS NULL AND (i.item_id, i.production_id, i.role) = (m.item_id, m.production_id, m.role)
              AND i.notes <> m.notes""",
    )


def _forget_gone(cursor: CursorWrapper, name: str, table: str) -> None:
    """Take away keys of rows that were deleted since they were found."""
    sql.run(
        cursor,
        f"""UPDATE import_merged AS m SET {name} = NULL
             WHERE {name} IS NOT NULL AND NOT EXISTS (SELECT FROM {table} AS i WHERE i.id = m.{name})""",
    )
