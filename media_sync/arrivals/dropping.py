"""Files that a person drops on a page: announced one by one, sent by the doors of uploads, and settled.

Rights are asked here, of the person for each item; whose batch it is, is for the caller to see.
"""

import hashlib
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from catalog.models import Item, MediaAsset, kinds_with
from media_sync.arrivals.files import BLOCK, checked
from media_sync.arrivals.matching import Match, match_paths
from media_sync.arrivals.settling import end_file, refuse_file, store_file
from media_sync.keys import Place, place
from media_sync.models import (
    BatchSource,
    BatchState,
    FileState,
    MatchedBy,
    MediaBatch,
    MediaBatchFile,
    Upload,
    UploadState,
)
from media_sync.pictures.sandbox import Sandbox
from media_sync.uploads import completing, storing, tickets
from media_sync.uploads.errors import UploadRefused
from media_sync.uploads.limits import ACCEPTED
from media_sync.uploads.tickets import THERE_ALREADY

LEFT_ALONE = timedelta(minutes=10)
SETTLED_AT_ONCE = 200
NOT_YOURS = "Its name fits an item that you may not change."
LITTER = "It is no picture, film or document, but what a file manager leaves behind."


class Announced(NamedTuple):
    """What a browser says of a file before it sends it. `content_type` may be empty."""

    path: str
    size: int
    content_type: str
    sha256: str


class AssignRefused(Exception):
    """A file cannot be given to an item; the message is one sentence."""


def begin(by: User, name: str) -> MediaBatch:
    """Begin a batch of dropped files."""
    return MediaBatch.objects.create(
        owner=by, source=BatchSource.DROPPED, name=name, state=BatchState.STORING, seen_at=timezone.now()
    )


def announce(batch: MediaBatch, file: Announced, *, by: User) -> tuple[MediaBatchFile, Upload | None]:
    """Record a file that is to come, with its item; return the upload that waits for it, if any does.

    The same file announced again is the same row. One that is not taken is refused in its row.
    """
    row = _row(batch, file, by)
    MediaBatch.objects.filter(pk=batch.pk).update(
        state=BatchState.STORING, seen_at=timezone.now(), finished_at=None
    )
    if row.state != FileState.WAITING:
        return row, None
    try:
        upload, _is_new = tickets.issue(
            by=by,
            file_name=row.path,
            size=file.size,
            content_type=_announced_type(file),
            sha256=file.sha256,
            item=row.item,
            position=row.position,
        )
    except UploadRefused as refusal:
        refuse_file(row, str(refusal))
        return row, None
    _settle_row(row, upload)
    return row, upload if upload.state == UploadState.WAITING else None


def upload_of(row: MediaBatchFile, by: User) -> Upload | None:
    """Return the upload by which the file of this row comes."""
    same = Upload.objects.filter(owner=by, item=row.item, sha256=row.sha256, size=row.size)
    return same.order_by("-created_at").first()


def complete(row: MediaBatchFile, upload: Upload) -> None:
    """Have what arrived checked, and note how it ended. Raises as uploads.completing.complete."""
    _settle_row(row, completing.complete(upload))


def receive_whole(batch: MediaBatch, name: str, file: IO[bytes], *, by: User) -> MediaBatchFile:
    """Take a file whose bytes are here, as a plain form sends it. Raises BucketUnavailable, ReaderUnavailable."""
    digest, size = hashlib.sha256(), 0
    while block := file.read(BLOCK):
        digest.update(block)
        size += len(block)
    row = _row(batch, Announced(name, size, "", digest.hexdigest()), by)
    if row.state == FileState.WAITING:

        def fetch(to: Path) -> None:
            file.seek(0)
            with to.open("wb") as copy:
                while block := file.read(BLOCK):
                    copy.write(block)

        with Sandbox() as sandbox:
            store_file(row, fetch, sandbox)
    return row


def settle(batch: MediaBatch) -> None:
    """Note how uploads ended that a worker checked; a batch to which no more files come is done when none waits."""
    if batch.source != BatchSource.DROPPED or batch.state != BatchState.STORING:
        return
    if batch.owner:
        waiting = batch.files.filter(state=FileState.WAITING).exclude(sha256="").select_related("item")
        for row in waiting.order_by("pk")[:SETTLED_AT_ONCE]:
            upload = upload_of(row, batch.owner)
            if upload:
                _settle_row(row, upload)
    is_left_alone = batch.seen_at and batch.seen_at < timezone.now() - LEFT_ALONE
    if batch.finished_at or is_left_alone:
        _end_unless_waiting(batch)


