"""What bodies of requests share: nothing in them is passed over, and only what can be stored gets in."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from marketplace.parameters import LARGEST_INTEGER, shown

# Of a field's values in JSON: what they are, and what is said where one is not.
TYPES: tuple[tuple[type[Any], tuple[type, ...], str], ...] = (
    (serializers.BooleanField, (bool,), "It must be true or false."),
    (serializers.IntegerField, (int, float), "It must be a whole number."),
    (serializers.FloatField, (int, float), "It must be a number."),
    (serializers.CharField, (str,), "It must be a text."),
)
DEEPEST = 20  # levels of a JSON object that somebody sends to be kept


class Body(serializers.Serializer[Any]):
    """Refuses fields that it does not know, in a form those that are given twice, and in JSON values of another type.

    A form holds texts only; JSON has types, and DRF would take 0 for false, "5" for 5 and 5 for "5".
    """

    is_strict = True  # for the OpenAPI document

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (faults := dict(self._strange(data))):
            raise ValidationError(faults)
        is_json = isinstance(data, dict) and not isinstance(data, QueryDict)
        mistyped = dict(self._mistyped(data)) if is_json else {}
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            faults = {**mistyped, **cast(dict[str, Any], error.detail)}
            order = [name for name in [*self.fields, *faults] if name in faults]
            raise ValidationError({name: faults[name] for name in order}) from error
        if mistyped:
            raise ValidationError(mistyped)
        return value

    def _mistyped(self, data: Mapping[Any, Any]) -> Iterator[tuple[str, list[ErrorDetail]]]:
        for name, value in data.items():
            if sentence := _mistyped(self.fields[name], value):
                yield str(name), [ErrorDetail(sentence, code="invalid")]

    def _strange(self, data: Mapping[Any, Any]) -> Iterator[tuple[str, list[ErrorDetail]]]:
        for name in data:
            if name not in self.fields:
                yield (
                    str(name),
                    [ErrorDetail(f"{shown(str(name))} is not a field of this body.", code="unknown")],
                )
            elif isinstance(data, QueryDict) and len(data.getlist(name)) > 1:
                sentence = "Given more than once; it takes one value."
                yield str(name), [ErrorDetail(sentence, code="repeated")]


def _mistyped(field: "serializers.Field[Any, Any, Any, Any]", value: Any) -> str:
    """Return what is wrong with the type of a value from JSON; "" when nothing is, or the field itself looks."""
    if isinstance(field, serializers.ListField) and isinstance(value, list) and field.child is not None:
        return next(filter(None, (_mistyped(field.child, each) for each in value)), "")
    for kind, types, sentence in TYPES:
        if isinstance(field, kind) and value is not None:
            fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
            return "" if fits else sentence
    return ""


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ObjectField(serializers.JSONField):
    """A JSON object, in a form as its text."""

    default_error_messages = {
        "not_an_object": "It must be a JSON object.",
        "not_storable": f"It may hold texts without NUL characters, numbers, true, false and null, {DEEPEST} levels deep.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            value = super().to_internal_value(data)
        except RecursionError:
            self.fail("not_storable")
        if not isinstance(value, dict):
            self.fail("not_an_object")
        if not self.is_kept(value):
            self.fail("not_storable")
        return value

    def is_kept(self, value: dict[str, Any]) -> bool:
        """Return whether the object can be kept; a subclass may say why not by itself."""
        return is_storable(value)


def is_storable(value: Any, depth: int = DEEPEST) -> bool:
    """Return whether PostgreSQL keeps this JSON value as it is."""
    if isinstance(value, dict):
        return depth > 0 and all(
            is_storable(name) and is_storable(part, depth - 1) for name, part in value.items()
        )
    if isinstance(value, list):
        return depth > 0 and all(is_storable(part, depth - 1) for part in value)
    if isinstance(value, str):
        return is_text(value)
    return value is None or abs(value) <= LARGEST_INTEGER  # which NaN and infinity are not


def is_text(value: str) -> bool:
    """Return whether PostgreSQL keeps the text: no NUL, and no lone surrogate, which JSON can spell but UTF-8 cannot."""
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
