"""Many files that arrive together: a folder, an archive, a part of the bucket, addresses, or dropped on a page."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from catalog.models import Item, MediaAsset


class BatchSource(models.TextChoices):
    FOLDER = "folder", "Folder"
    ARCHIVE = "archive", "ZIP archive"
    PREFIX = "prefix", "Part of the bucket"
    ADDRESSES = "addresses", "Addresses in a spreadsheet"
    DROPPED = "dropped", "Dropped on the page"


class BatchState(models.TextChoices):
    MATCHING = "matching", "Being matched"
    READY = "ready", "Waiting for confirmation"
    STORING = "storing", "Being stored"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class FileState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    STORED = "stored", "Stored"
    DUPLICATE = "duplicate", "There already"
    UNMATCHED = "unmatched", "Without an item"
    REFUSED = "refused", "Refused"


class MatchedBy(models.TextChoices):
    NOTHING = "", "Nothing"
    REFERENCE = "reference", "Reference"
    SLUG = "slug", "Slug"
    OLD_SLUG = "old_slug", "Former slug"
    COLUMN = "column", "The spreadsheet's column"
    HAND = "hand", "A person"


class MediaBatch(models.Model):
    """One arrival of many files. It goes on where it stopped: each file is told apart by its path."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    source = models.CharField(max_length=10, choices=BatchSource)
    name = models.CharField(max_length=1024, help_text="The folder, archive, prefix or spreadsheet.")
    state = models.CharField(max_length=10, choices=BatchState, default=BatchState.MATCHING)
    message = models.TextField(blank=True, help_text="What happened, in one sentence.")
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True, blank=True, help_text="Last sign of life.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "media import"
        default_permissions = ("view", "add")
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=BatchSource.values),
                name="%(app_label)s_%(class)s_source_known",
                violation_error_message="The source is not one that media can be imported from.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=BatchState.values),
                name="%(app_label)s_%(class)s_state_known",
                violation_error_message="The state is not one that a media import can have.",
            ),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="media_sync_batch_newest")]  # admin list

    def __str__(self) -> str:
        return self.name


class MediaBatchFile(models.Model):
    """One file of a batch: which item it belongs to, why, and what became of it."""

    batch = models.ForeignKey(MediaBatch, on_delete=models.CASCADE, related_name="files", db_index=False)
    path = models.CharField(max_length=1024, db_collation="C", help_text="Path, key or address.")
    item = models.ForeignKey(Item, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    matched_by = models.CharField(max_length=10, choices=MatchedBy, blank=True, default=MatchedBy.NOTHING)
    position = models.PositiveIntegerField(null=True, blank=True)
    size = models.BigIntegerField(default=0, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=FileState, default=FileState.WAITING)
    message = models.CharField(max_length=300, blank=True)
    asset = models.ForeignKey(MediaAsset, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        default_permissions = ()  # a batch's
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "path"],
                name="media_sync_batchfile_once",
                violation_error_message="This file is in the batch already.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=FileState.values),
                name="%(app_label)s_%(class)s_state_known",
                violation_error_message="The state is not one that a file of a media import can have.",
            ),
            models.CheckConstraint(
                condition=Q(matched_by__in=MatchedBy.values),
                name="%(app_label)s_%(class)s_match_known",
                violation_error_message="The match is not one of those that are made.",
            ),
        ]
        indexes = [models.Index(fields=["batch", "state", "id"], name="media_sync_batchfile_state")]

    def __str__(self) -> str:
        return self.path
