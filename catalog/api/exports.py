"""`/v1/exports/`: a filtered list as a file with the headers that import reads."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from accounts import audit
from accounts.models import Action
from catalog import exports
from catalog.api import filters
from catalog.api.filtering import ParameterFilterBackend, ParameterFilterSet
from catalog.api.staff import FileNegotiation, StaffViewSet, download
from catalog.models import Item, Kind, Production, Term
from marketplace.parameters import Choice, ParameterType
from marketplace.problems import BadParameters

FORMAT: dict[str, ParameterType] = {"as": Choice(tuple(exports.FORMATS))}
ANY_FILE: Any = {(200, kind.content_type): OpenApiTypes.BINARY for kind in exports.FORMATS.values()}


# Rows go by their ids, so the lists' orders are not offered.


class ItemExportFilters(filters.ItemFilters):
    ordering = None  # type: ignore[assignment]  # how django-filter leaves one out


class AnyItemExportFilters(filters.AnyItemFilters):
    ordering = None  # type: ignore[assignment]  # how django-filter leaves one out


class ProductionExportFilters(filters.ProductionFilters):
    ordering = None  # type: ignore[assignment]  # how django-filter leaves one out


FILTERS: dict[str, type[ParameterFilterSet]] = {
    **dict.fromkeys(Kind.values, ItemExportFilters),
    "item": AnyItemExportFilters,
    "production": ProductionExportFilters,
    "term": filters.TermFilters,
}


@extend_schema(tags=["exports"])
class ExportViewSet(StaffViewSet):
    """A list in a file, as far as the account may see it. Each export is put on record."""

    kind: ClassVar[str] = ""
    throttle_scope = "export"
    queryset = Item.objects.none()
    filter_backends = (ParameterFilterBackend,)
    filterset_class: ClassVar[type[ParameterFilterSet]] = ItemExportFilters
    pagination_class = None
    content_negotiation_class = FileNegotiation

    def rights(self) -> tuple[str, ...]:
        kinds = Kind.values if self.kind == "item" else (self.kind,)
        return tuple(f"catalog.export_{kind}" for kind in kinds)

    def other_parameters(self) -> dict[str, ParameterType]:
        return FORMAT

    def get_queryset(self) -> Any:
        """Return what the account sees of this kind; of all items, the kinds that it may export."""
        user = self.account()
        if self.kind == "production":
            return Production.objects.visible_to(user)
        if self.kind == "term":
            return Term.objects.all()
        kinds = [kind for kind in Kind.values if user.has_perm(f"catalog.export_{kind}")]
        wanted = kinds if self.kind == "item" else [self.kind]
        return Item.objects.visible_to(user).filter(kind__in=wanted)

    @extend_schema(
        parameters=[
            OpenApiParameter("as", enum=list(exports.FORMATS), required=True, description="The kind of file.")
        ],
        filters=True,
        responses=ANY_FILE,
    )
    def list(self, request: Request) -> HttpResponseBase:
        """The rows of the list with this query, as a file."""
        rows = self.filter_queryset(self.get_queryset())
        if "as" not in request.query_params:
            offered = FORMAT["as"].expected
            raise BadParameters([("as", "required", f"as must be given: {offered}.")])
        name = request.query_params["as"].strip()
        export = exports.prepare(self.kind, rows)
        try:
            chunks = exports.file_of(export, name)
        except exports.ExportRefused as refusal:
            raise BadParameters([("as", "unsuitable", str(refusal))]) from refusal
        told = {"rows": len(export), "format": name, "filters": request._request.GET.urlencode()}
        audit.record(Action.EXPORT, by=self.account(), subject=f"{self.kind} ({len(export):,})", **told)
        file_name = f"{self.kind}-{datetime.now(UTC):%Y-%m-%d}.{name}"
        return download(file_name, exports.FORMATS[name].content_type, chunks)
