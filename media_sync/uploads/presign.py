"""Signed addresses to which a client sends its file: they fix key, method, length, type and checksum.

How far a server keeps to it was tried (docs/storage.md): all of them check the signature over what is announced;
not all compare the bytes with the checksum. So whatever arrives is read again before it counts.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from media_sync import storage
from media_sync.models import Upload
from media_sync.uploads import objects
from media_sync.uploads.objects import Part

ADDRESS_LASTS = timedelta(minutes=10)
# Many parts wait for their turn. Their addresses end with the upload, whatever the time.
PART_ADDRESS_LASTS = timedelta(hours=1)


class PartDoor(NamedTuple):
    """Where one part of a file is sent to: `size` bytes from `offset`, the first part being number 1."""

    number: int
    offset: int
    size: int
    url: str


@dataclass(frozen=True)
class Doors:
    """Where a file is sent to: to `url` in one piece, or in parts of which these have not arrived."""

    expires_at: datetime
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    parts: tuple[PartDoor, ...] = ()


def doors(upload: Upload) -> Doors:
    """Return addresses for what has not arrived of an upload that waits. Raises BucketUnavailable.

    In one piece this makes no call to the bucket; in parts it asks which have arrived.
    """
    if not upload.part_size:
        return _one_door(upload)
    missing = tuple(_part_doors(upload, missing_parts(upload)))
    return Doors(expires_at=timezone.now() + PART_ADDRESS_LASTS, parts=missing)


def missing_parts(upload: Upload) -> list[int]:
    """Return the numbers of the parts that have not arrived; begins the upload in parts where there is none."""
    return not_among(upload, _arrived_parts(upload))


def not_among(upload: Upload, arrived: dict[int, Part]) -> list[int]:
    """Return the numbers of the parts that are not among these, or have not the size that they should have."""
    return [
        number
        for number in part_numbers(upload)
        if number not in arrived or arrived[number].size != part_bytes(upload, number)
    ]


def part_numbers(upload: Upload) -> range:
    return range(1, -(-upload.size // upload.part_size) + 1)


def part_bytes(upload: Upload, number: int) -> int:
    """Return how many bytes this part has: all but the last are alike."""
    return min(upload.part_size, upload.size - (number - 1) * upload.part_size)


def begin(upload: Upload) -> None:
    """Let the bucket know of an upload in parts, once; of two who do so at once, one takes its own back."""
    begun = objects.begin_parts(upload.key, upload.content_type)
    chosen = Upload.objects.filter(pk=upload.pk, multipart_id=upload.multipart_id)
    if chosen.update(multipart_id=begun):
        upload.multipart_id = begun
        return
    objects.abort_parts(upload.key, begun)
    upload.refresh_from_db(fields=["multipart_id"])


def _arrived_parts(upload: Upload) -> dict[int, Part]:
    """Return the parts that have arrived. A bucket that has forgotten the upload gets a new one."""
    known = objects.parts_of(upload.key, upload.multipart_id) if upload.multipart_id else None
    if known is None:
        begin(upload)
    return known or {}


def _one_door(upload: Upload) -> Doors:
    checksum = base64.b64encode(bytes.fromhex(upload.sha256)).decode()
    with storage.calls_to_bucket():
        url = storage.signer().generate_presigned_url(
            "put_object",
            Params={
                "Bucket": settings.S3_BUCKET,
                "Key": upload.key,
                "ContentLength": upload.size,
                "ContentType": upload.content_type,
                "ChecksumSHA256": checksum,
            },
            ExpiresIn=int(ADDRESS_LASTS.total_seconds()),
        )
    headers = {"Content-Type": upload.content_type, "x-amz-checksum-sha256": checksum}
    return Doors(expires_at=timezone.now() + ADDRESS_LASTS, url=url, headers=headers)


def _part_doors(upload: Upload, numbers: list[int]) -> Iterator[PartDoor]:
    signer = storage.signer()
    for number in numbers:
        size = part_bytes(upload, number)
        with storage.calls_to_bucket():
            url = signer.generate_presigned_url(
                "upload_part",
                Params={
                    "Bucket": settings.S3_BUCKET,
                    "Key": upload.key,
                    "UploadId": upload.multipart_id,
                    "PartNumber": number,
                    "ContentLength": size,
                },
                ExpiresIn=int(PART_ADDRESS_LASTS.total_seconds()),
            )
        yield PartDoor(number, (number - 1) * upload.part_size, size, url)
