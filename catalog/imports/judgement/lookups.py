"""Cells that are parsed once per distinct text: choices, years, labels and values.

Each function makes `import_of_<column>(cell, line, value, fault)`: `line` is where the text first
stands, `fault` the sentence of a text that cannot be read. A table of 100,000 rows has a few hundred
distinct lists of genres, so parsing the distinct ones costs next to nothing.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column
from catalog.imports.judgement.rules import Rule
from catalog.models import FIRST_YEAR, LAST_YEAR

MOST_BRACKETS = 200  # of JSON in a cell: PostgreSQL nests deeper than Python can follow
MOST_DIGITS = 308  # of a number in JSON: PostgreSQL keeps longer ones, which Python reads as infinite
MANY_DIGITS = 250  # that are worth counting; a pattern cannot ask for more than 255 of something
LONGEST_SPAN = LAST_YEAR - FIRST_YEAR  # years; a longer range is a slip of the keyboard
ALIKE = 0.3  # pg_trgm similarity from which a word is worth suggesting
SLUG = "^[-a-zA-Z0-9_]+$"
SLUG_SENTENCE = "A slug holds letters without accents, digits, hyphens and underscores only."
YEARS_IN_BRACKETS = r"^\[( *\d{1,9}( *, *\d{1,9})*)? *\]$"
UNREAD_LIST = "A list in brackets holds words in quotation marks, none of them empty."
Field = models.Field[Any, Any]


def table_of(column: Column) -> str:
    return f"import_of_{column.name}"


def distinct_cells(column: Column) -> str:
    """Return the query of the column's distinct texts, each with the first line that holds it."""
    raw = f"r_{column.name}"
    return (
        f"SELECT {raw} AS cell, min(line) AS line FROM import_trimmed"
        f" WHERE {raw} IS NOT NULL AND NOT {raw} {sql.CLEAR} GROUP BY {raw}"
    )


def create_lookup(cursor: CursorWrapper, column: Column, query: str) -> None:
    """Make the column's table from a query of (cell, line, value, fault)."""
    table = table_of(column)
    sql.create_table(
        cursor,
        table,
        f"""SELECT cell, line, value,
                   CASE WHEN {sql.is_error('cell')} THEN {sql.error_sentence('cell')} ELSE fault END AS fault
              FROM ({query}) AS looked""",
    )
    sql.run(cursor, f"ANALYZE {table}")


def listed_texts(cell: str) -> str:
    """Return the SQL of the texts of a cell that is a JSON list of texts, as a `text[]`; NULL for any other cell."""
    texts = f"SELECT FROM jsonb_array_elements({cell}::jsonb) AS e WHERE jsonb_typeof(e) <> 'string' OR e = '\"\"'"
    return f"""CASE WHEN {cell} ~ '^\\[\\s*["\\]]' AND length({cell}) - length(translate({cell}, '{{[', '')) <= {MOST_BRACKETS}
                          AND pg_input_is_valid({cell}, 'jsonb')
                     THEN CASE WHEN NOT EXISTS ({texts}) THEN ARRAY(SELECT jsonb_array_elements_text({cell}::jsonb)) END END"""


def is_unread_list(cell: str) -> str:
    """Return whether the cell begins like a JSON list of texts; asked of those that `listed_texts` cannot read."""
    return f"{cell} ~ '^\\[\\s*\"'"


def suggestion(closest: str) -> str:
    """Return the SQL of the end of a sentence that suggests a word (given in SQL); nothing where that is NULL."""
    return f"coalesce(' Did you mean ''' || {closest} || '''?', '')"


def closest_of(words: Sequence[str], text: str) -> str:
    """Return the SQL of that of the words which is most like the text; NULL where none is."""
    listed = ", ".join(f"({sql.quoted(word)})" for word in words)
    return f"""(SELECT word FROM (VALUES {listed}) AS w (word) WHERE similarity(word, {text}) >= {ALIKE}
                 ORDER BY similarity(word, {text}) DESC, word LIMIT 1)"""


def closest_word(words: Sequence[str], text: str) -> str:
    """Return the end of a sentence that suggests that of the words which is most like the text, if one is. One query."""
    plain = text.replace("\0", "").encode("utf-8", "replace").decode()
    query = f"SELECT {suggestion(closest_of(words, '/*text*/'))}".replace("%", "%%")
    with connection.cursor() as cursor:
        cursor.execute(query.replace("/*text*/", "left(%s::text, 200)"), [plain] * 2)
        return str(cursor.fetchone()[0])


def look_up_choices(cursor: CursorWrapper, column: Column, field: Field, rules: list[Rule]) -> None:
    """Accept value or label, in any letter case, with blanks, hyphens or underscores."""
    spellings: dict[str, str] = {}
    for value, label in field.flatchoices:
        spellings |= {_plain(value): value, _plain(str(label)): value}
    sentence = choice_sentence(field, rules)
    pairs = ", ".join(f"({sql.quoted(plain)}, {sql.quoted(value)})" for plain, value in spellings.items())
    closest = suggestion(closest_of([str(value) for value, _ in field.flatchoices if value], "cell"))
    create_lookup(
        cursor,
        column,
        f"""SELECT cell, line, spelled.value,
                   CASE WHEN spelled.value IS NULL THEN {sql.quoted(sentence)} || {closest} END AS fault
              FROM ({distinct_cells(column)}) AS cells
              LEFT JOIN (VALUES {pairs}) AS spelled (plain, value)
                     ON spelled.plain = lower(regexp_replace(cell, '[\\s_-]+', ' ', 'g'))""",
    )


