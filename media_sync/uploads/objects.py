"""The calls to the bucket that uploads make. Each raises BucketUnavailable where the bucket cannot be used.

They are made `in_time` where somebody waits (media_sync.hurry).
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError
from django.conf import settings

from media_sync import storage
from media_sync.hurry import in_time
from media_sync.uploads.limits import IN_ONE_PIECE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BLOCK = 1024 * 1024


class Part(NamedTuple):
    size: int
    etag: str


class Begun(NamedTuple):
    key: str
    at: datetime


class Arrived(NamedTuple):
    """What was read of an object: never more than one byte beyond what was asked for."""

    size: int
    sha256: str


class Stored(NamedTuple):
    """An object as a listing tells of it, so that a sync finds nothing changed."""

    size: int
    etag: str
    modified: datetime


def begin_parts(key: str, content_type: str) -> str:
    """Begin an upload in parts; return its id."""
    with storage.calls_to_bucket():
        begun = in_time(
            lambda: storage.plain_client().create_multipart_upload(
                Bucket=settings.S3_BUCKET, Key=key, ContentType=content_type
            )
        )
    return begun["UploadId"]


def parts_of(key: str, multipart_id: str) -> dict[int, Part] | None:
    """Return the parts that have arrived, by their numbers; None if the bucket knows of no such upload (any more)."""
    listed = storage.client().get_paginator("list_parts")
    pages = listed.paginate(Bucket=settings.S3_BUCKET, Key=key, UploadId=multipart_id)
    with storage.calls_to_bucket():
        try:
            found = in_time(lambda: [part for page in pages for part in page.get("Parts", [])])
        except ClientError as error:
            if storage.is_absent(error):
                return None
            raise
    return {part["PartNumber"]: Part(part["Size"], part["ETag"]) for part in found}


def join_parts(key: str, multipart_id: str, parts: Mapping[int, Part]) -> None:
    """Make the object of its parts."""
    listed: Any = [{"PartNumber": number, "ETag": part.etag} for number, part in sorted(parts.items())]
    with storage.calls_to_bucket():
        storage.patient_client().complete_multipart_upload(
            Bucket=settings.S3_BUCKET, Key=key, UploadId=multipart_id, MultipartUpload={"Parts": listed}
        )


def begun_parts(prefix: str) -> dict[str, Begun]:
    """Return the uploads in parts that were begun under the prefix and have not ended, by their ids."""
    pages = storage.patient_client().get_paginator("list_multipart_uploads")
    found = {}
    with storage.calls_to_bucket():
        try:
            for page in pages.paginate(Bucket=settings.S3_BUCKET, Prefix=prefix):
                for each in page.get("Uploads", []):
                    found[each["UploadId"]] = Begun(each["Key"], each["Initiated"])
        except ClientError as error:
            if not storage.is_absent(error):  # some servers' word for none
                raise
    return found


def abort_parts(key: str, multipart_id: str) -> None:
    """Drop the parts that have arrived; nothing happens where there is no such upload."""
    with storage.calls_to_bucket():
        try:
            in_time(
                lambda: storage.client().abort_multipart_upload(
                    Bucket=settings.S3_BUCKET, Key=key, UploadId=multipart_id
                )
            )
        except ClientError as error:
            if not storage.is_absent(error):
                raise


def discard(key: str) -> None:
    """Delete the object; nothing happens where there is none."""
    with storage.calls_to_bucket():
        in_time(lambda: storage.client().delete_object(Bucket=settings.S3_BUCKET, Key=key))


def size_of(key: str) -> int | None:
    """Return the object's bytes; None if there is no such object."""
    with storage.calls_to_bucket():
        try:
            found = in_time(lambda: storage.client().head_object(Bucket=settings.S3_BUCKET, Key=key))
        except ClientError as error:
            if storage.is_absent(error):
                return None
            raise
    return found["ContentLength"]


def fetch(key: str, file: IO[bytes], *, most: int) -> Arrived | None:
    """Copy the object into the file, and tell what was copied; None if there is no such object.

    It stops one byte beyond `most`. What is told is of the bytes that are in the file now, whatever the bucket
    says of the object, and whoever changes it meanwhile.
    """
    with storage.calls_to_bucket():
        try:
            arrived = in_time(lambda: _copy(key, file, most), file)
        except ClientError as error:
            if storage.is_absent(error):
                return None
            raise
    file.flush()
    return arrived


def _copy(key: str, file: IO[bytes], most: int) -> Arrived:
    digest, size = hashlib.sha256(), 0
    with _client_for(most).get_object(Bucket=settings.S3_BUCKET, Key=key)["Body"] as body:
        while size <= most and (block := body.read(min(BLOCK, most + 1 - size))):
            file.write(block)
            digest.update(block)
            size += len(block)
    return Arrived(size, digest.hexdigest())


def put(path: Path, key: str, content_type: str) -> Stored:
    """Put the file under the key, and return what a listing tells of it now."""
    size = path.stat().st_size
    client = _client_for(size)
    with storage.calls_to_bucket(), path.open("rb") as file:
        _put(client, key, content_type, file, size)
        page = in_time(lambda: client.list_objects_v2(Bucket=settings.S3_BUCKET, Prefix=key, MaxKeys=1))
    listed = page["Contents"][0]
    return Stored(listed["Size"], listed["ETag"].strip('"'), listed["LastModified"])


def put_whole(key: str, content_type: str, file: IO[bytes], size: int) -> None:
    """Put a client's bytes where it was to send them itself."""
    with storage.calls_to_bucket():
        _put(storage.client(), key, content_type, file, size)


def put_part(key: str, multipart_id: str, number: int, file: IO[bytes], size: int) -> None:
    """The same for one part."""
    with storage.calls_to_bucket():
        in_time(
            lambda: storage.plain_client().upload_part(
                Bucket=settings.S3_BUCKET,
                Key=key,
                UploadId=multipart_id,
                PartNumber=number,
                Body=file,
                ContentLength=size,
            ),
            file,
        )


def _put(client: "S3Client", key: str, content_type: str, file: IO[bytes], size: int) -> None:
    in_time(
        lambda: client.put_object(
            Bucket=settings.S3_BUCKET, Key=key, Body=file, ContentType=content_type, ContentLength=size
        ),
        file,
    )


def _client_for(size: int) -> "S3Client":
    """Return a client that gives up within seconds where somebody waits, as for all but the largest files."""
    return storage.client() if size <= IN_ONE_PIECE else storage.patient_client()
