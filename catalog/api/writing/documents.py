"""What the OpenAPI document says of writes."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from drf_spectacular.drainage import isolate_view_method
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from catalog.api.bodies import Body
from catalog.api.serializers import Shape
from catalog.api.writing.idempotency import HEADER, REPLAYED
from catalog.api.writing.requests import DESCRIPTIONS, DRY_RUN, MOST_ROWS, ON_ERROR, UPSERT
from catalog.api.writing.rows import Outcome
from catalog.api.writing.writer import Writer
from marketplace.parameters import ParameterType

ViewT = TypeVar("ViewT", bound=type[Any])
Serializer = type[serializers.Serializer[Any]]


class RowErrorSerializer(Shape):
    pointer = serializers.CharField(allow_blank=True, help_text="JSON Pointer into the row.")
    code = serializers.CharField()
    detail = serializers.CharField()


class RowReportSerializer(Shape):
    row = serializers.IntegerField(min_value=0, help_text="Where it stood in the request, from 0.")
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    id = serializers.IntegerField(allow_null=True)
    url = serializers.URLField(allow_null=True)
    errors = RowErrorSerializer(many=True)  # type: ignore[assignment]  # a field of that name


class ItemReportSerializer(RowReportSerializer):
    reference = serializers.CharField(allow_null=True)
    slug = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)


class ProductionReportSerializer(RowReportSerializer):
    slug = serializers.CharField(allow_null=True)


class TermReportSerializer(RowReportSerializer):
    vocabulary = serializers.CharField(allow_null=True)
    slug = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)


class ReportSerializer(Shape):
    """How many rows came to which outcome, and each row by itself."""

    dry_run = serializers.BooleanField()
    created = serializers.IntegerField(min_value=0)
    changed = serializers.IntegerField(min_value=0)
    unchanged = serializers.IntegerField(min_value=0)
    deleted = serializers.IntegerField(min_value=0)
    failed = serializers.IntegerField(min_value=0)


class ItemsReportSerializer(ReportSerializer):
    results = ItemReportSerializer(many=True)


class ProductionsReportSerializer(ReportSerializer):
    results = ProductionReportSerializer(many=True)


class TermsReportSerializer(ReportSerializer):
    results = TermReportSerializer(many=True)


def parameters(*groups: dict[str, ParameterType]) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(name, cast(Any, kind.schema), description=DESCRIPTIONS[name])
        for group in groups
        for name, kind in group.items()
    ]


IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag of the answer that you read: the row is left alone (412) if it is another by now.",
)
KEY = OpenApiParameter(
    HEADER,
    cast(Any, {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]([\\x20-\\x7e]*[\\x21-\\x7e])?$"}),
    OpenApiParameter.HEADER,
    description="A name of your own for this request, such as a UUID. Sent again with the same body within 24 hours,"
    f" it does nothing anew and gets the same answer, with `{REPLAYED}: true`; 409 while the first runs, 422 with"
    " another body.",
)  # fmt: skip


def many_of(body: type[Body]) -> Any:
    """Return the list of rows that the body of many is."""
    options: Any = {"many": True, "allow_empty": False, "max_length": MOST_ROWS}
    return body(**options)


def described(writer: type[Writer], detail: Serializer, report: Serializer) -> Callable[[ViewT], ViewT]:
    """Return the decorator of a viewset that writes."""
    one, many = [*parameters(DRY_RUN), IF_MATCH], parameters(DRY_RUN, ON_ERROR)
    operations: dict[str, Any] = {
        "create": {
            "request": writer.body,
            "parameters": [*parameters(DRY_RUN, UPSERT), KEY],
            "responses": {
                201: OpenApiResponse(detail, "Added; Location has its address."),
                200: OpenApiResponse(detail, "Changed, with upsert=true."),
            },
        },
        "update": {"request": writer.body, "parameters": one, "responses": detail},
        "partial_update": {"request": writer.body, "parameters": one, "responses": detail},
        "destroy": {"parameters": one, "responses": {204: OpenApiResponse(description="It is gone.")}},
        "create_many": {
            "request": many_of(writer.row_body),
            "parameters": [*parameters(DRY_RUN, UPSERT, ON_ERROR), KEY],
            "responses": {200: report},
        },
        "change_many": {
            "request": many_of(writer.row_body),
            "parameters": many,
            "responses": {200: report},
        },
        "destroy_many": {
            "request": many_of(writer.key_body),
            "parameters": many,
            "responses": {200: report},
        },
    }

    def describe(view: ViewT) -> ViewT:
        for name, said in operations.items():
            # A method of its own: what is said of an inherited one would be said of all that inherit it.
            setattr(view, name, extend_schema(**said)(isolate_view_method(view, name)))  # type: ignore[no-untyped-call]
        return view

    return describe
