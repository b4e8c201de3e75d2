"""Both buttons of django-import-export for an admin class, which names its `resource_classes`."""

from catalog.admin.imports.buttons import ImportButtonMixin
from catalog.resources import SpreadsheetExports


class SpreadsheetAdminMixin(ImportButtonMixin, SpreadsheetExports):
    """The buttons Import and Export; it stands before ModelAdmin."""

    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
