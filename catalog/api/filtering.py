"""Filters as one line each: a parameter type, and the condition that its value puts on the rows."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.db.models.expressions import OrderBy
from django.http import QueryDict
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from catalog.models import FIRST_YEAR, LAST_YEAR
from marketplace.parameters import Choice, Flag, ListOf, ParameterType, Refused, WholeNumber
from marketplace.problems import BadParameters, unknown_parameters

Condition = Callable[[Any], Q]
Order = tuple[str | OrderBy, ...]


YEAR = WholeNumber(FIRST_YEAR, LAST_YEAR)


class RawValues(forms.Widget):
    """Hands all texts given under the name to the field."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return cast(list[str], data.getlist(name))


class ParameterField(forms.Field):
    widget = RawValues

    def __init__(self, *, kind: ParameterType, **options: Any) -> None:
        super().__init__(**options)
        self.kind = kind

    def clean(self, value: list[str]) -> Any:
        try:
            return self.kind.read(value)
        except Refused as refusal:
            raise forms.ValidationError(refusal.sentence, code=refusal.code) from refusal


class ParameterFilter(django_filters.Filter):
    """A filter by one parameter; a subclass says what it does to the rows.

    `text` explains it in the OpenAPI document; `staff_only` hides it from everybody else.
    """

    field_class = ParameterField

    def __init__(self, kind: ParameterType, field_name: str, text: str, *, staff_only: bool = False) -> None:
        super().__init__(field_name, label="", kind=kind)
        self.kind = kind
        self.text = text
        self.staff_only = staff_only

    def variants(self, name: str) -> "dict[str, ParameterFilter]":
        """Return this filter and those that come with it, by the names of their parameters."""
        return {name: self}

    @property
    def schema(self) -> dict[str, Any]:
        """What the OpenAPI document says of the parameter."""
        text = f"{self.text} Staff only." if self.staff_only else self.text
        return {"in": "query", "description": text, "schema": self.kind.schema} | self.kind.style


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

    def filter(self, queryset: "QuerySet[Any]", value: Any) -> "QuerySet[Any]":
        return queryset.filter(self.condition(value))


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
        self.lower, self.upper, self.is_upper = f"{name}__min", f"{name}__max", end == "max"

    def filter(self, queryset: "QuerySet[Any]", value: Any) -> "QuerySet[Any]":
        given = self.parent.form.cleaned_data
        if self.is_upper and self.lower in given:
            return queryset  # the lower bound's turn covers both
        years = range(given.get(self.lower, FIRST_YEAR), given.get(self.upper, LAST_YEAR) + 1)
        return queryset.filter(**{f"{self.field_name}__overlap": list(years)})


class OrderingFilter(ParameterFilter):
    """`ordering`: one of the named orders, each of which ends in a unique column."""

    def __init__(self, orders: Mapping[str, Order], text: str) -> None:
        super().__init__(Choice(tuple(orders)), "", text)
        self.orders = orders

    def filter(self, queryset: "QuerySet[Any]", value: Any) -> "QuerySet[Any]":
        return queryset.order_by(*self.orders[value])


class ParameterFilterSet(django_filters.FilterSet):
    """A declared set of filters. Only those that a request names are set up for it."""

    base_filters: dict[str, ParameterFilter]

    def __init__(self, data: QueryDict, queryset: "QuerySet[Any]", *, request: Request) -> None:
        self.base_filters = {name: f for name, f in type(self).base_filters.items() if name in data}
        super().__init__(data, queryset, request=request)

    @classmethod
    def get_filters(cls) -> dict[str, ParameterFilter]:
        variants: dict[str, ParameterFilter] = {}
        for name, declared in super().get_filters().items():
            variants |= declared.variants(name)
        return variants

    def faults(self) -> Iterable[tuple[str, str, str]]:
        """Yield (parameter, code, sentence) for each value that cannot be used."""
        for name, errors in self.form.errors.as_data().items():
            for error in errors:
                yield name, error.code or "invalid", f"{name} {error.message}"


class ParameterFilterBackend(BaseFilterBackend):
    """Narrows a list by the view's `filterset_class`; whatever the list does not know is a 400."""

    def filter_queryset(self, request: Request, queryset: Any, view: APIView) -> Any:
        declared: type[ParameterFilterSet] = cast(Any, view).filterset_class
        known = {
            name
            for name, each in declared.base_filters.items()
            if not each.staff_only or cast(Any, view).sees_all()
        }
        given = cast(QueryDict, request.query_params)
        if unknown := unknown_parameters(given, known | cast(Any, view).paginator.types.keys()):
            raise BadParameters(unknown)
        filterset = declared(given, queryset, request=request)
        if faults := list(filterset.faults()):
            raise BadParameters(faults)
        return filterset.qs

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        filters = cast(Any, view).filterset_class.base_filters
        return [{"name": name} | each.schema for name, each in filters.items()]
