"""Words of the controlled vocabularies: aliases and letter case give way to the term's own spelling."""

from collections.abc import Sequence

from django.db import connection
from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column, Target
from catalog.imports.judgement.lookups import (
    ALIKE,
    UNREAD_LIST,
    create_lookup,
    distinct_cells,
    is_unread_list,
    listed_texts,
    suggestion,
    table_of,
)
from catalog.models import Term, Vocabulary

LONGEST_NAME = int(Term._meta.get_field("name").max_length or 0)
LONGEST_SLUG = int(Term._meta.get_field("slug").max_length or 0)
SUGGESTED = 1_000  # different words of a column that a closest term is looked up for
MOST_WORDS = 1_000  # in a cell
TOO_MANY = f"A cell of {{}} holds at most {MOST_WORDS:,} words."
NO_WORDS = "{} must be words with | or ; between them."
LONGEST_ALIAS = 2000  # bytes; the index on aliases takes no more than some 2,700
ALIAS_SENTENCE = f"An alias has at most {LONGEST_NAME} characters."


def collect_terms(cursor: CursorWrapper, earlier: Sequence[tuple[str, Target]] = ()) -> None:
    """Make `import_term(vocabulary, spelling, name, is_new)`: every spelling that means a term, the closest first.

    A spelling is a folded name, a folded alias, or the slug behind a slash (so that Sci-Fi and Sci Fi are one).
    Terms of the run's earlier sheets count as they will be; `is_new` are words that rows there use.
    """
    collect_spellings(cursor, earlier)
    sql.run(cursor, "DROP TABLE IF EXISTS import_new_word")
    sql.run(cursor, "CREATE UNLOGGED TABLE import_new_word (vocabulary text, name text)")
    sql.create_table(cursor, "import_odd_list", "SELECT '' AS name, '' AS value, '' AS word LIMIT 0")


def collect_spellings(cursor: CursorWrapper, earlier: Sequence[tuple[str, Target]] = ()) -> None:
    """Make `import_term` alone, which is gone with the transaction: for those who bring no words of their own."""
    sql.create_table(cursor, "import_term", _spellings(f"{known_terms(earlier)}{_words_of(earlier)}"))
    sql.run(cursor, "ANALYZE import_term")


def _spellings(terms: str) -> str:
    """Return the query of `import_term` over a query of terms."""
    return f"""WITH terms AS ({terms})
            SELECT DISTINCT ON (vocabulary, spelling) vocabulary, spelling, name::text, is_new FROM (
                SELECT vocabulary, {sql.folded('name')} AS spelling, name, 1 AS rank, id, is_new FROM terms
                 UNION ALL
                SELECT vocabulary, {sql.folded('alias')}, name, 2, id, is_new FROM terms, unnest(aliases) AS alias
                 UNION ALL
                SELECT vocabulary, '/' || slug, name, 3, id, is_new FROM terms) AS spellings
             ORDER BY vocabulary, spelling, rank, is_new, id"""


def meanings(column: Column, words: Sequence[str]) -> dict[str, tuple[str | None, str | None]]:
    """Return, for each of the words, the name of the term that it means, and what is wrong with it, as a file is told.

    For those who have no file: an unknown word is a fault, which suggests the closest name.
    """
    tokens = "SELECT word, 0 AS line, place FROM unnest(/*words*/) WITH ORDINALITY AS t (word, place)"
    query = f"""WITH import_term AS MATERIALIZED ({_spellings(known_terms(()))}),
                     tokens AS MATERIALIZED ({tokens}), {_words(column)}
                SELECT word, name, fault FROM words"""
    query = query.replace("/*fault*/", _unknown_fault(column, create=False)).replace("%", "%%")
    with connection.cursor() as cursor:
        cursor.execute(query.replace("/*words*/", "%s::text[]"), [list(words)])
        return {word: (name, fault) for word, name, fault in cursor.fetchall()}


def known_terms(earlier: Sequence[tuple[str, Target]]) -> str:
    """Return the query of (id, vocabulary, name, slug, aliases, is_new) of all terms, as the earlier sheets will leave them."""
    columns = "id, vocabulary::text, name::text, slug::text, aliases, FALSE AS is_new"
    schema = next((schema for schema, target in earlier if target.name == "term"), "")
    if not schema:
        return f"SELECT {columns} FROM catalog_term"
    listed = f"{schema}.import_merged"
    slug = f"coalesce(slug, {sql.slug('name', LONGEST_SLUG)})"
    return f"""SELECT {columns} FROM catalog_term AS t WHERE NOT EXISTS (SELECT FROM {listed} AS m WHERE m.id = t.id)
                UNION ALL SELECT id, vocabulary, name, {slug}, aliases, FALSE FROM {listed}"""


