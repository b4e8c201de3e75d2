"""Animations that libvips reads as one picture: PNG (APNG) and AVIF, whose frames Pillow reads. For the child only."""

from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path

import pyvips
from PIL import AvifImagePlugin, Image, PngImagePlugin
from PIL.ExifTags import Base

from media_sync.pictures import bounds, camera, formats

Animation = AvifImagePlugin.AvifImageFile | PngImagePlugin.PngImageFile
READERS = {formats.PNG: "PNG", formats.AVIF: "AVIF"}  # as Pillow calls them
DEEP = "I;16"  # the one mode whose values are not of 8 bits


def count(path: Path, found: formats.Format) -> int:
    """Return how many frames the header declares, without decoding any; 1 for a still picture.

    Raises ValueError for a damaged file.
    """
    if not _seems_moving(path, found):
        return 1
    with _opened(path, found) as image:
        return max(1, image.n_frames - _first(image))


def opened(path: Path) -> pyvips.Image:
    """Return all frames as libvips reads other animations: one tall picture that tells the frames' height and delays.

    They are in memory, in 8 bits with transparency. Raises ValueError for a damaged file.
    """
    with _opened(path, formats.sniff_file(path)) as image:
        delays: list[int] = []
        frames = list(_frames(image, delays))
        tall = pyvips.Image.arrayjoin(frames, across=1).copy(interpretation="srgb")
        tall.set_type(pyvips.GValue.gint_type, "page-height", image.height)
        tall.set_type(pyvips.GValue.array_int_type, "delay", delays)
        tall.set_type(pyvips.GValue.gint_type, "loop", int(image.info.get("loop", 0)))
        tall.set_type(pyvips.GValue.gint_type, "orientation", image.getexif().get(Base.Orientation, 1))
        if profile := image.info.get("icc_profile"):
            tall.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        return tall


def _seems_moving(path: Path, found: formats.Format) -> bool:
    """Whether it says that it is an animation: most pictures are not, and Pillow need not look at them."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        if found == formats.PNG:
            return any(name == b"acTL" for name, _, _ in bounds.chunks(content))
        return found == formats.AVIF and b"avis" in content[8 : int.from_bytes(content[:4])]


@contextmanager
def _opened(path: Path, found: formats.Format | None) -> Iterator[Animation]:
    try:
        with Image.open(path, formats=[READERS[found]] if found in READERS else []) as image:
            if not isinstance(image, Animation):
                raise TypeError("This is no animation.")
            yield image
    except camera.UNREADABLE as error:
        raise ValueError(str(error)) from error


def _first(image: Animation) -> int:
    """Return the number of the first frame: some PNGs have a picture before it, for programs that show no others."""
    return int(getattr(image, "default_image", False))


def _frames(image: Animation, delays: list[int]) -> Iterator[pyvips.Image]:
    for number in range(_first(image), image.n_frames):
        image.seek(number)
        image.load()
        delays.append(int(image.info.get("duration") or 0))
        frame = image.point(lambda value: value / 256, "L") if image.mode == DEEP else image
        pixels = frame.convert("RGBA").tobytes()
        yield pyvips.Image.new_from_memory(pixels, image.width, image.height, 4, "uchar")
