"""Addresses under which files are read: short-lived and signed, or the public one where there is one.

No call to the bucket is made for any of them.
"""

from typing import Any

from django.conf import settings

from catalog.models import MediaAsset, MediaKind, rendition_name
from media_sync import storage

# What everybody's browser shows; an AVIF of the same width is in the srcset.
PUBLISHED_FORMAT = "webp"


def published_url(asset: MediaAsset) -> str:
    """Return where everybody may read the asset; empty when its renditions are not made yet.

    A picture is published as its largest rendition: the original holds what the camera wrote down, such as the
    place. Raises BucketUnavailable.
    """
    if asset.kind != MediaKind.IMAGE:
        return original_url(asset)
    own = [each for each in asset.renditions if not each["ratio"] and each["format"] == PUBLISHED_FORMAT]
    return rendition_url(asset, max(own, key=lambda each: int(each["width"]))) if own else ""


def rendition_url(asset: MediaAsset, rendition: dict[str, Any]) -> str:
    """Return where this one of the asset's renditions is read. Raises BucketUnavailable."""
    key = f"{asset.rendered_as}/{rendition_name(rendition)}"
    if settings.MEDIA_PUBLIC_URL:
        return f"{settings.MEDIA_PUBLIC_URL}/{key}"
    return storage.signed_url(key, {"ResponseContentType": f"image/{rendition['format']}"})


def original_url(asset: MediaAsset) -> str:
    """Return a short-lived address of the object itself. Raises BucketUnavailable.

    It is served as what our records call it, whatever the uploader called it, so that a page named .jpg
    does not run; what a browser need not show is offered for download.
    """
    headers = {"ResponseContentType": asset.content_type or "application/octet-stream"}
    if asset.kind == MediaKind.DOCUMENT:
        headers["ResponseContentDisposition"] = "attachment"
    return storage.signed_url(asset.key, headers)
