"""django-import-export on our engine: what its resources name, its formats and export.

The engine reads, judges and writes; the screens that bring a file are catalog.admin.imports.
"""

import csv
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from import_export.admin import ExportMixin
from import_export.declarative import ModelDeclarativeMetaclass
from import_export.fields import Field
from import_export.formats.base_formats import Format
from import_export.resources import ModelResource
from import_export.results import Error, Result, RowResult
from tablib import Dataset

from accounts import audit
from accounts.models import Action, User
from catalog.exports import EXPORTS, FORMATS, Export, file_of, prepare
from catalog.imports.engine import ImportOptions, import_file
from catalog.imports.errors import ImportRefused
from catalog.imports.results import ImportResult, Issue
from catalog.models import Item, Memorabilia, Production, Term, Tool, Vehicle
from catalog.writers.csv import guarded
from marketplace.admin import SelectableFieldsExportForm

OFFERED = ("csv", "xlsx", "ods", "jsonl")
LONGEST_ID = 19  # digits


class SpreadsheetResource(ModelResource):
    """The columns of one import target; `import_data` is the engine's."""

    target = ""
    called = ""  # in the plural

    def import_data(self, dataset: Dataset, dry_run: bool = False, **kwargs: Any) -> Result:
        """Import a dataset by the engine, for the library's own command and scripts; may do everything."""
        with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([dataset.headers or [], *dataset])
            file.flush()
            try:
                outcome = import_file(
                    path=Path(file.name),
                    target=self.target,
                    options=ImportOptions(),
                    by=kwargs.get("user"),
                    file_name=kwargs.get("file_name") or "",
                    dry_run=dry_run,
                )
            except ImportRefused as refusal:
                result = Result()
                result.append_base_error(Sentence(refusal))
                return result
        return SpreadsheetResult(outcome)

    @classmethod
    def prepare(cls, rows: Any, columns: Sequence[str] = ()) -> Export:
        """Take down which rows are exported, and which columns; none named means all."""
        return prepare(cls.target, rows, columns)

    def export(self, queryset: Any = None, **kwargs: Any) -> Dataset:
        """Return the rows for the library's own command and scripts, all in memory, safe to open as CSV."""
        rows = self.get_queryset() if queryset is None else queryset
        export = self.prepare(rows, kwargs.get("export_fields") or ())
        return Dataset(*([guarded(cell) for cell in row] for row in export.cells()), headers=export.header)


class Sentence(Error):
    """An error shown as its sentence alone."""

    traceback = ""


class SpreadsheetResult(Result):
    """The engine's outcome in the library's terms; templates may read `outcome` itself."""

    def __init__(self, outcome: ImportResult) -> None:
        super().__init__()
        self.outcome = outcome
        self.total_rows = outcome.rows
        self.totals.update(
            {
                RowResult.IMPORT_TYPE_NEW: outcome.created,
                RowResult.IMPORT_TYPE_UPDATE: outcome.changed,
                RowResult.IMPORT_TYPE_SKIP: outcome.unchanged,
                RowResult.IMPORT_TYPE_INVALID: outcome.rejected,
            }
        )
        for line, faults in _by_line(outcome.issues).items():
            self.append_invalid_row(line, {}, ValidationError(faults))


def _by_line(issues: Iterable[Issue]) -> dict[int, dict[str, list[str]]]:
    rows: dict[int, dict[str, list[str]]] = {}
    for issue in issues:
        shown = f"“{issue.value}”: {issue.message}" if issue.value else issue.message
        rows.setdefault(issue.line, {}).setdefault(issue.column or "row", []).append(shown)
    return rows


def _resource(name: str, target: str, described: type[models.Model]) -> type[SpreadsheetResource]:
    names = [column.name for column in EXPORTS[target].columns]
    attributes: dict[str, Any] = {column: Field(attribute=column, column_name=column) for column in names}
    attributes["Meta"] = type("Meta", (), {"model": described, "fields": names, "export_order": names})
    called = str(described._meta.verbose_name_plural)
    made: type[SpreadsheetResource] = ModelDeclarativeMetaclass(
        name,
        (SpreadsheetResource,),
        {**attributes, "target": target, "called": called, "__module__": __name__},
    )
    return made


