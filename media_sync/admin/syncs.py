"""What the passes over the bucket did, and how far the one is that runs."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.timesince import timesince
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from marketplace.admin import ChoicesFilter, ReadOnlyModelAdmin, action, display
from media_sync import tasks
from media_sync.models import SyncRun, SyncState

STATE_COLOURS = {"Done": "success", "Running": "info", "Failed": "danger", "Planned": "primary"}
SILENT_SECONDS = 60  # a run that was not heard of for so long was perhaps killed; the next one finds out

# Counts of a run, what they are called, and which list of media shows what is meant.
COUNTS = (
    ("listed", "Objects listed", None),
    ("unchanged", "Unchanged", None),
    ("created", "New", None),
    ("changed", "Changed", None),
    ("moved", "Moved", None),
    ("returned", "Returned", None),
    ("missing", "Went missing", {"state__exact": "missing"}),
    ("assigned", "Got their item", None),
    ("absent", "Records without an object", {"state__exact": "missing"}),
    ("unrecorded", "Objects without a record", None),
    ("unassigned", "Belong to no item", {"assigned": "no", "state__exact": "present"}),
    ("duplicates", "Content there more than once", {"content": "twice", "state__exact": "present"}),
    ("collisions", "Keys that look alike", None),
    ("ambiguous", "Moves not told apart", None),
    ("ignored", "Passed over", None),
)


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyModelAdmin):
    """The page of a run shows its progress; it and the list ask for themselves anew while one runs."""

    sidebar_group = "Operations"
    sidebar_icon = "cloud_sync"
    list_before_template = "admin/media_sync/syncrun/again.html"
    change_form_outer_before_template = "admin/media_sync/syncrun/progress.html"
    list_display = (
        "bucket", "prefix", "what_shown", "state_shown", "listed", "created", "changed", "moved", "missing", "unassigned",
        "started_by", "started_at",
    )  # fmt: skip
    list_select_related = ("started_by",)
    list_filter = (("state", ChoicesFilter),)
    ordering = ("-started_at", "-id")
    sortable_by = ("started_at",)
    actions_list = ("sync_now",)
    fieldsets = (
        (None, {"fields": (("bucket", "endpoint"), ("prefix", "dry_run"), ("started_by", "started_at"))}),
    )

    @display(description="state", ordering="state", label=STATE_COLOURS)
    def state_shown(self, run: SyncRun) -> str:
        return str(SyncState(run.state).label)

    @display(description="what")
    def what_shown(self, run: SyncRun) -> str:
        what = "Sync" if run.deleted is None else "Deleting for good"
        return f"{what} (rehearsal)" if run.dry_run else what

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context: dict[str, Any] = {**(extra_context or {}), "is_syncing": is_syncing()}
        return super().changelist_view(request, context)

    def has_sync_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("media_sync.add_syncrun"))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        run = context.get("original")
        context["sync"] = progress(run) if run else {}
        answer: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return answer

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
                tasks.sync_now.defer(started_by=request.user.pk)
            messages.success(request, "The sync is enqueued; its run appears here when the worker takes it.")
        except AlreadyEnqueued:
            messages.info(request, "A sync waits for the worker already.")
        # The dialog was posted by htmx, which goes where this header says.
        return HttpResponse(headers={"HX-Redirect": reverse("admin:media_sync_syncrun_changelist")})


def is_syncing() -> bool:
    """Whether a run was heard of lately, or waits for the worker."""
    heard_of = timezone.now() - timedelta(seconds=SILENT_SECONDS)
    return (
        SyncRun.objects.filter(state=SyncState.RUNNING, seen_at__gt=heard_of).exists()
        or ProcrastinateJob.objects.filter(
            task_name=tasks.sync_now.name, status__in=("todo", "doing")
        ).exists()
    )


def progress(run: SyncRun) -> dict[str, Any]:
    """Return what the page says of the run: where it stands, its counts with links to what is meant, its log."""
    label = str(SyncState(run.state).label)
    return {
        "state": label,
        "colour": STATE_COLOURS[label],
        "is_running": run.state == SyncState.RUNNING,
        "sentence": _sentence(run),
        "facts": list(_facts(run)),
        "log": run.log.splitlines(),
    }


def _sentence(run: SyncRun) -> str:
    if run.state != SyncState.RUNNING:
        rehearsed = " Nothing was written: it was a rehearsal." if run.dry_run else ""
        return f"It took {run.seconds:,.1f} seconds.{rehearsed}"
    silent = (timezone.now() - (run.seen_at or run.started_at)).total_seconds()
    if silent > SILENT_SECONDS:
        return f"Not heard of for {timesince(run.seen_at or run.started_at)}; if it was killed, the next one goes on."
    so_far = f"{run.listed:,} objects listed" if run.deleted is None else f"{run.deleted:,} objects deleted"
    return f"{run.phase or 'It begins'}: {so_far} so far."


def _facts(run: SyncRun) -> Iterator[tuple[str, str, str]]:
    if run.deleted is not None:
        yield (
            "Objects to delete for good" if run.dry_run else "Objects deleted for good"
        ), f"{run.deleted:,}", ""
        return
    media = reverse("admin:catalog_mediaasset_changelist")
    under = {"q": run.prefix} if run.prefix else {}
    for name, title, narrowed in COUNTS:
        count = getattr(run, name)
        link = f"{media}?{urlencode(narrowed | under)}" if narrowed and count else ""
        yield title, f"{count:,}", link
