"""Routes under /v1/ of the catalogue: those that everybody reads and staff write, and those for staff alone."""

from typing import Any

from django.urls import URLPattern, path

from catalog.api import staff_urls, views
from catalog.api.finding.views import SuggestView
from catalog.api.writing import views as writing
from catalog.api.writing.views import Writes

LIST: dict[str, Any] = {"get": "list", "post": "create"}
ONE: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
MANY: dict[str, Any] = {"post": "create_many", "patch": "change_many", "delete": "destroy_many"}


def list_and_detail(prefix: str, name: str, viewset: type[Writes], key: str) -> list[URLPattern]:
    return [
        path(f"{prefix}/", viewset.as_view(LIST), name=f"{name}-list"),
        path(f"{prefix}/bulk/", viewset.as_view(MANY), name=f"{name}-bulk"),
        path(f"{prefix}/{key}/", viewset.as_view(ONE), name=f"{name}-detail"),
    ]


urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    *list_and_detail("vehicles", "vehicle", writing.VehicleWrites, "<slug:slug>"),
    *list_and_detail("memorabilia", "memorabilia", writing.MemorabiliaWrites, "<slug:slug>"),
    *list_and_detail("tools", "tool", writing.ToolWrites, "<slug:slug>"),
    *list_and_detail("items", "item", writing.ItemWrites, "<slug:slug>"),
    *list_and_detail("productions", "production", writing.ProductionWrites, "<slug:slug>"),
    # A slug is unique within its vocabulary only: "Racing" may be a genre and a category.
    *list_and_detail("terms", "term", writing.TermWrites, "<slug:vocabulary>/<slug:slug>"),
    path("suggest/", SuggestView.as_view(), name="suggest"),
    *staff_urls.urlpatterns,
]
