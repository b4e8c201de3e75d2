"""Small pictures in lists and inlines."""

from typing import Any

from django.core.files.storage import default_storage
from django.db.models import Prefetch
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.models import Item, MediaAsset, MediaKind, MediaState, Processing, rendition_name

SMALL, PREVIEW = (64, 48), (320, 240)  # pixels, wide and high
SHARP = 2  # pixels of a screen for each of these
NO_PICTURE = SafeString(
    '<span class="material-symbols-outlined text-base-400" aria-label="no picture">image</span>'
)


def with_cover() -> Prefetch[str]:
    """Prefetch each item's cover (the first present image) as `covers`, in one query for all items."""
    first = (
        MediaAsset.objects.publishable()
        .images()
        .order_by("item_id", "position", "key", "id")
        .distinct("item_id")
    )
    return Prefetch("media", queryset=first, to_attr="covers")


def cover(item: Item) -> SafeString:
    """Show the cover of an item that was fetched `with_cover`."""
    covers: list[MediaAsset] = vars(item)["covers"]
    return thumbnail(covers[0], covers[0].alt_text or item.name) if covers else NO_PICTURE


def thumbnail(asset: MediaAsset, alt: str, size: tuple[int, int] = SMALL) -> SafeString:
    """Show the picture where there is one: cut to shape in lists, whole as a preview.

    The address is signed here, without asking the bucket.
    """
    if (asset.kind, asset.state) != (
        MediaKind.IMAGE,
        MediaState.PRESENT,
    ) or asset.processing == Processing.REFUSED:
        return NO_PICTURE
    return format_html(
        '<img src="{}" alt="{}" loading="lazy" decoding="async" width="{}" height="{}"'
        ' class="max-w-none rounded-default bg-base-100 dark:bg-base-800" style="aspect-ratio: 4 / 3; object-fit: {}">',
        default_storage.url(_shown(asset, size[0])),
        alt,
        *size,
        "cover" if size == SMALL else "contain",
    )


def _shown(asset: MediaAsset, width: int) -> str:
    """Return the key of the smallest size that is sharp on any screen; the original until sizes are made."""
    own = [each for each in asset.renditions if not each["ratio"] and each["format"] == "webp"]
    if not own:
        return asset.key
    sharp = [each for each in own if each["width"] >= SHARP * width]
    best = min(sharp, key=_width) if sharp else max(own, key=_width)
    return f"{asset.rendered_as}/{rendition_name(best)}"


def _width(rendition: dict[str, Any]) -> int:
    return int(rendition["width"])
