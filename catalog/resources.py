"""django-import-export on our engine: its screens, formats and export; the engine reads, judges and writes.

An admin class mixes in SpreadsheetAdminMixin before ModelAdmin and names its `resource_classes`.
The library never loads a file: its `dataset` is only the file's place on disk here, and the preview
holds the first rows of the outcome, never the whole file.
"""

import json
import re
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from import_export.admin import ImportExportMixin
from import_export.declarative import ModelDeclarativeMetaclass
from import_export.fields import Field
from import_export.formats.base_formats import CSV, Format
from import_export.forms import ConfirmImportForm
from import_export.resources import ModelResource
from import_export.results import Error, Result, RowResult
from import_export.tmp_storages import BaseStorage
from import_export.widgets import Widget
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from tablib import Dataset

from accounts import audit
from accounts.models import Action, User
from catalog.imports.columns import TARGETS, Reading
from catalog.imports.engine import ImportOptions, import_file
from catalog.imports.errors import ImportRefused
from catalog.imports.reach import Reach
from catalog.imports.readers import READERS
from catalog.imports.results import Difference, ImportResult, Issue
from catalog.models import Item, Memorabilia, Production, Tool, Vehicle
from marketplace.admin import ExportForm, ImportForm, UnfoldAdminSelectWidget

PREVIEW_ROWS = 50
SHOWN_CHARACTERS = 80  # of a value in the preview
REJECTED_ROWS = 100
KEPT_SECONDS = 24 * 3600  # of an uploaded file whose import nobody confirmed
STORED_NAME = re.compile(r"catalogue-import-[0-9a-f]{32}\.[a-z]{3,4}")
# A spreadsheet program runs a cell that begins so; an apostrophe before it makes it text, and import takes it off.
FORMULA = re.compile(r"'*[=+\-@\t\r]")
POLICIES = ("on_error", "blank", "terms")  # the person's choice
OPTIONS = (*POLICIES, "reach")
Upload = UploadedFile[bytes]


class Cells(Widget):
    """Values as the text that import reads back."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, list):
            return " | ".join(str(part) for part in value)
        if isinstance(value, dict):
            return json.dumps(value, ensure_ascii=False) if value else ""
        if isinstance(value, datetime):
            return value.isoformat()
        return format(value, "f") if isinstance(value, Decimal) else str(value)


class SpreadsheetResource(ModelResource):
    """The columns of one import target; `import_data` is the engine's."""

    target = ""

    def import_data(self, dataset: "StoredFile", dry_run: bool = False, **kwargs: Any) -> Result:
        """Judge (dry_run) or import the stored file; the options are the run's policies."""
        policies = {name: kwargs[name] for name in OPTIONS if name in kwargs}
        try:
            outcome = import_file(
                path=dataset.path,
                target=self.target,
                options=ImportOptions(dry_run=dry_run, preview=PREVIEW_ROWS if dry_run else 0, **policies),
                by=kwargs.get("user"),
                file_name=kwargs.get("file_name") or "",
            )
        except ImportRefused as refusal:
            result = Result()
            result.append_base_error(Sentence(refusal))
            return result
        return SpreadsheetResult(outcome)

    def dehydrate_appearances(self, item: Item) -> str:
        return " | ".join(
            f"{entry.production}: {entry.role}" for entry in item.appearances.all() if entry.production.years
        )


class Sentence(Error):
    """An error shown as its sentence alone."""

    traceback = ""


class SpreadsheetResult(Result):
    """The engine's outcome in the library's terms; templates may read `outcome` itself."""

    def __init__(self, outcome: ImportResult) -> None:
        super().__init__()
        self.outcome = outcome
        self.total_rows = outcome.rows
        self.lands = outcome.created + outcome.changed
        self.totals.update(
            {
                RowResult.IMPORT_TYPE_NEW: outcome.created,
                RowResult.IMPORT_TYPE_UPDATE: outcome.changed,
                RowResult.IMPORT_TYPE_SKIP: outcome.unchanged,
                RowResult.IMPORT_TYPE_INVALID: outcome.rejected,
            }
        )
        self.diff_headers = ["line", *dict.fromkeys(name for row in outcome.preview for name in row.values)]
        self.rows = [self._row(difference) for difference in outcome.preview]
        for line, faults in list(_by_line(outcome.issues).items())[:REJECTED_ROWS]:
            self.append_invalid_row(line, {}, ValidationError(faults))

    def _row(self, difference: Difference) -> RowResult:
        row = RowResult()
        row.import_type = RowResult.IMPORT_TYPE_NEW if difference.is_new else RowResult.IMPORT_TYPE_UPDATE
        row.diff = [str(difference.line), *(_change(difference, name) for name in self.diff_headers[1:])]
        return row


def _change(difference: Difference, name: str) -> str:
    """Return plain text; the templates escape it."""
    if name not in difference.values:
        return ""
    before, after = (shortened(text) for text in difference.values[name])
    return after if difference.is_new or before == after else f"{before or '(empty)'} → {after or '(empty)'}"


def shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _by_line(issues: Iterable[Issue]) -> dict[int, dict[str, list[str]]]:
    rows: dict[int, dict[str, list[str]]] = {}
    for issue in issues:
        shown = f"“{shortened(issue.value)}”: {issue.message}" if issue.value else issue.message
        rows.setdefault(issue.line, {}).setdefault(issue.column or "row", []).append(shown)
    return rows


def _resource(name: str, target: str, described: type[Item] | type[Production]) -> type[SpreadsheetResource]:
    names = [column.name for column in TARGETS[target].columns]
    appears = {c.name for c in TARGETS[target].columns if c.reading is Reading.APPEARANCES}
    attributes: dict[str, Any] = {
        column: Field(attribute=None if column in appears else column, column_name=column, widget=Cells())
        for column in names
    }
    attributes["Meta"] = type("Meta", (), {"model": described, "fields": names, "export_order": names})
    made: type[SpreadsheetResource] = ModelDeclarativeMetaclass(
        name, (SpreadsheetResource,), {**attributes, "target": target, "__module__": __name__}
    )
    return made


VehicleResource = _resource("VehicleResource", "vehicle", Vehicle)
MemorabiliaResource = _resource("MemorabiliaResource", "memorabilia", Memorabilia)
ToolResource = _resource("ToolResource", "tool", Tool)
ProductionResource = _resource("ProductionResource", "production", Production)


class StoredFile:
    """What the library hands about as its dataset: where the uploaded file lies."""

    def __init__(self, path: Path) -> None:
        self.path = path


class UploadStorage(BaseStorage):
    """Uploaded files between preview and confirmation, in the system's folder for temporary files."""

    def read(self) -> Path:
        return Path(tempfile.gettempdir()) / str(self.name)

    def remove(self) -> None:
        self.read().unlink(missing_ok=True)

    def save(self, data: Upload) -> None:
        """Store an upload block by block, readable by this user only; drop what was left lying for a day."""
        self.name = f"catalogue-import-{uuid4().hex}{Path(data.name or '').suffix.lower()}"
        path = self.read()
        path.touch(mode=0o600)
        with path.open("wb") as file:
            file.writelines(data.chunks())
        for old in path.parent.glob("catalogue-import-*"):
            if old.stat().st_mtime < time.time() - KEPT_SECONDS:
                old.unlink(missing_ok=True)


class Spreadsheet(Format):
    """Any file that the engine reads; the ending tells which."""

    def __init__(self, encoding: str | None = None) -> None:
        """Take the library's argument; the engine finds the encoding itself."""

    def get_title(self) -> str:
        return "CSV, XLSX or ODS"

    def can_import(self) -> bool:
        return True

    def create_dataset(self, in_stream: Path) -> StoredFile:
        return StoredFile(in_stream)


class SafeCSV(CSV):
    """CSV whose cells no spreadsheet program takes for formulas."""

    def export_data(self, dataset: Dataset, **kwargs: Any) -> str:
        safe = Dataset(headers=dataset.headers)
        for row in dataset:
            safe.append([f"'{cell}" if FORMULA.match(cell) else cell for cell in row])
        return str(super().export_data(safe, **kwargs))


class SafeXLSX(Format):
    """XLSX that holds text only, never a formula."""

    def get_title(self) -> str:
        return "xlsx"

    def get_extension(self) -> str:
        return "xlsx"

    def get_content_type(self) -> str:
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def can_export(self) -> bool:
        return True

    def export_data(self, dataset: Dataset, **kwargs: Any) -> bytes:
        book = Workbook(write_only=True)
        sheet = book.create_sheet("Export")
        sheet.append(dataset.headers)
        for row in dataset:
            sheet.append([self._cell(sheet, text) for text in row])
        file = BytesIO()
        book.save(file)
        return file.getvalue()

    @staticmethod
    def _cell(sheet: Any, text: str) -> Any:
        if text.startswith("'") and FORMULA.match(text):
            text = f"'{text}"  # import takes one off
        cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))
        cell.data_type = "s"  # openpyxl takes text that begins with = for a formula
        return cell


