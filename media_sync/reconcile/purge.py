"""Deletes for good: the one place that removes an object which somebody put into the bucket.

What goes is claimed first, in a transaction of its own; then the objects are deleted, and at last the records of
those whose deletion the bucket confirmed. Killed in between, the next purge finds the claim and goes on.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from catalog.models import MediaAsset, MediaState, Processing
from media_sync import storage
from media_sync.keys import RENDITIONS
from media_sync.locking import locked
from media_sync.models import SyncRun
from media_sync.reconcile import runs
from media_sync.reconcile.guards import etags_of
from media_sync.reconcile.inventory import Lister, ObjectListed
from media_sync.reconcile.lock import alone

DAY = timedelta(days=1)
BATCH = 500  # assets at a time; a call of DeleteObjects takes 1,000 keys
CALL = 1000
SAMPLE = 5
FOLDER = re.compile(rf"{RENDITIONS}([0-9]{{1,18}})-")
# A pending asset is nobody's to show, to restore or to sync; this sentence tells which ones a purge has claimed.
CLAIMED = "Being deleted for good."


@dataclass(frozen=True)
class PurgeResult:
    """What a purge deleted, or on a dry run would."""

    bucket: str
    dry_run: bool
    run: int | None = None  # the record's number
    assets: int = 0  # records
    objects: int = 0  # among them the assets' own files
    kept_keys: tuple[str, ...] = ()  # of other content than what was put into quarantine
    failed: dict[str, str] | None = None  # a few keys that the bucket did not delete, and what it said
    failures: int = 0

    @property
    def exit_code(self) -> int:
        """1 when something is left that should be gone, or on a dry run when there is something to delete."""
        return int(bool(self.failures or self.kept_keys or (self.dry_run and (self.assets or self.objects))))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        verb = "Would be deleted" if self.dry_run else "Deleted"
        yield f"{verb} from bucket {self.bucket}: {self.assets:,} files in quarantine, {self.objects:,} objects in all."
        yield from self.left()

    def left(self) -> Iterator[str]:
        """Yield what is not deleted although it is due."""
        if self.kept_keys:
            keys = ", ".join(map(repr, self.kept_keys))
            yield f"Kept, because the object is another one than was put into quarantine: {keys}."
        for key, said in (self.failed or {}).items():
            yield f"Not deleted: {key!r}: {said}."
        if self.failures > len(self.failed or {}):
            yield f"Not deleted in all: {self.failures:,}; purge again later."


Tell = Callable[[PurgeResult], None]


def purge(*, older_than: timedelta, dry_run: bool = False, now: datetime | None = None) -> PurgeResult:
    """Delete what has been in quarantine for so long, with its renditions, and renditions that belong to nothing.

    An object is deleted only if it is still the one that was put into quarantine, and no other asset has its key.
    It is recorded as a run. Raises BucketUnavailable and SyncRefused; what was done until then stays done, and the
    next purge does the rest.
    """
    before = (now or timezone.now()) - max(older_than, DAY)
    with alone(), runs.recorded(dry_run=dry_run, deleted=0) as run:
        runs.phase(run, "Deleting")
        storage.check_bucket()
        lister, result, tell = Lister(), PurgeResult(run.bucket, dry_run, run.pk), partial(_tell, run)
        with runs.heard_of(run):
            result = _purge_assets(lister, result, before, tell)
            result = _purge_renditions(lister, result, before, tell)
        run.message = " ".join(result.left())
        return result


def _tell(run: SyncRun, result: PurgeResult) -> None:
    """Note how far the purge has come."""
    run.deleted = result.objects
    run.save(update_fields=["deleted"])


def _due(before: datetime) -> Any:
    """Return the assets that are due, and those that a purge which was killed had claimed."""
    quarantined = Q(state=MediaState.QUARANTINED, state_since__lt=before)
    return MediaAsset.objects.filter(quarantined | Q(state=MediaState.PENDING, refusal=CLAIMED)).order_by(
        "pk"
    )


def _purge_assets(lister: Lister, result: PurgeResult, before: datetime, tell: Tell) -> PurgeResult:
    last = 0
    while True:
        batch = list(_due(before).filter(pk__gt=last).only("pk", "key", "etag", "rendered_as")[:BATCH])
        if not batch:
            return result
        last = batch[-1].pk
        doomed, result = _same_as_ever(batch, result)
        if not result.dry_run:
            doomed = _claim(doomed, before)
        result = _delete_assets(lister, doomed, result)
        tell(result)


def _same_as_ever(batch: list[MediaAsset], result: PurgeResult) -> tuple[list[MediaAsset], PurgeResult]:
    """Leave out assets under whose key somebody put something else."""
    etags = etags_of([asset.key for asset in batch])
    kept = [
        asset
        for asset, etag in zip(batch, etags, strict=True)
        if etag is not None and asset.etag not in {"", etag}
    ]
    keys = (result.kept_keys + tuple(asset.key for asset in kept))[:SAMPLE]
    return [asset for asset in batch if asset not in kept], replace(result, kept_keys=keys)


def _claim(assets: list[MediaAsset], before: datetime) -> list[MediaAsset]:
    """Take the assets out of everybody's reach; return those that nobody restored meanwhile."""
    with transaction.atomic():
        due = _due(before).filter(pk__in=[asset.pk for asset in assets]).select_for_update()
        claimed = list(due.only("pk", "key", "etag", "rendered_as"))
        MediaAsset.objects.filter(pk__in=[asset.pk for asset in claimed]).exclude(refusal=CLAIMED).update(
            state=MediaState.PENDING,
            processing=Processing.REFUSED,
            refusal=CLAIMED,
            updated_at=timezone.now(),
        )
    return claimed


