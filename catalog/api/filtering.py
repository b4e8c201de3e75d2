"""Filters as one line each: a parameter type, and the condition that its value puts on the rows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import django_filters
from django.db.models import Q, QuerySet
from django.db.models.expressions import OrderBy
from django.http import QueryDict
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from catalog.api.shapes.given import Values, computed
from catalog.models import FIRST_YEAR, LAST_YEAR
from catalog.models.fields import canonical_text
from marketplace.parameters import Choice, Fault, Flag, ListOf, ParameterType, WholeNumber, Word, read_values
from marketplace.problems import BadParameters, unknown_parameters

Condition = Callable[[Any], Q]
Order = tuple[str | OrderBy, ...]

YEAR = WholeNumber(FIRST_YEAR, LAST_YEAR)


@dataclass(frozen=True)
class Name(Word):
    """A value of a column that is kept in canonical form, so that look-alike spellings find it too."""

    def parse(self, text: str) -> str:
        return canonical_text(text)


class ParameterFilter(django_filters.Filter, ABC):
    """A filter by one parameter; a subclass says what it does to the rows.

    `text` explains it in the OpenAPI document; `staff_only` hides it from everybody else.
    """

    def __init__(self, kind: ParameterType, field_name: str, text: str, *, staff_only: bool = False) -> None:
        super().__init__(field_name, label="")
        self.kind = kind
        self.text = text
        self.staff_only = staff_only

    @abstractmethod
    def narrow(self, queryset: "QuerySet[Any]", values: Values, name: str) -> "QuerySet[Any]":
        """Apply the value of the parameter `name`; `values` holds those of all parameters that were given."""

    def variants(self, name: str) -> "dict[str, ParameterFilter]":
        """Return this filter and those that come with it, by the names of their parameters."""
        return {name: self}

    @property
    def schema(self) -> dict[str, Any]:
        """What the OpenAPI document says of the parameter."""
        text = f"{self.text} Staff only." if self.staff_only else self.text
        mark = {"x-staff-only": True} if self.staff_only else {}
        return {"in": "query", "description": text, "schema": self.kind.schema} | self.kind.style | mark


class Where(ParameterFilter):
    """Keeps the rows that meet a condition made of the value."""

    def __init__(
        self,
        kind: ParameterType,
        field_name: str,
        condition: Condition,
        text: str,
        *,
        staff_only: bool = False,
    ) -> None:
        super().__init__(kind, field_name, text, staff_only=staff_only)
        self.condition = condition

    def narrow(self, queryset: "QuerySet[Any]", values: Values, name: str) -> "QuerySet[Any]":
        return queryset.filter(self.condition(values[name]))


def matches(lookup: str) -> Condition:
    """Return the condition of a plain lookup, such as `price__gte`."""
    return lambda value: Q(**{lookup: value})


class ArrayFilter(Where):
    """An array column: any of the values; and by suffix all, none, exactly these, empty, how many."""

    def __init__(self, kind: ParameterType, field_name: str) -> None:
        super().__init__(ListOf(kind), field_name, matches(f"{field_name}__overlap"), "Any of these values.")

    def variants(self, name: str) -> dict[str, ParameterFilter]:
        field = self.field_name
        overlap, contains = matches(f"{field}__overlap"), matches(f"{field}__contains")
        within, is_empty = matches(f"{field}__contained_by"), Q(**{field: []})

        def same_set(value: Any) -> Q:
            return contains(value) & within(value)

        def emptiness(value: Any) -> Q:
            return is_empty if value else ~is_empty

        how_many = matches(f"{field}__len")
        return super().variants(name) | {
            f"{name}__all": Where(self.kind, field, contains, "All of these values."),
            f"{name}__none": Where(self.kind, field, lambda value: ~overlap(value), "None of these values."),
            f"{name}__exact": Where(self.kind, field, same_set, "This set of values, in any order."),
            f"{name}__empty": Where(
                Flag(), field, emptiness, "Without a value (true), or with some (false)."
            ),
            f"{name}__len": Where(WholeNumber(), field, how_many, "Number of values."),
        }


class YearsFilter(ArrayFilter):
    """An array of years: also some year from `__min` to `__max`."""

    def __init__(self, field_name: str) -> None:
        super().__init__(YEAR, field_name)

    def variants(self, name: str) -> dict[str, ParameterFilter]:
        ends = {f"{name}__{end}": YearBound(name, self.field_name, end) for end in ("min", "max")}
        return super().variants(name) | ends


class YearBound(ParameterFilter):
    """One end of a range of years. With both ends given it is one and the same year that lies between.

    The years of the range are listed, so that the index on the array serves it.
    """

    def __init__(self, name: str, field_name: str, end: str) -> None:
        side = "from this one on" if end == "min" else "up to this one"
        super().__init__(YEAR, field_name, f"Some year {side}; with both bounds, one year between them.")
        self.lower, self.upper = f"{name}__min", f"{name}__max"

    def narrow(self, queryset: "QuerySet[Any]", values: Values, name: str) -> "QuerySet[Any]":
        if name == self.upper and self.lower in values:
            return queryset  # the lower bound's turn covers both
        return queryset.filter(**{f"{self.field_name}__overlap": computed(self.years, values)})

    def years(self, values: Values) -> list[int]:
        return list(range(values.get(self.lower, FIRST_YEAR), values.get(self.upper, LAST_YEAR) + 1))


class OrderingFilter(ParameterFilter):
    """`ordering`: one of the named orders, each of which ends in a unique column."""

    def __init__(self, orders: Mapping[str, Order], text: str) -> None:
        super().__init__(Choice(tuple(orders)), "", text)
        self.orders = orders

    def narrow(self, queryset: "QuerySet[Any]", values: Values, name: str) -> "QuerySet[Any]":
        return queryset.order_by(*self.orders[values[name]])


class ParameterFilterSet(django_filters.FilterSet):
    """A declared set of filters. Requests are read by the declaration itself; no form is built for them."""

    base_filters: dict[str, ParameterFilter]

    @classmethod
    def get_filters(cls) -> dict[str, ParameterFilter]:
        variants: dict[str, ParameterFilter] = {}
        for name, declared in super().get_filters().items():
            variants |= declared.variants(name)
        # An order comes last: to rank, it must know what is left.
        return dict(sorted(variants.items(), key=lambda each: isinstance(each[1], OrderingFilter)))

    @classmethod
    @cache
    def offered(cls, *, staff: bool) -> Mapping[str, ParameterType]:
        """Return the types of the parameters, those for staff among them or not."""
        return {name: each.kind for name, each in cls.base_filters.items() if staff or not each.staff_only}

    @classmethod
    def faults(cls, values: Values, given: QueryDict) -> Iterable[Fault]:
        """Yield a fault for each value that does not fit what else was given."""
        return ()

    @classmethod
    def narrow(cls, queryset: "QuerySet[Any]", values: Values) -> "QuerySet[Any]":
        """Apply the filters in the order in which they are declared."""
        for name, each in cls.base_filters.items():
            if name in values:
                queryset = each.narrow(queryset, values, name)
        return queryset


class ParameterFilterBackend(BaseFilterBackend):
    """Narrows a list by the view's `filterset_class`; whatever the list does not know is a 400."""

    def filter_queryset(self, request: Request, queryset: Any, view: APIView) -> Any:
        return cast(Any, view).filterset_class.narrow(queryset, values_of(request, view))

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        filters = cast(Any, view).filterset_class.base_filters
        return [{"name": name} | each.schema for name, each in filters.items()]


def values_of(request: Request, view: Any) -> dict[str, Any]:
    """Return the values of the parameters of a list's request; raise BadParameters for those that it does not take."""
    given = cast(QueryDict, request.query_params)
    if not given:
        return {}
    declared: type[ParameterFilterSet] = view.filterset_class
    known = {**declared.offered(staff=view.sees_unpublished()), **view.other_parameters()}
    values, faults = read_values(known, given)
    if faults := [*unknown_parameters(given, known), *faults, *declared.faults(values, given)]:
        raise BadParameters(faults)
    return values
