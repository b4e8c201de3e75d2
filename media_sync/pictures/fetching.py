"""Brings an object's content from the bucket: its checksum, what it is, and a picture's file."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from botocore.exceptions import ClientError
from django.conf import settings

from catalog.models import MediaAsset
from media_sync import storage
from media_sync.errors import BucketUnavailable
from media_sync.pictures import formats, scratch

CHUNK_BYTES = 256 * 1024
ARCHIVED = "InvalidObjectState"  # Amazon's word for an object that has to be restored from its archive first
ATTEMPTS = 3  # a connection may break in the middle of an object, which boto does not mend


class Content(NamedTuple):
    """What was fetched. `path` holds it only if it is a picture of an allowed size."""

    format: formats.Format
    size: int
    sha256: str  # "" if there is more than is read of its kind
    path: Path

    @property
    def is_too_large(self) -> bool:
        return self.size > formats.LARGEST[self.format.kind]


@contextmanager
def fetched(asset: MediaAsset) -> Iterator[Content | None]:
    """Give the content of the asset's object; None when it has gone, is not the one that was recorded, or is archived.

    The file is deleted at the end. Memory holds a quarter of a megabyte of it. Raises BucketUnavailable.
    """
    with scratch.folder() as folder:
        yield _fetch(asset, folder / "picture")


def _fetch(asset: MediaAsset, path: Path) -> Content | None:
    for attempt in range(1, ATTEMPTS + 1):
        body = _body(asset)
        if body is None:
            return None
        try:
            with storage.calls_to_bucket(), body:
                return _read(body, asset.size, path)
        except BucketUnavailable:
            if attempt == ATTEMPTS:
                raise
    return None


def _body(asset: MediaAsset) -> Any | None:
    """Return the stream; None if there is no such object, another one, or it is archived. Raises BucketUnavailable."""
    with storage.calls_to_bucket():
        try:
            found = storage.worker_client().get_object(Bucket=settings.S3_BUCKET, Key=asset.key)
        except ClientError as error:
            if storage.is_absent(error) or error.response.get("Error", {}).get("Code") == ARCHIVED:
                return None
            raise
    if (found["ETag"].strip('"'), found["ContentLength"]) == (asset.etag, asset.size):
        return found["Body"]
    found["Body"].close()
    return None


def _read(body: Any, size: int, path: Path) -> Content:
    """Read the content to its end, or only its beginning where it is too large for its kind."""
    head = body.read(formats.HEAD_BYTES)
    found = formats.sniff(head) or formats.OTHER
    content = Content(found, size, "", path)
    if content.is_too_large:
        return content
    checksum = hashlib.sha256(head)
    with path.open("wb") as file:
        keeping = file if found in formats.PICTURES else None
        _pour(head, body, checksum, keeping)
    return content._replace(sha256=checksum.hexdigest())


def _pour(head: bytes, body: Any, checksum: Any, file: IO[bytes] | None) -> None:
    if file:
        file.write(head)
    while piece := body.read(CHUNK_BYTES):
        checksum.update(piece)
        if file:
            file.write(piece)
