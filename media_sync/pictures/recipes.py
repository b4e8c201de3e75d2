"""Which files are made of a picture: shapes, sizes, formats. Pure functions; no Django here: the child imports this, too.

Whoever changes what comes out, here or in render_child, raises VERSION: all renditions are then made anew.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

VERSION = 2
FOLDER = "renditions"
WIDTHS = (320, 640, 1280, 2560)
LONGEST = 16_383  # pixels of a side that WebP can hold
WEBP, AVIF = "webp", "avif"
STEPS = 10_000  # in which a focal point is told apart: finer than a pixel of any crop
Box = tuple[int, int, int, int]  # left, top, width, height; in pixels of the upright original
Size = tuple[int, int]  # width, height
Point = tuple[float, float]  # of the picture's width and height, from the upper left


@dataclass(frozen=True, slots=True)
class Rendition:
    """One file to be made. `ratio` is "" for the picture's own shape."""

    ratio: str
    format: str
    crop: Box
    width: int
    height: int

    def as_json(self) -> dict[str, Any]:
        """Return what the asset's row tells of it; the file's size in bytes comes later."""
        return {"ratio": self.ratio, "format": self.format, "width": self.width, "height": self.height}


def plan(size: Size, *, focal: Point, ratios: Iterable[str], frames: int = 1) -> list[Rendition]:
    """Return all files to be made of an upright picture of that size. Nothing is wider than what it is cut from.

    Animated pictures become WebP only: libvips writes no moving AVIF.
    """
    formats = (WEBP,) if frames > 1 else (AVIF, WEBP)
    return [
        Rendition(ratio, file_format, crop, width, height)
        for ratio in ("", *ratios)
        for crop in [crop_box(size, ratio, focal)]
        for file_format in formats
        for width, height in sizes_of(crop)
    ]


def crop_box(size: Size, ratio: str, focal: Point) -> Box:
    """Return the largest box of a shape such as 4:3, its middle as near to the focal point as the picture's edges let."""
    width, height = size
    if not ratio:
        return 0, 0, width, height
    across, down = map(int, ratio.split(":"))
    box_width = max(1, min(width, round(height * across / down)))
    box_height = max(1, min(height, round(width * down / across)))
    return (
        _start(focal[0], width, box_width),
        _start(focal[1], height, box_height),
        box_width,
        box_height,
    )


def _start(focal: float, whole: int, part: int) -> int:
    return min(max(round(focal * whole - part / 2), 0), whole - part)


def sizes_of(crop: Box) -> Iterator[Size]:
    """Yield the sizes that are made of a cut, the smallest first: WIDTHS below its own width, and its own up to 2560."""
    _, _, width, height = crop
    most = min(width, WIDTHS[-1], max(1, LONGEST * width // height))
    for each in (*(each for each in WIDTHS if each < most), most):
        yield each, max(1, round(each * height / width))


def folder(asset_id: int, sha256: str, *, focal: Point, ratios: Iterable[str]) -> str:
    """Return where the renditions go: another place for another content, focal point, set of shapes, or recipe.

    Without fixed shapes the focal point changes nothing.
    """
    text = "|".join((*recipe(ratios), sha256, *(_steps(part) for part in focal if ratios)))
    return f"{FOLDER}/{asset_id}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def recipe(ratios: Iterable[str]) -> tuple[str, str]:
    """Return what is the same for all pictures: version and shapes, whatever their order."""
    return str(VERSION), ",".join(sorted(ratios))


def _steps(part: float) -> str:
    return str(round(part * STEPS))
