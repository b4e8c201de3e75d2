"""A ZIP archive as a stream: its parts are compressed as they come, and nothing goes back over the bytes sent."""

import zipfile
from collections.abc import Iterable, Iterator
from io import BytesIO, RawIOBase
from typing import NamedTuple

from catalog.writers.table import Unwritable

CHUNK = 64 * 1024  # bytes
LEVEL = 3  # of deflate: a tenth more bytes than level 6, in half the time
PART_BYTES = 1024 * 1024 * 1024  # unpacked; imports read no more either


class Part(NamedTuple):
    name: str
    blocks: Iterable[str]


class Sink(RawIOBase):
    """Takes the archive's bytes until they are fetched; they cannot be gone back to."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = bytearray()
        self.sent = 0

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]  # all that zipfile writes
        self.waiting += data
        return len(data)

    def tell(self) -> int:
        return self.sent + len(self.waiting)

    def take(self) -> bytes:
        taken = bytes(self.waiting)
        self.sent += len(taken)
        self.waiting.clear()
        return taken


def archived(parts: Iterable[Part], media_type: str = "") -> Iterator[bytes]:
    """Yield the archive in chunks. OpenDocument wants its media type as a first part, not compressed."""
    sink = Sink()
    first = _stored(sink, media_type) if media_type else None
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        if first:
            archive.infolist().append(first)
        for part in parts:
            yield from _written(archive, part, sink)
    yield sink.take()


def _written(archive: zipfile.ZipFile, part: Part, sink: Sink) -> Iterator[bytes]:
    size = 0
    with archive.open(part.name, "w") as file:  # dated 1980, so that the same rows make the same bytes
        for block in part.blocks:
            try:
                size += file.write(block.encode())
            except UnicodeEncodeError as error:
                raise Unwritable("Half a surrogate pair is no text, and UTF-8 cannot hold it.") from error
            if size > PART_BYTES:
                raise Unwritable("The table is larger than a workbook should be; use CSV or JSON lines.")
            if len(sink.waiting) > CHUNK:
                yield sink.take()


def _stored(sink: Sink, media_type: str) -> zipfile.ZipInfo:
    """Write the media type with its size before it, which zipfile does only where it can go back."""
    small = BytesIO()
    entry = zipfile.ZipInfo("mimetype")
    with zipfile.ZipFile(small, "w") as archive:
        archive.writestr(entry, media_type)
        end = small.tell()
    sink.write(small.getvalue()[:end])
    return entry
