"""The child's half of making renditions: one decode, then each size from the next larger one.

Pixels go into new images; of what else the file holds nothing is kept but a colour profile where the colours need one.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pyvips

from media_sync.pictures import formats, opening, recipes

# Measured on photographs (docs/storage.md): the next steps of effort cost the processor twice as much and more,
# and save 3 % of the bytes.
SAVERS: dict[str, dict[str, Any]] = {
    recipes.WEBP: {"Q": 80, "effort": 2},
    recipes.AVIF: {"Q": 60, "effort": 2, "compression": "av1", "bitdepth": 8},
}
SHRINKS = (8, 4, 2)  # what a JPEG is decoded to while it is read: a half, a quarter, an eighth
TURNED = range(5, 9)  # EXIF's orientations that lay the picture on its side
# A narrower space is enough for most pictures in a wide one. These differ if at least a thousandth of their
# pixels, seen from afar, would change by more than 6 of 255.
GLANCE, VISIBLE, SHARE = 256, 6, 0.001
NARROW, WIDE = "srgb", "p3"  # profiles that libvips brings along
COLOUR = {"intent": "relative", "black_point_compensation": True, "embedded": True, "depth": 8}
OPAQUE = 255
OTHER_SIZE = "The picture is not of the size that was read from it."

Frames = list[pyvips.Image]  # one, or those of an animation


def render(command: dict[str, Any]) -> dict[str, Any]:
    """{"do": "render", "path", "out", "width", "height", "frames", "jobs": [{"name", "format", "crop", "width",
    "height"}]} -> {"made"}: one file for each job, in the folder `out`. All sizes are of the upright picture.

    Raises pyvips.Error for a damaged picture, ValueError for one of another size.
    """
    out, jobs = Path(command["out"]), command["jobs"]
    size = command["width"], command["height"]
    whole, profile = _decoded(Path(command["path"]), size, command["frames"], _largest_scale(jobs))
    keep = "icc" if profile == WIDE else "none"
    for crop, of_crop in groupby(jobs, key=lambda job: job["crop"]):
        for image, job in _sizes(_cut(whole, crop, size), of_crop):
            _save(image, out / job["name"], {**SAVERS[job["format"]], "keep": keep})
    return {"made": len(jobs)}


def _largest_scale(jobs: Iterable[dict[str, Any]]) -> float:
    return float(max(job["width"] / job["crop"][2] for job in jobs))


def _decoded(path: Path, size: recipes.Size, frames: int, scale: float) -> tuple[Frames, str]:
    """Return the upright frames in memory at that scale, in 8 bits, and the profile that they are in."""
    is_jpeg = opening.format_of(path) == formats.JPEG
    shrink = next((step for step in SHRINKS if is_jpeg and step * scale <= 1), 1)
    image = opening.all_frames(path) if frames > 1 else opening.opened(path, shrink=shrink)
    is_turned = bool(image.get_typeof("orientation")) and image.get("orientation") in TURNED
    stored = size[::-1] if is_turned else size
    pages = list(_pages(image, frames))
    found = pages[0].width, pages[0].height
    if any(abs(there * shrink - told) >= shrink for there, told in zip(found, stored, strict=True)):
        raise ValueError(OTHER_SIZE)
    wanted = [max(1, round(side * scale)) for side in stored]
    pages = [_resized(page, *wanted).copy_memory() for page in pages]
    profile = _profile(pages[0])
    return _without_needless_alpha([_in(page, profile).autorot().copy_memory() for page in pages]), profile


def _pages(image: pyvips.Image, frames: int) -> Iterator[pyvips.Image]:
    """Yield the frames, which libvips reads as one tall picture."""
    height = image.height // frames
    for number in range(frames):
        yield image if frames == 1 else image.crop(0, number * height, image.width, height)


def _profile(image: pyvips.Image) -> str:
    """Return the smallest colour space that does the picture justice: sRGB, or Display P3."""
    if not image.get_typeof("icc-profile-data"):
        return NARROW
    glance = image.thumbnail_image(GLANCE, height=GLANCE, size="down")
    straight = _in(glance, WIDE)
    change = (straight.cast("short") - _in(_in(glance, NARROW), WIDE).cast("short")).abs()
    lost = (change > VISIBLE).bandor().avg() / 255
    return WIDE if lost >= SHARE else NARROW


def _in(image: pyvips.Image, profile: str) -> pyvips.Image:
    """Return the image in that colour space, by the profile that it brings along; without one, by what is usual."""
    if image.get_typeof("icc-profile-data") or image.interpretation == "cmyk":
        try:
            return image.icc_transform(profile, **COLOUR)
        except pyvips.Error:  # the profile is damaged, or of another kind of picture: browsers ignore it, too
            image = image.copy()
            image.remove("icc-profile-data")
    return image.colourspace("srgb").cast("uchar")


def _without_needless_alpha(pages: Frames) -> Frames:
    if pages[0].hasalpha() and all(page[-1].min() == OPAQUE for page in pages):
        return [page[: page.bands - 1] for page in pages]
    return pages


def _cut(pages: Frames, crop: list[int], size: recipes.Size) -> Frames:
    """Cut the part out, whose place is told in pixels of the original."""
    left, top, width, height = crop
    across, down = pages[0].width / size[0], pages[0].height / size[1]
    box = (
        int(left * across),
        int(top * down),
        max(1, round(width * across)),
        max(1, round(height * down)),
    )
    if box == (0, 0, pages[0].width, pages[0].height):
        return pages
    return [page.crop(*box).copy_memory() for page in pages]


def _sizes(pages: Frames, jobs: Iterable[dict[str, Any]]) -> Iterator[tuple[pyvips.Image, dict[str, Any]]]:
    """Yield each job with its image, the widest first."""
    by_size = sorted(jobs, key=lambda job: -job["width"])
    for (width, height), of_size in groupby(by_size, key=lambda job: (job["width"], job["height"])):
        if (pages[0].width, pages[0].height) != (width, height):
            pages = [_resized(page, width, height).copy_memory() for page in pages]
        image = _joined(pages)
        for job in of_size:
            yield image, job


def _resized(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """Shrink the image; what is transparent lends no colour to what is beside it."""
    if (image.width, image.height) == (width, height):
        return image
    scales = width / image.width, height / image.height
    if not image.hasalpha():
        return image.resize(scales[0], vscale=scales[1])
    return image.premultiply().resize(scales[0], vscale=scales[1]).unpremultiply().cast(image.format)


def _joined(pages: Frames) -> pyvips.Image:
    """Return one image of all frames, as libvips writes them; delays and loop go with it."""
    if len(pages) == 1:
        return pages[0]
    image = pyvips.Image.arrayjoin(pages, across=1).copy()
    image.set_type(pyvips.GValue.gint_type, "page-height", pages[0].height)
    return image


def _save(image: pyvips.Image, path: Path, options: dict[str, Any]) -> None:
    """Write the file. Python does that, and not libvips: a full disk is told from a damaged picture."""
    save = image.webpsave_buffer if path.suffix == f".{recipes.WEBP}" else image.heifsave_buffer
    path.write_bytes(save(**options))
