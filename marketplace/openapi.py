"""The OpenAPI document: what drf-spectacular cannot read off the views."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.permissions import SAFE_METHODS
from rest_framework.serializers import DecimalField, ListField, ListSerializer

from marketplace.problems import CONTENT_TYPE
from marketplace.rest import ReadOnlyOrModelPermissions

DESTROY_MANY = "destroy_many"  # the action of a view whose DELETE has a body
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "An error, by RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "detail"],
                "properties": {
                    "parameter": {"type": "string", "description": "The query parameter at fault."},
                    "pointer": {"type": "string", "description": "JSON Pointer to the part of the body at fault."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}  # fmt: skip


# Of every answer that was counted; an operator may turn the limits off.
RATES: dict[str, Any] = {
    "RateLimit-Policy": {
        "description": 'The limit that counted the request: `"client";q=3000;w=60` is 3,000 in 60 seconds.',
        "schema": {"type": "string", "pattern": r'^"[a-z]+";q=[0-9]+;w=[0-9]+$'},
    },
    "RateLimit": {
        "description": 'What is left of it, and the seconds to the end of its window: `"client";r=2999;t=60`.',
        "schema": {"type": "string", "pattern": r'^"[a-z]+";r=[0-9]+;t=[0-9]+$'},
    },
}
LATER: dict[str, Any] = {
    "description": "Seconds after which it makes sense to ask again.",
    "schema": {"type": "integer", "minimum": 1},
}
HEADERS: dict[str, Any] = RATES | {
    "X-Request-ID": {"description": "Names the request in the server's log.", "schema": {"type": "string"}},
}


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every operation the answer for all its errors, a problem, and every answer the headers that all have."""
    components = result["components"]
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["headers"] = HEADERS
    told = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
    components["responses"] = {
        "Problem": _problem("A problem.", told | {"Retry-After": LATER}),
        "TooManyRequests": _problem(
            "This client has made all the requests of its time window.",
            told | {"Retry-After": LATER | {"required": True}},
        ),
    }
    for path in result["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                response["headers"] = told | response.get("headers", {})
            operation["responses"].setdefault("429", {"$ref": "#/components/responses/TooManyRequests"})
            operation["responses"].setdefault("default", {"$ref": "#/components/responses/Problem"})
    return result


def _problem(description: str, headers: dict[str, Any]) -> dict[str, Any]:
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "headers": headers, "content": content}


class Schema(AutoSchema):
    """Describes one operation."""

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the ways to sign in; for what anybody may read, no sign-in is one of them."""
        ways: list[dict[str, Any]] = super().get_auth()
        public = any(isinstance(each, ReadOnlyOrModelPermissions) for each in self.view.get_permissions())
        return [*ways, {}] if public and self.method in SAFE_METHODS else ways

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        """Say of bodies that refuse fields they do not know (`is_strict`) that they do."""
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "request" and getattr(serializer, "is_strict", False):
            schema["additionalProperties"] = False
        if direction == "response" and getattr(serializer, "is_sparse", False):
            schema.pop("required", None)  # `fields` and `omit` choose
        if direction == "response" and (more := getattr(serializer, "on_request", None)):
            asked_for = super()._map_basic_serializer(more(), direction)  # type: ignore[no-untyped-call]
            schema["properties"] |= asked_for["properties"]
        return schema

    def get_override_parameters(self) -> list[Any]:
        """Return the parameters of a detail that choose what is told."""
        if getattr(self.view, "action", "") != "retrieve" or not hasattr(self.view, "documented_parameters"):
            return []
        return [
            OpenApiParameter(
                each["name"], each["schema"], description=each["description"], style="form", explode=True
            )
            for each in self.view.documented_parameters(detailed=True)
        ]

    def _map_serializer_field(self, field: Any, *others: Any, **more: Any) -> Any:
        schema = super()._map_serializer_field(field, *others, **more)  # type: ignore[no-untyped-call]
        if isinstance(field, ListField | ListSerializer) and not field.allow_empty:
            schema["minItems"] = 1
        if isinstance(field, DecimalField) and "pattern" in schema:
            schema["pattern"] = _decimal_pattern(field)
        return schema

    def _unwrap_list_serializer(self, serializer: Any, direction: Any) -> Any:
        """Say how many rows a list takes."""
        schema = super()._unwrap_list_serializer(serializer, direction)
        if schema and (most := getattr(serializer, "max_length", None)):
            schema |= {"minItems": 0 if serializer.allow_empty else 1, "maxItems": most}
        return schema

    def _get_request_body(self, direction: Any = "request") -> Any:
        if self.method != "DELETE" or getattr(self.view, "action", "") != DESTROY_MANY:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        # A DELETE of many rows names them in its body; of any other the library rightly tells none.
        self.method = "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = "DELETE"


def _decimal_pattern(field: DecimalField) -> str:
    """Return the pattern of a decimal's text; the library's own lets through "", "-" and "." too."""
    sign = "" if field.min_value is not None and field.min_value >= 0 else "-?"
    whole, places = field.max_whole_digits, field.decimal_places
    most = ""
    if whole and field.max_value == 10 ** (whole - 1):  # such as 100 percent
        whole -= 1
        most = rf"|10{{{whole}}}(?:\.0{{0,{places}}})?"
    return rf"^{sign}(?:\d{{1,{whole}}}(?:\.\d{{0,{places}}})?{most}|\.\d{{1,{places}}})$"
