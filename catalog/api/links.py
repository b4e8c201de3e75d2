"""Absolute addresses of what answers speak of."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from catalog.models import Kind

Row = dict[str, Any]

ITEM_LISTS = {Kind.VEHICLE: "vehicle-list", Kind.MEMORABILIA: "memorabilia-list", Kind.TOOL: "tool-list"}


class Links:
    """Absolute addresses, as this client reaches the service. What a list holds lies under the list's address."""

    def __init__(self, request: HttpRequest) -> None:
        self.origin = request.build_absolute_uri("/").removesuffix("/")
        self.known: dict[str, str] = {}

    def to(self, route: str) -> str:
        """Return the address of a route without variables; it is looked up once, not for every row."""
        if route not in self.known:
            self.known[route] = f"{self.origin}{reverse(route)}"
        return self.known[route]

    def item(self, row: Row) -> str:
        return f"{self.to(ITEM_LISTS[row['kind']])}{row['slug']}/"

    def image(self, row: Row) -> str:
        return f"{self.to('media-list')}{row['id']}/file/"
