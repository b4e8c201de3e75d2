"""The OpenAPI document: what drf-spectacular cannot read off the views."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import SAFE_METHODS

from marketplace.problems import CONTENT_TYPE
from marketplace.rest import ReadOnlyOrModelPermissions

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


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every operation the answer for all its errors: a problem."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    response = {
        "description": "A problem.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"].setdefault("default", response)
    return result


class Schema(AutoSchema):
    """Describes one operation."""

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the ways to sign in; for what anybody may read, no sign-in is one of them."""
        ways: list[dict[str, Any]] = super().get_auth()
        public = any(isinstance(each, ReadOnlyOrModelPermissions) for each in self.view.get_permissions())
        return [*ways, {}] if public and self.method in SAFE_METHODS else ways
