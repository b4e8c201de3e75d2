"""Imports of many media files: their list, the page of one, and the page that files are dropped on."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from accounts.models import User
from catalog.admin.thumbnails import NO_PICTURE, thumbnail
from catalog.models import Item, kinds_seen, kinds_with
from marketplace.admin import ChoicesFilter, ReadOnlyModelAdmin, display
from media_sync.admin import drops
from media_sync.arrivals import dropping
from media_sync.arrivals.dropping import AssignRefused
from media_sync.arrivals.likely import likely
from media_sync.models import BatchState, FileState, MediaBatch, MediaBatchFile

ADD = ("media_sync.add_mediabatch", "catalog.add_mediaasset")
STATE_COLOURS = {
    "Done": "success",
    "Failed": "danger",
    "Cancelled": "warning",
    "Being stored": "info",
    "Being matched": "info",
}
WORKING = (BatchState.MATCHING, BatchState.STORING)
SILENT_AFTER = timedelta(minutes=10)  # one file may take minutes
FILES_AT_ONCE, UNMATCHED_AT_ONCE = 100, 10


@admin.register(MediaBatch)
class MediaBatchAdmin(ReadOnlyModelAdmin):
    sidebar_group = "Operations"
    sidebar_icon = "add_photo_alternate"
    change_list_template = "admin/media_sync/mediabatch/change_list.html"
    list_display = ("name", "source", "state_shown", "owner", "created_at")
    list_filter = (("state", ChoicesFilter), ("source", ChoicesFilter))
    list_select_related = ("owner",)
    search_fields = ("name__istartswith",)
    search_help_text = "Start of a folder's or file's name"
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return all(request.user.has_perm(right) for right in ADD)

    def get_urls(self) -> list[URLPattern]:
        steps: list[tuple[str, str, Callable[..., HttpResponseBase]]] = [
            ("progress", "", self.progress),
            ("send", "send/", drops.send),
            ("announce", "announce/", drops.announce),
            ("content", "<int:file>/content/", drops.content),
            ("complete", "<int:file>/complete/", drops.complete),
            ("finish", "finish/", drops.finish),
            ("assign", "<int:file>/assign/", self.assign),
        ]
        return [*(self._step(*each) for each in steps), *super().get_urls()]

    def _step(self, name: str, rest: str, step: Callable[..., HttpResponseBase]) -> URLPattern:
        """Return the address of a step: of reading for who may view, all others for who may bring files."""

        def view(request: HttpRequest, pk: int, **more: int) -> HttpResponseBase:
            allowed = self.has_add_permission(request) if rest else self.has_view_permission(request)
            if not allowed:
                raise PermissionDenied
            batch = MediaBatch.objects.filter(pk=pk).first()
            if batch is None:
                raise Http404
            return step(request, batch, **more)

        address = f"<int:pk>/{rest or name + '/'}"
        made: URLPattern = path(
            address, self.admin_site.admin_view(view), name=f"media_sync_mediabatch_{name}"
        )
        return made

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the page that files are dropped on; without a script, a plain form brings them."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST" and (request.FILES or "begin" in request.POST):
            return self._begun(request)
        if request.method == "POST":
            messages.error(request, "Choose files first.")
        return self._page(request, "add.html", {"title": "Bring many files"})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show how far a batch is, its files, and what could be the items of those that have none."""
        if not self.has_view_permission(request) or request.method == "POST":
            raise PermissionDenied
        batch = self.get_object(request, object_id)
        if batch is None:
            return HttpResponseRedirect(reverse("admin:media_sync_mediabatch_changelist"))
        context = {"title": batch.name, **self._told(request, batch)}
        return self._page(request, "page.html", context)

    def progress(self, request: HttpRequest, batch: MediaBatch) -> HttpResponse:
        """Answer the part of the page that tells how far it is."""
        return self._page(request, "progress.html", self._told(request, batch))

    def assign(self, request: HttpRequest, batch: MediaBatch, file: int) -> HttpResponse:
        """Give a file to an item, and go back to the page."""
        row = batch.files.select_related("batch").filter(pk=file).first()
        number = request.POST.get("item", "")
        known = Item.objects.visible_to(request.user)
        item = known.filter(pk=int(number[:18])).first() if number.isascii() and number.isdecimal() else None
        if row is None or item is None:
            messages.error(request, "The file or the item is not there any more.")
        else:
            try:
                dropping.assign(row, item, by=cast(User, request.user))
                messages.success(
                    request,
                    f"{row.path} belongs to {item} now." if row.state == FileState.STORED else row.message,
                )
            except AssignRefused as refusal:
                messages.error(request, str(refusal))
        return HttpResponseRedirect(
            f"{reverse('admin:media_sync_mediabatch_change', args=[batch.pk])}#unmatched"
        )

    @display(description="state", ordering="state", label=STATE_COLOURS)
    def state_shown(self, batch: MediaBatch) -> str:
        return str(BatchState(batch.state).label)

    def _begun(self, request: HttpRequest) -> HttpResponse:
        batch = dropping.begin(cast(User, request.user), f"Dropped {timezone.now():%Y-%m-%d %H:%M}")
        if "begin" in request.POST:
            return JsonResponse(drops.addresses(batch), status=HTTPStatus.CREATED)
        return drops.send(request, batch)

    def _told(self, request: HttpRequest, batch: MediaBatch) -> dict[str, Any]:
        dropping.settle(batch)
        counts = dict(batch.files.values_list("state").annotate(files=Count("pk")).order_by())
        state = str(BatchState(batch.state).label)
        files = _files(request, batch)
        return {
            "batch": batch,
            "counts": [(str(each.label), counts.get(each, 0)) for each in FileState],
            "total": sum(counts.values()),
            "done": sum(counts.values()) - counts.get(FileState.WAITING, 0),
            "state_label": state,
            "state_colour": STATE_COLOURS.get(state, "warning"),
            "is_working": batch.state in WORKING and not _is_silent(batch),
            "is_silent": batch.state in WORKING and _is_silent(batch),
            "files": files,
            "shown_state": request.GET.get("state", ""),
            "unmatched": self._unmatched(request, batch),
            "kinds_seen": kinds_seen(request.user),
            "may_add": self.has_add_permission(request),
        }

    def _unmatched(self, request: HttpRequest, batch: MediaBatch) -> list[dict[str, Any]]:
        """Return the first files without an item that are stored, each with likely items that the person may change."""
        if not self.has_add_permission(request):
            return []
        loose = batch.files.filter(state=FileState.UNMATCHED, asset__item=None).exclude(asset=None)
        rows = list(loose.select_related("asset").order_by("pk")[:UNMATCHED_AT_ONCE])
        found = likely([(row.pk, row.path) for row in rows], kinds_with(request.user, "change"))
        sees = request.user.has_perm("catalog.view_mediaasset")
        return [
            {
                "file": row,
                "likely": found.get(row.pk, []),
                "picture": thumbnail(row.asset, "") if sees and row.asset else NO_PICTURE,
            }
            for row in rows
        ]

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        common = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media}
        return TemplateResponse(request, f"admin/media_sync/mediabatch/{template}", {**common, **context})


def _is_silent(batch: MediaBatch) -> bool:
    """Return whether whoever brings the files has given no sign of life for long: it was killed, or left."""
    return batch.seen_at is None or batch.seen_at < timezone.now() - SILENT_AFTER


def _files(request: HttpRequest, batch: MediaBatch) -> Any:
    """Return one page of the batch's files, those that need a person first."""
    rows: QuerySet[MediaBatchFile] = batch.files.select_related("item", "asset").order_by("pk")
    state = request.GET.get("state", "")
    if state in FileState.values:
        rows = rows.filter(state=state)
    return Paginator(rows, FILES_AT_ONCE).get_page(request.GET.get("page"))
