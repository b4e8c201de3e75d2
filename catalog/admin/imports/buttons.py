"""The Import button of django-import-export on our runs: its form makes a run, and the run's page does the rest."""

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from import_export.admin import ImportMixin

from accounts.models import User
from catalog.admin.imports.forms import UploadForm
from catalog.admin.imports.targets import may_bring
from catalog.imports.life import runs
from catalog.models import ImportOrigin

REFUSED = "import_file"  # the field beside which it stands why a file was not taken


def receive(request: HttpRequest, form: UploadForm) -> HttpResponse | None:
    """Make a run of a filled form and lead to its page; None, with a sentence in the form, where it is refused."""
    if not form.is_valid():
        return None
    file = form.cleaned_data["import_file"]
    try:
        run = runs.create(
            file=file,
            file_name=file.name,
            target=form.cleaned_data["target"],
            options=form.options(),
            by=cast(User, request.user),
            origin=ImportOrigin.ADMIN,
        )
    except runs.RunRefused as refusal:
        form.add_error(REFUSED, str(refusal))
        return None
    return HttpResponseRedirect(reverse("admin:catalog_importrun_change", args=[run.pk]))


def upload_page(request: HttpRequest, page: Any, form: UploadForm, columns: list[str]) -> TemplateResponse:
    """Show the form within the pages of this admin class; `columns` are named where the target is fixed."""
    context = {
        **page.admin_site.each_context(request),
        "title": "Import a spreadsheet",
        "opts": page.opts,
        "form": form,
        "media": page.media + form.media,
        "columns": columns,
        "template_workbook": reverse("admin:catalog_importrun_template"),
    }
    return TemplateResponse(request, "admin/catalog/importrun/upload.html", context)


class ImportButtonMixin(ImportMixin):
    """The button Import of an admin class that names its `resource_classes`."""

    def get_urls(self) -> list[URLPattern]:
        """Leave out the library's second step: a run is confirmed on its own page."""
        urls: list[URLPattern] = super().get_urls()
        return [url for url in urls if not str(url.name).endswith("_process_import")]

    @property
    def import_target(self) -> str:
        return str(self.get_import_resource_classes(None)[0].target)

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Ask for the right to add such rows (IMPORT_EXPORT_IMPORT_PERMISSION_CODE), and to bring files of them."""
        return bool(super().has_import_permission(request)) and may_bring(request.user, self.import_target)

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the form; make a run of it when it is sent."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        sent = (request.POST, request.FILES) if request.method == "POST" else ()
        form = UploadForm(*sent, user=request.user, only_target=self.import_target)
        resource = self.get_import_resource_classes(request)[0]()
        columns = [field.column_name for field in resource.get_user_visible_fields()]
        return (sent and receive(request, form)) or upload_page(request, self, form, columns)
