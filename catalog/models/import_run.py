"""What an import did: its counts, and every row that it refused."""

from django.conf import settings
from django.db import models


class ImportState(models.TextChoices):
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class ImportRun(models.Model):
    """One file read by one person or command."""

    target = models.CharField(max_length=20, help_text="vehicle, memorabilia, tool or production.")
    file_name = models.CharField(max_length=255)
    file_sha256 = models.CharField(max_length=64, blank=True)
    options = models.JSONField(default=dict, blank=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.RUNNING)
    message = models.TextField(blank=True, help_text="Why the run failed, in one sentence.")
    rows = models.IntegerField(default=0)
    created = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    unchanged = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-started_at", "-id"], name="catalog_importrun_newest")]  # admin list

    def __str__(self) -> str:
        return f"{self.file_name} ({self.started_at:%Y-%m-%d %H:%M})"


class ImportIssue(models.Model):
    """One fault of one row of a run."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="issues")
    line = models.IntegerField(help_text="Line of the file, the header being 1.")
    column = models.CharField(max_length=100, blank=True)
    value = models.TextField(blank=True)
    message = models.TextField()

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.message}"
