"""SQL text for the import's statements. Only our own names and sentences go into it; cells never do."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.backends.utils import CursorWrapper

# What Python's str.strip() takes off, so that both doors trim alike; PostgreSQL's btrim knows only what it is told.
BLANKS = (
    r"E' \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    r"\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'"
)
UNCALCULATED = "#UNCALCULATED!"  # what the readers put for a formula whose value the file does not hold
ERRORS = (
    "('#REF!', '#N/A', '#VALUE!', '#DIV/0!', '#NAME?', '#NUM!', '#NULL!', '#SPILL!', '#CALC!', '#GETTING_DATA',"
    " '#FIELD!', '#BLOCKED!', '#CONNECT!', '#UNKNOWN!', '#BUSY!', '#EXTERNAL!', '#PYTHON!', '#TIMEOUT!',"
    f" '{UNCALCULATED}')"
)
ERROR_SENTENCE = "The cell holds an error of its spreadsheet instead of a value."
UNCALCULATED_SENTENCE = "The cell holds a formula without a value; open the file in a spreadsheet program, save it and bring it again."
# Apostrophes before what a spreadsheet program would run (catalog.writers.csv); the first comes off.
ESCAPED = r"^''+([ \t\r\n\v\f\u00a0]*[=+@\uff1d\uff0b\uff0d\uff20-]|[\t\r\n])"
EXACT = "[text]"  # before a text in JSON, which is then taken as it is: blanks, [clear], #N/A and all
CLEAR = "IN ('[clear]', '[Clear]', '[CLEAR]')"


def run(cursor: CursorWrapper, statement: str) -> int:
    """Execute a statement that has no parameters; return how many rows it touched."""
    # History's context adds parameters of its own, and then every % counts; so % is always doubled.
    cursor.execute(statement.replace("%", "%%"), [])
    return int(cursor.rowcount)


def create_table(cursor: CursorWrapper, name: str, query: str, *, kept: bool = False) -> None:
    """Make a table of a query's rows: gone with the transaction, or `kept` in the sheet's own schema (staging.py)."""
    if kept:
        run(cursor, f"DROP TABLE IF EXISTS {name} CASCADE")
        run(cursor, f"CREATE UNLOGGED TABLE {name} AS {query}")
    else:
        run(cursor, f"DROP TABLE IF EXISTS pg_temp.{name}")
        run(cursor, f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {query}")


def rows(cursor: CursorWrapper, query: str) -> list[tuple[Any, ...]]:
    run(cursor, query)
    return list(cursor.fetchall())


def value(cursor: CursorWrapper, query: str) -> Any:
    """Return the first column of the first row, or None where there is none."""
    run(cursor, query)
    row = cursor.fetchone()
    return row[0] if row else None


def quoted(text: str) -> str:
    """Return the text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def name(identifier: str) -> str:
    return connection.ops.quote_name(identifier)


def folded(expression: str) -> str:
    """Return the expression as the unique constraints compare it: without letter case, by Unicode's rules."""
    return f'UPPER({expression} COLLATE "pg_c_utf8")'


def trimmed(raw: str) -> str:
    """Return the cell without blanks around it; NULL where nothing is left.

    Exports put an apostrophe before text that a spreadsheet program would run as a formula; it comes off
    here. Most cells are ASCII, and begin and end above both (39 is the apostrophe): a look at the ends
    costs a third of trimming.
    """
    plain = f"ascii({raw}) > 39 AND ascii(right({raw}, 1)) > 39 AND octet_length({raw}) = length({raw})"
    escaped = f"{raw} ~ '{ESCAPED}'"
    rest = f"nullif(btrim(CASE WHEN {escaped} THEN substr({raw}, 2) ELSE {raw} END, {BLANKS}), '')"
    return f"CASE WHEN {plain} THEN {raw} ELSE {rest} END"


def cell(raw: str, *, exact: bool) -> str:
    """Return the cell as it is read: `trimmed`, or `exact` but for the apostrophe that keeps it from being a formula."""
    if not exact:
        return trimmed(raw)
    return f"nullif(CASE WHEN {raw} ~ '{ESCAPED}' THEN substr({raw}, 2) ELSE {raw} END, '')"


def is_error(cell: str) -> str:
    return f"(ascii({cell}) = ascii('#') AND {cell} IN {ERRORS})"


def error_sentence(cell: str) -> str:
    """Return the SQL of what to say of a cell that `is_error`."""
    return f"CASE WHEN {cell} = '{UNCALCULATED}' THEN {quoted(UNCALCULATED_SENTENCE)} ELSE {quoted(ERROR_SENTENCE)} END"


def is_exact(cell: str) -> str:
    """Return whether the cell is a text in JSON behind its mark, as exports write what would else not come back."""
    mark = quoted(f'{EXACT}"')
    return f"(starts_with({cell}, {mark}) AND pg_input_is_valid(substr({cell}, {len(EXACT) + 1}), 'jsonb'))"


def exact(cell: str) -> str:
    """Return the text of a cell that `is_exact`, and any other cell as it is."""
    return (
        f"CASE WHEN {is_exact(cell)} THEN substr({cell}, {len(EXACT) + 1})::jsonb #>> '{{}}' ELSE {cell} END"
    )


def canonical_cell(raw: str) -> str:
    """Return the text of a cell as CanonicalCharField stores it, whether the cell `is_exact` or not."""
    return f"CASE WHEN {is_exact(raw)} THEN {canonical(exact(raw))} ELSE {canonical(raw)} END"


def canonical(expression: str) -> str:
    """Return the text as CanonicalCharField stores it; ASCII, the common case, is in NFKC already."""
    return (
        f"CASE WHEN octet_length({expression}) = length({expression}) THEN {expression}"
        f" ELSE btrim(normalize({expression}, NFKC), {BLANKS}) END"
    )


def slug(expression: str, max_length: int) -> str:
    """Return a slug of the text. Letters that Latin script lacks are told apart by a hash."""
    plain = f"lower(unaccent(normalize({expression}, NFKC)))"
    latin = f"trim(both '-' from regexp_replace({plain}, '[^a-z0-9]+', '-', 'g'))"
    return (
        f"CASE WHEN {latin} = '' OR {plain} ~ '[^\\x01-\\x7f]'"
        f" THEN concat_ws('-', nullif(left({latin}, {max_length - 11}), ''), left(md5({expression}), 10))"
        f" ELSE left({latin}, {max_length}) END"
    )


def column_type(field: models.Field[Any, Any]) -> str:
    """Return the column's type, without the length of a varchar: lengths are judged, not cut."""
    db_type = field.db_type(connection) or "text"
    return "text" if db_type.startswith("varchar") else db_type


def default(field: models.Field[Any, Any]) -> str:
    """Return what a new row holds in a column that its file says nothing about, and what [clear] leaves."""
    python_value = field.get_default()
    if python_value is None:
        return f"NULL::{column_type(field)}"
    text = "{}" if isinstance(field, ArrayField | models.JSONField) else str(python_value)
    return f"{quoted(text)}::{column_type(field)}"
