"""Routes under /v1/ by which staff import and export."""

from typing import Any

from django.urls import URLPattern, path

from catalog.api.exports import FILTERS, ExportViewSet
from catalog.api.import_files import ImportFileViewSet
from catalog.api.import_layouts import LayoutViewSet
from catalog.api.imports import ImportViewSet
from catalog.api.uploads import UploadParser

LIST: dict[str, Any] = {"get": "list"}
LIST_AND_CREATE: dict[str, Any] = {"get": "list", "post": "create"}
LAYOUT: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}


def of_run(
    address: str, method: str, action: str, viewset: type[ImportViewSet] = ImportViewSet
) -> URLPattern:
    actions: dict[str, Any] = {method: action}
    return path(f"imports/<int:pk>/{address}", viewset.as_view(actions), name=f"import-{action}")


urlpatterns = [
    path(
        "imports/", ImportViewSet.as_view(LIST_AND_CREATE, parser_classes=[UploadParser]), name="import-list"
    ),
    path("imports/template/", ImportFileViewSet.as_view({"get": "template"}), name="import-template"),
    path("imports/layouts/", LayoutViewSet.as_view(LIST), name="import-layout-list"),
    path("imports/layouts/<int:pk>/", LayoutViewSet.as_view(LAYOUT), name="import-layout-detail"),
    of_run("", "get", "retrieve"),
    of_run("mapping/", "put", "give_mapping"),
    of_run("rows/", "get", "rows"),
    of_run("leave-out/", "post", "leave_out"),
    of_run("confirm/", "post", "confirm"),
    of_run("cancel/", "post", "cancel"),
    of_run("undo/", "post", "undo"),
    of_run("rejected/", "get", "rejected", ImportFileViewSet),
    of_run("file/", "get", "original", ImportFileViewSet),
    *(
        path(
            f"exports/{kind}/",
            ExportViewSet.as_view(LIST, kind=kind, filterset_class=known),
            name=f"export-{kind}",
        )
        for kind, known in FILTERS.items()
    ),
]
