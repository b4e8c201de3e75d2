"""The application that keeps the bucket and the catalogue in agreement."""

from django.apps import AppConfig


class MediaSyncConfig(AppConfig):
    name = "media_sync"
    verbose_name = "Media sync"
