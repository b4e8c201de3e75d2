"""How many items of a list hold each value of an array, under the other filters: what array filters show.

Counted from the bitmaps that the API's facets use, so that it takes no look at the items.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from catalog.admin import search
from catalog.admin.filters import ArrayFilter, PriceFilter, ProductionYearsFilter
from catalog.admin.lists import filters
from catalog.finding.facets import exact_count, facets
from catalog.models import Item, ItemQuerySet, Kind, kinds_seen
from catalog.upkeep import SCALARS
from marketplace.admin import ChoicesFilter, FormFilter

MOST_SHOWN = 12
MODES = {"": "", "any": "", "all": "__all", "none": "__none"}
RANGES: dict[type, str] = {PriceFilter: "price", ProductionYearsFilter: "production_years"}


@dataclass(frozen=True)
class Value:
    """A value as the filter shows it: its address adds it to the filter, or takes it out."""

    label: str
    count_text: str
    address: str
    is_chosen: bool


class CountsValues:
    """A list of items whose array filters show counts, each fetched when the filter comes into sight."""

    kinds: ClassVar[frozenset[str]]

    def counts_address(self, column: str) -> str:
        return reverse(f"admin:catalog_{cast(Any, self).opts.model_name}_counts", args=[column])

    def get_urls(self) -> list[URLPattern]:
        page = cast(Any, self)
        made = path(
            "counts/<str:column>/",
            page.admin_site.admin_view(self.counts_view),
            name=f"catalog_{page.opts.model_name}_counts",
        )
        return [made, *super().get_urls()]  # type: ignore[misc]

    def counts_view(self, request: HttpRequest, column: str) -> HttpResponse:
        """Answer a piece of a page: the commonest values of the column under the list's parameters."""
        if not cast(Any, self).has_view_permission(request):
            raise PermissionDenied
        given = dict(QueryDict(request.GET.urlencode().replace("%00", "")).lists())
        specs = filters(self, request, given)
        if column not in {spec.column for spec in specs if isinstance(spec, ArrayFilter)}:
            raise Http404
        counted = Counted(request, specs, frozenset(self.kinds) & kinds_seen(request.user))
        context = {"values": counted.values(column), "is_estimated": counted.is_estimated}
        return TemplateResponse(request, "admin/catalog/lists/counts.html", context)


class Counted:
    """The list's filters in the words of the API's, which bitmaps know; others are applied to the items themselves."""

    def __init__(self, request: HttpRequest, specs: list[Any], kinds: frozenset[str]) -> None:
        self.request, self.is_estimated = request, False
        self.kind = next(iter(kinds)) if len(kinds) == 1 else ""
        self.items = Item.objects.filter(kind__in=kinds)
        self.owners: dict[str, Any] = {}
        self.said: dict[str, Any] = {}
        if not self.kind and len(kinds) < len(Kind):
            self.said["kind"] = sorted(kinds)
        if words := request.GET.get("q", "").strip():
            self.said["q"] = words
        for spec in specs:
            for name, value in _said(spec).items():
                self.said[name], self.owners[name] = value, spec

    def narrow(self, items: QuerySet[Any], said: Mapping[str, Any]) -> QuerySet[Any]:
        """Apply filters by name, as the list does it."""
        for spec in {
            id(self.owners[name]): self.owners[name] for name in said if name in self.owners
        }.values():
            items = spec.queryset(self.request, items)
        return search.matching(cast(ItemQuerySet, items), said["q"]) if "q" in said else items

    def values(self, column: str) -> list[Value]:
        """Return the commonest values, those that are chosen among them, and "no value" where it can be told."""
        found, self.is_estimated = facets(
            [column], self.items, self.said, self.narrow, sees_all=True, kind=self.kind
        )
        chosen = self.request.GET.getlist(column)
        counts = {str(each["value"]): int(each["count"]) for each in found[column]}
        names = list(dict.fromkeys([*chosen, *counts]))[: MOST_SHOWN + len(chosen)]
        shown = [self._value(column, name, counts.get(name, 0), is_chosen=name in chosen) for name in names]
        return [*shown, *self._empty(column)]

    def _value(self, column: str, name: str, count: int, *, is_chosen: bool) -> Value:
        query = self._query(column)
        rest = [each for each in query.getlist(column) if each != name]
        query.setlist(column, rest if is_chosen else [*rest, name])
        return Value(name, f"{count:,}", self._address(query), is_chosen)

    def _empty(self, column: str) -> list[Value]:
        others = {key: value for key, value in self.said.items() if key.partition("__")[0] != column}
        count = exact_count(
            self.items,
            {**others, f"{column}__empty": True},
            lambda items, _: self.narrow(items, others).filter(**{column: []}),
            sees_all=True,
            kind=self.kind,
        )
        if not count:
            return []
        mode, query = f"{column}__mode", self._query(column)
        is_chosen = query.get(mode) == "empty"
        query.pop(column, None)
        query.setlist(mode, [] if is_chosen else ["empty"])
        return [Value("no value", f"{count:,}", self._address(query), is_chosen)]

    def _query(self, column: str) -> QueryDict:
        query = self.request.GET.copy()
        query.pop("p", None)
        if query.get(f"{column}__mode") == "empty":
            query.setlist(column, [])
        return query

    def _address(self, query: QueryDict) -> str:
        return f"?{query.urlencode()}"  # of the list, in whose page this comes to stand


def _said(spec: Any) -> dict[str, Any]:
    """Return what a filter says by the API's names; what those have no name for, by its title."""
    if isinstance(spec, FormFilter):
        if not spec.form.is_valid():
            return {}
        values = {
            name: value for name, value in spec.form.cleaned_data.items() if value not in (None, "", [])
        }
        return _of_form(spec, values) if values else {}
    if isinstance(spec, ChoicesFilter) and spec.field_path in SCALARS:
        return {spec.field_path: list(spec.lookup_val)} if spec.lookup_val else {}
    return {f"list {spec.title}": True} if spec.used_parameters else {}


def _of_form(spec: FormFilter, values: dict[str, Any]) -> dict[str, Any]:
    if isinstance(spec, ArrayFilter):
        mode, words = values.get(f"{spec.column}__mode", ""), values.get(spec.column)
        if mode == "empty":
            return {f"{spec.column}__empty": True}
        return {f"{spec.column}{MODES[mode]}": words} if words else {}
    if column := RANGES.get(type(spec), ""):
        ends = {"min": values.get(f"{column}_from"), "max": values.get(f"{column}_to")}
        return {f"{column}__{end}": value for end, value in ends.items() if value is not None}
    return {f"list {spec.title}": True}
