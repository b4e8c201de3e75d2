"""Files on their way from a client straight to the bucket."""

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from catalog.models import Item, MediaAsset


class UploadState(models.TextChoices):
    WAITING = "waiting", "Waiting for the file"
    CHECKING = "checking", "Being checked"
    DONE = "done", "Done"
    REFUSED = "refused", "Refused"
    EXPIRED = "expired", "Expired"


class UploadQuerySet(models.QuerySet["Upload"]):
    def of(self, user: Any) -> Self:
        """Narrow to this user's own: an upload is nobody else's to see or to complete."""
        return self.filter(owner=user)


UploadManager = models.Manager.from_queryset(UploadQuerySet)


class Upload(models.Model):
    """One file that a client was given an address for. Its asset exists once the content was checked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    position = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: behind the item's last.")
    file_name = models.CharField(max_length=255)
    size = models.BigIntegerField(help_text="Bytes, as announced.")
    content_type = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64, help_text="As announced.")
    key = models.CharField(
        max_length=200, unique=True, help_text="Where the file arrives; ours, not the client's."
    )
    multipart_id = models.CharField(max_length=1024, blank=True)
    part_size = models.BigIntegerField(default=0, help_text="Bytes of each part; 0: in one piece.")
    state = models.CharField(max_length=10, choices=UploadState, default=UploadState.WAITING)
    message = models.CharField(max_length=300, blank=True)
    asset = models.ForeignKey(MediaAsset, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = UploadManager()

    class Meta:
        default_permissions = ()  # whoever may add media uploads, and sees his own
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=UploadState.values),
                name="%(app_label)s_%(class)s_state_known",
                violation_error_message="The state is not one that an upload can have.",
            ),
            models.CheckConstraint(
                condition=Q(size__gt=0),
                name="%(app_label)s_%(class)s_size_positive",
                violation_error_message="An uploaded file has at least one byte.",
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"),
                name="%(app_label)s_%(class)s_sha256_is_hex",
                violation_error_message="A SHA-256 has 64 hexadecimal digits in lower case.",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="media_sync_upload_of_owner"),
            # what has expired
            models.Index(
                fields=["expires_at"],
                condition=Q(state__in=["waiting", "checking"]),
                name="media_sync_upload_open",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name
