"""What the API tells of a row, and the query that fetches just that: flat dicts, no model objects.

The field names stand in `serializers.py`, which is what the OpenAPI document promises; a test holds
both together.
"""

from typing import Any

import orjson
from django.db.models import Count, OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Coalesce, JSONObject
from django.http import HttpRequest
from django.urls import reverse

from catalog.models import Appearance, Item, Kind, MediaAsset, Production, Term

Row = dict[str, Any]
Rows = QuerySet[Any, Row]

ITEM_ROUTES = {Kind.VEHICLE: "vehicle-list", Kind.MEMORABILIA: "memorabilia-list", Kind.TOOL: "tool-list"}
ITEM_COLUMNS = (
    "id", "kind", "reference", "slug", "name", "make", "model", "production_years", "vehicle_types", "categories",
    "genres", "condition", "authenticity", "price", "currency", "availability", "status", "published_at", "location",
    "created_at", "updated_at", "version",
)  # fmt: skip
ITEM_DETAIL_COLUMNS = ("description", "provenance", "chassis_number", "specs_text")
APPEARED_IN_COLUMNS = ("slug", "title", "kind", "years")
COVER_COLUMNS = ("id", "alt_text", "width", "height")
IMAGE_COLUMNS = ("id", "content_type", "width", "height", "alt_text", "caption", "position")
PRODUCTION_COLUMNS = (
    "id", "slug", "title", "kind", "years", "genres", "franchise", "created_at", "updated_at",
)  # fmt: skip
TERM_COLUMNS = ("id", "vocabulary", "slug", "name", "aliases", "created_at", "updated_at")


class Links:
    """Absolute addresses, as this client reaches the service."""

    def __init__(self, request: HttpRequest) -> None:
        self.origin = request.build_absolute_uri("/").removesuffix("/")
        self.items = {kind.value: self.to(route) for kind, route in ITEM_ROUTES.items()}

    def to(self, route: str, *arguments: object) -> str:
        return f"{self.origin}{reverse(route, args=arguments)}"

    def item(self, row: Row) -> str:
        return f"{self.items[row['kind']]}{row['slug']}/"

    def image(self, row: Row) -> str:
        return self.to("media-file", row["id"])


def as_text(field: str) -> Cast:
    """Select JSON as its text: passed on as it is, no number in it is rounded or found too large."""
    return Cast(field, TextField())


def selected(queryset: QuerySet[Any], *columns: str) -> Rows:
    rows: Rows = queryset.values(*columns)
    return rows


def item_rows(items: QuerySet[Item], *more: str) -> Rows:
    """Project items with their cover, which is the image that comes first."""
    pictures = MediaAsset.objects.present().images().filter(item=OuterRef("pk")).in_order()
    cover = pictures.values(found=JSONObject(**{name: name for name in COVER_COLUMNS}))[:1]
    annotated = items.annotate(cover=Subquery(cover), specs_text=as_text("specs"))
    return selected(annotated, *ITEM_COLUMNS, *more, "cover")


def item_json(row: Row, links: Links) -> Row:
    """Shape one row of `item_rows` for a list."""
    cover = row.pop("cover")
    row["url"] = links.item(row)
    row["image"] = cover and {"url": links.image(cover)} | {name: cover[name] for name in COVER_COLUMNS}
    return row


def item_detail_json(row: Row, links: Links) -> Row:
    """Shape one row of `item_rows` for the detail. This causes two SQL queries."""
    item = item_json(row, links)
    item["specs"] = orjson.Fragment(item.pop("specs_text"))
    item["appearances"] = [appearance_json(each) for each in appearance_rows(row["id"])]
    item["images"] = [image | {"url": links.image(image)} for image in image_rows(row["id"])]
    return item


def image_rows(item_id: int) -> Rows:
    images = MediaAsset.objects.present().images().filter(item=item_id)
    return selected(images.in_order(), *IMAGE_COLUMNS)


def appearance_rows(item_id: int) -> Rows:
    appearances = Appearance.objects.filter(item=item_id).order_by("production__title", "production", "id")
    return selected(appearances, "role", "notes", *(f"production__{name}" for name in APPEARED_IN_COLUMNS))


def appearance_json(row: Row) -> Row:
    production = {name: row[f"production__{name}"] for name in APPEARED_IN_COLUMNS}
    return {"production": production, "role": row["role"], "notes": row["notes"]}


def production_rows(productions: QuerySet[Production], items: QuerySet[Item]) -> Rows:
    """Project productions, each with the number of these items that appeared in it."""
    counted = (
        Appearance.objects.filter(production=OuterRef("pk"), item__in=items.order_by())
        .order_by()
        .values("production")
        .values(total=Count("item", distinct=True))
    )
    annotated = productions.annotate(
        item_count=Coalesce(Subquery(counted), 0), external_ids_text=as_text("external_ids")
    )
    return selected(annotated, *PRODUCTION_COLUMNS, "item_count", "external_ids_text")


def production_json(row: Row, links: Links) -> Row:
    external_ids = orjson.Fragment(row.pop("external_ids_text"))
    return row | {"external_ids": external_ids, "url": links.to("production-detail", row["slug"])}


def term_rows(terms: QuerySet[Term]) -> Rows:
    return selected(terms, *TERM_COLUMNS)


def term_json(row: Row, links: Links) -> Row:
    return row | {"url": links.to("term-detail", row["vocabulary"], row["slug"])}