def finish(batch: MediaBatch) -> None:
    """Note that no more files come. The batch is done as soon as none of them waits to be checked."""
    batch.finished_at = timezone.now()
    batch.save(update_fields=["finished_at"])
    settle(batch)


def _end_unless_waiting(batch: MediaBatch) -> None:
    if batch.files.filter(state=FileState.WAITING).exists():
        return
    batch.state, batch.finished_at = BatchState.DONE, timezone.now()
    batch.save(update_fields=["state", "finished_at"])


def assign(row: MediaBatchFile, item: Item, *, by: User) -> None:
    """Give the file of this row to an item. Raises AssignRefused."""
    if not tickets.may_give(by, item):
        raise AssignRefused("You may not change this item.")
    with transaction.atomic():
        asset = _loose(row)
        Item.objects.select_for_update(no_key=True).get(pk=item.pk)
        row.item, row.matched_by = item, MatchedBy.HAND
        known = storing.duplicate(item.pk, asset.sha256, asset.size) if asset.sha256 else None
        if known:
            row.state, row.message = FileState.DUPLICATE, THERE_ALREADY
        else:
            asset.item = item
            asset.position = _behind_the_last(item) if row.position is None else row.position
            asset.save(update_fields=["item", "position", "updated_at"])
            row.state, row.message, row.asset = FileState.STORED, "", asset
        row.save(update_fields=["item", "matched_by", "state", "message", "asset"])


def _loose(row: MediaBatchFile) -> MediaAsset:
    """Return the row's asset, locked; raise AssignRefused unless it belongs to no item."""
    rows = MediaAsset.objects.publishable().select_for_update()
    asset = rows.filter(pk=row.asset_id).first() if row.asset_id else None
    if asset is None:
        raise AssignRefused("This file was not stored; bring it again.")
    if asset.item_id:
        raise AssignRefused("This file belongs to an item already.")
    return asset


def _behind_the_last(item: Item) -> int:
    last = item.media.aggregate(last=Max("position"))["last"]
    return 0 if last is None else int(last) + 1


def _row(batch: MediaBatch, file: Announced, by: User) -> MediaBatchFile:
    """Return the file's row; another file of the same name has one of its own."""
    entry = checked(file.path.replace("\\", "/").replace("\0", "").lstrip("/") or "file", file.size)
    path = entry.path if entry else file.path[-255:]
    match = _allowed(match_paths([path])[0], by)
    refusal = (entry.refusal or "") if entry else LITTER
    values = {
        "size": file.size,
        "sha256": file.sha256,
        "item_id": match.item_id,
        "matched_by": match.matched_by,
        "position": match.position,
        "state": FileState.REFUSED if refusal else FileState.WAITING,
        "message": refusal or match.message,
    }
    for name in (path, f"{path[-900:]} ({file.sha256[:12]})"):
        with suppress(IntegrityError), transaction.atomic():
            row, _is_new = batch.files.get_or_create(path=name, defaults=values)
            if (row.sha256, row.size) == (file.sha256, file.size):
                return row
    return batch.files.get(path=name)


def _allowed(match: Match, by: User) -> Match:
    if match.item_id and match.kind not in kinds_with(by, "change"):
        return Match(None, "", MatchedBy.NOTHING, match.position, NOT_YOURS)
    return match


def _announced_type(file: Announced) -> str:
    """Return the type that the browser tells, else what the name's ending says; the content decides later."""
    if file.content_type in ACCEPTED:
        return file.content_type
    found = place(f"./{file.path}")
    return found.content_type if isinstance(found, Place) else file.content_type


def _settle_row(row: MediaBatchFile, upload: Upload) -> None:
    if upload.state == UploadState.DONE and upload.asset:
        # One ticket serves all announcements of the same file: the first of them brought it.
        is_first = not MediaBatchFile.objects.filter(asset=upload.asset).exclude(pk=row.pk).exists()
        end_file(row, upload.asset, is_new=is_first and not upload.message)
    elif upload.state in (UploadState.REFUSED, UploadState.EXPIRED):
        refuse_file(row, upload.message)
