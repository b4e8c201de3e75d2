"""The reading side of the catalogue."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from catalog.api import answers, etags, filters, projections, serializers
from catalog.api.filtering import ParameterFilterBackend, ParameterFilterSet, values_of
from catalog.api.finding import lists as finding
from catalog.api.histories import history
from catalog.api.links import LINKS, Links
from catalog.api.shapes import chosen, lists, pages
from catalog.api.shapes.chosen import shape_parameters
from catalog.api.shapes.expressions import Expressions
from catalog.api.shapes.given import Reader, Values
from catalog.api.shapes.lists import Shape
from catalog.api.shapes.pages import Pages, Reading
from catalog.api.shapes.statements import one_snapshot
from catalog.api.staff import read_parameters
from catalog.models import Item, ItemQuerySet, Kind, Production, ProductionQuerySet, Term, kinds_seen
from marketplace.parameters import ParameterType
from marketplace.problems import NOT_FOUND, BadParameters, refuse_unknown_parameters

JSON = "application/json"
INDEX = {
    "vehicles": "vehicle-list",
    "memorabilia": "memorabilia-list",
    "tools": "tool-list",
    "items": "item-list",
    "productions": "production-list",
    "terms": "term-list",
    "media": "media-list",
    "imports": "import-list",
    "schema": "schema",
    "docs": "docs",
}


class IndexView(APIView):
    """The addresses to begin at."""

    @extend_schema(operation_id="index", responses=serializers.IndexSerializer, tags=["index"])
    def get(self, request: Request) -> Response:
        refuse_unknown_parameters(request)
        links = Links(request)
        return Response({name: links.to(route) for name, route in INDEX.items()})


@cache
def fields_of(serializer: Any) -> tuple[str, ...]:
    """Return the names of what a shape promises."""
    return tuple(serializer().fields)


class ReadViewSet(GenericViewSet[Any]):
    """A list and its details. A subclass names its rows (`visible`), their query and their fields.

    The answers are written by PostgreSQL, from statements that are compiled once for each shape of request.
    """

    filter_backends = (ParameterFilterBackend,)
    pagination_class = Pages
    filterset_class: ClassVar[type[ParameterFilterSet]]
    detail_serializer_class: ClassVar[type[serializers.Shape] | None] = None
    includable: ClassVar[tuple[str, ...]] = ()
    includable_by_staff: ClassVar[tuple[str, ...]] = ()
    descriptions: ClassVar[dict[str, str]] = chosen.DESCRIPTIONS

    @property
    def default_response_headers(self) -> dict[str, str]:
        # Readers and staff share addresses; a cache must not hand the answer of one to the other.
        return super().default_response_headers | {"Vary": "Authorization"}

    # What a subclass says

    @classmethod
    def visible(cls, reader: Reader) -> QuerySet[Any]:
        """Return the rows that this reader may see, in the list's own order."""
        raise NotImplementedError

    @classmethod
    def every_field(cls, reader: Reader, values: Values) -> Expressions:
        """Return all that the list or the detail may tell of a row, in this order."""
        raise NotImplementedError

    @classmethod
    def tag(cls, reader: Reader) -> Any:
        """Return the expression of a detail's entity tag: another after every change of what it shows."""
        return etags.row_etag()

    def sees_unpublished(self) -> bool:
        """Return whether the caller may see anything here that the public may not; it opens parameters for staff."""
        return False

    def extras(self, values: Values, items: Any) -> dict[str, Any]:
        """Return the keys that the list's answer has beside its rows."""
        return {}

    def instead(self, values: Values, items: Any) -> tuple[Values, dict[str, Any]] | None:
        """Return other values for a list that has no rows, and what the answer then tells; None: it stays empty."""
        return None

    def exact_count(self, values: Values, items: Any) -> int | None:
        """Return the number of rows if it can be told without counting them."""
        return None

    # What follows from it

    def get_queryset(self) -> QuerySet[Any]:
        return self.visible(self.reader)

    def get_serializer_class(self) -> type[Any]:
        return cast(type[Any], self.shape_class(detailed=self.action == "retrieve"))

    @property
    def reader(self) -> Reader:
        return Reader.of(self.request.user)

    def shape_class(self, *, detailed: bool) -> Any:
        return (detailed and self.detail_serializer_class) or cast(Any, self.serializer_class)

    def other_parameters(self) -> dict[str, ParameterType]:
        """Return what the list's query may hold beside filters."""
        own = self.told_parameters(detailed=False, staff=self.sees_unpublished())
        return cast(Pages, self.paginator).types | own

    def told_parameters(self, *, detailed: bool, staff: bool) -> dict[str, ParameterType]:
        """Return the parameters that choose what is told."""
        includable = self.includable + (self.includable_by_staff if staff else ())
        return shape_parameters(self.shape_class(detailed=detailed), includable)

    def documented_parameters(self, *, detailed: bool) -> Sequence[dict[str, Any]]:
        """Return what the OpenAPI document says of the parameters that are no filters and not of paging."""
        types = self.told_parameters(detailed=detailed, staff=True)
        return [
            {"name": name, "in": "query", "description": self.descriptions[name], "schema": kind.schema}
            | kind.style
            for name, kind in types.items()
        ]

    def list(self, request: Request) -> HttpResponse:
        return self.answered(request, self.listed)

    def answered(self, request: Request, make: Callable[[], HttpResponse]) -> HttpResponse:
        """Answer with what `make` makes, or with what it made of the same before."""
        if any("history" in names for names in request.query_params.getlist("include")):
            return make()  # it names accounts, whose changes the catalogue's state does not count
        return answers.answer(request, self.reader, make)

    def listed(self) -> HttpResponse:
        """Make the answer of a list."""
        values = values_of(self.request, self)
        if wrong := [*pages.faults(values), *chosen.faults(values)]:
            raise BadParameters(wrong)
        counts = "facets" in values or values.get("count") == "exact"
        with one_snapshot() if counts else nullcontext():
            return self.listed_with(values)

    def listed_with(self, values: Values) -> HttpResponse:
        """Make the answer of a list with these values."""
        reading, told = self.reading(values), {}
        page = reading.page()
        if not page.rows and "cursor" not in values and (other := self.instead(values, self.get_queryset())):
            values, told = dict(other[0]), other[1]
            reading = self.reading(values)
            page = reading.page()
        links = pages.PageLinks(self.request, told and {"q": values["q"]})
        head = reading.count(page, lambda: self.exact_count(values, self.get_queryset()))
        head |= {"next": links.to(page.after), "previous": links.to(page.before)}
        head |= told
        if "facets" in values:
            head |= self.extras(values, self.get_queryset())
        return HttpResponse(pages.written(head, reading.told(page)), content_type=JSON)

    def reading(self, values: Values) -> Reading:
        bound = {**values, LINKS: Links(self.request)}
        finding = self.finding(values)
        return Reading(finding, self.telling(values, finding), bound)

    def finding(self, values: Values) -> Shape:
        """Return what the SQL depends on that finds the rows of a list with these values."""
        types = {
            name: each.kind for name, each in self.filterset_class.base_filters.items() if name in values
        }
        return Shape(
            type(self),
            self.reader,
            names=tuple(name for name, kind in types.items() if not kind.fixed),
            fixed=tuple((name, values[name]) for name, kind in types.items() if kind.fixed),
        )

    def telling(self, values: Values, finding: Shape | None = None, *, detailed: bool = False) -> Shape:
        """Return what the SQL depends on that tells rows."""
        standard = fields_of(self.shape_class(detailed=detailed))
        shape = Shape(type(self), self.reader, fields=chosen.names(values, standard))
        if finding and values.get("highlight") and "q" in values:
            return replace(
                shape, names=("q",), fixed=(("highlight", True),), fields=(*shape.fields, "highlight")
            )
        return shape

    def one_json(self, values: Values | None = None, **key: Any) -> bytes | None:
        """Return the detail of the row with this key, as this caller sees it; None if he sees none."""
        found = self.one_row(values or {}, key)
        return found and found[0].encode()

    def one_row(self, values: Values, key: Values) -> tuple[str, str] | None:
        """Return the JSON and the tag of a detail."""
        statement = lists.told_by(self.telling(values, detailed=True), *key)
        rows = statement.rows({**key, LINKS: Links(self.request)})
        return cast(tuple[str, str], rows[0]) if rows else None

    def many_json(self, keys: Sequence[int]) -> dict[int, str]:
        """Return the rows with these keys as a list tells them to this caller, by their keys."""
        values = {lists.KEYS: keys, LINKS: Links(self.request)}
        return dict(lists.told_by_key(self.telling({})).rows(values))

    def one(self, request: Request, **key: Any) -> HttpResponse:
        """Answer with the row of this key among those that the caller may see; a 404 if there is none."""
        return self.answered(request, lambda: self.detailed(request, **key))

    def detailed(self, request: Request, **key: Any) -> HttpResponse:
        """Make the answer of a detail."""
        values = read_parameters(request, self.told_parameters(detailed=True, staff=self.sees_unpublished()))
        if wrong := [*chosen.faults(values)]:
            raise BadParameters(wrong)
        found = self.one_row(values, key)
        if found is None:
            raise NotFound(NOT_FOUND)
        text, tag = found
        return HttpResponse(text, content_type=JSON, headers={"ETag": etags.written(tag)})


