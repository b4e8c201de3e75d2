"""Hands out the assets that wait for the worker, each to one process at a time, without holding any row."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Self

from django.db import DatabaseError

from catalog.models import MediaAsset, Processing
from catalog.models.media import MediaAssetQuerySet
from media_sync.locking import try_lock, unlock

LOOK_AHEAD = 200  # ids at a time
TO_DO = (Processing.WAITING, Processing.RENDERING)


def waiting(*, since: datetime | None = None) -> MediaAssetQuerySet:
    """Return what is to be read or rendered; narrowed to what was written since then."""
    found = MediaAsset.objects.present().filter(processing__in=TO_DO)
    return found.filter(updated_at__gte=since) if since else found


class Claims:
    """Assets that wait, the newest first, each locked until it is released; a context that releases all.

    The locks are those of this thread's connection to the database: they are lost with the process, and no row
    is locked. An asset that another process is at is passed over. `last` is the id that the iteration came to.
    """

    def __init__(self, below: int | None = None) -> None:
        self.last = below
        self._held: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(DatabaseError):  # they are free already if the connection is lost
            for asset_id in list(self._held):
                self.release(asset_id)

    def __iter__(self) -> Iterator[MediaAsset]:
        while ids := self._ahead():
            for self.last in ids:
                asset = self._claim(self.last)
                if asset:
                    yield asset

    def release(self, asset_id: int) -> None:
        self._held.discard(asset_id)
        unlock(asset_id)

    def _ahead(self) -> list[int]:
        found = waiting()
        if self.last is not None:
            found = found.filter(pk__lt=self.last)
        return list(found.order_by("-pk").values_list("pk", flat=True)[:LOOK_AHEAD])

    def _claim(self, asset_id: int) -> MediaAsset | None:
        """Lock the asset; None if another process has it, or had it and is done."""
        if not try_lock(asset_id):
            return None
        self._held.add(asset_id)
        asset = waiting().filter(pk=asset_id).first()
        if asset is None:
            self.release(asset_id)
        return asset
