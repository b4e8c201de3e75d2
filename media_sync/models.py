"""What a sync of the bucket did."""

from django.db import models


class SyncState(models.TextChoices):
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class SyncRun(models.Model):
    """One pass over the bucket's listing."""

    bucket = models.CharField(max_length=255)
    prefix = models.CharField(max_length=1024, blank=True)
    dry_run = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=SyncState, default=SyncState.RUNNING)
    message = models.TextField(blank=True, help_text="Why the run failed, in one sentence.")
    listed = models.IntegerField(default=0)
    created = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    returned = models.IntegerField(default=0)
    missing = models.IntegerField(default=0)
    unchanged = models.IntegerField(default=0)
    assigned = models.IntegerField(default=0, help_text="Assets that got their item.")
    unassigned = models.IntegerField(default=0)
    ignored = models.IntegerField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="media_sync_syncrun_newest")
        ]  # admin list

    def __str__(self) -> str:
        return f"{self.bucket} ({self.started_at:%Y-%m-%d %H:%M})"
