"""Facets: how many items hold each value of a column, under the filters on the other columns."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db.models import Count, F, Func, QuerySet, TextField

from catalog.finding.bitmaps import Condition, Counting, Kept, Term, conditions, unsettled
from catalog.finding.samples import bounded
from catalog.models import Item, Status
from catalog.upkeep import ARRAYS, SCALARS

Values = Mapping[str, Any]
Narrow = Callable[["QuerySet[Any]", Values], "QuerySet[Any]"]

MOST_VALUES = 100  # of one facet that are told, the commonest first
NUMBERS = ("production_years", "decades")
# Columns of texts as they are; price comes in brackets and decades are of the production years.
FACETS = (
    "genres", "vehicle_types", "categories", "production_years", "decades", "make", "model", "condition",
    "authenticity", "availability", "currency", "price",
)  # fmt: skip
QUICK = frozenset((*ARRAYS, *SCALARS)) & frozenset(FACETS)  # those that have bitmaps
FILTERED_BY = {"decades": "production_years"}  # a facet leaves out its own filters


def _values_of(facet: str) -> Func | F:
    text = TextField()
    if facet in {"production_years", "decades"}:
        function = "catalog_years" if facet == "production_years" else "catalog_decades"
        return Func(Func("production_years", function=function), function="unnest", output_field=text)
    if facet in ARRAYS:
        return Func(Func(facet, function="catalog_distinct"), function="unnest", output_field=text)
    return Func("price", function="catalog_bracket", output_field=text) if facet == "price" else F(facet)


def facets(
    names: Iterable[str],
    items: "QuerySet[Any]",
    filters: Values,
    narrow: Narrow,
    *,
    sees_all: bool | None,
    kind: str = "",
) -> tuple[dict[str, list[dict[str, Any]]], bool]:
    """Return the counts of each facet among `items`, which the caller may see, narrowed by the other filters.

    With it, whether some of them are estimates, from a sample. `sees_all`: whether the caller sees every item
    (True), the public part (False), or something between (None).
    """
    wanted = {name: _others(name, filters) for name in names}
    quick = {name: others for name, others in wanted.items() if name in QUICK}
    counts, is_sampled = _from_bitmaps(quick, items, narrow, sees_all=sees_all, kind=kind)
    for name, others in wanted.items():
        if name not in counts:
            some, step = bounded(narrow(items, others))
            counts[name] = _times(step, _counted(name, some))
            is_sampled |= step > 1
    return {name: _told(name, counts[name]) for name in wanted}, is_sampled


def exact_count(
    items: "QuerySet[Any]", filters: Values, narrow: Narrow, *, sees_all: bool | None, kind: str
) -> int | None:
    """Return the number of items under these filters, if bitmaps tell it."""
    where, rest = conditions(filters)
    left_out = None if rest or sees_all is None else unsettled()
    if left_out is None:
        return None
    total = Counting(public=not sees_all, left_out=left_out).total([*where, *_of_kind(kind)])
    return total + (narrow(items.filter(pk__in=left_out), filters).count() if left_out else 0)


def _others(name: str, filters: Values) -> Values:
    own = FILTERED_BY.get(name, name)
    return {key: value for key, value in filters.items() if key.partition("__")[0] != own}


def _of_kind(kind: str) -> list[Condition]:
    return [Condition("kind", (kind,))] if kind else []


def _from_bitmaps(
    wanted: Mapping[str, Values],
    items: "QuerySet[Any]",
    narrow: Narrow,
    *,
    sees_all: bool | None,
    kind: str,
) -> tuple[dict[str, dict[str, int]], bool]:
    """Return the counts; of none, if bitmaps cannot tell what this caller sees or would take as long."""
    left_out = unsettled() if wanted and sees_all is not None else None
    if left_out is None:
        return {}, False
    # Which of them the caller sees, bitmaps tell; and an index on published items alone has their prices.
    every = Item.objects.all() if sees_all else Item.objects.filter(status=Status.PUBLISHED)
    terms, steps = _terms(every, wanted, narrow)
    where = [(name, [*terms[name], *_of_kind(kind)]) for name in wanted]
    found = Counting(public=not sees_all, left_out=left_out).by_value(where)
    counts = {name: _times(steps[name], found[name]) for name in wanted}
    for name, others in wanted.items() if left_out else ():
        _add(counts[name], _counted(name, narrow(items.filter(pk__in=left_out), others)))
    return counts, any(step > 1 for step in steps.values())


def _terms(
    items: "QuerySet[Any]", wanted: Mapping[str, Values], narrow: Narrow
) -> tuple[dict[str, list[Term]], dict[str, int]]:
    """Return what each facet's filters say, and the number of items that each that they keep stands for."""
    terms: dict[str, list[Term]] = {}
    steps: dict[str, int] = {}
    known: dict[frozenset[str], tuple[Kept, int]] = {}
    for name, filters in wanted.items():
        where, rest = conditions(filters)
        terms[name], steps[name] = where, 1
        if rest:
            names = frozenset(filters)
            if names not in known:
                known[names] = _kept(items, filters, rest, narrow)
            kept, steps[name] = known[names]
            terms[name] = [*where, kept]
    return terms, steps


def _kept(items: "QuerySet[Any]", filters: Values, rest: Values, narrow: Narrow) -> tuple[Kept, int]:
    """Return those that `rest`, which bitmaps cannot say, keeps; where they are many, that all filters keep."""
    some, step = bounded(narrow(items, rest))
    if step > 1 and len(rest) < len(filters):
        some, step = bounded(narrow(items, filters))
        rest = filters
    statement, params = some.order_by().values("pk").query.sql_with_params()
    return Kept(frozenset(rest), statement, params), step


def _times(step: int, counts: Mapping[str, int]) -> dict[str, int]:
    return {value: step * count for value, count in counts.items()}


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for value, count in more.items():
        counts[value] = counts.get(value, 0) + count


def _counted(name: str, items: "QuerySet[Any]") -> dict[str, int]:
    """Count by looking at every item."""
    held = items.order_by().annotate(held=_values_of(name)).values_list("held")
    return {value: count for value, count in held.annotate(count=Count("*")) if value}


def _told(name: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    found = [(value, count) for value, count in counts.items() if count]
    if name == "price":
        return [_bracket(int(value), count) for value, count in sorted(found, key=lambda each: int(each[0]))]
    if name in NUMBERS:
        return [
            {"value": int(value), "count": count}
            for value, count in sorted(found, key=lambda each: int(each[0]))
        ]
    commonest = sorted(found, key=lambda each: (-each[1], each[0]))[:MOST_VALUES]
    return [{"value": value, "count": count} for value, count in commonest]


def _bracket(low: int, count: int) -> dict[str, Any]:
    """A bracket of prices begins at 0, 1, 2, 5, 10, 20, 50 ... and ends before the next one."""
    high = 1 if not low else low * 5 // 2 if str(low).startswith("2") else low * 2
    return {"min": str(low), "max": str(high), "count": count}
