"""Images, videos and documents: what the bucket holds, and which item it belongs to."""

from typing import Any, Self

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models.choices import Kind
from catalog.models.history import tracked
from catalog.models.item import Item, kinds_seen
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


class Processing(models.TextChoices):
    """How far the worker has come with an object's content."""

    WAITING = "waiting", "To be read"
    RENDERING = "rendering", "Renditions to be made"
    READY = "ready", "Ready"
    REFUSED = "refused", "Refused"


class MediaAssetQuerySet(models.QuerySet["MediaAsset"]):
    def present(self) -> Self:
        return self.filter(state=MediaState.PRESENT)

    def publishable(self) -> Self:
        """Narrow to what may be shown to everybody if its item may: it is there, and its content was not refused."""
        return self.present().exclude(processing=Processing.REFUSED)

    def images(self) -> Self:
        return self.filter(kind=MediaKind.IMAGE)

    def visible_to(self, user: Any) -> Self:
        """Narrow to what this user may see: files that are there, of items that he may see.

        Staff who may view media also see what belongs to no item, and all states of the files of the kinds
        whose drafts they may see.
        """
        public = self.publishable().filter(item__in=Item.objects.visible_to(user))
        if not may_view(user, "mediaasset"):
            return public
        kinds = kinds_seen(user)
        if len(kinds) == len(Kind):
            return self
        return self.filter(Q(item=None) | Q(item__kind__in=kinds) | Q(pk__in=public.values("pk")))

    def repeated(self) -> "models.QuerySet[MediaAsset, str]":
        """Return the checksums that several files which are there have."""
        found = self.present().exclude(sha256="").values("sha256").annotate(copies=models.Count("pk"))
        return found.filter(copies__gt=1).values_list("sha256", flat=True)

    def in_order(self) -> Self:
        """Order as the item shows them: by position, then by key, which is unique; an index has them so."""
        return self.order_by("position", "key")


def rendition_name(rendition: dict[str, Any]) -> str:
    """Return the file name of one of an asset's renditions, such as full-640.webp or 4x3-640.avif."""
    shape = rendition["ratio"].replace(":", "x") or "full"
    return f"{shape}-{rendition['width']}.{rendition['format']}"


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
    state_since = models.DateTimeField(db_default=Now(), editable=False)  # kept by trigger
    source_modified = models.DateTimeField(null=True, blank=True)
    original_name = models.CharField(
        max_length=255, blank=True, help_text="What the uploader called the file."
    )
    processing = models.CharField(max_length=10, choices=Processing, default=Processing.WAITING)
    refusal = models.CharField(
        max_length=300, blank=True, help_text="Why the content was refused, in one sentence."
    )
    frames = models.PositiveIntegerField(default=1, help_text="More than 1: it is animated.")
    has_alpha = models.BooleanField("transparency", default=False)
    dhash = models.BigIntegerField(
        "perceptual hash",
        null=True,
        blank=True,
        help_text="64 bits; few differ between pictures that look alike.",
    )
    thumbhash = models.CharField(
        max_length=60, blank=True, help_text="A ThumbHash in base64: what to show until the picture has come."
    )
    colour = models.CharField("dominant colour", max_length=7, blank=True, help_text="Such as #7f1d1d.")
    exif = models.JSONField(
        "camera's notes", default=dict, blank=True, help_text="Camera, lens, time; no place."
    )
    renditions = models.JSONField(
        default=list,
        blank=True,
        help_text="Sizes that were made: ratio, format, width, height, size in bytes.",
    )
    rendered_as = models.CharField(
        max_length=120, blank=True, help_text="The folder of the renditions in the bucket."
    )
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
            models.CheckConstraint(
                condition=Q(processing__in=Processing.values),
                name="%(app_label)s_%(class)s_processing_known",
                violation_error_message="The processing must be waiting, rendering, ready or refused.",
            ),
            models.CheckConstraint(
                condition=Q(processing=Processing.REFUSED) ^ Q(refusal=""),
                name="%(app_label)s_%(class)s_refusal_told",
                violation_error_message="A media asset has a refusal's sentence if, and only if, it was refused.",
            ),
            models.CheckConstraint(
                condition=Q(colour="") | Q(colour__regex=r"^#[0-9a-f]{6}$"),
                name="%(app_label)s_%(class)s_colour_is_hex",
                violation_error_message="A colour is given like #7f1d1d.",
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
            # what the worker has to do
            models.Index(
                fields=["processing", "id"],
                condition=Q(processing__in=["waiting", "rendering"], state="present"),
                name="catalog_media_to_process",
            ),
            # ?kind=; most are images, which no index could find faster
            models.Index(fields=["kind", "id"], condition=~Q(kind="image"), name="catalog_media_not_image"),
            # ?processing= for staff: what was refused, above all
            models.Index(
                fields=["processing", "id"], condition=~Q(processing="ready"), name="catalog_media_not_ready"
            ),
            # the same content under several keys
            models.Index(fields=["sha256"], condition=~Q(sha256=""), name="catalog_media_sha256"),
        ]
        triggers = [
            # Whichever door changes a state or a focal point: since when, and that the renditions are to be made again.
            pgtrigger.Trigger(
                name="follow",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.AnyChange("state", "focal_x", "focal_y"),
                func=(
                    "IF NEW.state <> OLD.state THEN NEW.state_since := now(); END IF;"
                    " IF (NEW.focal_x, NEW.focal_y) IS DISTINCT FROM (OLD.focal_x, OLD.focal_y)"
                    " AND NEW.kind = 'image' AND NEW.processing = 'ready'"
                    " THEN NEW.processing := 'rendering'; END IF; RETURN NEW;"
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.key
