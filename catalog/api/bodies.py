"""What bodies of requests share: nothing in them is passed over, and only what can be stored gets in."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from marketplace.parameters import LARGEST_INTEGER, shown

DEEPEST = 20  # levels of a JSON object that somebody sends to be kept


class Body(serializers.Serializer[Any]):
    """Refuses fields that it does not know, and in a form those that are given twice."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (faults := dict(self._strange(data))):
            raise ValidationError(faults)
        return super().to_internal_value(data)

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
        if not is_storable(value):
            self.fail("not_storable")
        return value


def is_storable(value: Any, depth: int = DEEPEST) -> bool:
    """Return whether PostgreSQL keeps this JSON value as it is."""
    if isinstance(value, dict):
        return depth > 0 and all(
            is_storable(name) and is_storable(part, depth - 1) for name, part in value.items()
        )
    if isinstance(value, list):
        return depth > 0 and all(is_storable(part, depth - 1) for part in value)
    if isinstance(value, str):
        # A lone surrogate, which JSON can spell, has no UTF-8 form.
        return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    return value is None or (math.isfinite(value) and abs(value) <= LARGEST_INTEGER)