class ItemViewSet(finding.Finding, ReadViewSet):
    """Items of all kinds: published ones; staff see the drafts of the kinds that they may view."""

    queryset = Item.objects.all()
    kind: ClassVar[str] = ""
    route: ClassVar[str] = "item-detail"
    lookup_field = "slug"
    serializer_class = serializers.ItemListSerializer
    detail_serializer_class = serializers.ItemDetailSerializer
    filterset_class = filters.AnyItemFilters
    includable = ("appearances", "images")
    includable_by_staff = ("history",)
    descriptions = chosen.DESCRIPTIONS | finding.DESCRIPTIONS
    pagination_class = finding.FindingPages

    def sees_unpublished(self) -> bool:
        kinds = kinds_seen(self.request.user)
        return self.kind in kinds if self.kind else bool(kinds)

    @classmethod
    def visible(cls, reader: Reader) -> ItemQuerySet:
        items = Item.objects.visible_to(reader).order_by(*filters.NEWEST)
        return items.of_kind(cls.kind) if cls.kind else items

    @classmethod
    def every_field(cls, reader: Reader, values: Values) -> Expressions:
        return {**projections.ITEM_DETAIL, "history": history(kinds_seen(reader)), **cls.row_fields(values)}

    @classmethod
    def tag(cls, reader: Reader) -> Any:
        return etags.item_etag()

    def told_parameters(self, *, detailed: bool, staff: bool) -> dict[str, ParameterType]:
        return super().told_parameters(detailed=detailed, staff=staff) | ({} if detailed else finding.TYPES)

    @extend_schema(
        responses={
            200: serializers.ItemDetailSerializer,
            301: OpenApiResponse(description="The item has another slug now; Location has its address."),
        }
    )
    def retrieve(self, request: Request, slug: str) -> Any:
        """One item. A slug that it had before leads on to the present one."""
        try:
            return self.one(request, slug=slug)
        except NotFound:
            present = self.get_queryset().filter(old_slugs__slug=slug).values_list("slug", flat=True).first()
            if present is None:
                raise
            return HttpResponsePermanentRedirect(reverse(self.route, args=[present]))


