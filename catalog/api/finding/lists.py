"""What finding adds to the lists of items: facets, spellings that are meant, words marked in each result."""

from typing import Any, ClassVar

from catalog.api.filtering import ParameterFilterSet
from catalog.api.finding import spelling, text
from catalog.api.shapes.given import Values
from catalog.api.shapes.pages import Pages
from catalog.finding import facets, samples
from catalog.models import ItemQuerySet, Kind, kinds_seen
from marketplace.parameters import Choice, Flag, ListOf, ParameterType

TYPES: dict[str, ParameterType] = {
    "facets": ListOf(Choice(facets.FACETS)),
    "highlight": Flag(),
}
DESCRIPTIONS = {
    "facets": "Counts of each value of these columns, each under the filters on the other columns. Of prices and years,"
    f" all brackets and years; else the {facets.MOST_VALUES} commonest values.",
    "highlight": "With q: `highlight` in each result holds the texts that have the words, as HTML with <mark>.",
}
COUNT = {"type": "integer", "minimum": 1}
# What the OpenAPI document says of the answer's keys beside those of every list.
ANSWER_SCHEMA: dict[str, Any] = {
    "facets": {
        "type": "object",
        "description": "By column; only when asked for. A bracket of prices holds min <= price < max, in any currency.",
        "propertyNames": {"enum": list(facets.FACETS)},
        "additionalProperties": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["count"],
                "properties": {
                    "value": {"type": ["string", "integer"]},
                    "min": {"type": "string", "format": "decimal"},
                    "max": {"type": "string", "format": "decimal"},
                    "count": COUNT,
                },
            },
        },
    },
    "approximate": {
        "type": "boolean",
        "description": "Given, it is true: counts of facets are estimates, from a sample, and rare values may be missing; only where filters"
        f" of which there are no bitmaps keep more than {samples.MOST:,} items. Elsewhere they are exact.",
    },
    "did_you_mean": {
        "type": "string",
        "description": "Nothing has one of the words of q; these are the results for this spelling.",
    },
}


class FindingPages(Pages):
    """What the OpenAPI document says of a page of items."""

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        return page | {"properties": page["properties"] | ANSWER_SCHEMA}


class Finding:
    """For views of items: parameters beside the filters, and what the answer then tells beside the rows."""

    request: Any
    kind: ClassVar[str]
    filterset_class: ClassVar[type[ParameterFilterSet]]

    def extras(self, values: Values, items: ItemQuerySet) -> dict[str, Any]:
        """Return the keys that the answer has beside its rows; `items` are those that the caller may see."""
        if "facets" not in values:
            return {}
        wanted = dict.fromkeys(values["facets"])
        narrow = self.filterset_class.narrow
        found, is_sampled = facets.facets(
            wanted, items, self.filters(values), narrow, sees_all=self.sees_all(), kind=self.kind
        )
        return {"facets": found} | ({"approximate": True} if is_sampled else {})

    def exact_count(self, values: Values, items: ItemQuerySet) -> int | None:
        """Return the number of items that a list with these values has, if it can be told without counting them."""
        narrow = self.filterset_class.narrow
        return facets.exact_count(
            items, self.filters(values), narrow, sees_all=self.sees_all(), kind=self.kind
        )

    def instead(self, values: Values, items: ItemQuerySet) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return other values for a list that has no rows, and what the answer then tells; None: it stays empty."""
        meant = spelling.meant(values["q"], items) if "q" in values else None
        return None if meant is None else ({**values, "q": meant}, {"did_you_mean": meant})

    @classmethod
    def row_fields(cls, values: Values) -> dict[str, Any]:
        """Return expressions for further fields of each row."""
        return (
            {"highlight": text.highlights(values["q"])} if values.get("highlight") and "q" in values else {}
        )

    def filters(self, values: Values) -> Values:
        """Return the values that narrow the list."""
        declared = self.filterset_class.base_filters
        return {name: value for name, value in values.items() if name in declared and name != "ordering"}

    def sees_all(self) -> bool | None:
        """Return whether the caller sees every item of the list (True), what is public (False), or some drafts (None)."""
        kinds, here = kinds_seen(self.request.user), {self.kind} if self.kind else set(Kind.values)
        return True if here <= kinds else None if kinds & here else False
