"""Takes away what uploads leave behind: files that nobody asked to be checked, and what came after the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from catalog.models import MediaAsset
from media_sync import storage
from media_sync.keys import ARRIVALS, uploaded_key
from media_sync.models import Upload, UploadState
from media_sync.uploads import objects
from media_sync.uploads.completing import OPEN
from media_sync.uploads.limits import ACCEPTED
from media_sync.uploads.locking import alone

GRACE = timedelta(hours=1)  # longer than any address outlives its upload
PATIENCE = timedelta(days=1)  # a file whose check never ends is given up
FORGOTTEN_AFTER = timedelta(days=30)
EXPIRED = "The file was not sent in time."


@dataclass(frozen=True)
class Swept:
    """What a sweep did."""

    expired: int  # uploads
    strays: int  # objects that belong to no open upload
    broken_off: int  # uploads in parts, the same
    forgotten: int  # records of uploads that ended long ago


def sweep(now: datetime | None = None) -> Swept:
    """Expire what was abandoned, and delete its objects. Killed or failing anywhere, the next sweep does the rest.

    Raises BucketUnavailable.
    """
    now = now or timezone.now()
    return Swept(
        expired=sum(_expire(upload) for upload in _late(now)),
        strays=_delete_strays(now),
        broken_off=_abort_strays(now),
        forgotten=Upload.objects.filter(finished_at__lt=now - FORGOTTEN_AFTER).delete()[0],
    )


def _late(now: datetime) -> list[Upload]:
    """Return the uploads whose time is over; one that is being checked has some more."""
    waiting = Q(state=UploadState.WAITING, expires_at__lt=now)
    checking = Q(state=UploadState.CHECKING, expires_at__lt=now - PATIENCE)
    return list(Upload.objects.filter(waiting | checking).order_by("expires_at", "id"))


def _expire(upload: Upload) -> bool:
    """Take away what arrived and close the upload, unless somebody is at it just now."""
    with alone(upload) as mine:
        if not mine or not Upload.objects.filter(pk=upload.pk, state__in=OPEN).exists():
            return False
        if upload.multipart_id:
            objects.abort_parts(upload.key, upload.multipart_id)
        objects.discard(upload.key)
        _discard_unrecorded(upload)
        return bool(
            Upload.objects.filter(pk=upload.pk, state__in=OPEN).update(
                state=UploadState.EXPIRED, message=EXPIRED, finished_at=timezone.now()
            )
        )


def _discard_unrecorded(upload: Upload) -> None:
    """Delete what a check that broke off had stored, but not recorded."""
    if upload.state != UploadState.CHECKING:
        return
    kind = ACCEPTED[upload.content_type].kind
    own = {uploaded_key(upload.pk, each.extension) for each in ACCEPTED.values() if each.kind == kind}
    for key in own - set(MediaAsset.objects.filter(key__in=own).values_list("key", flat=True)):
        objects.discard(key)


def _delete_strays(now: datetime) -> int:
    """Delete old objects where uploads arrive that belong to no open one: sent after the end, say."""
    found = 0
    for keys in _listed(now):
        waited_for = set(Upload.objects.filter(key__in=keys, state__in=OPEN).values_list("key", flat=True))
        for key in keys:
            if key not in waited_for:
                objects.discard(key)
                found += 1
    return found


def _listed(now: datetime) -> Iterator[list[str]]:
    """Yield the keys of objects that are older than the grace, some at a time."""
    pages = storage.patient_client().get_paginator("list_objects_v2")
    with storage.calls_to_bucket():
        for page in pages.paginate(Bucket=settings.S3_BUCKET, Prefix=ARRIVALS):
            yield [each["Key"] for each in page.get("Contents", []) if each["LastModified"] < now - GRACE]


def _abort_strays(now: datetime) -> int:
    """Abort old uploads in parts that belong to no open one."""
    begun = objects.begun_parts(ARRIVALS)
    old = {each for each, (_, at) in begun.items() if at < now - GRACE}
    waited_for = Upload.objects.filter(multipart_id__in=old, state__in=OPEN)
    strays = old - set(waited_for.values_list("multipart_id", flat=True))
    for each in strays:
        objects.abort_parts(begun[each].key, each)
    return len(strays)
