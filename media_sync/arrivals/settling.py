"""One file of a batch comes to its end: stored, there already, without an item, or refused with a sentence."""

import hashlib
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.utils.crypto import salted_hmac

from catalog.models import MediaAsset
from media_sync.arrivals.errors import FileRefused
from media_sync.keys import uploaded_key
from media_sync.models import FileState, MediaBatchFile
from media_sync.pictures import scratch
from media_sync.pictures.sandbox import Sandbox
from media_sync.uploads import storing
from media_sync.uploads.errors import ContentRefused
from media_sync.uploads.tickets import shown_name, there_already

LONGEST_MESSAGE = 300
Fetch = Callable[[Path], None]


def store_file(row: MediaBatchFile, fetch: Fetch, sandbox: Sandbox) -> None:
    """Fetch, read and store one file, and note how it ended. Raises BucketUnavailable and ReaderUnavailable.

    Killed anywhere, doing it again stores nothing twice: its key is made of the row.
    """
    with scratch.folder() as folder:
        path = folder / "file"
        try:
            fetch(path)
            _measure(row, path)
            known = storing.duplicate(row.item_id, row.sha256, row.size)
            if known:
                end_file(row, known, is_new=False)
                return
            facts = storing.accept(path, sandbox)
        except (FileRefused, ContentRefused) as refusal:
            refuse_file(row, str(refusal))
            return
        storing.store(
            path,
            facts,
            item_id=row.item_id,
            original_name=_called(row),
            position=row.position,
            key=_key_of(row, facts.extension),
            then=partial(_end_file, row),
        )


def end_file(row: MediaBatchFile, asset: MediaAsset, *, is_new: bool) -> None:
    """Note that the file is this asset now."""
    row.asset = asset
    if not is_new:
        row.state, row.message = FileState.DUPLICATE, there_already(asset)
    elif asset.item_id is None:
        row.state = FileState.UNMATCHED  # stored, for somebody to assign
    else:
        row.state, row.message = FileState.STORED, ""
    _save(row)


def refuse_file(row: MediaBatchFile, sentence: str) -> None:
    """Note why the file is not taken."""
    row.state, row.message = FileState.REFUSED, sentence[:LONGEST_MESSAGE]
    _save(row)


def _end_file(row: MediaBatchFile, asset: MediaAsset, is_new: bool) -> None:  # noqa: FBT001  (`store`'s call)
    end_file(row, asset, is_new=is_new)


def _save(row: MediaBatchFile) -> None:
    row.save(update_fields=["state", "message", "asset", "size", "sha256"])


def _measure(row: MediaBatchFile, path: Path) -> None:
    with path.open("rb") as file:
        row.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    row.size = path.stat().st_size
    if not row.size:
        raise FileRefused("It is empty.")


def _called(row: MediaBatchFile) -> str:
    return shown_name(row.path.partition("?")[0].rstrip("/") or row.path)


def _key_of(row: MediaBatchFile, extension: str) -> str:
    """Return the same key for the same row, which nobody can guess."""
    digest = salted_hmac("media_sync.arrivals", str(row.pk), algorithm="sha256").digest()
    return uploaded_key(uuid.UUID(bytes=digest[:16], version=4), extension)
