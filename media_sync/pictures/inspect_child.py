"""What the child finds out about a picture: header, then bounds, then one small view of all its pixels."""

import base64
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyvips

from media_sync.pictures import bounds, camera, formats, opening
from media_sync.pictures.thumbhash import thumbhash

VIEW = 48  # pixels on the longer side, from which hashes and colour are taken
TURNED = range(5, 9)  # EXIF's orientations that lay the picture on its side
OPAQUE = 128  # alpha from which a pixel counts for the colour
SHADES = 5  # bits by which similar colours are counted as one: 8 shades of each
SIGN = 1 << 63
ROW = 9  # fields whose lightness is compared, each with the next


def inspect(path: Path) -> dict[str, Any]:
    """Return the picture's measures; raises PictureRefused, and pyvips.Error for a damaged one."""
    found = opening.format_of(path)
    bounds.check(path, found)
    image = opening.opened(path)
    frames = opening.frames_of(path)
    bounds.check_size(image.width, image.height, frames)
    view = _view(path, found, frames)
    width, height = image.width, image.height
    if _field(image, "orientation", 1) in TURNED:
        width, height = height, width
    return {
        "format": found.name,
        "width": width,
        "height": height,
        "frames": frames,
        "has_alpha": bool(image.hasalpha()),
        "exif": camera.notes(_field(image, "exif-data", b"")),
        **_looks(view),
    }


def _field(image: pyvips.Image, name: str, default: Any) -> Any:
    return image.get(name) if image.get_typeof(name) else default


def _view(path: Path, found: formats.Format, frames: int) -> pyvips.Image:
    """Return the first frame, small, upright, in sRGB with transparency; decodes all frames to their end."""
    if frames > 1:
        opening.all_frames(path).avg()
    size = {"height": VIEW, "size": "down", "output_profile": "srgb"}
    if found == formats.JPEG:  # decoded at an eighth of its size, but to its end
        view = pyvips.Image.thumbnail(str(path), VIEW, fail_on=opening.FAIL_ON, **size)
    else:
        view = opening.opened(path).thumbnail_image(VIEW, **size)
    view = view.colourspace("srgb").cast("uchar")
    return (view if view.hasalpha() else view.addalpha()).copy_memory()


def _looks(view: pyvips.Image) -> dict[str, Any]:
    rgba = bytes(view.write_to_memory())
    hashed = thumbhash(view.width, view.height, rgba)
    return {
        "dhash": _dhash(view),
        "thumbhash": base64.b64encode(hashed).decode(),
        "colour": _colour(rgba),
    }


def _dhash(view: pyvips.Image) -> int:
    """Return whether each of 8 x 8 fields is lighter than the one at its right, as a signed number of 64 bits."""
    grey = view.flatten(background=255).colourspace("b-w")
    fields = bytes(grey.thumbnail_image(ROW, height=ROW - 1, size="force").write_to_memory())
    value = 0
    for at, (left, right) in enumerate(pairwise(fields), start=1):
        if at % ROW:  # the last of a row has nobody at its right
            value = value << 1 | (left > right)
    return value - 2 * SIGN if value >= SIGN else value


def _colour(rgba: bytes) -> str:
    """Return the mean of the pixels in the most frequent shade; "" if all is transparent."""
    seen = [tuple(rgba[at : at + 3]) for at in range(0, len(rgba), 4) if rgba[at + 3] >= OPAQUE]
    if not seen:
        return ""
    shade, _ = Counter(_shade(pixel) for pixel in seen).most_common(1)[0]
    alike = [pixel for pixel in seen if _shade(pixel) == shade]
    return "#" + "".join(f"{sum(part) // len(alike):02x}" for part in zip(*alike, strict=True))


def _shade(pixel: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(part >> SHADES for part in pixel)