def choice_sentence(field: Field, rules: list[Rule]) -> str:
    """Return what is said of a value that is none of the field's choices: its rule, and the values if that names none."""
    listed = ", ".join(str(value) for value, _ in field.flatchoices)
    known = next((rule.message for rule in rules if rule.name.endswith(f"_{field.name}_known")), "")
    named = all(str(value) in known for value, _ in field.flatchoices)
    return known if named else f"{known} Use {listed}.".strip()


def _plain(spelling: str) -> str:
    return spelling.lower().replace("_", " ").replace("-", " ")


def look_up_years(cursor: CursorWrapper, column: Column) -> None:
    """Read years and ranges of years, in the order given; whether they are plausible is the table's rule.

    A JSON list, as exports write what the plain form cannot say, is taken as it is.
    """
    exact = (
        f"CASE WHEN cell ~ '{YEARS_IN_BRACKETS}' THEN translate(cell, '[] ', '{{}}')::int[] ELSE value END"
    )
    sentence = "must be years such as 1964, or ranges such as 1964-1966, with | or ; between them."
    create_lookup(
        cursor,
        column,
        f"""WITH cells AS MATERIALIZED ({distinct_cells(column)}),
            tokens AS MATERIALIZED (
                SELECT line, place, regexp_match(token, '^(\\d{{4}})(?:\\s*[-\u2013\u2014/]\\s*(\\d{{4}}))?$')::int[] AS span
                  FROM cells, unnest(regexp_split_to_array(cell, '\\s*[|;,]\\s*')) WITH ORDINALITY AS t (token, place)
                 WHERE token <> ''),
            spans AS (
                SELECT line, place, span[1] AS first, coalesce(span[2], span[1]) AS last FROM tokens),
            years AS (
                SELECT line, year, min(place) AS place
                  FROM spans, generate_series(first, last) AS year
                 WHERE last - first <= {LONGEST_SPAN} GROUP BY line, year),
            lists AS (SELECT line, array_agg(year ORDER BY place, year) AS value FROM years GROUP BY line),
            wrong AS (
                SELECT DISTINCT line FROM spans
                 WHERE first IS NULL OR last < first OR last - first > {LONGEST_SPAN})
            SELECT cell, line, {exact} AS value,
                   CASE WHEN {exact} IS NULL OR wrong.line IS NOT NULL AND cell !~ '{YEARS_IN_BRACKETS}'
                        THEN {sql.quoted(f'{column.name} {sentence}')} END AS fault
              FROM cells LEFT JOIN lists USING (line) LEFT JOIN wrong USING (line)""",
    )


def _has_long_number(text: str) -> str:
    digits = f"SELECT FROM regexp_matches({text}, '[0-9]{{{MANY_DIGITS},}}', 'g') AS m WHERE length(m[1]) > {MOST_DIGITS}"
    return f"({text} ~ '[0-9]{{{MANY_DIGITS}}}' AND EXISTS ({digits}))"


def look_up_objects(cursor: CursorWrapper, column: Column) -> None:
    """Read a JSON object, or labels and values: `Engine: 4.0 l | Power: 282 bhp`."""
    sentence = (
        f"{column.name} must be a JSON object, or labels and values such as: Engine: 4.0 l | Power: 282 bhp."
    )
    too_much = f"{column.name} holds too much: at most {MOST_BRACKETS} lists and objects, and no number of more than {MOST_DIGITS} digits."
    twice = f"{column.name} names a label twice."
    create_lookup(
        cursor,
        column,
        f"""WITH cells AS MATERIALIZED (
                SELECT cell, line, cell ~ '^[{{\\[]' AS is_json,
                       length(cell) - length(translate(cell, '{{[', '')) > {MOST_BRACKETS} AS is_deep
                  FROM ({distinct_cells(column)}) AS texts),
            pairs AS (
                SELECT line, regexp_match(token, '^([^:]*[^:\\s])\\s*:\\s*(.*)$') AS pair
                  FROM cells, unnest(regexp_split_to_array(cell, '\\s*\\|\\s*')) AS token
                 WHERE NOT is_json AND token <> ''),
            objects AS (
                SELECT line, jsonb_object_agg(coalesce(pair[1], ''), pair[2]) AS value,
                       count(*) > count(DISTINCT pair[1]) AS repeats
                  FROM pairs GROUP BY line HAVING bool_and(pair IS NOT NULL)),
            judged AS (
                SELECT cell, line, is_json AND is_deep AS is_deep, repeats, coalesce(objects.value,
                       CASE WHEN NOT is_json OR is_deep THEN NULL
                            WHEN pg_input_is_valid(cell, 'jsonb') THEN cell::jsonb END) AS value
                  FROM cells LEFT JOIN objects USING (line))
            SELECT cell, line, value,
                   CASE WHEN is_deep OR {_has_long_number('value::text')} THEN {sql.quoted(too_much)}
                        WHEN value IS NULL THEN {sql.quoted(sentence)}
                        WHEN repeats THEN {sql.quoted(twice)} END AS fault
              FROM judged""",
    )
