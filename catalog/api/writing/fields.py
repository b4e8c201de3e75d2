"""Fields of bodies that write rows: types and lengths by the model's columns, with the sentences of the model's rules.

What a field refuses here it refuses because no column could hold it; everything else is judged with the whole row.
"""

from typing import Any

from django.core.validators import MaxLengthValidator, validate_slug
from django.db import models
from rest_framework import serializers

from catalog.api.bodies import DEEPEST, ObjectField, is_text
from catalog.imports.judgement.lookups import MOST_BRACKETS, MOST_DIGITS, choice_sentence, closest_word
from catalog.imports.judgement.rules import Rule, rules_of
from catalog.imports.judgement.vocabularies import MOST_WORDS
from catalog.models import FIRST_YEAR, LAST_YEAR

Model = type[models.Model]


def rule_sentence(model: Model, ending: str) -> str:
    """Return the sentence of the model's constraint whose name ends so."""
    found = [each for each in model._meta.constraints if each.name.endswith(ending)]
    return str(found[0].get_violation_error_message())


def text(model: Model, name: str, *, sentence: str = "", **options: Any) -> serializers.CharField:
    """Return the field of a text column; `sentence` is what its rule says of an empty one."""
    column: Any = model._meta.get_field(name)
    lengths = [MaxLengthValidator(column.max_length)] if column.max_length else []
    slugs = [validate_slug] if isinstance(column, models.SlugField) else []
    blank = {"error_messages": {"blank": sentence}} if sentence else {"allow_blank": column.blank}
    given = {"required": False, "help_text": column.help_text or None} | blank | options
    return serializers.CharField(validators=[*lengths, *slugs], **given)


class ChosenField(serializers.ChoiceField):
    """One of a column's choices; another value gets the sentence of the column's rule, and the closest choice."""

    def __init__(self, model: Model, name: str, **options: Any) -> None:
        column: Any = model._meta.get_field(name)
        self.model, self.column = model, column
        given = {"required": False, "allow_blank": column.blank} | options
        super().__init__(choices=column.choices, **given)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)

    def fail(self, key: str, **texts: Any) -> Any:
        if key != "invalid_choice":
            super().fail(key, **texts)
        sentence = choice_sentence(self.column, _rules(self.model))
        near = closest_word([str(value) for value, _ in self.column.flatchoices], str(texts["input"]))
        raise serializers.ValidationError(f"{sentence}{near}", code=key)


_known_rules: dict[Model, list[Rule]] = {}


def _rules(model: Model) -> list[Rule]:
    if model not in _known_rules:
        _known_rules[model] = rules_of(model)
    return _known_rules[model]


def words(**options: Any) -> serializers.ListField:
    """Return the field of a list of words."""
    sentence = "Lists of values cannot hold a blank one."
    child = serializers.CharField(error_messages={"blank": sentence})
    return serializers.ListField(child=child, max_length=MOST_WORDS, required=False, **options)


def years(model: Model, **options: Any) -> serializers.ListField:
    """Return the field of a list of years."""
    sentence = rule_sentence(model, "_years_plausible")
    child = serializers.IntegerField(
        min_value=FIRST_YEAR,
        max_value=LAST_YEAR,
        error_messages={"min_value": sentence, "max_value": sentence, "max_string_length": sentence},
    )
    return YearsField(child=child, max_length=MOST_WORDS, required=False, **options)


class YearsField(serializers.ListField):
    """Years in the order in which they are given, each once."""

    def to_internal_value(self, data: Any) -> list[int]:
        return list(dict.fromkeys(super().to_internal_value(data)))


class LabelsField(ObjectField):
    """An object of labels and values that PostgreSQL keeps and Python reads back, as in a spreadsheet's cell."""

    default_error_messages = {
        "too_much": f"It holds too much: at most {MOST_BRACKETS} lists and objects, {DEEPEST} levels deep,"
        f" texts without NUL characters, and no number of more than {MOST_DIGITS} digits.",
    }

    def __init__(self, model: Model, name: str, **options: Any) -> None:
        super().__init__(**({"required": False} | options))
        if found := [rule for rule in model._meta.constraints if rule.name.endswith(f"_{name}_object")]:
            self.error_messages["not_an_object"] = str(found[0].get_violation_error_message())

    def is_kept(self, value: dict[str, Any]) -> bool:
        if not _keeps(value, DEEPEST) or _brackets(value) > MOST_BRACKETS:
            self.fail("too_much")
        return True


def _keeps(value: Any, depth: int) -> bool:
    if isinstance(value, dict):
        return depth > 0 and all(is_text(name) and _keeps(part, depth - 1) for name, part in value.items())
    if isinstance(value, list):
        return depth > 0 and all(_keeps(part, depth - 1) for part in value)
    if isinstance(value, str):
        return is_text(value)
    return value is None or abs(value) < 10**MOST_DIGITS  # which NaN and infinity are not


def _brackets(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + sum(map(_brackets, parts))
