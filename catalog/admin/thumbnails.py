"""Small pictures in lists and inlines."""

from django.core.files.storage import default_storage
from django.db.models import Prefetch
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.models import Item, MediaAsset, MediaKind, MediaState

SMALL, PREVIEW = (64, 48), (320, 240)  # pixels, wide and high
NO_PICTURE = SafeString(
    '<span class="material-symbols-outlined text-base-400" aria-label="no picture">image</span>'
)


def with_cover() -> Prefetch[str]:
    """Prefetch each item's cover (the first present image) as `covers`, in one query for all items."""
    first = (
        MediaAsset.objects.present().images().order_by("item_id", "position", "key", "id").distinct("item_id")
    )
    return Prefetch("media", queryset=first, to_attr="covers")


def cover(item: Item) -> SafeString:
    """Show the cover of an item that was fetched `with_cover`."""
    covers: list[MediaAsset] = vars(item)["covers"]
    return thumbnail(covers[0], covers[0].alt_text or item.name) if covers else NO_PICTURE


def thumbnail(asset: MediaAsset, alt: str, size: tuple[int, int] = SMALL) -> SafeString:
    """Show the picture where there is one. The address is signed here, without asking the bucket."""
    if asset.kind != MediaKind.IMAGE or asset.state != MediaState.PRESENT:
        return NO_PICTURE
    return format_html(
        '<img src="{}" alt="{}" loading="lazy" decoding="async" width="{}" height="{}"'
        ' class="max-w-none object-cover rounded-default bg-base-100 dark:bg-base-800" style="aspect-ratio: 4 / 3">',
        default_storage.url(asset.key),
        alt,
        *size,
    )
