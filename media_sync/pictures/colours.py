"""What an AVIF or a PNG says of its colours in numbers (ITU-T H.273), instead of by a profile. For the child only."""

import re
import struct
from mmap import ACCESS_READ, mmap
from pathlib import Path

import pyvips

from media_sync.pictures import formats
from media_sync.pictures.errors import PictureRefused

# The first one is the picture's own; those of previews and of maps for bright screens come behind it.
SAID = {
    formats.AVIF: (re.compile(rb"colrnclx(.{4})", re.DOTALL), ">HH"),
    formats.PNG: (re.compile(rb"\x00\x00\x00\x04cICP(.{2})", re.DOTALL), ">BB"),
}
PROFILE = "icc-profile-data"
BT2020, DISPLAY_P3 = 9, 12  # of the primary colours; most others are near to sRGB
LINEAR, PERCEPTUAL, HYBRID = 8, 16, 18  # of how light becomes numbers; the last two are of HDR
UNSHOWN = "Its colours are in HDR or in BT.2020 and would come out wrong: save it in sRGB or Display P3."


def with_profile(image: pyvips.Image, path: Path, found: formats.Format) -> pyvips.Image:
    """Return the image with the profile that its numbers stand for; raise PictureRefused where there is none.

    A profile in the file counts more than the numbers, as for browsers.
    """
    if found not in SAID or image.get_typeof(PROFILE):
        return image
    primaries, transfer = _said(path, found)
    if primaries == BT2020 or transfer in (LINEAR, PERCEPTUAL, HYBRID):
        raise PictureRefused(UNSHOWN)
    if primaries == DISPLAY_P3:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, PROFILE, pyvips.Operation.call("profile_load", "p3"))
    return image


def _said(path: Path, found: formats.Format) -> tuple[int, int]:
    pattern, how = SAID[found]
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        told = pattern.search(content)
        return struct.unpack(how, told[1]) if told else (0, 0)
