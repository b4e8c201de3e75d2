"""The layouts of files whose columns were matched once, so that the next file of each kind needs no click."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.admin.imports.targets import TARGETS
from catalog.models import ImportLayout
from marketplace.admin import ModelAdmin, display


@admin.register(ImportLayout)
class ImportLayoutAdmin(ModelAdmin):
    """Renamed, looked at and deleted here; made and changed where columns are matched."""

    sidebar_group = "Operations"
    sidebar_icon = "view_column"
    list_display = ("name", "target_shown", "columns_shown", "made_by", "used_at", "created_at")
    list_display_links = ("name",)
    list_select_related = ("made_by",)
    search_fields = ("name__istartswith",)
    search_help_text = "Start of a name"
    ordering = ("name", "id")
    sortable_by = ("name", "used_at", "created_at")
    fields = ("name", "target_shown", "header_shown", "mapping_shown", ("made_by", "created_at", "used_at"))
    readonly_fields = ("target_shown", "header_shown", "mapping_shown", "made_by", "created_at", "used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Nothing depends on a layout."""
        return [str(layout) for layout in objs], {"layouts": len(objs)}, set(), []

    @display(description="holds", ordering="target")
    def target_shown(self, layout: ImportLayout) -> str:
        return TARGETS.get(layout.target, layout.target)

    @display(description="columns")
    def columns_shown(self, layout: ImportLayout) -> str:
        return f"{len(layout.header):,}"

    @display(description="columns of the file")
    def header_shown(self, layout: ImportLayout) -> str:
        return ", ".join(layout.header)

    @display(description="how they are matched")
    def mapping_shown(self, layout: ImportLayout) -> SafeString:
        text = json.dumps(layout.mapping, ensure_ascii=False, indent=2)
        return format_html('<pre style="white-space: pre-wrap; overflow-wrap: anywhere">{}</pre>', text)