class VehicleViewSet(ItemViewSet):
    """Cars, motorcycles, helicopters, boats and aircraft."""

    kind, route = Kind.VEHICLE, "vehicle-detail"
    filterset_class = filters.ItemFilters


class MemorabiliaViewSet(ItemViewSet):
    """Posters, costumes, scripts and other memorabilia."""

    kind, route = Kind.MEMORABILIA, "memorabilia-detail"
    filterset_class = filters.ItemFilters


class ToolViewSet(ItemViewSet):
    """Specialised tools."""

    kind, route = Kind.TOOL, "tool-detail"
    filterset_class = filters.ItemFilters


class ProductionViewSet(ReadViewSet):
    """Films and series in which a public item appears; staff who may view productions see all."""

    queryset = Production.objects.all()
    lookup_field = "slug"
    serializer_class = serializers.ProductionSerializer
    filterset_class = filters.ProductionFilters

    @classmethod
    def visible(cls, reader: Reader) -> ProductionQuerySet:
        return Production.objects.visible_to(reader).order_by(*filters.BY_TITLE)

    @classmethod
    def every_field(cls, reader: Reader, values: Values) -> Expressions:
        return projections.production(Item.objects.visible_to(reader))

    def retrieve(self, request: Request, slug: str) -> Any:
        """One film or series."""
        return self.one(request, slug=slug)


class TermViewSet(ReadViewSet):
    """The words of the vocabularies: genres, vehicle types, categories and makes."""

    queryset = Term.objects.for_list()
    lookup_field = "slug"
    serializer_class = serializers.TermSerializer
    filterset_class = filters.TermFilters

    @classmethod
    def visible(cls, reader: Reader) -> QuerySet[Any]:
        return Term.objects.for_list()

    @classmethod
    def every_field(cls, reader: Reader, values: Values) -> Expressions:
        return projections.TERM

    def retrieve(self, request: Request, vocabulary: str, slug: str) -> Any:
        """One word of a vocabulary."""
        return self.one(request, vocabulary=vocabulary, slug=slug)
