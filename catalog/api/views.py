"""The reading side of the catalogue."""

from typing import Any, ClassVar, cast

from django.http import HttpResponsePermanentRedirect
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from catalog.api import filters, projections, serializers
from catalog.api.filtering import ParameterFilterBackend, ParameterFilterSet
from catalog.api.links import Links, Row
from catalog.api.projections import Rows
from catalog.models import Item, ItemQuerySet, Kind, Production, ProductionQuerySet, Term, kinds_seen
from marketplace.parameters import ParameterType
from marketplace.problems import NOT_FOUND, refuse_unknown_parameters
from marketplace.rest import PageNumberPagination

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


class ReadViewSet(GenericViewSet[Any]):
    """A list and its details. A subclass names its rows (`get_queryset`), their query and their shape."""

    filter_backends = (ParameterFilterBackend,)
    filterset_class: ClassVar[type[ParameterFilterSet]]
    detail_serializer_class: ClassVar[type[serializers.Shape] | None] = None

    @property
    def default_response_headers(self) -> dict[str, str]:
        # Readers and staff share addresses; a cache must not hand the answer of one to the other.
        return super().default_response_headers | {"Vary": "Authorization"}

    def rows(self, queryset: Any) -> Rows:
        """Select the columns that the answer needs."""
        raise NotImplementedError

    def row_json(self, row: Row, links: Links) -> Row:
        """Shape a row for the list."""
        raise NotImplementedError

    def detail_json(self, row: Row, links: Links) -> Row:
        """Shape a row for its detail."""
        return self.row_json(row, links)

    def get_serializer_class(self) -> type[Any]:
        if self.action == "retrieve" and self.detail_serializer_class:
            return self.detail_serializer_class
        return super().get_serializer_class()

    def sees_unpublished(self) -> bool:
        """Return whether the caller may see anything here that the public may not; it opens parameters for staff."""
        return False

    def other_parameters(self) -> dict[str, ParameterType]:
        """Return what the list's query may hold beside filters."""
        return cast(PageNumberPagination, self.paginator).types

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.rows(self.filter_queryset(self.get_queryset())))
        links = Links(request)
        return self.get_paginated_response([self.row_json(row, links) for row in page or ()])

    def one(self, request: Request, **key: str) -> Response:
        """Answer with the row of this key among those that the caller may see; a 404 if there is none."""
        refuse_unknown_parameters(request)
        row = self.rows(self.get_queryset().filter(**key).order_by()).first()
        if row is None:
            raise NotFound(NOT_FOUND)
        return Response(self.detail_json(row, Links(request)))


class ItemViewSet(ReadViewSet):
    """Items of all kinds: published ones; staff see the drafts of the kinds that they may view."""

    queryset = Item.objects.all()
    kind: ClassVar[str] = ""
    route: ClassVar[str] = "item-detail"
    lookup_field = "slug"
    serializer_class = serializers.ItemListSerializer
    detail_serializer_class = serializers.ItemDetailSerializer
    filterset_class = filters.AnyItemFilters

    def sees_unpublished(self) -> bool:
        kinds = kinds_seen(self.request.user)
        return self.kind in kinds if self.kind else bool(kinds)

    def get_queryset(self) -> ItemQuerySet:
        items = Item.objects.visible_to(self.request.user).order_by(*filters.NEWEST)
        return items.of_kind(self.kind) if self.kind else items

    def rows(self, queryset: Any) -> Rows:
        if self.action == "retrieve":
            return projections.item_detail_rows(queryset)
        return projections.item_rows(queryset)

    def row_json(self, row: Row, links: Links) -> Row:
        return projections.item_json(row, links)

    def detail_json(self, row: Row, links: Links) -> Row:
        return projections.item_detail_json(row, links)

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
    """Films and series, but those in which only drafts appear; staff who may view productions see all."""

    queryset = Production.objects.all()
    lookup_field = "slug"
    serializer_class = serializers.ProductionSerializer
    filterset_class = filters.ProductionFilters

    def get_queryset(self) -> ProductionQuerySet:
        return Production.objects.visible_to(self.request.user).order_by(*filters.BY_TITLE)

    def rows(self, queryset: Any) -> Rows:
        return projections.production_rows(queryset, Item.objects.visible_to(self.request.user))

    def row_json(self, row: Row, links: Links) -> Row:
        return projections.production_json(row, links)

    def retrieve(self, request: Request, slug: str) -> Any:
        """One film or series."""
        return self.one(request, slug=slug)


class TermViewSet(ReadViewSet):
    """The words of the vocabularies: genres, vehicle types, categories and makes."""

    queryset = Term.objects.for_list()
    lookup_field = "slug"
    serializer_class = serializers.TermSerializer
    filterset_class = filters.TermFilters

    def rows(self, queryset: Any) -> Rows:
        return projections.term_rows(queryset)

    def row_json(self, row: Row, links: Links) -> Row:
        return projections.term_json(row, links)

    def retrieve(self, request: Request, vocabulary: str, slug: str) -> Any:
        """One word of a vocabulary."""
        return self.one(request, vocabulary=vocabulary, slug=slug)
