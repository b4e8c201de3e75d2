"""What the passes over the bucket did."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from procrastinate.exceptions import AlreadyEnqueued

from marketplace.admin import ChoicesFilter, ReadOnlyModelAdmin, action, display
from media_sync import tasks
from media_sync.models import SyncRun, SyncState

STATE_COLOURS = {"Done": "success", "Running": "info", "Failed": "danger"}


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyModelAdmin):
    sidebar_group = "Operations"
    sidebar_icon = "cloud_sync"
    list_display = (
        "bucket", "prefix", "state_shown", "listed", "created", "changed", "missing", "unassigned",
        "started_at",
    )  # fmt: skip
    list_filter = (("state", ChoicesFilter),)
    ordering = ("-started_at", "-id")
    sortable_by = ("started_at",)
    actions_list = ("sync_now",)
    fieldsets = (
        (None, {"fields": (("bucket", "prefix"), "state_shown", "message")}),
        ("Objects", {"fields": (
            ("listed", "unchanged"), ("created", "changed"), ("missing", "returned"), ("assigned", "unassigned"), "ignored",
        )}),
        ("Run", {"fields": (("started_at", "finished_at"),)}),
    )  # fmt: skip

    @display(description="state", ordering="state", label=STATE_COLOURS)
    def state_shown(self, run: SyncRun) -> str:
        return str(SyncState(run.state).label)

    def has_sync_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("media_sync.add_syncrun"))

    @action(
        description="Sync now",
        icon="sync",
        permissions=["sync"],  # by method: a named permission makes Django's checks query the database
        dialog={
            "title": "Sync the bucket now?",
            "description": "The worker reads the whole listing and brings the catalogue in line with it.",
            "form_submit_text": "Sync now",
        },
    )
    def sync_now(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Enqueue the sync that also runs every night."""
        try:
            with transaction.atomic():  # the refusal of a second job undoes no more than itself
                tasks.sync_now.defer()
            messages.success(request, "The sync is enqueued; its run appears here when the worker takes it.")
        except AlreadyEnqueued:
            messages.info(request, "A sync waits for the worker already.")
        # The dialog was posted by htmx, which goes where this header says.
        return HttpResponse(headers={"HX-Redirect": reverse("admin:media_sync_syncrun_changelist")})
