"""The camera's notes that are kept of a picture: a list of what may be known, so that nothing else is.

No place, no serial number, no owner, no comment, no maker's notes. For the child only.
"""

import math
import re
import struct
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base

LONGEST = 100  # characters of a text
LONGEST_EXPOSURE = 86_400  # seconds
SLOW = 0.4  # seconds, from which on photographers write no fraction
UNREADABLE = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, RuntimeError, struct.error,
)  # fmt: skip # all that Pillow was seen to raise on damaged blocks
NOT_SHOWN = re.compile(r"[\0-\x1f\x7f-\x9f\ud800-\udfff]+")
TIME = "%Y:%m:%d %H:%M:%S"
OFFSET = re.compile(r"[+-][01]\d:[0-5]\d")


def notes(block: bytes) -> dict[str, str | float | int]:
    """Return what an EXIF block says of camera, lens, exposure and time; nothing of what is damaged in it."""
    tags = Image.Exif()
    try:
        tags.load(block)
        found: dict[int, Any] = {**tags, **tags.get_ifd(IFD.Exif)}
    except UNREADABLE:
        return {}
    read = {name: _read(reader, found) for name, reader in NOTES.items()}
    return {name: value for name, value in read.items() if value not in (None, "")}


def _read(reader: Callable[[Mapping[int, Any]], Any], found: Mapping[int, Any]) -> Any:
    try:
        return reader(found)
    except UNREADABLE:
        return None


def _text(tag: Base) -> Callable[[Mapping[int, Any]], str]:
    def read(found: Mapping[int, Any]) -> str:
        value = found.get(tag, "")
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        return NOT_SHOWN.sub(" ", text.split("\0")[0]).strip()[:LONGEST]

    return read


def _number(tag: Base, *, digits: int = 0) -> Callable[[Mapping[int, Any]], float | int | None]:
    def read(found: Mapping[int, Any]) -> float | int | None:
        value = found.get(tag)
        number = float(value[0] if isinstance(value, tuple) else value)  # type: ignore[arg-type] # None is a TypeError
        if not math.isfinite(number) or number <= 0:
            return None
        return round(number, digits) if digits else int(number)

    return read


def _exposure(found: Mapping[int, Any]) -> str | None:
    """Return seconds as photographers write them: 1/250, or 2.5."""
    seconds = _number(Base.ExposureTime, digits=9)(found)
    if seconds is None or seconds > LONGEST_EXPOSURE:
        return None
    return f"1/{round(1 / seconds)}" if seconds < SLOW else f"{seconds:g}"


def _taken_at(found: Mapping[int, Any]) -> str:
    """Return the camera's clock in ISO 8601; with its offset only if the camera knew it."""
    time = datetime.strptime(_text(Base.DateTimeOriginal)(found), TIME)  # noqa: DTZ007 - cameras know no zone
    offset = OFFSET.fullmatch(_text(Base.OffsetTimeOriginal)(found))
    return time.isoformat() + (offset[0] if offset else "")


NOTES: dict[str, Callable[[Mapping[int, Any]], Any]] = {
    "make": _text(Base.Make),
    "model": _text(Base.Model),
    "lens": _text(Base.LensModel),
    "taken_at": _taken_at,
    "exposure": _exposure,
    "f_number": _number(Base.FNumber, digits=1),
    "iso": _number(Base.ISOSpeedRatings),
    "focal_length": _number(Base.FocalLength, digits=1),
    "focal_length_35mm": _number(Base.FocalLengthIn35mmFilm),
}
