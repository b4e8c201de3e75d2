"""What a file is, by its first bytes alone. No Django here: the child imports this, too.

A name or a header that says otherwise is not believed. What no signature here fits is of no known format.
"""

import codecs
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HEAD_BYTES = 4096  # what `sniff` wants to see, or the whole file where that is shorter


class Format(NamedTuple):
    """A format that is told apart by its content. `kind` is one of MediaKind's values."""

    name: str
    extension: str
    content_type: str
    kind: str


JPEG = Format("JPEG", "jpg", "image/jpeg", "image")
PNG = Format("PNG", "png", "image/png", "image")
WEBP = Format("WebP", "webp", "image/webp", "image")
AVIF = Format("AVIF", "avif", "image/avif", "image")
GIF = Format("GIF", "gif", "image/gif", "image")
MP4 = Format("MP4", "mp4", "video/mp4", "video")
WEBM = Format("WebM", "webm", "video/webm", "video")
QUICKTIME = Format("QuickTime", "mov", "video/quicktime", "video")
PDF = Format("PDF", "pdf", "application/pdf", "document")
TEXT = Format("text", "txt", "text/plain", "document")
OTHER = Format("", "", "application/octet-stream", "document")

MB = 1_000_000
# Bytes that are read of a file. A larger picture is refused; of other larger files no checksum is taken.
LARGEST = {"image": 100 * MB, "video": 5_000 * MB, "document": 1_000 * MB}

PICTURES = (JPEG, PNG, WEBP, AVIF, GIF)

# Of the ISO media files, whose first box names what they are: pictures, films, and much else (HEIC, CR3, M4A ...).
FILMS = b"isom iso2 iso3 iso4 iso5 iso6 mp41 mp42 avc1 MSNV XAVC M4VH M4VP dash".split()
BRANDS = (
    dict.fromkeys((b"avif", b"avis"), AVIF) | {b"qt  ": QUICKTIME} | dict.fromkeys([*FILMS, b"M4V "], MP4)
)
SOME_PICTURES = {b"mif1", b"msf1"}  # whose further brands tell which
EBML = b"\x1a\x45\xdf\xa3"  # of Matroska and of WebM, which its document type tells apart
CONTROL = re.compile("[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")

SIGNATURES: tuple[tuple[Callable[[bytes], bool], Format], ...] = (
    (lambda head: head.startswith(b"\xff\xd8\xff"), JPEG),
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), PNG),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", WEBP),
    (lambda head: head.startswith((b"GIF87a", b"GIF89a")), GIF),
    (lambda head: head.startswith(EBML) and b"\x42\x82\x84webm" in head[:64], WEBM),
    (lambda head: head.startswith(b"%PDF-"), PDF),
)


def sniff(head: bytes) -> Format | None:
    """Return the format of a file that begins with these bytes (HEAD_BYTES of them), or None."""
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    for fits, found in SIGNATURES:
        if fits(head):
            return found
    return TEXT if _is_text(head[:HEAD_BYTES]) else None


def sniff_file(path: Path) -> Format | None:
    """The same for a file that lies there."""
    with path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES))


def _by_brand(head: bytes) -> Format | None:
    """Return what an ISO media file is by the brand of its first box, or by those beside it."""
    first, others = head[8:12], head[16 : int.from_bytes(head[:4])]
    if first in SOME_PICTURES and any(
        others[at : at + 4] in (b"avif", b"avis") for at in range(0, len(others), 4)
    ):
        return AVIF
    return BRANDS.get(first)


def _is_text(head: bytes) -> bool:
    """Whether it is text to read: UTF-8 without control characters, and no markup, which can hold scripts."""
    try:
        # a letter may be cut at the head's end, but not at the file's
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return False
    return bool(text.strip()) and not text.lstrip().startswith("<") and not CONTROL.search(text)
