"""Absolute addresses of what answers speak of."""

from functools import lru_cache
from typing import Any

from django.db.models import Case, Value, When
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse

from catalog.api.shapes.expressions import Joined
from catalog.api.shapes.given import Given
from catalog.models import Kind

Row = dict[str, Any]

LINKS = "@links"  # where a statement finds them among its values; no parameter has such a name
ITEM_LISTS = {Kind.VEHICLE: "vehicle-list", Kind.MEMORABILIA: "memorabilia-list", Kind.TOOL: "tool-list"}


@lru_cache
def _path(prefix: str, route: str) -> str:
    """Return the path of a route without variables; `prefix` is where the service lies on its host."""
    return reverse(route)


class Links:
    """Absolute addresses, as this client reaches the service. What a list holds lies under the list's address."""

    def __init__(self, request: HttpRequest) -> None:
        self.origin = request.build_absolute_uri("/").removesuffix("/")
        self.prefix = get_script_prefix()

    def to(self, route: str) -> str:
        """Return the address of a route without variables."""
        return f"{self.origin}{_path(self.prefix, route)}"


def address(route: str) -> Given:
    """Return the place of the address of a route in a statement."""
    return Given(lambda values: values[LINKS].to(route), cast="text", hidden=True)


def under(route: str, *parts: Any) -> Joined:
    """Return the address of what lies under a list's: `parts` are columns, or texts as Value."""
    return Joined(address(route), *(each for part in parts for each in (part, Value("/"))))


def item_address(prefix: str = "") -> Case:
    """Return the address of an item; `prefix` leads to it from the row, such as item__."""
    kinds = [
        When(**{f"{prefix}kind": kind}, then=under(route, f"{prefix}slug"))
        for kind, route in ITEM_LISTS.items()
    ]
    return Case(*kinds)
