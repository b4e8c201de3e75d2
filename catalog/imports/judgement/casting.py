"""From text to values: `import_typed`, and the faults of cells that cannot be read.

`import_typed` holds for each line the natural key and for each column its value `v_<name>`, NULL
where the file leaves the field alone. A column that may itself be NULL has `given_<name>` beside it.
A line of items that `stays` changes nothing of the catalogue's row, so it leaves all fields alone.
`import_fault(line, name, message)` collects every fault of every row.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import LOOKED_UP, Column, Reading, Target
from catalog.imports.judgement import appearances, lookups, productions, references, vocabularies
from catalog.imports.judgement.lookups import SLUG, SLUG_SENTENCE, Field
from catalog.imports.judgement.rules import Rule
from catalog.imports.mapping.binding import Mapping
from catalog.imports.mapping.conversions import UNREAD
from catalog.imports.reach import Reach
from catalog.models.fields import CanonicalCharField

ON_REQUEST = r"^(price )?(up)?on request$|^p\.?o\.?a\.?$|^price on application$"
# Bounds such as {1,40} would take PostgreSQL seven times as long as a look at the length of the whole.
PLAIN_PRICE = r"^[+-]?\d+(\.\d+)?$"
GROUPED_PRICE = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"
LONGEST_PRICE = 80  # characters; those of a longer text are no price
PRICE_SENTENCE = (
    "A price must be a plain number with at most 2 decimals, such as 1250000 or 1,250,000.00;"
    " the currency has its own column. Without a price write: on request."
)
TIME = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?\s?(Z|[+-]\d\d:?\d\d)?)?$"
TIME_SENTENCE = "A time must be written as 2026-01-31 or 2026-01-31T18:30:00Z."
TIME_SPAN = "'0001-01-01' AND '9999-12-31 23:59:59.999999'"  # beyond it, an offset leads out of what Python can read back
INTEGER = r"^\d{1,9}$"
INTEGER_SENTENCE = "{} must be a whole number, such as {}."
DECIMAL = r"^[+-]?(\d{1,9}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,2})?$"
DECIMAL_SENTENCE = "{} must be a number such as 0.5."
NUMBERS = {Reading.INTEGER: INTEGER_SENTENCE, Reading.DECIMAL: DECIMAL_SENTENCE}
# What the key tells, of the targets whose key is not judged by a constraint of the table.
KEY_TELLS = {"vehicle": "item", "memorabilia": "item", "tool": "item", "appearance": "item", "image": "file"}
# Lookups that need no more than the cells.
PLAIN_LOOKUPS = {
    Reading.YEARS: lookups.look_up_years,
    Reading.OBJECT: lookups.look_up_objects,
    Reading.WORD: vocabularies.look_up_word,
    Reading.ALIASES: vocabularies.look_up_aliases,
}
Fault = tuple[str, str, str]  # column, condition, message; the latter two in SQL


class Present(NamedTuple):
    """The rows `i` that a table has, in SQL: which one a line `t` of the file means, and whether it would change it."""

    table: str
    matches: str
    differs: str


def model_field(target: Target, column: Column) -> Field | None:
    """Return the model's field of a column; None where it has none of its own, as for appearances."""
    if not column.stored:
        return None
    field = target.model._meta.get_field(column.stored)
    return field if isinstance(field, models.Field) else None


def nullable(target: Target, column: Column) -> bool:
    field = model_field(target, column)
    return bool(field and field.null)


def blank_value(target: Target, column: Column) -> str:
    """Return what `[clear]` leaves in the column, in SQL."""
    field = model_field(target, column)
    # A slug is made anew only where there is none; the kind of what exists does not change.
    if column.name in {"slug", target.kind and "kind"}:
        return "NULL::text"
    if column.reading is Reading.APPEARANCES:
        return "'{}'::text[]"
    if field is None or field.is_relation:
        return "NULL::int" if column.reading is Reading.INTEGER else "NULL::text"
    return sql.default(field)