ItemResource = _resource("ItemResource", "item", Item)  # exports only
VehicleResource = _resource("VehicleResource", "vehicle", Vehicle)
MemorabiliaResource = _resource("MemorabiliaResource", "memorabilia", Memorabilia)
ToolResource = _resource("ToolResource", "tool", Tool)
ProductionResource = _resource("ProductionResource", "production", Production)
TermResource = _resource("TermResource", "term", Term)


def _format(name: str) -> type[Format]:
    """Return the library's class for one of our formats; it names the format and writes nothing itself."""
    kind = FORMATS[name]
    methods = {
        "get_title": lambda self: kind.title,
        "get_extension": lambda self: name,
        "get_content_type": lambda self: kind.content_type,
        "can_export": lambda self: True,
    }
    return type(f"{name.upper()}Format", (Format,), methods)


class FieldsForm(SelectableFieldsExportForm):
    """The format, and the fields to export; none chosen means all."""

    def _validate_any_field_selected(self, resource: type[ModelResource]) -> None:
        pass


class SpreadsheetExports(ExportMixin):
    """The button Export of an admin class, and Export selected; it names only its `resource_classes`.

    Rows are streamed as the database gives them, whatever their number.
    """

    export_formats = [_format(name) for name in OFFERED]
    export_form_class = FieldsForm

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Ask for the right to export (IMPORT_EXPORT_EXPORT_PERMISSION_CODE), and to see what is exported."""
        return bool(super().has_export_permission(request)) and bool(self.has_view_permission(request))

    def get_valid_export_item_pks(self, request: HttpRequest) -> list[int]:
        """Return the chosen rows; those beyond this person's list are left out by its queryset."""
        return [
            int(pk) for pk in request.POST.getlist("export_items") if pk.isdecimal() and len(pk) < LONGEST_ID
        ]

    def get_export_queryset(self, request: HttpRequest) -> Any:
        """Give the whole filtered list, as far as this person may see it."""
        rows = super().get_export_queryset(request)
        return rows.visible_to(request.user) if hasattr(rows, "visible_to") else rows

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        if IS_POPUP_VAR not in request.GET and self.has_export_permission(request):
            name = "export_selected"
            actions[name] = (type(self).export_selected, name, "Export selected %(verbose_name_plural)s")
        return actions

    def export_selected(self, request: HttpRequest, queryset: Any) -> HttpResponseBase:
        """Show the form for the chosen rows; for the whole list, the form that knows its filters."""
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export")
        address = f"{address}?{request.GET.urlencode()}" if request.GET else address
        if request.POST.get("select_across") == "1":
            return HttpResponseRedirect(address)
        chosen = [str(pk) for pk in queryset.order_by("pk").values_list("pk", flat=True)]
        form = self.get_export_form_class()(
            self.get_export_formats(),
            self.get_export_resource_classes(request),
            initial={"export_items": chosen},
        )
        form.fields["export_items"].choices = [(pk, pk) for pk in chosen]
        context = {**self.init_request_context_data(request, form), "export_url": address}
        return TemplateResponse(request, self.export_template_name, context)

    def _do_file_export(
        self, file_format: Format, request: HttpRequest, queryset: Any, export_form: Any = None
    ) -> StreamingHttpResponse:
        """Stream the file, and put on record who takes it; every way to an export leads through here."""
        resource = self.choose_export_resource_class(export_form, request)
        name = file_format.get_extension()
        export = resource.prepare(queryset, self.get_export_resource_fields_from_form(export_form) or ())
        chunks = file_of(export, name)
        told = {"rows": len(export), "format": name, "filters": request.GET.urlencode()}
        subject = f"{resource.called} ({len(export):,})"
        audit.record(Action.EXPORT, by=cast(User, request.user), subject=subject, **told)
        response = StreamingHttpResponse(chunks, content_type=file_format.get_content_type())
        file_name = self.get_export_filename(request, queryset, file_format)
        response["Content-Disposition"] = f'attachment; filename="{file_name}"'
        return response