def _delete_assets(lister: Lister, assets: list[MediaAsset], result: PurgeResult) -> PurgeResult:
    """Delete the assets' objects, then the records of those that are gone."""
    owner: dict[str, int] = {}
    for asset in assets:
        for found in _renditions_of(lister, asset):
            owner[found.key] = asset.pk
        owner[asset.key] = asset.pk
    failed = {} if result.dry_run else _delete(owner)
    gone = {asset.pk for asset in assets} - {owner[key] for key in failed}
    if not result.dry_run:
        MediaAsset.objects.filter(pk__in=gone, state=MediaState.PENDING, refusal=CLAIMED).delete()
    return _counted(result, assets=len(gone), objects=len(owner), failed=failed)


def _renditions_of(lister: Lister, asset: MediaAsset) -> Iterator[ObjectListed]:
    """Yield the objects of all renditions folders of the asset, also of those that were left behind."""
    for page in lister.pages(f"{RENDITIONS}{asset.pk}-"):
        yield from page


def _purge_renditions(lister: Lister, result: PurgeResult, before: datetime, tell: Tell) -> PurgeResult:
    """Delete folders of renditions that no asset names, and in which nothing is newer."""
    for folders in _folders(lister, before):
        # A worker may be filling an old folder anew, for a focal point that was moved back.
        with locked(filter(None, map(_asset_of, folders))) as free:
            stale = [name for name in _stale(folders) if _asset_of(name) in {None, *free}]
            keys = [key for name in stale for key in folders[name]]
            failed = {} if result.dry_run else _delete(keys)
        result = _counted(result, objects=len(keys), failed=failed)
        tell(result)
    return result


def _folders(lister: Lister, before: datetime) -> Iterator[dict[str, list[str]]]:
    """Yield the folders of renditions that are all older, some hundred at a time, with their objects' keys."""
    folders: dict[str, list[str]] = {}
    too_new: set[str] = set()
    for page in lister.pages(RENDITIONS):
        for found in page:
            name = found.key.rpartition("/")[0]
            folders.setdefault(name, []).append(found.key)
            if datetime.fromisoformat(found.modified) >= before:
                too_new.add(name)
        # The last folder may go on with the next page.
        if len(folders) > BATCH:
            last, keys = folders.popitem()
            yield {name: keys for name, keys in folders.items() if name not in too_new}
            folders, too_new = {last: keys}, too_new & {last}
    yield {name: keys for name, keys in folders.items() if name not in too_new}


def _stale(folders: Iterable[str]) -> set[str]:
    """Return those of the folders that no asset names."""
    named = MediaAsset.objects.filter(rendered_as__in=folders, pk__in=filter(None, map(_asset_of, folders)))
    return set(folders) - set(named.values_list("rendered_as", flat=True))


def _asset_of(folder: str) -> int | None:
    """Return the id in a folder's name, such as 17 in renditions/17-0f3a."""
    match = FOLDER.match(folder)
    return int(match[1]) if match else None


def _delete(keys: Iterable[str]) -> dict[str, str]:
    """Delete the objects, but for those that an asset which is not claimed has; return what failed, and why."""
    keys = list(keys)
    failed: dict[str, str] = {}
    for start in range(0, len(keys), CALL):
        some = keys[start : start + CALL]
        used = MediaAsset.objects.filter(key__in=some).exclude(state=MediaState.PENDING, refusal=CLAIMED)
        free = set(some) - set(used.values_list("key", flat=True))
        failed |= _delete_now([key for key in some if key in free])
    return failed


def _delete_now(keys: list[str]) -> dict[str, str]:
    return storage.delete_many(keys) if keys else {}


def _counted(result: PurgeResult, *, assets: int = 0, objects: int, failed: dict[str, str]) -> PurgeResult:
    shown = (result.failed or {}) | failed
    return replace(
        result,
        assets=result.assets + assets,
        objects=result.objects + objects - len(failed),
        failed=dict(list(shown.items())[:SAMPLE]),
        failures=result.failures + len(failed),
    )
