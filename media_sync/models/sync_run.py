"""What a sync of the bucket did, or is doing."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class SyncState(models.TextChoices):
    RUNNING = "running", "Running"
    PLANNED = "planned", "Planned"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class SyncRun(models.Model):
    """One pass over the bucket's listing. Counts are of objects; `missing` is of assets."""

    bucket = models.CharField(max_length=255)
    endpoint = models.CharField(
        max_length=255, blank=True, help_text="The server's address; empty: Amazon's."
    )
    prefix = models.CharField(max_length=1024, blank=True)
    dry_run = models.BooleanField(default=False)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=10, choices=SyncState, default=SyncState.RUNNING)
    phase = models.CharField(max_length=20, blank=True, help_text="What it does just now.")
    message = models.TextField(blank=True, help_text="Why the run failed or refused, in one sentence.")
    log = models.TextField(blank=True, help_text="What happened, a line each.")
    # where each part of the listing stands, so that a run goes on where a killed or failed one stopped
    shards = models.JSONField(default=list, blank=True)
    listed = models.IntegerField(default=0)
    created = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    moved = models.IntegerField(default=0)
    returned = models.IntegerField(default=0)
    missing = models.IntegerField(default=0)
    unchanged = models.IntegerField(default=0)
    assigned = models.IntegerField(default=0, help_text="Assets that got their item.")
    unassigned = models.IntegerField(default=0)
    duplicates = models.IntegerField(
        default=0, help_text="Objects whose content stands under another key too."
    )
    collisions = models.IntegerField(
        default=0, help_text="Keys that differ in letter case or Unicode form only."
    )
    absent = models.IntegerField(default=0, help_text="Records whose object is missing, after the run.")
    unrecorded = models.IntegerField(default=0, help_text="Objects without a record, after the run.")
    ambiguous = models.IntegerField(default=0, help_text="Possible moves that were not unique.")
    ignored = models.IntegerField(default=0)
    deleted = models.IntegerField(
        null=True, blank=True, help_text="Objects deleted for good; empty: the run was a sync and no purge."
    )
    seconds = models.FloatField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True, blank=True, help_text="Last sign of life.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=SyncState.values),
                name="%(app_label)s_%(class)s_state_known",
                violation_error_message="The state is not one that a sync can have.",
            )
        ]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="media_sync_syncrun_newest")
        ]  # admin list

    def __str__(self) -> str:
        return f"{self.bucket} ({self.started_at:%Y-%m-%d %H:%M})"
