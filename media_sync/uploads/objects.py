"""The calls to the bucket that uploads make. Each raises BucketUnavailable where the bucket cannot be used."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError
from django.conf import settings

from media_sync import storage
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
        begun = storage.plain_client().create_multipart_upload(
            Bucket=settings.S3_BUCKET, Key=key, ContentType=content_type
        )
    return begun["UploadId"]


def parts_of(key: str, multipart_id: str) -> dict[int, Part] | None:
    """Return the parts that have arrived, by their numbers; None if the bucket knows of no such upload (any more)."""
    pages = storage.client().get_paginator("list_parts")
    found = {}
    with storage.calls_to_bucket():
        try:
            for page in pages.paginate(Bucket=settings.S3_BUCKET, Key=key, UploadId=multipart_id):
                for part in page.get("Parts", []):
                    found[part["PartNumber"]] = Part(part["Size"], part["ETag"])
        except ClientError as error:
            if storage.is_absent(error):
                return None
            raise
    return found


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
            storage.client().abort_multipart_upload(Bucket=settings.S3_BUCKET, Key=key, UploadId=multipart_id)
        except ClientError as error:
            if not storage.is_absent(error):
                raise


def discard(key: str) -> None:
    """Delete the object; nothing happens where there is none."""
    with storage.calls_to_bucket():
        storage.client().delete_object(Bucket=settings.S3_BUCKET, Key=key)


def size_of(key: str) -> int | None:
    """Return the object's bytes; None if there is no such object."""
    with storage.calls_to_bucket():
        try:
            return storage.client().head_object(Bucket=settings.S3_BUCKET, Key=key)["ContentLength"]
        except ClientError as error:
            if storage.is_absent(error):
                return None
            raise


def fetch(key: str, file: IO[bytes], *, most: int) -> Arrived | None:
    """Copy the object into the file, and tell what was copied; None if there is no such object.

    It stops one byte beyond `most`. What is told is of the bytes that are in the file now, whatever the bucket
    says of the object, and whoever changes it meanwhile.
    """
    client, digest, size = _client_for(most), hashlib.sha256(), 0
    with storage.calls_to_bucket():
        try:
            body = client.get_object(Bucket=settings.S3_BUCKET, Key=key)["Body"]
        except ClientError as error:
            if storage.is_absent(error):
                return None
            raise
        with body:
            while size <= most and (block := body.read(min(BLOCK, most + 1 - size))):
                file.write(block)
                digest.update(block)
                size += len(block)
    file.flush()
    return Arrived(size, digest.hexdigest())


def put(path: Path, key: str, content_type: str) -> Stored:
    """Put the file under the key, and return what a listing tells of it now."""
    size = path.stat().st_size
    client = _client_for(size)
    with storage.calls_to_bucket(), path.open("rb") as file:
        client.put_object(
            Bucket=settings.S3_BUCKET, Key=key, Body=file, ContentType=content_type, ContentLength=size
        )
        page = client.list_objects_v2(Bucket=settings.S3_BUCKET, Prefix=key, MaxKeys=1)
    listed = page["Contents"][0]
    return Stored(listed["Size"], listed["ETag"].strip('"'), listed["LastModified"])


def put_whole(key: str, content_type: str, file: IO[bytes], size: int) -> None:
    """Put a client's bytes where it was to send them itself."""
    with storage.calls_to_bucket():
        storage.client().put_object(
            Bucket=settings.S3_BUCKET, Key=key, Body=file, ContentType=content_type, ContentLength=size
        )


def put_part(key: str, multipart_id: str, number: int, file: IO[bytes], size: int) -> None:
    """The same for one part."""
    with storage.calls_to_bucket():
        storage.plain_client().upload_part(
            Bucket=settings.S3_BUCKET,
            Key=key,
            UploadId=multipart_id,
            PartNumber=number,
            Body=file,
            ContentLength=size,
        )


def _client_for(size: int) -> "S3Client":
    """Return a client that gives up within seconds where somebody waits, as for all but the largest files."""
    return storage.client() if size <= IN_ONE_PIECE else storage.patient_client()
