"""The model's own rules over rows that are not in the table yet: all rules and all rows in one statement.

The sentences and the SQL are those of the model's constraints, as forms and imports have them.
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models

from catalog.api.writing.rows import RULE, Row, columns_of
from catalog.imports import sql
from catalog.imports.judgement.rules import Rule, rules_of

Model = type[models.Model]


@cache
def rules(model: Model) -> tuple[Rule, ...]:
    return tuple(rules_of(model))


def judge(model: Model, rows: Sequence[Row]) -> None:
    """Tell each row what is wrong with what it will be, by its columns and by the table's constraints. One statement."""
    judged = [row for row in rows if _fits(row)]
    if not judged:
        return
    by_place = {row.place: row for row in judged}
    with connection.cursor() as cursor:
        cursor.execute(_statement(model), [as_json(judged, list(columns_of(model)))])
        for place, broken in cursor.fetchall():
            for number in broken:
                _tell(by_place[place], rules(model)[number])


def _fits(row: Row) -> bool:
    """Let each column that was given look at its value, as a form does; return whether all can be stored. No query."""
    columns = {column.name for column in columns_of(type(row.future))}
    try:
        row.future.clean_fields(exclude=columns - row.given.keys())
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            row.refuse(name, messages[0])
        return False
    return True


@cache
def _statement(model: Model) -> str:
    """Return the statement of (place, numbers of the rules that the row breaks) of rows given as JSON."""
    cases = ", ".join(
        f"CASE WHEN ({rule.condition}) IS FALSE THEN {number} END" for number, rule in enumerate(rules(model))
    )
    table = sql.name(model._meta.db_table)
    statement = f"""SELECT place, broken FROM (
                           SELECT (e.value ->> 'place')::int AS place, array_remove(ARRAY[{cases}], NULL) AS broken
                             FROM jsonb_array_elements(/*rows*/) AS e, jsonb_populate_record(NULL::{table}, e.value)) AS judged
                     WHERE broken <> '{{}}'"""
    return statement.replace("%", "%%").replace("/*rows*/", "%s::jsonb")


def _tell(row: Row, rule: Rule) -> None:
    """Blame the last column of the rule that was given, as imports do: of `kind or vehicle_types = []` the types."""
    given = [name for name in rule.columns if name in row.given]
    column = (given or list(rule.columns))[-1]
    if column not in row.blamed:
        row.refuse(column, rule.message, RULE)


def as_json(rows: Sequence[Row], columns: Sequence["models.Field[Any, Any]"]) -> str:
    """Return what the rows will be as a JSON array of objects of these columns, each with its `place` and `id`."""
    return json.dumps(
        [
            {column.attname: _plain(column, getattr(row.future, column.attname)) for column in columns}
            | {"place": row.place, "id": row.future.pk}
            for row in rows
        ],
        default=str,  # of decimals and times, to the last digit
    )


def _plain(column: "models.Field[Any, Any]", value: Any) -> Any:
    if isinstance(column, models.JSONField):
        return value
    # What the database fills in by itself has no value yet.
    return None if hasattr(value, "resolve_expression") else column.get_prep_value(value)
