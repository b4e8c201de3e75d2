"""Announcing a file: what it is, how large, whose. The answer is a ticket, and the key that its file gets is ours."""

import re
import unicodedata
from datetime import timedelta
from pathlib import PureWindowsPath
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from catalog.models import Item, MediaAsset
from media_sync.keys import arrival_key
from media_sync.models import Upload, UploadState
from media_sync.uploads.limits import IN_ONE_PIECE, PART_BYTES, check_announced
from media_sync.uploads.storing import duplicate

LASTS = timedelta(hours=1)
LASTS_IN_PARTS = timedelta(hours=24)
LONGEST_NAME = 255
NAMELESS = "file"
INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, direction, lone surrogates, line ends
BLANKS = re.compile(r"\s+")
THERE_ALREADY = "The item has a file with this content already."
THERE_LOOSE = "A file with this content is there already."


def may_give(user: User, item: Item | None) -> bool:
    """Return whether this account may bring files: to an item, that takes the right to change its kind too."""
    return user.has_perm("catalog.add_mediaasset") and (
        item is None or user.has_perm(f"catalog.change_{item.kind}")
    )


def issue(
    *,
    by: User,
    file_name: str,
    size: int,
    content_type: str,
    sha256: str,
    item: Item | None,
    position: int | None = None,
) -> tuple[Upload, bool]:
    """Return a ticket for a file, and whether it is new. It makes no call to the bucket.

    The same file of the same person for the same item has one ticket as long as it is open; what the item has
    already is DONE at once. Raises UploadRefused. Whether the person may is for the caller to ask (`may_give`).
    """
    announced = check_announced(content_type, size)
    same: dict[str, Any] = {"owner": by, "item": item, "sha256": sha256, "size": size}
    with transaction.atomic():
        _one_at_a_time(by, sha256)
        known = duplicate(item.pk if item else None, sha256, size)
        upload = _earlier(known, same)
        if upload:
            return upload, False
        is_large = size > IN_ONE_PIECE
        return (
            Upload.objects.create(
                **same,
                **(_ended(known) if known else {}),
                position=position,
                file_name=shown_name(file_name),
                content_type=announced.content_type,
                key=arrival_key(announced.extension),
                part_size=PART_BYTES if is_large else 0,
                expires_at=timezone.now() + (LASTS_IN_PARTS if is_large else LASTS),
            ),
            True,
        )


def shown_name(name: str) -> str:
    """Return what the file is called, for people: no folders, nothing invisible. No key is made of it."""
    last = PureWindowsPath(name.replace("\0", "")).name
    plain = "".join(
        " " if letter in "\t\r\n" else letter
        for letter in last
        if letter in "\t\r\n" or unicodedata.category(letter) not in INVISIBLE
    )
    return BLANKS.sub(" ", plain).strip()[:LONGEST_NAME].strip() or NAMELESS


def there_already(asset: MediaAsset) -> str:
    return THERE_ALREADY if asset.item_id else THERE_LOOSE


def _earlier(known: MediaAsset | None, same: dict[str, Any]) -> Upload | None:
    """Return the ticket that the same announcement has already."""
    uploads = Upload.objects.filter(**same).order_by("-created_at")
    if known:
        return uploads.filter(state=UploadState.DONE, asset=known).first()
    in_work = uploads.filter(state=UploadState.CHECKING).first()
    return in_work or uploads.filter(state=UploadState.WAITING, expires_at__gt=timezone.now()).first()


def _ended(known: MediaAsset) -> dict[str, Any]:
    return {
        "state": UploadState.DONE,
        "asset": known,
        "message": there_already(known),
        "finished_at": timezone.now(),
    }


def _one_at_a_time(by: User, sha256: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"media_sync.ticket:{by.pk}:{sha256}"]
        )
