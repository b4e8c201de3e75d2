"""What the API tells of a row, and the query that fetches just that: flat dicts, no model objects.

The field names stand in `serializers.py`, which is what the OpenAPI document promises; a test holds
both together.
"""

from typing import Any

import orjson
from django.db.models import Count, OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Coalesce, JSONObject

from catalog.api.links import Links, Row
from catalog.api.pictures import PICTURE_COLUMNS, with_sizes
from catalog.models import Appearance, Item, MediaAsset, Production, Term

Rows = QuerySet[Any, Row]

ITEM_COLUMNS = (
    "id", "kind", "reference", "slug", "name", "make", "model", "production_years", "vehicle_types", "categories",
    "genres", "condition", "authenticity", "price", "currency", "availability", "status", "published_at", "location",
    "created_at", "updated_at", "version",
)  # fmt: skip
ITEM_DETAIL_COLUMNS = (*ITEM_COLUMNS, "description", "provenance", "chassis_number")
APPEARED_IN_COLUMNS = ("slug", "title", "kind", "years")
COVER_COLUMNS = (*PICTURE_COLUMNS, "alt_text", "width", "height")
IMAGE_COLUMNS = (*COVER_COLUMNS, "content_type", "caption", "position")
PRODUCTION_COLUMNS = (
    "id", "slug", "title", "kind", "years", "genres", "franchise", "created_at", "updated_at",
)  # fmt: skip
TERM_COLUMNS = ("id", "vocabulary", "slug", "name", "aliases", "created_at", "updated_at")


def as_text(field: str) -> Cast:
    """Select JSON as its text: passed on as it is, no number in it is rounded or found too large."""
    return Cast(field, TextField())


def selected(queryset: QuerySet[Any], *columns: str, **expressions: Any) -> Rows:
    rows: Rows = queryset.values(*columns, **expressions)
    return rows


# Built once: Django copies queries and expressions wherever they are used.
PICTURES = MediaAsset.objects.publishable().images().in_order()
COVER_JSON = JSONObject(**{name: name for name in COVER_COLUMNS})
COVER = Subquery(PICTURES.filter(item=OuterRef("pk")).values(found=COVER_JSON)[:1])
IMAGES = selected(PICTURES, *IMAGE_COLUMNS)
APPEARANCES = selected(
    Appearance.objects.order_by("production__title", "production", "id"),
    "role",
    "notes",
    *(f"production__{name}" for name in APPEARED_IN_COLUMNS),
)


def item_rows(items: QuerySet[Item]) -> Rows:
    """Project items with their cover, which is the image that comes first."""
    return selected(items, *ITEM_COLUMNS, cover=COVER)


def item_json(row: Row, links: Links) -> Row:
    """Shape one row of `item_rows`."""
    return with_links(row, row.pop("cover"), links)


def item_detail_rows(items: QuerySet[Item]) -> Rows:
    """Project items for their details; the cover comes with the images."""
    return selected(items, *ITEM_DETAIL_COLUMNS, specs_text=as_text("specs"))


def item_detail_json(row: Row, links: Links) -> Row:
    """Shape one row of `item_detail_rows`. This causes two SQL queries."""
    specs = orjson.Fragment(row.pop("specs_text"))
    images = list(IMAGES.filter(item=row["id"]))
    cover = {name: images[0][name] for name in COVER_COLUMNS} if images else None
    return with_links(row, cover, links) | {
        "specs": specs,
        "appearances": [appearance_json(each) for each in APPEARANCES.filter(item=row["id"])],
        "images": [with_sizes(image, links) | {"url": links.image(image)} for image in images],
    }


def with_links(row: Row, cover: Row | None, links: Links) -> Row:
    row["url"] = links.item(row)
    row["image"] = cover and with_sizes(cover, links, listed=False) | {"url": links.image(cover)}
    return row


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
    return selected(
        productions,
        *PRODUCTION_COLUMNS,
        item_count=Coalesce(Subquery(counted), 0),
        external_ids_text=as_text("external_ids"),
    )


def production_json(row: Row, links: Links) -> Row:
    external_ids = orjson.Fragment(row.pop("external_ids_text"))
    return row | {"external_ids": external_ids, "url": f"{links.to('production-list')}{row['slug']}/"}


def term_rows(terms: QuerySet[Term]) -> Rows:
    return selected(terms, *TERM_COLUMNS)


def term_json(row: Row, links: Links) -> Row:
    return row | {"url": f"{links.to('term-list')}{row['vocabulary']}/{row['slug']}/"}
