"""What imports did: counts, and the rows that were refused."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from catalog.models import ImportIssue, ImportRun, ImportState
from marketplace.admin import ChoicesFilter, ReadOnlyModelAdmin, TabularInline, display

STATE_COLOURS = {"Done": "success", "Running": "info", "Failed": "danger"}
VALUE_SHOWN = 200  # characters; a cell may hold a whole document


class IssuesOfRun(TabularInline):
    model = ImportIssue
    verbose_name_plural = "refused cells"
    fields = readonly_fields = ("line", "column", "value_shown", "message")
    per_page = 50
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return request.user.has_perm("catalog.view_importrun")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ImportIssue]":
        return super().get_queryset(request).order_by("line", "id")

    @display(description="value")
    def value_shown(self, issue: ImportIssue) -> str:
        return issue.value if len(issue.value) <= VALUE_SHOWN else f"{issue.value[:VALUE_SHOWN]}\u2026"


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyModelAdmin):
    sidebar_group = "Operations"
    sidebar_icon = "upload_file"
    list_display = (
        "file_name", "target", "state_shown", "rows", "created", "changed", "unchanged", "rejected",
        "started_by", "started_at",
    )  # fmt: skip
    list_filter = (("state", ChoicesFilter),)
    list_select_related = ("started_by",)
    search_fields = ("file_name__istartswith",)
    search_help_text = "Start of a file name"
    ordering = ("-started_at", "-id")
    sortable_by = ("started_at",)
    inlines = (IssuesOfRun,)
    fieldsets = (
        (None, {"fields": ("file_name", ("target", "state_shown"), "message")}),
        ("Rows", {"fields": (("rows", "unchanged"), ("created", "changed"), "rejected")}),
        ("Run", {"fields": (("started_at", "finished_at"), "started_by", "options", "file_sha256")}),
    )

    @display(description="state", ordering="state", label=STATE_COLOURS)
    def state_shown(self, run: ImportRun) -> str:
        return str(ImportState(run.state).label)
