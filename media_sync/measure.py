"""Reads the width and height of pictures from the beginning of their files."""

import re
import struct
import threading
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from io import BytesIO

from botocore.exceptions import ClientError
from django.conf import settings
from django.db import connection
from PIL import ExifTags, Image

from catalog.models import MediaAsset
from media_sync import storage

BATCH = 200
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF")  # Pillow can read 40 others, some of them dangerous
THREADS = 8  # each holds one file's bytes at a time
HEAD_BYTES = 256 * 1024  # beyond the EXIF and ICC blocks that stand before the sizes
WHOLE_BYTES = 8 * 1024 * 1024  # how far a file is read whose sizes Pillow finds only in the whole of it
NEEDS_WHOLE = re.compile(rb"RIFF....WEBP|....ftypavi", re.DOTALL)
NOTHING_THERE = {"NoSuchKey", "InvalidRange", "416"}
TRANSPOSED = range(5, 9)  # EXIF orientations that lay the picture on its side
# All that Pillow was seen to raise on damaged files.
UNREADABLE = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, OverflowError, ArithmeticError,
    MemoryError, RuntimeError, struct.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip
_reading = threading.Lock()  # warnings are of the process, not of the thread

Size = tuple[int, int]
WRITE_SIZES = """
UPDATE catalog_mediaasset a SET width = m.width, height = m.height, updated_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::int[]) AS m (id, etag, width, height)
WHERE a.id = m.id AND a.etag = m.etag AND (a.width, a.height) IS DISTINCT FROM (m.width, m.height)
"""


def measure_pending(*, limit: int = BATCH, since: datetime | None = None, after: int = 0) -> int | None:
    """Measure the next few images of unknown size, in order of id; return the last id, or None at the end.

    `since` narrows to assets written from then on, `after` to greater ids. A picture that cannot be read
    keeps no size; it is tried again when a later pass comes by it. Raises BucketUnavailable.
    """
    waiting = MediaAsset.objects.present().images().filter(width=None, pk__gt=after)
    if since:
        waiting = waiting.filter(updated_at__gte=since)
    assets = list(waiting.order_by("pk").only("pk", "key", "etag", "size", "content_type")[:limit])
    if not assets:
        return None
    with ThreadPoolExecutor(THREADS) as pool:
        _write(zip(assets, pool.map(_size_in_bucket, assets), strict=True))
    return assets[-1].pk


def size_of(content: bytes) -> Size | None:
    """Return width and height as a viewer shows them, from a picture's first bytes; None if it is none.

    Reads headers only and decodes no pixel; a picture of more pixels than Pillow thinks safe is none.
    """
    with _reading, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damage that leaves the size readable
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                (width, height), exif = image.size, image.info.get("exif")
        except UNREADABLE:
            return None
        return (height, width) if exif and _is_turned(exif) else (width, height)


def _is_turned(exif: bytes) -> bool:
    """Whether viewers turn the picture by a quarter. Not getexif(), which decodes a PNG to look for it."""
    tags = Image.Exif()
    try:
        tags.load(exif)
        return tags.get(ExifTags.Base.Orientation) in TRANSPOSED
    except UNREADABLE:
        return False


def _size_in_bucket(asset: MediaAsset) -> Size | None:
    content = _beginning(asset, HEAD_BYTES)
    if asset.size > HEAD_BYTES and NEEDS_WHOLE.match(content):
        content = _beginning(asset, WHOLE_BYTES)
    return size_of(content)


def _beginning(asset: MediaAsset, length: int) -> bytes:
    """Fetch so many bytes of the object; none when it is empty or has gone meanwhile."""
    with storage.calls_to_bucket():
        try:
            found = storage.client().get_object(
                Bucket=settings.S3_BUCKET, Key=asset.key, Range=f"bytes=0-{length - 1}"
            )
            return found["Body"].read(length)  # a server may answer a range with the whole
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in NOTHING_THERE:
                return b""
            raise


def _write(measured: Iterable[tuple[MediaAsset, Size | None]]) -> None:
    """Write the sizes in one statement, each only if the object is still the one that was read."""
    rows = [(asset.pk, asset.etag, *size) for asset, size in measured if size]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(WRITE_SIZES, [list(column) for column in zip(*rows, strict=True)])
