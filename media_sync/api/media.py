"""`/v1/media/`: what the bucket holds for the items that the caller may see."""

from typing import Any

from django.db.models import Case, F, Q, When
from rest_framework import serializers
from rest_framework.request import Request

from catalog.api import etags
from catalog.api.filtering import ParameterFilterSet, Where, matches
from catalog.api.links import item_address
from catalog.api.pictures import PICTURE, RENDITIONS
from catalog.api.serializers import PictureSerializer, RenditionSerializer
from catalog.api.shapes.expressions import Expressions, JsonObject, columns
from catalog.api.shapes.given import Reader, Values
from catalog.api.views import ReadViewSet
from catalog.models import Kind, MediaAsset, MediaAssetQuerySet, MediaKind, MediaState, Processing, may_view
from marketplace.parameters import Choice, Flag, ListOf, Word

Shape = serializers.Serializer[Any]


class MediaItemSerializer(Shape):
    kind = serializers.ChoiceField(choices=Kind.choices)
    slug = serializers.SlugField()
    url = serializers.URLField(help_text="The item's detail.")


class MediaSerializer(PictureSerializer):
    is_sparse = True
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


OWNER = JsonObject({"kind": F("item__kind"), "slug": F("item__slug"), "url": item_address("item__")})
MEDIA: Expressions = {
    **PICTURE,
    **columns(MediaAsset, "key"),
    "item": Case(When(item__isnull=False, then=OWNER)),
    **columns(
        MediaAsset, "kind", "content_type", "size", "width", "height", "alt_text", "caption", "position", "state",
        "processing", "refusal", "created_at", "updated_at",
    ),
    "renditions": RENDITIONS,
}  # fmt: skip


# Fields of a file that no parameter narrows by, each with its reason.
LEFT_OUT = {
    "id": "the address of the detail",
    "key": "the item's files are asked for by item; keys are the bucket's business",
    **dict.fromkeys(("content_type", "size", "width", "height", "frames", "has_alpha"), "for display"),
    **dict.fromkeys(("alt_text", "caption", "position", "focal_x", "focal_y"), "for display"),
    **dict.fromkeys(("thumbhash", "colour", "renditions", "rendered_as"), "for display"),
    **dict.fromkeys(
        ("etag", "sha256", "dhash", "exif", "original_name"), "not told: of the object, not the picture"
    ),
    **dict.fromkeys(
        ("refusal", "state_since", "source_modified"), "for staff, who narrow by state and processing"
    ),
    **dict.fromkeys(("created_at", "updated_at"), "for display"),
}


def has_item(value: bool) -> Q:  # noqa: FBT001  (a condition takes its parameter's value)
    return Q(item__isnull=not value)


class MediaFilters(ParameterFilterSet):
    item = Where(ListOf(Word()), "item", matches("item__slug__one_of"), "Of any of these items (slugs).")
    kind = Where(
        ListOf(Choice(tuple(MediaKind.values))), "kind", matches("kind__one_of"), "Any of these kinds."
    )
    state = Where(
        ListOf(Choice(tuple(MediaState.values))),
        "state",
        matches("state__one_of"),
        "Any of these.",
        staff_only=True,
    )
    processing = Where(
        ListOf(Choice(tuple(Processing.values))),
        "processing",
        matches("processing__one_of"),
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

    @classmethod
    def tag(cls, reader: Reader) -> Any:
        return etags.row_etag(etags.RowVersion(F("item__slug")))

    def sees_unpublished(self) -> bool:
        return may_view(self.request.user, "mediaasset")

    @classmethod
    def visible(cls, reader: Reader) -> MediaAssetQuerySet:
        return MediaAsset.objects.visible_to(reader).order_by("item", "position", "key", "id")

    @classmethod
    def every_field(cls, reader: Reader, values: Values) -> Expressions:
        return MEDIA

    def retrieve(self, request: Request, pk: int) -> Any:
        """One file's record."""
        return self.one(request, pk=pk)