def _words_of(earlier: Sequence[tuple[str, Target]]) -> str:
    """Return, to be added to `known_terms`, the words that earlier sheets use and that become terms with their rows."""
    slug = sql.slug("name", LONGEST_SLUG)
    return "".join(
        f" UNION ALL SELECT NULL, vocabulary, name, {slug}, '{{}}', TRUE FROM {schema}.import_new_word"
        for schema, _ in earlier
    )


def look_up_words(cursor: CursorWrapper, column: Column, *, create: bool) -> None:
    """Read lists of words; an unknown word keeps its first spelling (to become a term), or is a fault.

    A JSON list, as exports write what the plain form cannot say, is taken word for word. Words that are no terms go
    to `import_new_word` where they may become some, and those of JSON lists to `import_odd_list`. A text is known
    by its line: beside each of its words the text itself, which may be long, would be held as often as it has words.
    """
    create_lookup(
        cursor,
        column,
        f"""WITH cells AS MATERIALIZED (
                SELECT cell, line, {listed_texts('cell')} AS listed,
                       length(cell) - length(translate(cell, '|;', '')) >= {MOST_WORDS} AS is_long
                  FROM ({distinct_cells(column)}) AS c),
            tokens AS MATERIALIZED (
                SELECT line, place, {sql.canonical('token')} AS word
                  FROM cells, unnest(CASE WHEN listed IS NULL AND NOT is_long
                                          THEN regexp_split_to_array({sql.canonical('cell')}, '\\s*[|;]\\s*') END)
                       WITH ORDINALITY AS t (token, place)
                 WHERE token <> ''),
            {_words(column)},
            unknown AS (
                SELECT word, first_value(word) OVER (PARTITION BY slug ORDER BY line, place) AS spelling
                  FROM words WHERE name IS NULL),
            named AS (
                SELECT tokens.line, coalesce(words.name, unknown.spelling) AS name, min(tokens.place) AS place
                  FROM tokens JOIN words USING (word) LEFT JOIN unknown USING (word) GROUP BY 1, 2),
            lists AS (SELECT line, array_agg(name ORDER BY place) AS value FROM named GROUP BY line),
            faults AS (
                SELECT tokens.line, string_agg(DISTINCT words.fault, ' ') AS fault
                  FROM tokens JOIN words USING (word) GROUP BY 1)
            SELECT cell, line, coalesce(listed, value) AS value,
                   CASE WHEN listed IS NOT NULL THEN NULL
                        WHEN {is_unread_list('cell')} THEN {sql.quoted(UNREAD_LIST)}
                        WHEN is_long THEN {sql.quoted(TOO_MANY.format(column.name))}
                        WHEN value IS NULL THEN {sql.quoted(NO_WORDS.format(column.name))} ELSE fault END AS fault
              FROM cells LEFT JOIN lists USING (line) LEFT JOIN faults USING (line)""".replace(
            "/*fault*/", _unknown_fault(column, create=create)
        ),
    )
    _keep_unknown(cursor, column, create=create)


def _keep_unknown(cursor: CursorWrapper, column: Column, *, create: bool) -> None:
    looked = f"SELECT value, {listed_texts('cell')} IS NOT NULL AS is_json FROM {table_of(column)} OFFSET 0"
    vocabulary = sql.quoted(column.vocabulary)
    known = f"SELECT FROM import_term AS t WHERE t.vocabulary = {vocabulary} AND NOT t.is_new"
    if create:
        sql.run(
            cursor,
            f"""INSERT INTO import_new_word
                SELECT {vocabulary}, word FROM (SELECT DISTINCT word FROM ({looked}) AS l, unnest(value) AS word WHERE NOT is_json) AS w
                 WHERE NOT EXISTS ({known} AND t.spelling = {sql.folded('word')})""",
        )
    sql.run(
        cursor,
        f"""INSERT INTO import_odd_list
            SELECT DISTINCT '{column.name}', value::text, word FROM (
                   SELECT value, (SELECT min(w) FROM unnest(value) AS w WHERE NOT EXISTS ({known} AND t.name = w)) AS word
                     FROM ({looked}) AS l WHERE is_json) AS lists
             WHERE word IS NOT NULL""",
    )


