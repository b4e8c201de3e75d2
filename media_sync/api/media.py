"""`/v1/media/`: what the bucket holds for the items that the caller may see."""

from typing import Any

from django.db.models import Q
from rest_framework import serializers
from rest_framework.request import Request

from catalog.api.filtering import ParameterFilterSet, Where, matches
from catalog.api.links import Links, Row
from catalog.api.pictures import PICTURE_COLUMNS, with_sizes
from catalog.api.projections import Rows
from catalog.api.serializers import PictureSerializer, RenditionSerializer
from catalog.api.views import ReadViewSet
from catalog.models import Kind, MediaAsset, MediaAssetQuerySet, MediaKind, MediaState, Processing, may_view
from marketplace.parameters import Choice, Flag, ListOf, Word

COLUMNS = (
    *PICTURE_COLUMNS, "key", "kind", "content_type", "size", "width", "height", "alt_text", "caption", "position",
    "state", "processing", "refusal", "created_at", "updated_at",
)  # fmt: skip

Shape = serializers.Serializer[Any]


class MediaItemSerializer(Shape):
    kind = serializers.ChoiceField(choices=Kind.choices)
    slug = serializers.SlugField()
    url = serializers.URLField(help_text="The item's detail.")


class MediaSerializer(PictureSerializer):
    id = serializers.IntegerField()
    url = serializers.URLField(
        help_text="Redirects to a short-lived address of the file; of a picture, its largest size."
    )
    key = serializers.CharField(help_text="The name of the object in the bucket.")
    item = MediaItemSerializer(allow_null=True, help_text="null: it belongs to no item (staff only).")
    kind = serializers.ChoiceField(choices=MediaKind.choices)
    content_type = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField(help_text="Bytes.")
    width = serializers.IntegerField(allow_null=True, help_text="Pixels of the original.")
    height = serializers.IntegerField(allow_null=True, help_text="Pixels of the original.")
    renditions = RenditionSerializer(many=True)
    alt_text = serializers.CharField(allow_blank=True)
    caption = serializers.CharField(allow_blank=True)
    position = serializers.IntegerField(help_text="The lowest is the cover.")
    state = serializers.ChoiceField(choices=MediaState.choices)
    processing = serializers.ChoiceField(
        choices=Processing.choices, help_text="waiting: not read yet; rendering: its sizes are being made."
    )
    refusal = serializers.CharField(allow_blank=True, help_text="Why the content was refused (staff only).")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


def has_item(value: bool) -> Q:  # noqa: FBT001  (a condition takes its parameter's value)
    return Q(item__isnull=not value)


class MediaFilters(ParameterFilterSet):
    item = Where(ListOf(Word()), "item", matches("item__slug__in"), "Of any of these items (slugs).")
    kind = Where(ListOf(Choice(tuple(MediaKind.values))), "kind", matches("kind__in"), "Any of these kinds.")
    state = Where(
        ListOf(Choice(tuple(MediaState.values))),
        "state",
        matches("state__in"),
        "Any of these.",
        staff_only=True,
    )
    processing = Where(
        ListOf(Choice(tuple(Processing.values))),
        "processing",
        matches("processing__in"),
        "Any of these.",
        staff_only=True,
    )
    assigned = Where(Flag(), "item", has_item, "Of some item (true), or of none (false).", staff_only=True)


class MediaViewSet(ReadViewSet):
    """Images, videos and documents of published items.

    Staff who may view media also see what belongs to no item, and all files of the kinds whose drafts they may see.
    """

    queryset = MediaAsset.objects.all()
    serializer_class = MediaSerializer
    filterset_class = MediaFilters

    def sees_unpublished(self) -> bool:
        return may_view(self.request.user, "mediaasset")

    def get_queryset(self) -> MediaAssetQuerySet:
        return MediaAsset.objects.visible_to(self.request.user).order_by("item", "position", "key", "id")

    def rows(self, queryset: Any) -> Rows:
        rows: Rows = queryset.values(*COLUMNS, "item__kind", "item__slug")
        return rows

    def row_json(self, row: Row, links: Links) -> Row:
        owner = {name: row.pop(f"item__{name}") for name in ("kind", "slug")}
        row["item"] = owner | {"url": links.item(owner)} if owner["slug"] else None
        row["url"] = links.image(row)
        return with_sizes(row, links)

    def retrieve(self, request: Request, pk: int) -> Any:
        """One file's record."""
        return self.one(request, pk=str(pk))