class SpreadsheetImportForm(ImportForm):
    """The file and the run's policies."""

    on_error = forms.ChoiceField(
        label="When a row is rejected",
        choices=[("skip", "import the other rows"), ("abort", "import nothing")],
        widget=UnfoldAdminSelectWidget,
    )
    blank = forms.ChoiceField(
        label="An empty cell",
        choices=[("keep", "leaves the field as it is"), ("clear", "clears the field")],
        widget=UnfoldAdminSelectWidget,
    )
    terms = forms.ChoiceField(
        label="Unknown genres, types and categories",
        choices=[("create", "become terms"), ("refuse", "reject their rows")],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["resource", "import_file", "format", *POLICIES]

    def clean_import_file(self) -> Upload:
        file: Upload = self.cleaned_data["import_file"]
        if Path(file.name or "").suffix.lower() not in READERS:
            raise ValidationError(f"The file must end in one of {', '.join(sorted(READERS))}.")
        return file


class SpreadsheetConfirmForm(ConfirmImportForm):
    format = forms.ChoiceField(choices=[("0", "")], widget=forms.HiddenInput())
    on_error = forms.ChoiceField(
        choices=SpreadsheetImportForm.base_fields["on_error"].choices, widget=forms.HiddenInput()
    )
    blank = forms.ChoiceField(
        choices=SpreadsheetImportForm.base_fields["blank"].choices, widget=forms.HiddenInput()
    )
    terms = forms.ChoiceField(
        choices=SpreadsheetImportForm.base_fields["terms"].choices, widget=forms.HiddenInput()
    )

    def clean_import_file_name(self) -> str:
        name: str = self.cleaned_data["import_file_name"]
        if not (STORED_NAME.fullmatch(name) and UploadStorage(name=name).read().exists()):
            raise ValidationError("This upload is gone; upload the file again.")
        return name


class SpreadsheetAdminMixin(ImportExportMixin):
    """Import and export buttons for an admin class; it names only its `resource_classes`.

    Upload, preview (a dry run), confirm. Rows that are rejected do not stop the others unless the
    form says so. The record of an import is its ImportRun, not a log entry for each row.
    """

    formats = [Spreadsheet, SafeCSV, SafeXLSX]
    import_formats = [Spreadsheet]
    export_formats = [SafeCSV, SafeXLSX]
    import_form_class = SpreadsheetImportForm
    confirm_form_class = SpreadsheetConfirmForm
    export_form_class = ExportForm
    import_template_name = "admin/catalog/spreadsheet_import.html"
    tmp_storage_class = UploadStorage
    skip_admin_log = True
    to_encoding = "utf-8-sig"  # without the mark, Excel misreads accents

    def write_to_tmp_storage(self, import_file: Upload, input_format: Format) -> UploadStorage:
        storage = UploadStorage()
        storage.save(import_file)
        return storage

    def create_import_form(self, request: HttpRequest) -> Any:
        """Offer to make terms only to those who may; a forged choice is refused by `Reach` all the same."""
        form = super().create_import_form(request)
        if not request.user.has_perm("catalog.add_term"):
            form.fields["terms"].choices = form.fields["terms"].choices[1:]
        return form

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_confirm_form_initial(request, import_form)
        policies = import_form.cleaned_data if import_form else {}
        return initial | {name: policies[name] for name in POLICIES if name in policies}

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        policies = kwargs["form"].cleaned_data
        return {name: policies[name] for name in POLICIES} | {"reach": Reach.of(kwargs["request"].user)}

    def get_data_for_export(self, request: HttpRequest, queryset: Any, **kwargs: Any) -> Dataset:
        """Read the rows and put on record who takes them; every way to an export leads through here."""
        rows = super().get_data_for_export(request, queryset, **kwargs)
        kind = self.get_export_formats()[int(kwargs["export_form"].cleaned_data["format"])]()
        told = {"rows": len(rows), "format": kind.get_extension(), "filters": request.GET.urlencode()}
        subject = f"{self.opts.verbose_name_plural} ({len(rows):,})"
        audit.record(Action.EXPORT, by=cast(User, request.user), subject=subject, **told)
        return rows

    def has_import_permission(self, request: HttpRequest) -> bool:
        """An import both adds and changes."""
        return bool(super().has_import_permission(request)) and bool(self.has_change_permission(request))

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the form, or the preview; offer to confirm where anything would land."""
        response: HttpResponse = super().import_action(request, **kwargs)
        context = (isinstance(response, TemplateResponse) and response.context_data) or {}
        result = context.get("result")
        if isinstance(result, SpreadsheetResult) and _lands(result.outcome):
            context["confirm_form"] = self.create_confirm_form(request, import_form=context["form"])
        elif result is not None:
            context.pop("confirm_form", None)
        return response

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        """Say what the confirmed import did, and go back to the list."""
        opts = self.model._meta
        if not isinstance(result, SpreadsheetResult):
            messages.error(request, str(result.base_errors[0].error))
            return HttpResponseRedirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_import"))
        outcome = result.outcome
        level = messages.WARNING if outcome.rejected else messages.SUCCESS
        messages.add_message(request, level, f"{outcome.file_name}: {outcome.summary()}")
        for warning in outcome.warnings:
            messages.info(request, warning)
        if outcome.rejected and request.user.has_perm("catalog.view_importrun"):
            url = reverse("admin:catalog_importrun_change", args=[outcome.run_id])
            messages.info(
                request, format_html('<a class="underline" href="{}">See the rejected rows</a>', url)
            )
        return HttpResponseRedirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"))


def _lands(outcome: ImportResult) -> bool:
    return bool(outcome.created + outcome.changed) and not outcome.stops
