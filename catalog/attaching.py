"""Files of items: to attach them, and to take them out of sight and back, in sets.

History rows carry the person (`by`) and the action's name.
"""

from collections.abc import Sequence

from django.db.models import Max, Q
from django.db.models.functions import Now

from accounts.models import User
from catalog.long_writes import long_write
from catalog.models import Item, MediaAsset, MediaAssetQuerySet, MediaState


def attach_media(*, item: Item, keys: Sequence[str], by: User | None) -> int:
    """Give the item those of the files that belong to none yet, behind its own; return their number."""
    with long_write(by, "attach media"):
        last = item.media.aggregate(last=Max("position"))["last"] or 0
        free = MediaAsset.objects.select_for_update().filter(key__in=keys, item=None).order_by("key")
        for position, asset in enumerate(free, start=last + 1):
            asset.item_id, asset.position = item.pk, position
            asset.save(update_fields=["item", "position", "updated_at"])
    return len(free)


def quarantine_media(*, assets: MediaAssetQuerySet, by: User | None) -> int:
    """Take the files out of sight: nothing of them is served any more, and their objects stay. Return their number."""
    shown = Q(state__in=[MediaState.PRESENT, MediaState.MISSING])
    return _set_media_state(assets, shown, MediaState.QUARANTINED, by)


def restore_media(*, assets: MediaAssetQuerySet, by: User | None) -> int:
    """Take the files back out of quarantine; return their number. A sync sees whether their objects are still there."""
    return _set_media_state(assets, Q(state=MediaState.QUARANTINED), MediaState.PRESENT, by)


def _set_media_state(assets: MediaAssetQuerySet, before: Q, state: MediaState, by: User | None) -> int:
    # The condition stands outside of the subquery: only there PostgreSQL asks it again of a row that another has changed.
    chosen = MediaAsset.objects.filter(before, pk__in=assets.order_by().values("pk"))
    with long_write(by, f"set media {state.value}"):
        return chosen.update(state=state, updated_at=Now())
