"""A part of the bucket: what lies there is given to its items, where it lies."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from catalog.models import Item, MediaAsset, MediaState, Processing
from media_sync.arrivals.errors import ArrivalRefused
from media_sync.arrivals.files import Entry
from media_sync.arrivals.matching import Match
from media_sync.keys import UNNUMBERED, Place, place
from media_sync.models import BatchSource, FileState, MatchedBy, MediaBatch, MediaBatchFile
from media_sync.reconcile.inventory import Lister, ObjectListed
from media_sync.uploads.tickets import THERE_ALREADY

SCHEME = "s3://"
MD5 = re.compile(r"[0-9a-f]{32}")  # an etag that tells the content; others tell changes only
OTHERS = "It belongs to {reference} already."
AWAY = "It is in quarantine, or missing, and stays so."


class BucketPart:
    """The objects whose keys begin with a prefix, without those that this software keeps for itself."""

    kind = BatchSource.PREFIX

    def __init__(self, given: str) -> None:
        bucket, _, self.prefix = given.removeprefix(SCHEME).partition("/")
        if bucket != settings.S3_BUCKET:
            raise ArrivalRefused(
                f"{given} is not in the bucket of the catalogue; it begins with {SCHEME}{settings.S3_BUCKET}/."
            )
        self.name = f"{SCHEME}{bucket}/{self.prefix}"

    def entries(self) -> Iterator[Entry]:
        """Yield the objects as other sources do their files."""
        for page in self.pages():
            for each in page:
                yield Entry(each.key, int(each.size))

    def pages(self) -> Iterator[list[ObjectListed]]:
        """Yield the objects, page by page. Raises BucketUnavailable."""
        for page in Lister().pages(self.prefix):
            yield [each for each in page if isinstance(place(each.key), Place)]


def take_page(batch: MediaBatch, objects: Sequence[ObjectListed], matches: Sequence[Match]) -> None:
    """Record these objects and give them to their items, in one transaction; those without one are for somebody to assign."""
    found = dict(zip((each.key for each in objects), zip(objects, matches, strict=True), strict=True))
    with transaction.atomic():
        items = _locked_items({match.item_id for match in matches if match.item_id})
        known = {
            asset.key: asset
            for asset in MediaAsset.objects.select_for_update(no_key=True, of=("self",))
            .select_related("item")
            .filter(key__in=found)
            .order_by("pk")
        }
        contents = _contents(set(items))
        rows, made = [], []
        for key, (listed, match) in found.items():
            row = _row(batch, listed, match, items)
            asset = known.get(key)
            if _decide(row, listed, asset, items, contents):
                made.append(_given(asset, listed, row))
            rows.append(row)
        _write(rows, made)


def _locked_items(wanted: set[int]) -> dict[int, str]:
    """Return the references of those of the items that are still there, and let nobody delete them meanwhile."""
    chosen = Item.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    return dict(chosen.values_list("pk", "reference"))


def _contents(items: set[int]) -> set[tuple[int | None, str, int]]:
    """Return the contents that these items have: by item, checksum or MD5, and size."""
    present = MediaAsset.objects.publishable().filter(item_id__in=items)
    contents: set[tuple[int | None, str, int]] = set()
    for item_id, sha256, etag, size in present.values_list("item_id", "sha256", "etag", "size"):
        contents |= {(item_id, token, size) for token in _tokens(sha256, etag)}
    return contents


def _tokens(sha256: str, etag: str) -> set[str]:
    return {token for token in (sha256, etag if MD5.fullmatch(etag) else "") if token}


def _row(batch: MediaBatch, listed: ObjectListed, match: Match, items: dict[int, str]) -> MediaBatchFile:
    item_id = match.item_id if match.item_id in items else None
    return MediaBatchFile(
        batch=batch,
        path=listed.key,
        size=int(listed.size),
        item_id=item_id,
        matched_by=match.matched_by if item_id else MatchedBy.NOTHING,
        position=match.position,
        state=FileState.STORED if item_id else FileState.UNMATCHED,
        message=match.message,
    )


def _decide(
    row: MediaBatchFile,
    listed: ObjectListed,
    asset: MediaAsset | None,
    items: dict[int, str],
    contents: set[tuple[int | None, str, int]],
) -> bool:
    """Return whether the object's record is to be written; else the row says why not."""
    if asset and asset.state != MediaState.PRESENT:
        row.state, row.message = FileState.REFUSED, AWAY
    elif asset and asset.item_id and asset.item_id == row.item_id:
        row.asset = asset  # a run before this one has given it
        return False
    elif asset and asset.item:
        row.state, row.message = FileState.REFUSED, OTHERS.format(reference=asset.item.reference)
    elif row.item_id is None:
        row.asset = asset  # for somebody to assign
        return asset is None
    else:
        tokens = {
            (row.item_id, token, row.size) for token in _tokens(asset.sha256 if asset else "", listed.etag)
        }
        if not tokens & contents:
            contents |= tokens
            return True
        row.state, row.message = FileState.DUPLICATE, THERE_ALREADY
    return False


def _given(asset: MediaAsset | None, listed: ObjectListed, row: MediaBatchFile) -> MediaAsset:
    """Return the object's record with its item; a sync that lists it finds nothing changed."""
    made = asset or _new(listed)
    made.updated_at = timezone.now()
    made.item_id, made.position = row.item_id, UNNUMBERED if row.position is None else row.position
    return made


def _new(listed: ObjectListed) -> MediaAsset:
    where: Any = place(listed.key)
    return MediaAsset(
        key=listed.key,
        kind=where.kind,
        content_type=where.content_type,
        size=int(listed.size),
        etag=listed.etag,
        source_modified=datetime.fromisoformat(listed.modified),
        state=MediaState.PRESENT,
        processing=Processing.WAITING,
    )


def _write(rows: list[MediaBatchFile], given: list[MediaAsset]) -> None:
    """Write all of it; a sync that makes the same record at this moment keeps its facts and gets the item, if any."""
    MediaAsset.objects.bulk_update([asset for asset in given if asset.pk], ["item", "position", "updated_at"])
    new = [asset for asset in given if not asset.pk]
    MediaAsset.objects.bulk_create(
        [asset for asset in new if asset.item_id],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["item", "position", "updated_at"],
    )
    loose = [asset for asset in new if not asset.item_id]
    MediaAsset.objects.bulk_create(loose, ignore_conflicts=True)
    recorded = MediaAsset.objects.filter(key__in=[asset.key for asset in loose], item=None)
    by_key = {asset.key: asset for asset in given if asset.item_id} | {asset.key: asset for asset in recorded}
    for row in rows:
        row.asset = by_key.get(row.path) or row.asset
    MediaBatchFile.objects.bulk_create(rows, ignore_conflicts=True)
    if new:
        app.configure_task("media_sync.tasks.process_media").defer()
