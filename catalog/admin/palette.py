"""What the palette (Ctrl-K) finds beside pages: items and productions, each by one query that an index serves."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from catalog.admin import search
from catalog.models import Item, Kind, Production, Status, may_view
from marketplace.admin import SearchResult

MOST = 8  # of each
SHORTEST = 2  # letters; one would find nearly everything
ICONS = {Kind.VEHICLE: "directions_car", Kind.MEMORABILIA: "theater_comedy", Kind.TOOL: "construction"}


def find(request: HttpRequest, text: str) -> list[SearchResult]:
    """Return what this person may open and the text finds."""
    if len(text) < SHORTEST:
        return []
    return [*_items(request, text), *_productions(request, text)]


def _items(request: HttpRequest, text: str) -> list[SearchResult]:
    kinds = [kind for kind in Kind.values if may_view(request.user, kind)]
    if not kinds:
        return []
    found = search.matching(Item.objects.filter(kind__in=kinds), text)
    rows = found.only("kind", "name", "reference", "status").order_by()[:MOST]
    return [
        SearchResult(
            item.name,
            " · ".join([item.reference, str(Kind(item.kind).label), str(Status(item.status).label)]),
            reverse(f"admin:catalog_{item.kind}_change", args=[item.pk]),
            ICONS[Kind(item.kind)],
        )
        for item in rows
    ]


def _productions(request: HttpRequest, text: str) -> list[SearchResult]:
    if not may_view(request.user, "production"):
        return []
    found: Any = Production.objects.filter(title__icontains=text).order_by("title", "id")
    return [
        SearchResult(
            str(film),
            str(film.get_kind_display()),
            reverse("admin:catalog_production_change", args=[film.pk]),
            "movie",
        )
        for film in found[:MOST]
    ]
