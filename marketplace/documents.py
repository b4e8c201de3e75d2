"""Serves the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.parameters import Choice, Refused
from marketplace.problems import BadParameters, refuse_unknown_parameters

FORMAT = Choice(("json", "yaml"))


class SchemaView(SpectacularAPIView):
    """The OpenAPI document of this API, as YAML or as JSON (`?format=json`, or by the Accept header)."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown_parameters(request, "format")
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return response

    def get_renderers(self) -> list[BaseRenderer]:
        renderers = super().get_renderers()
        if "format" not in self.request.GET:
            return renderers
        try:
            wanted = FORMAT.read(self.request.GET.getlist("format"))
        except Refused as refusal:
            raise BadParameters([("format", refusal.code, f"format {refusal.sentence}")]) from refusal
        return [renderer for renderer in renderers if renderer.format == wanted]
