"""Words of the controlled vocabularies: aliases and letter case give way to the term's own spelling."""

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column
from catalog.imports.lookups import create_lookup, distinct_cells
from catalog.models import Term, Vocabulary

LONGEST_NAME = int(Term._meta.get_field("name").max_length or 0)
LONGEST_SLUG = int(Term._meta.get_field("slug").max_length or 0)
ALIKE = 0.3  # pg_trgm similarity from which a term is worth suggesting


def collect_terms(cursor: CursorWrapper) -> None:
    """Make `import_term(vocabulary, spelling, name)`: every spelling that means a term, the closest one first.

    A spelling is a folded name, a folded alias, or the slug behind a slash (so that Sci-Fi and Sci Fi are one).
    """
    sql.run(cursor, "DROP TABLE IF EXISTS pg_temp.import_term")
    sql.run(
        cursor,
        f"""CREATE TEMP TABLE import_term ON COMMIT DROP AS
            SELECT DISTINCT ON (vocabulary, spelling) vocabulary, spelling, name::text FROM (
                SELECT vocabulary, {sql.folded('name')} AS spelling, name, 1 AS rank, id FROM catalog_term
                 UNION ALL
                SELECT vocabulary, {sql.folded('alias')}, name, 2, id FROM catalog_term, unnest(aliases) AS alias
                 UNION ALL
                SELECT vocabulary, '/' || slug, name, 3, id FROM catalog_term) AS spellings
             ORDER BY vocabulary, spelling, rank, id""",
    )
    sql.run(cursor, "ANALYZE import_term")


def look_up_words(cursor: CursorWrapper, column: Column, *, create: bool) -> None:
    """Read lists of words; an unknown word keeps its first spelling (to become a term), or is a fault."""
    create_lookup(
        cursor,
        column,
        f"""WITH cells AS MATERIALIZED ({distinct_cells(column)}),
            tokens AS MATERIALIZED (
                SELECT cell, line, place, {sql.canonical('token')} AS word
                  FROM cells, unnest(regexp_split_to_array({sql.canonical('cell')}, '\\s*[|;]\\s*'))
                       WITH ORDINALITY AS t (token, place)
                 WHERE token <> ''),
            {_words(column)},
            unknown AS (
                SELECT word, first_value(word) OVER (PARTITION BY slug ORDER BY line, place) AS spelling
                  FROM words WHERE name IS NULL),
            named AS (
                SELECT cell, coalesce(words.name, unknown.spelling) AS name, min(tokens.place) AS place
                  FROM tokens JOIN words USING (word) LEFT JOIN unknown USING (word) GROUP BY 1, 2),
            lists AS (SELECT cell, array_agg(name ORDER BY place) AS value FROM named GROUP BY cell),
            faults AS (
                SELECT cell, string_agg(DISTINCT words.fault, ' ') AS fault
                  FROM tokens JOIN words USING (word) GROUP BY cell)
            SELECT cell, line, value, fault
              FROM cells LEFT JOIN lists USING (cell) LEFT JOIN faults USING (cell)""".replace(
            "/*fault*/", _unknown_fault(column, create=create)
        ),
    )


def _words(column: Column) -> str:
    """Return the CTE of distinct words: each with its slug, the term that it means, and its fault."""
    return f"""words AS MATERIALIZED (
                SELECT word, line, place, slug, coalesce(exact.name, alike.name) AS name, /*fault*/ AS fault
                  FROM (SELECT DISTINCT ON (word) word, line, place, {sql.slug('word', LONGEST_SLUG)} AS slug
                          FROM tokens ORDER BY word, line, place) AS distinct_words
                  LEFT JOIN import_term AS exact ON exact.vocabulary = {sql.quoted(column.vocabulary)}
                        AND exact.spelling = {sql.folded('word')}
                  LEFT JOIN import_term AS alike ON alike.vocabulary = {sql.quoted(column.vocabulary)}
                        AND alike.spelling = '/' || slug)"""


def _unknown_fault(column: Column, *, create: bool) -> str:
    """Return the SQL of what is wrong with a word that is no term: too long to become one, or not wanted."""
    unknown = "coalesce(exact.name, alike.name) IS NULL"
    if create:
        long = sql.quoted(f"A {_called(column)} has at most {LONGEST_NAME} characters.")
        return f"CASE WHEN {unknown} AND length(word) > {LONGEST_NAME} THEN {long} END"
    closest = f"""(SELECT format(' Did you mean ''%s''?', name) FROM catalog_term
                    WHERE vocabulary = {sql.quoted(column.vocabulary)} AND similarity(name, word) >= {ALIKE}
                    ORDER BY similarity(name, word) DESC, name LIMIT 1)"""
    sentence = sql.quoted(f"'%s' is not a known {_called(column)}.")
    return f"CASE WHEN {unknown} THEN format({sentence}, left(word, 60)) || coalesce({closest}, '') END"


def _called(column: Column) -> str:
    return Vocabulary(column.vocabulary).label.lower()


def look_up_word(cursor: CursorWrapper, column: Column) -> None:
    """Read single words: a known one gets the term's spelling, an unknown one stays as it is."""
    create_lookup(
        cursor,
        column,
        f"""WITH tokens AS MATERIALIZED (
                SELECT cell, line, 1 AS place, {sql.canonical('cell')} AS word FROM ({distinct_cells(column)}) AS c),
            {_words(column)}
            SELECT cell, tokens.line, coalesce(name, word) AS value, NULL::text AS fault
              FROM tokens JOIN words USING (word)""".replace("/*fault*/", "NULL"),
    )


def new_terms(columns: tuple[Column, ...]) -> str:
    """Return the query of (vocabulary, name) that rows about to land use and no term has."""
    used = " UNION ALL ".join(
        f"SELECT {sql.quoted(column.vocabulary)} AS vocabulary, unnest({sql.name(column.name)}) AS name FROM import_merged"
        for column in columns
    )
    return f"""SELECT DISTINCT vocabulary, name FROM ({used}) AS used
                WHERE name IS NOT NULL AND NOT EXISTS (
                      SELECT FROM catalog_term AS term WHERE term.vocabulary = used.vocabulary AND term.name = used.name)"""


def create_terms(cursor: CursorWrapper, columns: tuple[Column, ...]) -> None:
    sql.run(
        cursor,
        f"""INSERT INTO catalog_term (vocabulary, name, slug, aliases, created_at, updated_at)
            SELECT vocabulary, name, {sql.slug('name', LONGEST_SLUG)}, '{{}}', now(), now()
              FROM ({new_terms(columns)}) AS fresh ORDER BY vocabulary, name""",
    )
