"""What every endpoint of the API shares: JSON in and out, who may do what, and pages."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
from django.db.models import QuerySet
from django.utils.functional import Promise
from rest_framework import parsers
from rest_framework.exceptions import ParseError
from rest_framework.metadata import BaseMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import BasePagination
from rest_framework.permissions import SAFE_METHODS, DjangoModelPermissions
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from marketplace.parameters import Choice, ParameterType, WholeNumber, read_values
from marketplace.problems import BadParameters

if TYPE_CHECKING:  # that module reads settings that name this one
    from rest_framework.views import APIView

DEEPEST_ITEM = 10_000  # where numbered pages, and counting by default, end
DEEPEST_JSON = 64  # lists and objects in each other; nobody has a use for more
TOO_NESTED = "JSON parse error - nested too deep"
TOO_DEEP = f"page reaches beyond {DEEPEST_ITEM:,} items, where numbered pages end; narrow the list by filters, where it has any."


class JSONRenderer(BaseRenderer):
    """Writes JSON in UTF-8: decimals as strings, times in ISO 8601 ending in Z."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def _plain(value: object) -> str:
    if isinstance(value, Decimal | Promise):
        return str(value)
    raise TypeError


class Negotiation(DefaultContentNegotiation):
    """Chooses as DRF does; where anything will do and there is but one form, there is nothing to weigh."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        if len(renderers) == 1 and not format_suffix and request.headers.get("accept", "*/*") == "*/*":
            return renderers[0], renderers[0].media_type
        return super().select_renderer(request, renderers, format_suffix)


class JSONParser(parsers.JSONParser):
    """Reads JSON; what is nested too deep to read is refused like any other text that is not JSON."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            value = super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(TOO_NESTED) from error
        except ParseError as error:
            if "int_max_str_digits" in str(error):  # Python's sentence tells of its own settings
                raise ParseError("JSON parse error - a number has too many digits") from error
            raise
        if _is_deeper(value, DEEPEST_JSON):
            raise ParseError(TOO_NESTED)
        return value


def _is_deeper(value: Any, levels: int) -> bool:
    """Return whether lists and objects stand in each other in more levels than these."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        if not level:
            return False
        inside = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for part in inside for each in part if isinstance(each, dict | list)]
    return bool(level)


class Methods(BaseMetadata):
    """What OPTIONS answers: the methods. The rest stands in the OpenAPI document."""

    def determine_metadata(self, request: Request, view: "APIView") -> dict[str, list[str]]:
        return {"methods": view.allowed_methods}


class ReadOnlyOrModelPermissions(DjangoModelPermissions):
    """Anybody reads; a write needs staff with the add, change or delete permission of the view's model.

    A method that the view lacks passes, so that it ends as a 405 for everybody.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        method = str(request.method).lower()
        if (
            request.method in SAFE_METHODS
            or method not in view.http_method_names
            or not hasattr(view, method)
        ):
            return True
        # As in the admin: where staff need a second factor, nobody writes without one.
        return bool(request.user.is_staff) and super().has_permission(request, view)


class PageNumberPagination(BasePagination):
    """Numbered pages: `page`, `page_size`, and `count` to choose how the total is found.

    A page costs one query, and the total another unless this page is the last one.
    """

    types: dict[str, ParameterType] = {
        "page": WholeNumber(low=1),
        "page_size": WholeNumber(low=1, high=100),
        "count": Choice(("capped", "exact", "none")),
    }
    descriptions = {
        "page": f"Number of the page, from 1. Pages reach {DEEPEST_ITEM:,} items deep.",
        "page_size": "Items on a page; 20 when not given.",
        "count": f"How `count` is found: exact up to {DEEPEST_ITEM:,} and that number beyond (capped, the"
        " default), exact however long it takes, or not at all.",
    }

    def paginate_queryset(self, queryset: Any, request: Request, view: "APIView | None" = None) -> list[Any]:
        self.request = request
        given, faults = read_values(self.types, request.query_params)
        if faults:
            raise BadParameters(faults)
        self.number, self.size = given.get("page", 1), given.get("page_size", 20)
        start = (self.number - 1) * self.size
        if start >= DEEPEST_ITEM:
            raise BadParameters([("page", "too_deep", TOO_DEEP)])
        rows = list(queryset[start : start + self.size + 1])
        if not rows and start:
            raise BadParameters(
                [("page", "beyond_end", f"page {self.number} is beyond the end of the list.")]
            )
        self.has_next = len(rows) > self.size
        self.total = self.count_of(queryset, given.get("count", "capped"), start + len(rows))
        return rows[: self.size]

    def count_of(self, queryset: "QuerySet[Any, Any]", method: str, seen: int) -> dict[str, Any]:
        """Return the part of the answer that tells the number of items."""
        if method == "none":
            return {"count": None}
        keys = queryset.order_by().values("pk")
        if method == "exact":
            return {"count": keys.count() if self.has_next else seen}
        count = keys[: DEEPEST_ITEM + 1].count() if self.has_next else seen
        return {"count": count} if count <= DEEPEST_ITEM else {"count": DEEPEST_ITEM, "count_relation": "gte"}

    def get_paginated_response(self, data: Any) -> Response:
        after = self.number + 1 if self.has_next and self.number * self.size < DEEPEST_ITEM else None
        return Response(
            self.total
            | {"next": self.link(after), "previous": self.link(self.number - 1 or None), "results": data}
        )

    def link(self, number: int | None) -> str | None:
        if number is None:
            return None
        return replace_query_param(self.request.build_absolute_uri(), "page", number)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {
                "count": {"type": ["integer", "null"], "minimum": 0, "description": "null with count=none."},
                "count_relation": {
                    "type": "string",
                    "const": "gte",
                    "description": "Given when there are more items than count says.",
                },
                "next": address,
                "previous": address,
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "in": "query",
                "description": self.descriptions[name],
                "schema": kind.schema | more,
            }
            for name, kind, more in (
                (name, kind, {"maximum": DEEPEST_ITEM} if name == "page" else {})
                for name, kind in self.types.items()
            )
        ]
