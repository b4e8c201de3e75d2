"""What refuses a picture before it is decoded: what hides in its file. For the child only.

Each check costs one look at the bytes of the file; no part of it is unpacked beyond its bound.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path

from media_sync.pictures import formats
from media_sync.pictures.errors import PictureRefused

PIXELS = 50_000_000  # of one frame, as its header declares them
FRAMES = 1_000
ALL_PIXELS = 100_000_000  # of all frames together
SIDE = 30_000  # pixels
THIN = 100  # as many times as long as the other one side may be: smaller sizes of a line have no pixel left
MEGA = 1_000_000

# Words that no picture holds by chance: where they are, somebody wants a browser or a server to run the file.
MARKUP = re.compile(rb"<(?i:script|\?php\s|html[\s>]|!doctype html|iframe)")
PDF_BYTES = 1024  # readers of PDF look that far for its beginning
SCAN = re.compile(rb"\xff\xda")
SCANS = 100  # of a progressive JPEG; usual are 10
PNG_START = 8
PNG_EMPTY = 12  # bytes of a chunk without content
PIXEL_CHUNKS = 65_536
OTHER_CHUNKS = 1_000
UNPACKED_BYTES = 4 * 1024 * 1024  # of a text or a colour profile
PROGRAM = "It holds a web page or a program beside the picture."
ARCHIVE = "It is a ZIP archive as well as a picture."
DOCUMENT = "It is a PDF as well as a picture."
TOO_MANY_SCANS = f"It is in more than {SCANS} scans, which only a file made to keep decoders busy is."
TOO_MANY_CHUNKS = "It is in so many chunks as only a file made to keep decoders busy is."
TOO_DEEP = "It holds a packed text or colour profile that unpacks to more than 4 MB."
CUT_SHORT = "It is cut short: its end is missing."


def check(path: Path, found: formats.Format) -> None:
    """Raise PictureRefused if the file is something else too, or is built to exhaust whoever decodes it."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        if MARKUP.search(content):
            raise PictureRefused(PROGRAM)
        if b"%PDF-" in content[:PDF_BYTES]:
            raise PictureRefused(DOCUMENT)
        if zipfile.is_zipfile(path):
            raise PictureRefused(ARCHIVE)
        if found in STRUCTURES:
            STRUCTURES[found](content)


def check_size(width: int, height: int, frames: int) -> None:
    """Refuse what its header declares to be too large, before a pixel is decoded."""
    if width * height > PIXELS:
        raise PictureRefused(
            f"It has {width:,} x {height:,} pixels; a picture may have {PIXELS // MEGA} megapixels."
        )
    if max(width, height) > SIDE:
        raise PictureRefused(f"It is {max(width, height):,} pixels long; a picture may be {SIDE:,}.")
    if max(width, height) > THIN * min(width, height):
        raise PictureRefused(
            f"It has {width:,} x {height:,} pixels; one side may be {THIN} times as long as the other."
        )
    if frames > FRAMES:
        raise PictureRefused(f"It has {frames:,} frames; an animation may have {FRAMES:,}.")
    if width * height * frames > ALL_PIXELS:
        raise PictureRefused(
            f"Its {frames:,} frames of {width:,} x {height:,} pixels are more than the {ALL_PIXELS // MEGA} megapixels"
            " that an animation may have together."
        )


def _check_gif(content: mmap) -> None:
    """The loader takes the first frame's size where that is smaller; browsers make room for the size declared."""
    width, height = struct.unpack("<HH", content[6:10].ljust(4, b"\0"))
    check_size(width, height, frames=1)


def _check_jpeg(content: mmap) -> None:
    if next(islice(SCAN.finditer(content), SCANS, None), None):
        raise PictureRefused(TOO_MANY_SCANS)


def _check_png(content: mmap) -> None:
    pixels = others = 0
    for name, start, end in _chunks(content):
        pixels, others = pixels + (name == b"IDAT"), others + (name != b"IDAT")
        if pixels > PIXEL_CHUNKS or others > OTHER_CHUNKS:
            raise PictureRefused(TOO_MANY_CHUNKS)
        if name in PACKED and _is_deep(content, PACKED[name].match(content, start, end), end):
            raise PictureRefused(TOO_DEEP)


def _chunks(content: mmap) -> Iterator[tuple[bytes, int, int]]:
    """Yield each chunk's name and where its content lies, up to the picture's end."""
    at, name = PNG_START, b""
    while name != b"IEND":
        end = at + PNG_EMPTY + int.from_bytes(content[at : at + 4])
        if end > len(content):
            raise PictureRefused(CUT_SHORT)
        name = content[at + 4 : at + 8]
        yield name, at + 8, end - 4
        at = end


def _is_deep(content: mmap, start: re.Match[bytes] | None, end: int) -> bool:
    """Whether what is packed from there on unpacks to more than is allowed."""
    if not start:
        return False
    unpacking = zlib.decompressobj()
    try:
        return len(unpacking.decompress(content[start.end() : end], UNPACKED_BYTES + 1)) > UNPACKED_BYTES
    except zlib.error:
        return False  # nobody else can unpack it either


# What stands in a chunk before its packed part: a name, how it is packed, and languages.
PACKED = {
    b"zTXt": re.compile(rb"[^\0]*\0[\0-\xff]", re.DOTALL),
    b"iCCP": re.compile(rb"[^\0]*\0[\0-\xff]", re.DOTALL),
    b"iTXt": re.compile(rb"[^\0]*\0\x01[\0-\xff][^\0]*\0[^\0]*\0", re.DOTALL),
}
STRUCTURES: dict[formats.Format, Callable[[mmap], None]] = {
    formats.JPEG: _check_jpeg,
    formats.PNG: _check_png,
    formats.GIF: _check_gif,
}
