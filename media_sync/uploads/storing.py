"""Puts files under keys of ours and records them, once their content was read and accepted.

Whoever brings a file to this service, by whatever way, ends here.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Max
from procrastinate.contrib.django import app

from catalog.models import Item, MediaAsset, MediaKind, MediaState, Processing
from media_sync.errors import BucketUnavailable
from media_sync.keys import uploaded_key
from media_sync.pictures import inspecting
from media_sync.pictures.errors import PictureRefused
from media_sync.pictures.inspecting import Facts
from media_sync.pictures.sandbox import Sandbox
from media_sync.uploads import objects
from media_sync.uploads.errors import ContentRefused
from media_sync.uploads.limits import ACCEPTED, MIB, MOST_BYTES
from media_sync.uploads.objects import Stored

PROCESS_TASK = "media_sync.tasks.process_media"  # by name: tasks import this module
UNKNOWN = "The content is of no kind that is taken: {kinds}."

Then = Callable[[MediaAsset, bool], None]


def accept(path: Path, sandbox: Sandbox) -> Facts:
    """Read the file's content and return what is known of it. Raises ContentRefused, and ReaderUnavailable."""
    try:
        facts = inspecting.inspect(path, sandbox)
    except PictureRefused as refusal:
        raise ContentRefused(str(refusal)) from refusal
    if facts.content_type not in ACCEPTED:
        kinds = ", ".join(each.name for each in ACCEPTED.values())
        raise ContentRefused(UNKNOWN.format(kinds=kinds))
    most = MOST_BYTES[MediaKind(facts.kind)]
    if facts.size > most:
        raise ContentRefused(f"It is too large: {facts.kind}s may have up to {most // MIB} MiB.")
    return facts


def duplicate(item_id: int | None, sha256: str, size: int) -> MediaAsset | None:
    """Return the file with this content that the item has already; without an item, one that belongs to none."""
    same = MediaAsset.objects.publishable().filter(sha256=sha256, size=size)
    mine = same.filter(item=None) if item_id is None else same.filter(item_id=item_id)
    return mine.order_by("id").first()


def store(
    path: Path,
    facts: Facts,
    *,
    item_id: int | None,
    original_name: str,
    position: int | None = None,
    key: str = "",
    then: Then = lambda asset, is_new: None,
) -> tuple[MediaAsset, bool]:
    """Put an accepted file into the bucket and record it; return the asset, and whether it is new.

    Content that the item has already is not stored a second time: its asset is returned. Without a position the
    file stands behind the item's last. `then` is called in the transaction that records the file. Calling
    again with the same key, after whatever broke off, is harmless. Raises BucketUnavailable; nothing is recorded then.
    """
    key = key or uploaded_key(uuid4(), facts.extension)
    known = duplicate(item_id, facts.sha256, facts.size)
    stored = None if known else objects.put(path, key, facts.content_type)
    with transaction.atomic():
        own = _locked_item(item_id, facts.sha256)
        asset = duplicate(own, facts.sha256, facts.size)
        is_new = asset is None
        if asset is None:
            stored = stored or objects.put(path, key, facts.content_type)
            asset = _record(facts, stored, key=key, item_id=own, position=position, name=original_name)
        then(asset, is_new)
    if stored and asset.key != key:
        with suppress(BucketUnavailable):
            objects.discard(key)
    return asset, is_new


def _locked_item(item_id: int | None, sha256: str) -> int | None:
    """Let no other file come to the item meanwhile; None if it is gone, or none was named."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"media_sync.file:{sha256}"])
    if item_id is None:
        return None
    chosen = Item.objects.select_for_update(no_key=True).filter(pk=item_id)
    return chosen.values_list("pk", flat=True).first()


def _record(
    facts: Facts, stored: Stored, *, key: str, item_id: int | None, position: int | None, name: str
) -> MediaAsset:
    """Make the asset; a sync that has just found the object has made its row, which becomes this one."""
    is_image = facts.kind == MediaKind.IMAGE
    columns: dict[str, Any] = facts.columns() | {
        "item_id": item_id,
        "position": _behind_the_last(item_id) if position is None else position,
        "state": MediaState.PRESENT,
        "etag": stored.etag,
        "source_modified": stored.modified,
        "original_name": name,
        "processing": Processing.RENDERING if is_image else Processing.READY,
        "refusal": "",
    }
    asset = MediaAsset(key=key, **columns)
    written = [name.removesuffix("_id") for name in columns]
    MediaAsset.objects.bulk_create(
        [asset], update_conflicts=True, unique_fields=["key"], update_fields=[*written, "updated_at"]
    )
    if is_image:
        app.configure_task(
            PROCESS_TASK
        ).defer()  # in this transaction: a picture that is recorded has its job
    return asset


def _behind_the_last(item_id: int | None) -> int:
    if item_id is None:
        return 0
    last = MediaAsset.objects.filter(item_id=item_id).aggregate(last=Max("position"))["last"]
    return 0 if last is None else int(last) + 1
