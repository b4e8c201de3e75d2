"""How pictures are told: their sizes, ready for `srcset`, and what to show until they have come."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from catalog.api.links import Links, Row
from catalog.models import rendition_name

# What `srcsets` and `placeholder` need of a row of media assets.
PICTURE_COLUMNS = ("id", "thumbhash", "colour", "focal_x", "focal_y", "frames", "renditions", "rendered_as")


def with_sizes(image: Row, links: Links, *, listed: bool = True) -> Row:
    """Return the row with its sizes' addresses in place of the columns that they are made of.

    `listed` adds each size by itself; lists of items go without, since the srcset tells the same.
    """
    own = {name: image.pop(name) for name in ("focal_x", "focal_y", "frames", "renditions", "rendered_as")}
    sizes = [
        {**size, "url": _address(image["id"], own["rendered_as"], size, links)} for size in own["renditions"]
    ]
    image["srcset"] = srcset(size for size in sizes if not size["ratio"])
    image["crops"] = {
        ratio: srcset(size for size in sizes if size["ratio"] == ratio)
        for ratio in dict.fromkeys(size["ratio"] for size in sizes if size["ratio"])
    }
    image["focal_point"] = {"x": own["focal_x"], "y": own["focal_y"]}
    image["animated"] = own["frames"] > 1
    if listed:
        image["renditions"] = sizes
    return image


def srcset(sizes: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return, for each format, what stands in the `srcset` of a <source> or <img>."""
    found: dict[str, list[str]] = {}
    for size in sizes:
        found.setdefault(size["format"], []).append(f"{size['url']} {size['width']}w")
    return {name: ", ".join(entries) for name, entries in found.items()}


def _address(asset: int, folder: str, size: dict[str, Any], links: Links) -> str:
    """Return the public address where the bucket has one, else ours, which redirects for who may see it."""
    if settings.MEDIA_PUBLIC_URL:
        return f"{settings.MEDIA_PUBLIC_URL}/{folder}/{rendition_name(size)}"
    return f"{links.to('media-list')}{asset}/renditions/{rendition_name(size)}/"
