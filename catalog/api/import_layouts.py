"""`/v1/imports/layouts/`: how files of a dealer's layout are mapped, so that the next one needs no click."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.filtering import ParameterFilterBackend, ParameterFilterSet, Where, matches
from catalog.api.import_projections import layout_json, layout_rows
from catalog.api.import_serializers import TARGETS, LayoutSerializer
from catalog.api.projections import Links
from catalog.api.staff import StaffViewSet
from catalog.models import ImportLayout
from marketplace.parameters import Choice, ListOf
from marketplace.problems import NOT_FOUND, refuse_unknown_parameters


class LayoutFilters(ParameterFilterSet):
    target = Where(ListOf(Choice(TARGETS)), "target", matches("target__in"), "Any of these.")


@extend_schema(tags=["imports"])
class LayoutViewSet(StaffViewSet):
    """The layouts that imports remember."""

    queryset = ImportLayout.objects.order_by("target", "name", "id")
    serializer_class = LayoutSerializer
    filter_backends = (ParameterFilterBackend,)
    filterset_class = LayoutFilters

    def rights(self) -> tuple[str, ...]:
        verb = "delete" if self.action == "destroy" else "view"
        return (f"catalog.{verb}_importlayout",)

    def list(self, request: Request) -> Response:
        """The layouts, by what they hold and by name."""
        page = self.paginate_queryset(layout_rows(self.filter_queryset(self.get_queryset())))
        links = Links(request)
        return self.get_paginated_response([layout_json(row, links) for row in page or ()])

    def retrieve(self, request: Request, pk: int) -> Response:
        """One layout."""
        refuse_unknown_parameters(request)
        row: Any = layout_rows(self.get_queryset().filter(pk=pk)).first()
        if row is None:
            raise NotFound(NOT_FOUND)
        return Response(layout_json(row, Links(request)))

    def destroy(self, request: Request, pk: int) -> Response:
        """Forget the layout: files of its kind wait for their mapping again."""
        refuse_unknown_parameters(request)
        deleted, _ = self.get_queryset().filter(pk=pk).delete()
        if not deleted:
            raise NotFound(NOT_FOUND)
        return Response(status=HTTPStatus.NO_CONTENT)