def look_up(
    cursor: CursorWrapper,
    target: Target,
    mapping: Mapping,
    rules: list[Rule],
    *,
    create: bool,
    reach: Reach,
    earlier: Sequence[tuple[str, Target]] = (),
) -> None:
    """Parse the distinct texts of the columns that are parsed so."""
    vocabularies.collect_terms(cursor, earlier)
    for column in mapping.columns:
        field = model_field(target, column)
        if column.reading is Reading.CHOICE and field:
            lookups.look_up_choices(cursor, column, field, rules)
        elif column.reading is Reading.WORDS:
            vocabularies.look_up_words(cursor, column, create=create)
        elif column.reading is Reading.REFERENCE:
            references.look_up_items(cursor, column, reach.kinds, earlier)
        elif column.reading is Reading.APPEARANCES:
            appearances.look_up_appearances(cursor, column, reach, earlier)
        elif column.reading in PLAIN_LOOKUPS:
            PLAIN_LOOKUPS[column.reading](cursor, column)
    if target.kind and not mapping.has("appearances"):
        productions.forget_productions(cursor)


def cast(
    cursor: CursorWrapper,
    target: Target,
    mapping: Mapping,
    *,
    blank_clears: bool,
    plain: frozenset[str] = frozenset(),
    present: Present | None = None,
) -> None:
    """Make `import_typed`, and `import_fault` with the faults found so far.

    Where `present` is given, the values of lines that change nothing are not written down: most lines of most files
    are such, and writing and reading them again costs more than to find that out. `plain` columns hold nothing but what stands in their cells: no [clear], no error, nothing beyond ASCII. Not to
    look for that in every cell saves half of the time.
    """
    faults = [
        fault for column in mapping.columns for fault in _faults(target, column, plain=column.name in plain)
    ]
    # What a conversion of the mapping could not read gets the mapping's sentence, and no other.
    faults = [
        (
            (name, f"({condition}) AND ({_is_unread(f'r_{name}')}) IS NOT TRUE", message)
            if name in mapping.unreadable
            else (name, condition, message)
        )
        for name, condition, message in faults
    ]
    faults += [
        (name, _is_unread(f"r_{name}"), sql.quoted(sentence))
        for name, sentence in mapping.unreadable.items()
        if mapping.has(name)
    ]
    values = [
        text
        for column in mapping.columns
        for text in (
            [f"r_{column.name} AS v_{column.name}"]
            if column.name in plain and _is_text(target, column)
            else _values(target, column, blank_clears=blank_clears)
        )
    ]
    joins = "".join(
        f" LEFT JOIN {lookups.table_of(column)} AS of_{column.name} ON of_{column.name}.cell = r_{column.name}"
        for column in mapping.columns
        if column.reading in LOOKED_UP
    )
    kept = [f"v_{column.name}" for column in mapping.columns]
    kept += [f"given_{column.name}" for column in mapping.columns if nullable(target, column)]
    typed = f"""SELECT line, {_key(target, mapping)} AS key, fault, {', '.join(kept)},
                       {' OR '.join(f'({condition})' for _, condition, _ in faults)} AS bad
                  FROM (SELECT import_trimmed.*, {', '.join(values)} FROM import_trimmed{joins} OFFSET 0) AS cells"""
    sql.create_table(cursor, "import_typed", _without_staying(typed, kept, present) if present else typed)
    sql.run(cursor, "ANALYZE import_typed (line, key)")
    _collect(cursor, mapping, faults)


def _without_staying(typed: str, kept: list[str], present: Present) -> str:
    """Return the query of what is typed, with lines that change nothing reduced to their keys; a slug is one, too."""
    values = ", ".join(
        name if name == "v_slug" else f"CASE WHEN NOT stays THEN {name} END AS {name}" for name in kept
    )
    return f"""SELECT line, key, fault, {values}, bad, stays FROM (
                    SELECT t.*, i.id IS NOT NULL AND bad IS NOT TRUE AND ({present.differs}) IS NOT TRUE AS stays
                      FROM ({typed} OFFSET 0) AS t LEFT JOIN {present.table} AS i ON {present.matches} OFFSET 0) AS t"""


def _is_unread(raw: str) -> str:
    """Return whether a conversion of the mapping left its mark on the cell, because it could not read it."""
    return f"right({raw}, 1) = {sql.quoted(UNREAD)}"


