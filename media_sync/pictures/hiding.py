"""Takes the sizes of pictures in quarantine out of the bucket, where everybody may read them at a public address.

Without MEDIA_PUBLIC_URL nothing is done: who may not see a picture gets no address of it, and restoring it costs nothing.
"""

import time

from django.conf import settings
from django.db.models import Case, F, Value, When

from catalog.models import MediaAsset, MediaState, Processing
from catalog.models.media import MediaAssetQuerySet
from media_sync import storage
from media_sync.errors import BucketUnavailable
from media_sync.keys import RENDITIONS
from media_sync.locking import locked

AT_ONCE = 1000
NOT_DELETED = "The bucket did not delete {key}: {said}."


def hide_quarantined(*, seconds: float) -> bool:
    """Delete the renditions of files in quarantine for about so long; return whether some were not come to.

    A file that is restored is rendered anew. One that another process is at is left for a later pass. Killed anywhere,
    the next pass ends alike. Raises BucketUnavailable.
    """
    if not settings.MEDIA_PUBLIC_URL:
        return False
    deadline = time.monotonic() + seconds
    for asset_id in list(_shown().order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        with locked([asset_id]) as mine:
            if mine:
                _hide(asset_id)
        if time.monotonic() > deadline:
            return True
    return False


def _shown() -> MediaAssetQuerySet:
    return MediaAsset.objects.filter(state=MediaState.QUARANTINED).exclude(rendered_as="")


def _hide(asset_id: int) -> None:
    """Whoever restores it meanwhile waits for new renditions: the row says so before the first object goes."""
    again = When(processing=Processing.READY, then=Value(Processing.RENDERING))
    if _shown().filter(pk=asset_id).update(renditions=[], processing=Case(again, default=F("processing"))):
        _delete(f"{RENDITIONS}{asset_id}-")
        MediaAsset.objects.filter(pk=asset_id, renditions=[]).update(rendered_as="")


def _delete(prefix: str) -> None:
    pages = storage.worker_client().get_paginator("list_objects_v2")
    with storage.calls_to_bucket():
        for page in pages.paginate(Bucket=settings.S3_BUCKET, Prefix=prefix):
            failed = storage.delete_many([each["Key"] for each in page.get("Contents", [])])
            for key, said in failed.items():
                raise BucketUnavailable(NOT_DELETED.format(key=key, said=said))
