"""`/v1/imports/layouts/`: how files of a dealer's layout are mapped, so that the next one needs no click."""

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.filtering import ParameterFilterBackend, ParameterFilterSet, Where, matches
from catalog.api.import_mappings import by_rule
from catalog.api.import_projections import layout_json, layout_rows
from catalog.api.import_serializers import TARGETS, LayoutSerializer, LayoutUpdateSerializer
from catalog.api.links import Links
from catalog.api.staff import StaffViewSet
from catalog.imports import columns
from catalog.imports.mapping.binding import check
from catalog.models import ImportLayout
from marketplace.parameters import Choice, ListOf
from marketplace.problems import NOT_FOUND, refuse_unknown_parameters

VERBS = {"destroy": "delete", "partial_update": "change"}


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
        return (f"catalog.{VERBS.get(self.action, 'view')}_importlayout",)

    def list(self, request: Request) -> Response:
        """The layouts, by what they hold and by name."""
        page = self.paginate_queryset(layout_rows(self.filter_queryset(self.get_queryset())))
        links = Links(request)
        return self.get_paginated_response([layout_json(row, links) for row in page or ()])

    def retrieve(self, request: Request, pk: int) -> Response:
        """One layout."""
        refuse_unknown_parameters(request)
        return self.answer(self.get_queryset().filter(pk=pk))

    def answer(self, chosen: QuerySet[ImportLayout]) -> Response:
        """Tell of the one layout that is chosen; a 404 if there is none."""
        row: Any = layout_rows(chosen).first()
        if row is None:
            raise NotFound(NOT_FOUND)
        return Response(layout_json(row, Links(self.request)))

    @extend_schema(request=LayoutUpdateSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Rename the layout, or say anew how our columns are made of the file's. Imports at work keep what they have."""
        refuse_unknown_parameters(request)
        chosen = self.get_queryset().filter(pk=pk)
        layout = chosen.first()
        if layout is None:
            raise NotFound(NOT_FOUND)
        body = LayoutUpdateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        target = columns.TARGETS[layout.target]
        if "mapping" in given and (faults := by_rule(check(given["mapping"], layout.header, target), target)):
            raise ValidationError(faults)
        if given:
            chosen.update(**given)
        return self.answer(chosen)

    def destroy(self, request: Request, pk: int) -> Response:
        """Forget the layout: files of its kind wait for their mapping again."""
        refuse_unknown_parameters(request)
        deleted, _ = self.get_queryset().filter(pk=pk).delete()
        if not deleted:
            raise NotFound(NOT_FOUND)
        return Response(status=HTTPStatus.NO_CONTENT)
