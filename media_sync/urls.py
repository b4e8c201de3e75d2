"""Routes under /v1/media/."""

from typing import Any

from django.urls import path

from media_sync.api.changes import MediaChangeViewSet
from media_sync.api.files import MediaFileViewSet, MediaOriginalViewSet
from media_sync.api.media import MediaViewSet
from media_sync.api.uploads import AnyBytes, UploadViewSet

RECORD: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
CONTENT = UploadViewSet.as_view({"put": "content"}, parser_classes=[AnyBytes])

urlpatterns = [
    path("", MediaViewSet.as_view({"get": "list"}), name="media-list"),
    path("<int:pk>/", MediaChangeViewSet.as_view(RECORD), name="media-detail"),
    path("<int:pk>/restore/", MediaChangeViewSet.as_view({"post": "restore"}), name="media-restore"),
    path("<int:pk>/file/", MediaFileViewSet.as_view({"get": "file"}), name="media-file"),
    path("<int:pk>/original/", MediaOriginalViewSet.as_view({"get": "original"}), name="media-original"),
    path(
        "<int:pk>/renditions/<str:name>/",
        MediaFileViewSet.as_view({"get": "rendition"}),
        name="media-rendition",
    ),
    path("uploads/", UploadViewSet.as_view({"post": "create"}), name="media-upload-list"),
    path("uploads/<uuid:pk>/", UploadViewSet.as_view({"get": "retrieve"}), name="media-upload-detail"),
    path(
        "uploads/<uuid:pk>/complete/",
        UploadViewSet.as_view({"post": "complete"}),
        name="media-upload-complete",
    ),
    path("uploads/<uuid:pk>/content/", CONTENT, name="media-upload-content"),
]
