"""Makes renditions of generated pictures with the real child, and opens them."""

import struct
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pyvips
from PIL import Image, ImageCms

from catalog.models import rendition_name
from media_sync.pictures import recipes
from media_sync.pictures.sandbox import Sandbox
from media_sync.tests.pictures.bombs import chunk

Pixel = tuple[int, ...]
QUARTERS = ("red", "lime", "blue", "yellow")  # upper left, upper right, lower left, lower right


def quartered(
    width: int = 400, height: int = 300, colours: Sequence[str | Pixel] = QUARTERS, mode: str = "RGB"
):
    """Return a picture in four colours, of which every quarter is told from the others."""
    image = Image.new(mode, (width, height))
    for number, colour in enumerate(colours):
        left, top = number % 2 * width // 2, number // 2 * height // 2
        image.paste(colour, (left, top, left + width // 2, top + height // 2))
    return image


def saved(image: Image.Image, file_format: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def profile(name: str) -> bytes:
    """Return one of the colour profiles that libvips brings along: srgb, p3, cmyk."""
    return bytes(pyvips.Operation.call("profile_load", name))


def with_numbers(content: bytes, primaries: int, transfer: int) -> bytes:
    """Return an AVIF or PNG that tells its colours in these numbers."""
    if content.startswith(b"\x89PNG"):
        return content[:33] + chunk(b"cICP", bytes((primaries, transfer, 0, 1))) + content[33:]
    at = content.index(b"colrnclx") + 8
    return content[:at] + struct.pack(">HH", primaries, transfer) + content[at + 4 :]


def converted(image: Image.Image, source: bytes, target: str) -> Image.Image:
    """Return the image in another colour space, by Pillow's reference implementation."""
    found = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(BytesIO(source)),
        ImageCms.ImageCmsProfile(BytesIO(profile(target))),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert found is not None
    return found


def made(
    folder: Path,
    content: bytes,
    sandbox: Sandbox,
    *,
    size: recipes.Size,
    ratios: Sequence[str] = (),
    focal: recipes.Point = (0.5, 0.5),
    frames: int = 1,
) -> dict[str, bytes]:
    """Return the files that are made of a picture of that upright size, by name."""
    path, out = folder / "original", folder / "out"
    path.write_bytes(content)
    out.mkdir(exist_ok=True)
    wanted = recipes.plan(size, focal=focal, ratios=ratios, frames=frames)
    jobs = [{**one.as_json(), "name": rendition_name(one.as_json()), "crop": one.crop} for one in wanted]
    about = {"width": size[0], "height": size[1], "frames": frames}
    sandbox.ask({"do": "render", "path": str(path), "out": str(out), "jobs": jobs, **about}, seconds=60)
    return {job["name"]: (out / job["name"]).read_bytes() for job in jobs}


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


def pixel(image: Image.Image, at: tuple[int, int], mode: str = "RGB") -> Pixel:
    """Return the pixel's channels."""
    return tuple(image.convert(mode).crop((*at, at[0] + 1, at[1] + 1)).tobytes())


def middles(image: Image.Image) -> list[Pixel]:
    """Return the pixels in the middle of each quarter."""
    at = [(image.width * x // 4, image.height * y // 4) for y in (1, 3) for x in (1, 3)]
    return [pixel(image, point) for point in at]


def furthest(some: Sequence[Pixel], others: Sequence[Pixel]) -> int:
    """Return the greatest difference of any channel."""
    pairs = zip(some, others, strict=True)
    return max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))
