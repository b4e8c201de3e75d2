"""Import runs: their list, the page of one, and the steps that lead from an upload to what landed, and back."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from catalog.admin.imports import steps
from catalog.admin.imports.buttons import receive, upload_page
from catalog.admin.imports.forms import UploadForm
from catalog.admin.imports.pages import page_context
from catalog.admin.imports.targets import TARGETS
from catalog.imports.life import runs
from catalog.models import ImportRun, ImportState
from catalog.template_workbook import template_workbook
from catalog.writers import xlsx
from marketplace.admin import ChoicesFilter, ReadOnlyModelAdmin, display

STATE_COLOURS = {
    "Done": "success", "Failed": "danger", "Cancelled": "warning", "Undone": "warning",
    "Waiting for its columns": "primary", "Waiting for confirmation": "primary",
}  # fmt: skip
RIGHTS = ("view", "add", "preview", "confirm", "undo")
Step = Callable[[HttpRequest, ImportRun], HttpResponseBase]


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyModelAdmin):
    """Every address of a run answers 404 to those who may not see it, whatever their rights."""

    sidebar_group = "Operations"
    sidebar_icon = "upload_file"
    change_list_template = "admin/catalog/importrun/change_list.html"
    list_display = (
        "file_name", "target_shown", "state_shown", "rows", "created", "changed", "unchanged", "rejected",
        "started_by", "started_at",
    )  # fmt: skip
    list_filter = (("state", ChoicesFilter),)
    list_select_related = ("started_by",)
    search_fields = ("file_name__istartswith",)
    search_help_text = "Start of a file name"
    ordering = ("-started_at", "-id")
    sortable_by = ("started_at",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ImportRun]":
        return runs.visible_to(request.user)

    def has_view_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        """Let in who may do anything with imports; which runs they see is `visible_to`'s to say."""
        return any(request.user.has_perm(f"catalog.{verb}_importrun") for verb in RIGHTS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("catalog.add_importrun")

    def get_urls(self) -> list[URLPattern]:
        made = [
            self._step("progress", "", steps.progress),
            self._step("columns", "preview", steps.columns),
            self._step("leave_out", "preview", steps.leave_out),
            self._step("leave_out_columns", "preview", steps.leave_out_columns),
            self._step("confirm", "confirm", steps.confirm),
            self._step("cancel", "add", steps.cancel),
            self._step("undo", "undo", steps.undo),
            self._step("rejected", "", steps.rejected),
            self._step("original", "", steps.original),
        ]
        template = path(
            "template/", self.admin_site.admin_view(self.template_view), name="catalog_importrun_template"
        )
        return [template, *made, *super().get_urls()]

    def _step(self, name: str, verb: str, step: Step) -> URLPattern:
        """Return the address of a step that takes a right; without a verb, those of the list's page suffice."""

        def view(request: HttpRequest, pk: int) -> HttpResponseBase:
            allowed = (
                request.user.has_perm(f"catalog.{verb}_importrun")
                if verb
                else self.has_view_permission(request)
            )
            if not allowed:
                raise PermissionDenied
            return step(request, self.find(request, pk))

        address = f"<int:pk>/{name.replace('_', '-')}/"
        made: URLPattern = path(address, self.admin_site.admin_view(view), name=f"catalog_importrun_{name}")
        return made

    def template_view(self, request: HttpRequest) -> HttpResponse:
        """Answer a workbook with our columns, and drop-downs for the words that they take."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        headers = {"Content-Disposition": 'attachment; filename="catalogue-template.xlsx"'}
        return HttpResponse(template_workbook(), content_type=xlsx.MEDIA_TYPE, headers=headers)

    def find(self, request: HttpRequest, key: Any) -> ImportRun:
        """Return the run; who may not see it hears that there is none."""
        run = self.get_object(request, str(key))
        if run is None:
            raise Http404
        return run  # type: ignore[no-any-return]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the form for a file of any kind; make a run of it when it is sent."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        sent = (request.POST, request.FILES) if request.method == "POST" else ()
        form = UploadForm(*sent, user=request.user)
        return (sent and receive(request, form)) or upload_page(request, self, form, [])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show where the run stands, and what can be done about it; the steps have addresses of their own."""
        if not self.has_view_permission(request) or request.method == "POST":
            raise PermissionDenied
        run = self.find(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": run.file_name,
            "opts": self.opts,
            "media": self.media,
            **page_context(request, run),
        }
        return TemplateResponse(request, "admin/catalog/importrun/page.html", context)

    @display(description="holds", ordering="target")
    def target_shown(self, run: ImportRun) -> str:
        return TARGETS.get(run.target, run.target)

    @display(description="state", ordering="state", label=STATE_COLOURS)
    def state_shown(self, run: ImportRun) -> str:
        return str(ImportState(run.state).label)
