"""The appearances column: `Goldfinger (1964) | GoldenEye (1995): stunt`.

An item's appearances are handled as one more list of texts, each `slug:role`, so that they are
compared and reported like any other column. Notes of an appearance that stays are kept.
"""

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column
from catalog.imports.lookups import create_lookup, distinct_cells
from catalog.models import FIRST_YEAR, LAST_YEAR, Production, ProductionKind, Role

LONGEST_TITLE = int(Production._meta.get_field("title").max_length or 0)
LONGEST_SLUG = int(Production._meta.get_field("slug").max_length or 0)

# A production without a year cannot be written in a cell, so no cell takes its appearances away.
IN_A_CELL = "p.years <> '{}'"
# What an item has now; `i` is the item's row.
PRESENT = f"""ARRAY(SELECT p.slug || ':' || a.role FROM catalog_appearance AS a JOIN catalog_production AS p
                       ON p.id = a.production_id WHERE a.item_id = i.id AND {IN_A_CELL} ORDER BY 1)"""


def title_key(expression: str) -> str:
    """Return the title as titles are compared: no letter case, no accents."""
    return f"upper(unaccent(normalize({expression}, NFKC)))"


def production_slug(title: str, year: str) -> str:
    return sql.slug(f"concat_ws('-', {title}, {year})", LONGEST_SLUG)


def look_up_appearances(cursor: CursorWrapper, column: Column) -> None:
    """Read lists of appearances; also make `import_production(title, year, slug)` of all that they name."""
    _split(cursor, column)
    _resolve(cursor)
    faults = f"""CASE WHEN title IS NULL
                      THEN format('''%s'' must be written as Title (year) or Title (year): role.', left(token, 80))
                      WHEN role IS NULL THEN format({_role_sentence()}, left(role_text, 40))
                      WHEN year NOT BETWEEN {FIRST_YEAR} AND {LAST_YEAR}
                      THEN 'Years must lie between {FIRST_YEAR} and {LAST_YEAR}.'
                      WHEN length(title) > {LONGEST_TITLE}
                      THEN 'A title has at most {LONGEST_TITLE} characters.' END"""
    create_lookup(
        cursor,
        column,
        f"""WITH judged AS (
                SELECT cell, token, slug || ':' || role AS value, {faults} AS fault
                  FROM import_appearance LEFT JOIN import_production USING (title, year))
            SELECT cell, line, value, fault FROM ({distinct_cells(column)}) AS cells LEFT JOIN (
                SELECT cell, array_agg(DISTINCT value ORDER BY value) FILTER (WHERE value IS NOT NULL) AS value,
                       string_agg(DISTINCT fault, ' ') AS fault
                  FROM judged GROUP BY cell) AS lists USING (cell)""",
    )


def _role_sentence() -> str:
    return sql.quoted(f"'%s' is not a role; use {', '.join(Role.values)}.")


def _split(cursor: CursorWrapper, column: Column) -> None:
    spellings = {text.lower(): role.value for role in Role for text in (role.value, str(role.label))}
    pairs = ", ".join(f"({sql.quoted(text)}, {sql.quoted(role)})" for text, role in spellings.items())
    sql.run(cursor, "DROP TABLE IF EXISTS pg_temp.import_appearance")
    sql.run(
        cursor,
        f"""CREATE TEMP TABLE import_appearance ON COMMIT DROP AS
            WITH tokens AS (
                SELECT cell, token, regexp_match(token, '^(.*\\S)\\s*\\((\\d{{4}})\\)(?:\\s*:\\s*(.*))?$') AS part
                  FROM ({distinct_cells(column)}) AS cells, unnest(regexp_split_to_array(cell, '\\s*\\|\\s*')) AS token
                 WHERE token <> '')
            SELECT cell, token, {sql.canonical('part[1]')} AS title, part[2]::int AS year, part[3] AS role_text,
                   CASE WHEN coalesce(part[3], '') = '' THEN '{Role.HERO}' ELSE spelled.role END AS role
              FROM tokens LEFT JOIN (VALUES {pairs}) AS spelled (plain, role)
                ON spelled.plain = lower(regexp_replace(btrim(part[3]), '[\\s_-]+', ' ', 'g'))""",
    )


def _resolve(cursor: CursorWrapper) -> None:
    sql.run(cursor, "DROP TABLE IF EXISTS pg_temp.import_production")
    sql.run(
        cursor,
        f"""CREATE TEMP TABLE import_production ON COMMIT DROP AS
            SELECT DISTINCT ON (title, year) named.title, year,
                   coalesce(known.slug::text, {production_slug('named.title', 'year')}) AS slug
              FROM (SELECT DISTINCT title, year FROM import_appearance WHERE title IS NOT NULL) AS named
              LEFT JOIN catalog_production AS known
                     ON {title_key('known.title')} = {title_key('named.title')} AND year = ANY(known.years)
             ORDER BY title, year, (known.years[1] = year) DESC, known.id""",
    )
    sql.run(cursor, "ANALYZE import_production")


def new_productions() -> str:
    """Return the query of (slug, title, year) that rows about to land name and the catalogue lacks."""
    return """SELECT DISTINCT ON (slug) slug, title, year FROM import_production
               WHERE slug IN (SELECT split_part(unnest(appearances), ':', 1) FROM import_merged)
                 AND NOT EXISTS (SELECT FROM catalog_production AS known WHERE known.slug = import_production.slug)
               ORDER BY slug, title"""


def unknown_productions(entries: str) -> str:
    """Return the query of those of the entries (an array, in SQL) whose production the catalogue lacks."""
    return f"""SELECT FROM unnest({entries}) AS entry
                WHERE NOT EXISTS (SELECT FROM catalog_production AS p WHERE p.slug = split_part(entry, ':', 1))"""


def create_productions(cursor: CursorWrapper) -> None:
    sql.run(
        cursor,
        f"""INSERT INTO catalog_production
                   (slug, title, years, kind, genres, franchise, external_ids, created_at, updated_at)
            SELECT slug, title, ARRAY[year], '{ProductionKind.FILM}', '{{}}', '', '{{}}', now(), now()
              FROM ({new_productions()}) AS fresh""",
    )


def apply_appearances(cursor: CursorWrapper) -> None:
    """Make each landed item's appearances what its row lists. Run when the items themselves have landed."""
    sql.run(cursor, "DROP TABLE IF EXISTS pg_temp.import_listed")
    sql.run(
        cursor,
        f"""CREATE TEMP TABLE import_listed ON COMMIT DROP AS
            SELECT i.id AS item_id, m.appearances FROM import_merged AS m
              JOIN catalog_item AS i ON {sql.folded('i.reference')} = m.key
             WHERE m.appearances IS NOT NULL""",
    )
    sql.run(cursor, "ANALYZE import_listed")
    sql.run(
        cursor,
        f"""DELETE FROM catalog_appearance AS a USING import_listed AS listed, catalog_production AS p
            WHERE a.item_id = listed.item_id AND p.id = a.production_id AND {IN_A_CELL}
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
