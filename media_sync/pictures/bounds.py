"""What refuses a picture before it is decoded: what hides in its file. For the child only.

Each check costs one look at the bytes of the file; no part of it is unpacked beyond its bound.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
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
MARKER = re.compile(rb"\xff+([\x01-\xfe])")  # of a JPEG's segment
AFTER_PIXELS = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # what ends a scan
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without content
FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
USUAL_FRAMES = {0xC0, 0xC1, 0xC2}  # Huffman-coded, as all browsers show them; arithmetic coding can be a bomb
START_OF_SCAN, END_OF_JPEG = 0xDA, 0xD9
SCANS = 100  # of a progressive JPEG; usual are 10
SCANNED_PIXELS = 1_000_000_000  # in all scans together
SEGMENTS = 10_000
PNG_START = 8
WEBP_START = 12
PNG_EMPTY = 12  # bytes of a chunk without content
PIXEL_CHUNKS = 65_536
OF_PIXELS = {b"IDAT", b"fdAT", b"fcTL"}  # the last two are of animations
OTHER_CHUNKS = 1_000
UNPACKED_BYTES = 4 * 1024 * 1024  # of all texts and colour profiles
PROGRAM = "It holds a web page or a program beside the picture."
ARCHIVE = "It is a ZIP archive as well as a picture."
DOCUMENT = "It is a PDF as well as a picture."
TOO_MANY_SCANS = "It is in so many scans as only a file made to keep decoders busy is."
UNUSUAL_JPEG = "It is a JPEG of a rare kind that browsers do not show: save it as an ordinary one."
TOO_MANY_CHUNKS = "It is in so many chunks as only a file made to keep decoders busy is."
TOO_DEEP = "It holds packed texts or colour profiles that unpack to more than 4 MB."
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
    """Each scan of a progressive JPEG goes through all its pixels, however few bytes it has."""
    scans = pixels = 0
    for number, (marker, start) in enumerate(_segments(content)):
        if marker in FRAME_HEADERS and marker not in USUAL_FRAMES:
            raise PictureRefused(UNUSUAL_JPEG)
        if marker in FRAME_HEADERS:
            height, width = struct.unpack(">HH", content[start + 3 : start + 7].ljust(4, b"\0"))
            pixels = max(pixels, width * height)
        scans += marker == START_OF_SCAN
        if scans > SCANS or scans * pixels > SCANNED_PIXELS:
            raise PictureRefused(TOO_MANY_SCANS)
        if number > SEGMENTS:
            raise PictureRefused(TOO_MANY_CHUNKS)


def _segments(content: mmap) -> Iterator[tuple[int, int]]:
    """Yield each segment's marker and where its length stands, up to the picture's end. Films may lie behind that."""
    at = 2
    while found := MARKER.search(content, at):
        marker, at = found[1][0], found.end()
        if marker == END_OF_JPEG:
            return
        if marker in ALONE:
            continue
        yield marker, at
        at += int.from_bytes(content[at : at + 2])
        if marker == START_OF_SCAN:
            after = AFTER_PIXELS.search(content, at)
            at = after.start() if after else len(content)


def _check_webp(content: mmap) -> None:
    """The loader looks for each frame from the first one on: a million takes it minutes."""
    frames = others = 0
    at, end = WEBP_START, 8 + int.from_bytes(content[4:8], "little")
    while at < min(end, len(content)):
        is_frame = content[at : at + 4] == b"ANMF"
        frames, others = frames + is_frame, others + (not is_frame)
        if frames > FRAMES or others > OTHER_CHUNKS:
            raise PictureRefused(TOO_MANY_CHUNKS)
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + size + size % 2


def _check_png(content: mmap) -> None:
    pixels = others = unpacked = 0
    for name, start, end in chunks(content):
        is_pixels = name in OF_PIXELS
        pixels, others = pixels + is_pixels, others + (not is_pixels)
        if pixels > PIXEL_CHUNKS or others > OTHER_CHUNKS:
            raise PictureRefused(TOO_MANY_CHUNKS)
        if name in PACKED:
            most = UNPACKED_BYTES + 1 - unpacked
            unpacked += _unpacked(content, PACKED[name].match(content, start, end), end, most)
        if unpacked > UNPACKED_BYTES:
            raise PictureRefused(TOO_DEEP)


def chunks(content: mmap) -> Iterator[tuple[bytes, int, int]]:
    """Yield each chunk's name and where its content lies, up to the picture's end."""
    at, name = PNG_START, b""
    while name != b"IEND":
        end = at + PNG_EMPTY + int.from_bytes(content[at : at + 4])
        if end > len(content):
            raise PictureRefused(CUT_SHORT)
        name = content[at + 4 : at + 8]
        yield name, at + 8, end - 4
        at = end


def _unpacked(content: mmap, start: re.Match[bytes] | None, end: int, most: int) -> int:
    """Return to how many bytes it unpacks what is packed from there on; no more than `most` are unpacked."""
    if not start:
        return 0
    try:
        return len(zlib.decompressobj().decompress(content[start.end() : end], most))
    except zlib.error:
        return 0  # nobody else can unpack it either


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
    formats.WEBP: _check_webp,
}
