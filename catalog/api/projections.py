"""What the API tells of a row: its fields, in their order, each an expression that PostgreSQL writes as JSON.

The names and types stand in `serializers.py`, which is what the OpenAPI document promises; a test holds both
together.
"""

from typing import Any

from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from catalog.api.links import Row, item_address, under
from catalog.api.pictures import PICTURE, RENDITIONS
from catalog.api.shapes.expressions import Expressions, JsonList, JsonObject, columns
from catalog.models import Appearance, Item, MediaAsset, Production, Term

Rows = QuerySet[Any, Row]


def selected(queryset: QuerySet[Any], *names: str, **expressions: Any) -> Rows:
    """Select these columns as flat dicts."""
    rows: Rows = queryset.values(*names, **expressions)
    return rows


PICTURES = MediaAsset.objects.publishable().images().in_order().filter(item=OuterRef("pk"))
COVER: Expressions = PICTURE | columns(MediaAsset, "alt_text", "width", "height")
IMAGE: Expressions = (
    COVER | {"renditions": RENDITIONS} | columns(MediaAsset, "content_type", "caption", "position")
)
APPEARANCE: Expressions = {
    "production": JsonObject({name: F(f"production__{name}") for name in ("slug", "title", "kind", "years")}),
    "role": F("role"),
    "notes": F("notes"),
}
APPEARANCES = Appearance.objects.filter(item=OuterRef("pk")).order_by("production__title", "production", "id")

ITEM: Expressions = {
    **columns(Item, "id", "kind", "reference", "slug"),
    "url": item_address(),
    **columns(
        Item, "name", "make", "model", "production_years", "vehicle_types", "categories", "genres", "condition",
        "authenticity", "price", "currency", "availability", "status", "published_at", "location", "created_at",
        "updated_at", "version",
    ),
    "image": Subquery(PICTURES.values(found=JsonObject(COVER))[:1]),
}  # fmt: skip
INCLUDED: Expressions = {
    "appearances": JsonList(APPEARANCES, APPEARANCE),
    "images": JsonList(PICTURES, IMAGE),
}
ITEM_DETAIL: Expressions = (
    ITEM | columns(Item, "description", "provenance", "chassis_number", "specs") | INCLUDED
)


def production(items: "QuerySet[Item]") -> Expressions:
    """Return the fields of a production; `item_count` counts those of these items that appeared in it."""
    counted = (
        Appearance.objects.filter(production=OuterRef("pk"), item__in=items.order_by())
        .order_by()
        .values("production")
        .values(total=Count("item", distinct=True))
    )
    return {
        **columns(Production, "id", "slug"),
        "url": under("production-list", F("slug")),
        **columns(Production, "title", "kind", "years", "genres", "franchise", "external_ids"),
        "item_count": Coalesce(Subquery(counted), 0),
        **columns(Production, "created_at", "updated_at"),
    }


TERM: Expressions = {
    **columns(Term, "id", "vocabulary", "slug"),
    "url": under("term-list", F("vocabulary"), F("slug")),
    **columns(Term, "name", "aliases", "created_at", "updated_at"),
}