def _key(target: Target, mapping: Mapping) -> str:
    """Return the SQL of the natural key; NULL for appearances, whose production is found later."""
    if target.kind:
        return sql.folded("v_reference")
    if target.name == "term":
        vocabulary = "v_vocabulary" if mapping.has("vocabulary") else "NULL"
        return f"{vocabulary} || ':' || {sql.folded('v_name')}"
    if target.name != "production":
        return "v_key" if target.name == "image" else "NULL::text"
    slug = "v_slug" if mapping.has("slug") else "NULL::text"
    if not mapping.has("title"):
        return slug
    year = "v_years[1]" if mapping.has("years") else "NULL"
    return (
        f"coalesce({slug}, CASE WHEN v_title <> '' THEN {productions.production_slug('v_title', year)} END)"
    )


def _values(target: Target, column: Column, *, blank_clears: bool) -> list[str]:
    """Return the SQL of the column's value (NULL: leave alone) and, where NULL is a value, of whether it is given."""
    raw, cleared = f"r_{column.name}", f"r_{column.name} {sql.CLEAR}"
    if blank_clears and column.name != target.key:
        cleared = f"({raw} IS NULL OR {cleared})"
    value = _read(target, column, raw)
    text = f"CASE WHEN {cleared} THEN {blank_value(target, column)} WHEN {raw} IS NULL THEN NULL ELSE {value} END"
    texts = [f"{text} AS v_{column.name}"]
    if nullable(target, column):
        texts.append(f"{'TRUE' if blank_clears else f'{raw} IS NOT NULL'} AS given_{column.name}")
    return texts


def _is_text(target: Target, column: Column) -> bool:
    """Return whether the column's values are the texts of its cells, and never NULL."""
    return column.reading not in LOOKED_UP and column.reading not in READ and not nullable(target, column)


def _read(target: Target, column: Column, raw: str) -> str:
    """Return the SQL of a filled cell's value; NULL where it cannot be read."""
    if column.reading in LOOKED_UP:
        return f"of_{column.name}.value"
    if column.reading in READ:
        return READ[column.reading](raw)
    if isinstance(model_field(target, column), CanonicalCharField):
        return sql.canonical_cell(raw)
    return sql.exact(raw)


def _price(raw: str) -> str:
    return (
        f"CASE WHEN octet_length({raw}) > {LONGEST_PRICE} THEN NULL"
        f" WHEN {raw} ~ '{PLAIN_PRICE}' THEN {raw}::numeric"
        f" WHEN {raw} ~ '{GROUPED_PRICE}' THEN replace({raw}, ',', '')::numeric END"
    )


def _time(raw: str) -> str:
    return (
        f"CASE WHEN {raw} ~ '{TIME}' AND pg_input_is_valid({raw}, 'timestamptz') THEN {raw}::timestamptz END"
    )


READ: dict[Reading, Callable[[str], str]] = {
    Reading.PRICE: _price,
    Reading.TIME: _time,
    Reading.INTEGER: lambda raw: f"CASE WHEN {raw} ~ '{INTEGER}' THEN {raw}::int END",
    Reading.DECIMAL: lambda raw: f"CASE WHEN {raw} ~ '{DECIMAL}' THEN {raw}::float8 END",
    Reading.KEY: lambda raw: raw,
}


def _faults(target: Target, column: Column, *, plain: bool = False) -> list[Fault]:
    """Return what can be wrong with the column's cells, as conditions on `r_`, `v_` and `given_` columns."""
    raw, value = f"r_{column.name}", f"v_{column.name}"
    found: list[Fault] = []
    if column.reading not in LOOKED_UP and not plain:
        found.append((column.name, sql.is_error(raw), sql.error_sentence(raw)))
    if column.name == target.key and target.name in KEY_TELLS:
        sentence = f"The {column.name} is missing; it tells which {KEY_TELLS[target.name]} the row is."
        given = raw if column.reading is Reading.REFERENCE else value
        missing = f"{given} IS NULL OR {given} = '' OR {raw} {sql.CLEAR}"
        found.append((column.name, missing, sql.quoted(sentence)))
    if column.reading is Reading.PRICE:
        found += _price_faults(target, column, raw, value)
    if column.reading is Reading.TIME:
        unread = f"{value} IS NULL AND {raw} IS NOT NULL AND NOT {raw} {sql.CLEAR}"
        outside = f"{value} NOT BETWEEN {TIME_SPAN}"
        found.append((column.name, f"({unread}) OR {outside}", sql.quoted(TIME_SENTENCE)))
    if column.reading in NUMBERS:
        sentence = NUMBERS[column.reading].format(column.name, (column.name == "year" and 1964) or 3)
        unread = f"{value} IS NULL AND {raw} IS NOT NULL AND NOT {raw} {sql.CLEAR}"
        found.append((column.name, unread, sql.quoted(sentence)))
    if column.reading is Reading.SLUG:
        found.append((column.name, f"{value} !~ '{SLUG}'", sql.quoted(SLUG_SENTENCE)))
    return found + _length_faults(target, column, value)


