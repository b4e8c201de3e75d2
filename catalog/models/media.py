"""Images, videos and documents: what the bucket holds, and which item it belongs to."""

from typing import Any, Self

from django.db import models
from django.db.models import Q

from catalog.models.history import tracked
from catalog.models.item import Item, Kind, kinds_seen
from catalog.models.rights import may_view


class MediaKind(models.TextChoices):
    IMAGE = "image", "Image"
    VIDEO = "video", "Video"
    DOCUMENT = "document", "Document"


class MediaState(models.TextChoices):
    PRESENT = "present", "Present"
    MISSING = "missing", "Missing"
    PENDING = "pending", "Pending"
    QUARANTINED = "quarantined", "Quarantined"


class MediaAssetQuerySet(models.QuerySet["MediaAsset"]):
    def present(self) -> Self:
        return self.filter(state=MediaState.PRESENT)

    def images(self) -> Self:
        return self.filter(kind=MediaKind.IMAGE)

    def visible_to(self, user: Any) -> Self:
        """Narrow to what this user may see: files that are there, of items that he may see.

        Staff who may view media also see what belongs to no item, and all states of the files of the kinds
        whose drafts they may see.
        """
        public = self.present().filter(item__in=Item.objects.visible_to(user))
        if not may_view(user, "mediaasset"):
            return public
        kinds = kinds_seen(user)
        if len(kinds) == len(Kind):
            return self
        return self.filter(Q(item=None) | Q(item__kind__in=kinds) | Q(pk__in=public.values("pk")))

    def in_order(self) -> Self:
        """Order as the item shows them: by position, then by key."""
        return self.order_by("position", "key", "id")


MediaAssetManager = models.Manager.from_queryset(MediaAssetQuerySet)


@tracked()
class MediaAsset(models.Model):
    """One object in the bucket. `key` is byte-exact; (etag, size, source_modified) tells a change."""

    # Collation "C" orders by bytes, as the bucket's listing does.
    key = models.CharField(max_length=1024, unique=True, db_collation="C")
    item = models.ForeignKey(Item, on_delete=models.SET_NULL, null=True, blank=True, related_name="media")
    position = models.PositiveIntegerField(default=0, help_text="The lowest is the cover.")
    kind = models.CharField(max_length=10, choices=MediaKind, default=MediaKind.IMAGE)
    content_type = models.CharField(max_length=100, blank=True)
    size = models.BigIntegerField(default=0, help_text="Bytes.")
    etag = models.CharField(max_length=100, blank=True, help_text="A change token, not a checksum.")
    sha256 = models.CharField(max_length=64, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    alt_text = models.CharField(max_length=300, blank=True)
    caption = models.CharField(max_length=500, blank=True)
    focal_x = models.FloatField(default=0.5, help_text="0 is the left edge, 1 the right.")
    focal_y = models.FloatField(default=0.5, help_text="0 is the upper edge, 1 the lower.")
    state = models.CharField(max_length=12, choices=MediaState, default=MediaState.PRESENT)
    source_modified = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MediaAssetManager()

    class Meta:
        verbose_name = "media asset"
        constraints = [
            models.CheckConstraint(
                condition=~Q(key=""),
                name="%(app_label)s_%(class)s_key_given",
                violation_error_message="A media asset needs an object key.",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=MediaKind.values),
                name="%(app_label)s_%(class)s_kind_known",
                violation_error_message="A media asset is an image, a video or a document.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=MediaState.values),
                name="%(app_label)s_%(class)s_state_known",
                violation_error_message="The state must be present, missing, pending or quarantined.",
            ),
            models.CheckConstraint(
                condition=Q(focal_x__range=(0, 1), focal_y__range=(0, 1)),
                name="%(app_label)s_%(class)s_focal_point_inside",
                violation_error_message="The focal point must lie inside the picture.",
            ),
            models.CheckConstraint(
                condition=Q(size__gte=0),
                name="%(app_label)s_%(class)s_size_not_negative",
                violation_error_message="A size cannot be negative.",
            ),
        ]
        indexes = [
            # an item's images in order; the cover of each item of a list
            models.Index(fields=["item", "position", "key"], name="catalog_media_of_item"),
            # the staff's list of what belongs to no item
            models.Index(fields=["id"], condition=Q(item=None), name="catalog_media_unassigned"),
            # what is missing, pending or in quarantine
            models.Index(
                fields=["state", "id"], condition=~Q(state="present"), name="catalog_media_not_present"
            ),
        ]

    def __str__(self) -> str:
        return self.key
