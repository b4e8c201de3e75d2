"""Routes under /v1/media/."""

from django.urls import path

from media_sync.api.media import MediaViewSet

urlpatterns = [
    path("", MediaViewSet.as_view({"get": "list"}), name="media-list"),
    path("<int:pk>/", MediaViewSet.as_view({"get": "retrieve"}), name="media-detail"),
    path("<int:pk>/file/", MediaViewSet.as_view({"get": "file"}), name="media-file"),
]