def _price_faults(target: Target, column: Column, raw: str, value: str) -> list[Fault]:
    field = target.model._meta.get_field(column.name)
    if not isinstance(field, models.DecimalField):
        raise TypeError(f"{column.name} is no decimal field")
    digits = field.max_digits - field.decimal_places
    unread = f"{value} IS NULL AND NOT {raw} {sql.CLEAR} AND lower({raw}) !~ '{ON_REQUEST}'"
    return [
        (column.name, f"({unread}) OR scale({value}) > {field.decimal_places}", sql.quoted(PRICE_SENTENCE)),
        (
            column.name,
            f"abs({value}) >= 1e{digits}",
            sql.quoted(f"A price has at most {digits} digits before the point."),
        ),
    ]


def _length_faults(target: Target, column: Column, value: str) -> list[Fault]:
    field = model_field(target, column)
    limit = getattr(field, "max_length", None)
    if not limit or column.reading in {Reading.CHOICE, Reading.REFERENCE}:
        return []
    shown = 123456789  # stands for the length, which only the row knows
    sentence = MaxLengthValidator(limit).message % {"limit_value": limit, "show_value": shown}
    message = f"replace({sql.quoted(sentence)}, '{shown}', length({value})::text)"
    # The number of bytes is known without counting characters.
    return [(column.name, f"octet_length({value}) > {limit} AND length({value}) > {limit}", message)]


def _collect(cursor: CursorWrapper, mapping: Mapping, faults: list[Fault]) -> None:
    nothing = "SELECT NULL::int AS line, NULL::text AS name, NULL::text AS message WHERE FALSE"
    sql.create_table(cursor, "import_fault", nothing, kept=True)
    add_faults(cursor, "import_typed JOIN import_trimmed USING (line)", faults)
    sql.run(
        cursor, "INSERT INTO import_fault SELECT line, '', fault FROM import_typed WHERE fault IS NOT NULL"
    )
    for column in mapping.columns:
        if column.reading in LOOKED_UP:
            table = lookups.table_of(column)
            # What a conversion could not read has its sentence already.
            told = f" AND NOT {_is_unread('looked.cell')}" if column.name in mapping.unreadable else ""
            if sql.value(cursor, f"SELECT EXISTS (SELECT FROM {table} WHERE fault IS NOT NULL)"):
                sql.run(
                    cursor,
                    f"""INSERT INTO import_fault SELECT cells.line, '{column.name}', looked.fault
                          FROM import_trimmed AS cells JOIN {table} AS looked ON looked.cell = r_{column.name}
                         WHERE looked.fault IS NOT NULL{told}""",
                )


def add_faults(cursor: CursorWrapper, source: str, faults: list[Fault]) -> None:
    """Add the faults of the rows of `source` that its column `bad` marks; a cell that has one already gets no other."""
    listed = ", ".join(
        f"('{column}', CASE WHEN {condition} THEN {message} END)" for column, condition, message in faults
    )
    sql.run(
        cursor,
        f"""INSERT INTO import_fault SELECT line, name, message FROM (
                SELECT line, found.name, found.message
                  FROM {source}, LATERAL (VALUES {listed}) AS found (name, message)
                 WHERE bad AND found.message IS NOT NULL) AS added
             WHERE NOT EXISTS (SELECT FROM import_fault AS f WHERE f.line = added.line AND f.name = added.name)""",
    )


def describe(value: Any) -> str:
    """Return a value as a person reads it in a report."""
    if isinstance(value, list):
        return " | ".join(str(part) for part in value)
    return "" if value is None else str(value)
