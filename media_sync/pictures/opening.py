"""Opens pictures with libvips, each by the loader of its sniffed format and by no other. For the child only."""

from pathlib import Path
from typing import Any

import pyvips

from media_sync.pictures import formats
from media_sync.pictures.errors import PictureRefused

# Damage to pixels and truncation refuse a picture; oddities that change no pixel (damaged EXIF, bytes too many) do not.
FAIL_ON = "error"
LOADERS = {
    formats.JPEG: "jpegload",
    formats.PNG: "pngload",
    formats.WEBP: "webpload",
    formats.AVIF: "heifload",
    formats.GIF: "gifload",
}
ANIMATED = {formats.WEBP, formats.GIF}  # whose loaders read all frames as one tall picture
NO_PICTURE = "It is no picture in JPEG, PNG, WebP, AVIF or GIF."


def block_other_loaders() -> None:
    """Leave this process the loaders of the allowed formats; to be called before the first file is opened."""
    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(state=True)
    pyvips.operation_block_set("VipsForeignLoad", state=True)
    for name in ("Jpeg", "Png", "Webp", "Heif", "Nsgif"):
        pyvips.operation_block_set(f"VipsForeignLoad{name}", state=False)


def format_of(path: Path) -> formats.Format:
    """Return which of the allowed formats the file is in; raises PictureRefused when it is none."""
    with path.open("rb") as file:
        found = formats.sniff(file.read(formats.HEAD_BYTES))
    if found not in LOADERS:
        raise PictureRefused(NO_PICTURE)
    return found


def opened(path: Path, *, frames: int = 1, shrink: int = 1) -> pyvips.Image:
    """Open a picture, -1 for all frames; nothing is decoded before its pixels are asked for, from top to bottom.

    A JPEG can be decoded at a half, quarter or eighth of its size: `shrink` is 2, 4 or 8.

    Raises PictureRefused for another format, pyvips.Error for a damaged file.
    """
    found = format_of(path)
    options: dict[str, Any] = {"access": "sequential", "fail_on": FAIL_ON}
    if found in ANIMATED:
        options["n"] = frames
    if shrink > 1:
        options["shrink"] = shrink
    return getattr(pyvips.Image, LOADERS[found])(str(path), **options)
