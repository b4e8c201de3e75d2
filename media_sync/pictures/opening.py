"""Opens pictures with libvips, each by the loader of its sniffed format and by no other. For the child only."""

from collections.abc import Callable
from pathlib import Path

import pyvips

from media_sync.pictures import colours, formats, moving
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
ANIMATED = {formats.WEBP, formats.GIF}  # whose loaders read all frames as one tall picture; else see `moving`
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
    found = formats.sniff_file(path)
    if found not in LOADERS:
        raise PictureRefused(NO_PICTURE)
    return found


def frames_of(path: Path) -> int:
    """Return how many frames the header declares; raises pyvips.Error or ValueError for a damaged file."""
    found = format_of(path)
    if found not in ANIMATED:
        return moving.count(path, found)
    image = opened(path)
    return int(image.get("n-pages")) if image.get_typeof("n-pages") else 1


def all_frames(path: Path) -> pyvips.Image:
    """Return an animation as one tall picture of all its frames; it tells their height and delays.

    Raises pyvips.Error or ValueError for a damaged file.
    """
    found = format_of(path)
    return (
        _loaded(path, n=-1) if found in ANIMATED else colours.with_profile(moving.opened(path), path, found)
    )


def opened(path: Path, *, shrink: int = 1) -> pyvips.Image:
    """Open a picture, its first frame; nothing is decoded before its pixels are asked for, from top to bottom.

    A JPEG can be decoded at a half, quarter or eighth of its size: `shrink` is 2, 4 or 8.

    Raises PictureRefused for another format and for colours that cannot be shown, pyvips.Error for a damaged file.
    """
    return _loaded(path, **({"shrink": shrink} if shrink > 1 else {}))


def _loaded(path: Path, **options: int) -> pyvips.Image:
    found = format_of(path)
    load: Callable[..., pyvips.Image] = getattr(pyvips.Image, LOADERS[found])
    return colours.with_profile(load(str(path), access="sequential", fail_on=FAIL_ON, **options), path, found)
