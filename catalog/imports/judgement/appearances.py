"""The appearances column: `Goldfinger (1964) | GoldenEye (1995) [goldeneye-1995]: stunt | Undated [undated]`.

An item's appearances are handled as one more list of texts, each `slug:role`, so that they are
compared and reported like any other column. Notes of an appearance that stays are kept.
"""

import re
from collections.abc import Sequence

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column, Target
from catalog.imports.judgement.lookups import closest_of, create_lookup, distinct_cells, suggestion
from catalog.imports.judgement.productions import resolve_productions
from catalog.imports.reach import Reach
from catalog.models import Role

# What an item has now; `i` is the item's row.
PRESENT = """ARRAY(SELECT p.slug || ':' || a.role FROM catalog_appearance AS a JOIN catalog_production AS p
                       ON p.id = a.production_id WHERE a.item_id = i.id ORDER BY 1)"""

# Slug and role may be missing; without a year, the slug may not.
DATED = r"^(.*\S)\s*\((\d{4})\)(?:\s*\[([^][|]+)\])?(?:\s*:\s*(.*))?$"
UNDATED = r"^(.*?)\s*\[([^][|]+)\](?:\s*:\s*(.*))?$"
UNREAD = "'%s' must be written as Title (year) or Title (year): role."
MOST = 1_000  # in a cell
TOO_MANY = f"A cell of appearances holds at most {MOST:,}."
NONE_NAMED = (
    "A cell of appearances must name some, each as Title (year) or Title (year): role, with | between them."
)
ODD_TITLE = re.compile(r"[|\[\]]|\(\d{4}\)")  # would be read as something else where no year follows


def as_text(title: str, years: list[int], slug: str, role: str, *, with_slug: bool) -> str:
    """Return an appearance as a cell lists it. `with_slug`: title and year alone do not say which is meant."""
    if years and "|" not in title:
        return f"{title} ({years[0]}) [{slug}]: {role}" if with_slug else f"{title} ({years[0]}): {role}"
    return f"[{slug}]: {role}" if ODD_TITLE.search(title) else f"{title} [{slug}]: {role}"


def look_up_appearances(
    cursor: CursorWrapper, column: Column, reach: Reach, earlier: Sequence[tuple[str, Target]]
) -> None:
    """Read lists of appearances; also make `import_production` of all that they name."""
    _split(cursor, column)
    named = "SELECT title, year, given FROM import_appearance WHERE is_read"
    resolve_productions(cursor, named, reach, earlier)
    closest = suggestion(closest_of(Role.values, "role_text"))
    create_lookup(
        cursor,
        column,
        f"""WITH judged AS (
                SELECT line, token, p.slug || ':' || role AS value,
                       CASE WHEN NOT is_read THEN format({sql.quoted(UNREAD)}, left(token, 80))
                            WHEN role IS NULL THEN format({_role_sentence()}, left(role_text, 40)) || {closest}
                            ELSE p.fault END AS fault
                  FROM import_appearance LEFT JOIN import_production AS p USING (title, year, given))
            SELECT cell, line, value, CASE WHEN {_is_long('cell')} THEN {sql.quoted(TOO_MANY)}
                        WHEN value IS NULL AND fault IS NULL THEN {sql.quoted(NONE_NAMED)} ELSE fault END AS fault
              FROM ({distinct_cells(column)}) AS cells LEFT JOIN (
                SELECT line, array_agg(DISTINCT value ORDER BY value) FILTER (WHERE value IS NOT NULL) AS value,
                       string_agg(DISTINCT fault, ' ') AS fault
                  FROM judged GROUP BY line) AS lists USING (line)""",
    )


def _is_long(cell: str) -> str:
    return f"length({cell}) - length(replace({cell}, '|', '')) >= {MOST}"


def _role_sentence() -> str:
    return sql.quoted(f"'%s' is not a role; use {', '.join(Role.values)}.")


def _split(cursor: CursorWrapper, column: Column) -> None:
    """Make `import_appearance`: the parts of each entry of the distinct cells."""
    spellings = {text.lower(): role.value for role in Role for text in (role.value, str(role.label))}
    pairs = ", ".join(f"({sql.quoted(text)}, {sql.quoted(role)})" for text, role in spellings.items())
    sql.create_table(
        cursor,
        "import_appearance",
        f"""WITH tokens AS (
                SELECT line, token, regexp_match(token, '{DATED}') AS dated, regexp_match(token, '{UNDATED}') AS other
                  FROM ({distinct_cells(column)}) AS cells,
                       unnest(regexp_split_to_array({sql.exact('cell')}, '\\s*\\|\\s*')) AS token
                 WHERE token <> '' AND NOT {_is_long('cell')}),
            parts AS (
                SELECT line, token, dated IS NOT NULL OR other IS NOT NULL AS is_read,
                       coalesce(dated[1], other[1], '') AS title, coalesce(dated[2]::int, 0) AS year,
                       coalesce(CASE WHEN dated IS NULL THEN other[2] ELSE dated[3] END, '') AS given,
                       coalesce(CASE WHEN dated IS NULL THEN other[3] ELSE dated[4] END, '') AS role_text
                  FROM tokens)
            SELECT line, token, is_read, {sql.canonical('title')} AS title, year, given, role_text,
                   CASE WHEN role_text = '' THEN '{Role.HERO}' ELSE spelled.role END AS role
              FROM parts LEFT JOIN (VALUES {pairs}) AS spelled (plain, role)
                ON spelled.plain = lower(regexp_replace(btrim(role_text), '[\\s_-]+', ' ', 'g'))""",
    )


def cells_that_list(cursor: CursorWrapper, earlier: Sequence[tuple[str, Target]]) -> str:
    """Return the query of (key, appearances) of the items whose cell on an earlier sheet makes other appearances of them."""
    listing = "SELECT FROM pg_attribute WHERE attname = 'other_appearances' AND attrelid = to_regclass('%s.import_merged')"
    cells = [
        f"SELECT key, appearances FROM {schema}.import_merged WHERE other_appearances"
        for schema, target in earlier
        if target.kind and sql.value(cursor, f"SELECT EXISTS ({listing % schema})")
    ]
    return " UNION ALL ".join(cells) or "SELECT NULL::text AS key, NULL::text[] AS appearances WHERE FALSE"


def apply_appearances(cursor: CursorWrapper) -> None:
    """Make each landed item's appearances what its row lists. Run when the items themselves have landed."""
    sql.create_table(
        cursor,
        "import_listed",
        f"""SELECT i.id AS item_id, m.appearances FROM import_merged AS m
              JOIN catalog_item AS i ON {sql.folded('i.reference')} = m.key
             WHERE m.other_appearances""",
    )
    sql.run(cursor, "ANALYZE import_listed")
    sql.run(
        cursor,
        """DELETE FROM catalog_appearance AS a USING import_listed AS listed, catalog_production AS p
            WHERE a.item_id = listed.item_id AND p.id = a.production_id
              AND p.slug || ':' || a.role <> ALL(listed.appearances)""",
    )
    sql.run(
        cursor,
        """INSERT INTO catalog_appearance (item_id, production_id, role, notes)
           SELECT listed.item_id, p.id, split_part(entry, ':', 2), ''
             FROM import_listed AS listed, unnest(listed.appearances) AS entry
             JOIN catalog_production AS p ON p.slug = split_part(entry, ':', 1)
            WHERE NOT EXISTS (SELECT FROM catalog_appearance AS a WHERE a.item_id = listed.item_id
                                 AND a.production_id = p.id AND a.role = split_part(entry, ':', 2))""",
    )
