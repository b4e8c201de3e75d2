"""`/v1/media/`: what the bucket holds for the items that the caller may see."""

from http import HTTPStatus
from typing import Any

from django.db.models import Q
from django.http import HttpResponse, HttpResponseRedirect
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from catalog.api.filtering import ParameterFilterSet, Where, matches
from catalog.api.projections import Links, Row, Rows
from catalog.api.views import ReadViewSet
from catalog.models import Kind, MediaAsset, MediaAssetQuerySet, MediaKind, MediaState, may_view
from marketplace.parameters import Choice, Flag, ListOf, Word
from marketplace.problems import NOT_FOUND, problem, refuse_unknown_parameters
from media_sync import storage
from media_sync.errors import BucketUnavailable

REDIRECT_SECONDS = 5 * 60  # how long a client may keep a redirect; the address in it works longer
COLUMNS = (
    "id", "key", "kind", "content_type", "size", "width", "height", "alt_text", "caption", "position", "state",
    "created_at", "updated_at",
)  # fmt: skip
NO_BUCKET = "Files cannot be read just now; try again later."

Shape = serializers.Serializer[Any]


class MediaItemSerializer(Shape):
    kind = serializers.ChoiceField(choices=Kind.choices)
    slug = serializers.SlugField()
    url = serializers.URLField(help_text="The item's detail.")


class MediaSerializer(Shape):
    id = serializers.IntegerField()
    url = serializers.URLField(help_text="Redirects to a short-lived address of the file.")
    key = serializers.CharField(help_text="The name of the object in the bucket.")
    item = MediaItemSerializer(allow_null=True, help_text="null: it belongs to no item (staff only).")
    kind = serializers.ChoiceField(choices=MediaKind.choices)
    content_type = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField(help_text="Bytes.")
    width = serializers.IntegerField(allow_null=True, help_text="Pixels.")
    height = serializers.IntegerField(allow_null=True, help_text="Pixels.")
    alt_text = serializers.CharField(allow_blank=True)
    caption = serializers.CharField(allow_blank=True)
    position = serializers.IntegerField(help_text="The lowest is the cover.")
    state = serializers.ChoiceField(choices=MediaState.choices)
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
        return row

    def retrieve(self, request: Request, pk: int) -> Any:
        """One file's record."""
        return self.one(request, pk=str(pk))

    @extend_schema(
        responses={
            302: OpenApiResponse(description="Location has an address of the file, for a quarter of an hour.")
        }
    )
    def file(self, request: Request, pk: int) -> HttpResponse:
        """The file itself: a redirect to the bucket."""
        refuse_unknown_parameters(request)
        asset = self.get_queryset().present().filter(pk=pk).order_by().first()
        if asset is None:
            raise NotFound(NOT_FOUND)
        try:
            response = HttpResponseRedirect(file_url(asset))
        except BucketUnavailable:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, NO_BUCKET)
        response["Cache-Control"] = f"private, max-age={REDIRECT_SECONDS}"
        return response


def file_url(asset: MediaAsset) -> str:
    """Return a short-lived address of the file.

    It is served as what our records call it, whatever the uploader called it, so that a page named .jpg
    does not run; what a browser need not show is offered for download.
    """
    headers = {"ResponseContentType": asset.content_type or "application/octet-stream"}
    if asset.kind == MediaKind.DOCUMENT:
        headers["ResponseContentDisposition"] = "attachment"
    return storage.signed_url(asset.key, headers)
