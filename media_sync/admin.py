"""What the passes over the bucket did."""

from django.contrib import admin

from marketplace.admin import ChoicesFilter, ReadOnlyModelAdmin, display
from media_sync.models import SyncRun, SyncState

STATE_COLOURS = {"Done": "success", "Running": "info", "Failed": "danger"}


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyModelAdmin):
    sidebar_group = "Operations"
    sidebar_icon = "cloud_sync"
    list_display = (
        "bucket", "prefix", "state_shown", "dry_run", "listed", "created", "changed", "missing", "unassigned",
        "started_at",
    )  # fmt: skip
    list_filter = (("state", ChoicesFilter),)
    ordering = ("-started_at", "-id")
    sortable_by = ("started_at",)
    fieldsets = (
        (None, {"fields": (("bucket", "prefix"), ("state_shown", "dry_run"), "message")}),
        ("Objects", {"fields": (
            ("listed", "unchanged"), ("created", "changed"), ("missing", "returned"), ("unassigned", "ignored"),
        )}),
        ("Run", {"fields": (("started_at", "finished_at"),)}),
    )  # fmt: skip

    @display(description="state", ordering="state", label=STATE_COLOURS)
    def state_shown(self, run: SyncRun) -> str:
        return str(SyncState(run.state).label)
