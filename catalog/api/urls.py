"""Routes under /v1/ of the catalogue: those that everybody reads, and those for staff."""

from typing import Any

from django.urls import URLPattern, path

from catalog.api import staff_urls, views
from catalog.api.views import ReadViewSet

READ_LIST: dict[str, Any] = {"get": "list"}
READ_ONE: dict[str, Any] = {"get": "retrieve"}


def list_and_detail(prefix: str, name: str, viewset: type[ReadViewSet], key: str) -> list[URLPattern]:
    return [
        path(f"{prefix}/", viewset.as_view(READ_LIST), name=f"{name}-list"),
        path(f"{prefix}/{key}/", viewset.as_view(READ_ONE), name=f"{name}-detail"),
    ]


urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    *list_and_detail("vehicles", "vehicle", views.VehicleViewSet, "<slug:slug>"),
    *list_and_detail("memorabilia", "memorabilia", views.MemorabiliaViewSet, "<slug:slug>"),
    *list_and_detail("tools", "tool", views.ToolViewSet, "<slug:slug>"),
    *list_and_detail("items", "item", views.ItemViewSet, "<slug:slug>"),
    *list_and_detail("productions", "production", views.ProductionViewSet, "<slug:slug>"),
    # A slug is unique within its vocabulary only: "Racing" may be a genre and a category.
    *list_and_detail("terms", "term", views.TermViewSet, "<slug:vocabulary>/<slug:slug>"),
    *staff_urls.urlpatterns,
]
