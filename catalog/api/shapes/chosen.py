"""What is told of a row: `fields`, `omit` and `include`."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from catalog.api.shapes.given import Values
from marketplace.parameters import Choice, Fault, ListOf, ParameterType

DESCRIPTIONS = {
    "fields": "Tell only these fields of each row; the order stays that of the document.",
    "omit": "Do not tell these.",
    "include": "Tell these, too. `history` (the newest 50 changes) is for staff who may see drafts.",
}


@cache
def shape_parameters(serializer: Any, includable: tuple[str, ...]) -> dict[str, ParameterType]:
    """Return the parameters' types for rows that the serializer describes; these can be included in them."""
    every = tuple(dict.fromkeys([*serializer().fields, *includable]))
    types: dict[str, ParameterType] = {"fields": ListOf(Choice(every)), "omit": ListOf(Choice(every))}
    return types | ({"include": ListOf(Choice(includable))} if includable else {})


def names(values: Values, standard: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of what is told, `standard` where the request does not choose."""
    if not values:
        return standard
    wanted = {*values.get("fields", standard), *values.get("include", ())} - {*values.get("omit", ())}
    return tuple(sorted(wanted))


def faults(values: Values) -> Iterable[Fault]:
    """Yield a fault if nothing would be told at all."""
    if "fields" in values and not {*values["fields"], *values.get("include", ())} - {*values.get("omit", ())}:
        yield "omit", "nothing_left", "omit leaves out every field that fields names; leave one of them."