def _words(column: Column) -> str:
    """Return the CTE of distinct words: each with its slug, the term that it means, and its fault."""
    return f"""words AS MATERIALIZED (
                SELECT word, line, place, slug, coalesce(exact.name, alike.name) AS name, /*fault*/ AS fault
                  FROM (SELECT word, line, place, slug, row_number() OVER (ORDER BY line, place) AS nth FROM (
                               SELECT DISTINCT ON (word) word, line, place, {sql.slug('word', LONGEST_SLUG)} AS slug
                                 FROM tokens ORDER BY word, line, place) AS firsts) AS distinct_words
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
    # Each look goes through the whole vocabulary, so a file of nothing but unknown words would take minutes.
    closest = f"""(SELECT name FROM import_term
                    WHERE nth <= {SUGGESTED} AND vocabulary = {sql.quoted(column.vocabulary)} AND similarity(name, word) >= {ALIKE}
                    ORDER BY similarity(name, word) DESC, name LIMIT 1)"""
    sentence = sql.quoted(f"'%s' is not a known {_called(column)}.")
    return f"CASE WHEN {unknown} THEN format({sentence}, left(word, 60)) || {suggestion(closest)} END"


def _called(column: Column) -> str:
    return Vocabulary(column.vocabulary).label.lower()


def look_up_word(cursor: CursorWrapper, column: Column) -> None:
    """Read single words: a known one gets the term's spelling, an unknown one stays as it is."""
    create_lookup(
        cursor,
        column,
        f"""WITH tokens AS MATERIALIZED (
                SELECT cell, line, 1 AS place, {sql.canonical(sql.exact('cell'))} AS word FROM ({distinct_cells(column)}) AS c),
            {_words(column)}
            SELECT cell, tokens.line, CASE WHEN {sql.is_exact('cell')} THEN word ELSE coalesce(name, word) END AS value, NULL::text AS fault
              FROM tokens JOIN words USING (word)""".replace("/*fault*/", "NULL"),
    )


def look_up_aliases(cursor: CursorWrapper, column: Column) -> None:
    """Read lists of other spellings of a term, each once; a JSON list is taken as it is."""
    create_lookup(
        cursor,
        column,
        f"""WITH cells AS MATERIALIZED (
                SELECT cell, line, {listed_texts('cell')} AS listed FROM ({distinct_cells(column)}) AS c),
            words AS (
                SELECT line, (array_agg(word ORDER BY place))[1] AS word, min(place) AS place
                  FROM (SELECT line, place, {sql.canonical('token')} AS word
                          FROM cells, unnest(regexp_split_to_array(cell, '\\s*[|;]\\s*')) WITH ORDINALITY AS t (token, place)
                         WHERE token <> '') AS tokens
                 WHERE word <> '' GROUP BY line, {sql.folded('word')}),
            lists AS (SELECT line, array_agg(word ORDER BY place) AS value FROM words GROUP BY line),
            read AS (
                SELECT cell, line, listed, CASE WHEN listed IS NOT NULL OR {is_unread_list('cell')} THEN listed ELSE value END AS value
                  FROM cells LEFT JOIN lists USING (line))
            SELECT cell, line, value, CASE
                   WHEN {is_unread_list('cell')} AND value IS NULL THEN {sql.quoted(UNREAD_LIST)}
                   WHEN value IS NULL THEN 'Aliases are words with | or ; between them.'
                   WHEN EXISTS (SELECT FROM unnest(value) AS alias
                                 WHERE octet_length(alias) > {LONGEST_ALIAS} OR listed IS NULL AND length(alias) > {LONGEST_NAME})
                   THEN {sql.quoted(ALIAS_SENTENCE)} END AS fault FROM read""",
    )


def new_terms(columns: tuple[Column, ...], earlier: Sequence[tuple[str, Target]] = ()) -> str:
    """Return the query of (vocabulary, name) that rows about to land use and no term has, nor will by an earlier sheet."""
    used = " OR ".join(
        f"fresh.vocabulary = {sql.quoted(column.vocabulary)}"
        f" AND fresh.name IN (SELECT unnest({sql.name(column.name)}) FROM import_merged)"
        for column in columns
    )
    return f"""SELECT DISTINCT vocabulary, name FROM import_new_word AS fresh
                WHERE ({used}) AND NOT EXISTS (
                      SELECT FROM ({known_terms(earlier)}) AS term
                       WHERE term.vocabulary = fresh.vocabulary AND term.name = fresh.name)"""


def create_terms(cursor: CursorWrapper, columns: tuple[Column, ...]) -> None:
    sql.run(
        cursor,
        f"""INSERT INTO catalog_term (vocabulary, name, slug, aliases, created_at, updated_at)
            SELECT vocabulary, name, {sql.slug('name', LONGEST_SLUG)}, '{{}}', now(), now()
              FROM ({new_terms(columns)}) AS fresh ORDER BY vocabulary, name""",
    )
