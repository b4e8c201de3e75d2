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
    """Give the content of the asset's object; None when it has gone or is not the one that was recorded.

    The file is deleted at the end. Memory holds a quarter of a megabyte of it. Raises BucketUnavailable.
    """
    with scratch.folder() as folder:
        yield _fetch(asset, folder / "picture")


def _fetch(asset: MediaAsset, path: Path) -> Content | None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _try_to_fetch(asset, path)
        except BucketUnavailable:
            if attempt == ATTEMPTS:
                raise
    return None


def _try_to_fetch(asset: MediaAsset, path: Path) -> Content | None:
    with storage.calls_to_bucket():
        try:
            found = storage.client().get_object(Bucket=settings.S3_BUCKET, Key=asset.key)
        except ClientError as error:
            if storage.is_absent(error):
                return None
            raise
        with found["Body"] as body:
            if (found["ETag"].strip('"'), found["ContentLength"]) != (asset.etag, asset.size):
                return None
            return _read(body, asset.size, path)


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
