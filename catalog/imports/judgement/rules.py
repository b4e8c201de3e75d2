"""The model's own rules, as SQL that judges rows before they are in the table.

This is the one place that asks Django for a constraint's SQL, by a private method that migrations use.
"""

import re
from dataclasses import dataclass

from django.db import connection, models
from django.db.models import CheckConstraint


@dataclass(frozen=True)
class Rule:
    """One CHECK constraint: what must hold (NULL counts as holding), and the sentence for a row that breaks it."""

    name: str
    condition: str
    message: str

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(re.findall(r'"(\w+)"', self.condition))


def rules_of(model: type[models.Model]) -> list[Rule]:
    """Return the model's CHECK constraints."""
    editor = connection.schema_editor()
    return [
        Rule(
            constraint.name,
            constraint._get_check_sql(model, editor),  # type: ignore[attr-defined]
            str(constraint.get_violation_error_message()),
        )
        for constraint in model._meta.constraints
        if isinstance(constraint, CheckConstraint)
    ]


def taken_message(model: type[models.Model], field: str) -> str:
    """Return the sentence that forms give for a value that another row has."""
    return str(model().unique_error_message(model, (field,)).messages[0])
