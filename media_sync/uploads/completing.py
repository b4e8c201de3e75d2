"""What arrived is read, checked against what was announced, stored under its own key, and only then an asset.

The bytes that are stored are those that were checked: they lie in a file of this process meanwhile, so nobody
can exchange the object between the check and the copy.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from uuid import UUID

import pghistory
from django.db import DatabaseError, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from catalog.models import MediaAsset
from media_sync.errors import BucketUnavailable
from media_sync.hurry import OutOfTime
from media_sync.keys import uploaded_key
from media_sync.models import Upload, UploadState
from media_sync.pictures import scratch
from media_sync.pictures.inspecting import Facts
from media_sync.pictures.sandbox import Sandbox
from media_sync.uploads import objects, presign, storing
from media_sync.uploads.errors import ContentRefused, NotArrived
from media_sync.uploads.limits import ACCEPTED
from media_sync.uploads.locking import alone
from media_sync.uploads.objects import Arrived, Part
from media_sync.uploads.tickets import may_give, there_already

CHECK_TASK = "media_sync.tasks.check_upload"  # by name: tasks import this module
OPEN = (UploadState.WAITING, UploadState.CHECKING)
LONGEST_MESSAGE = 300
# Files that a web process reads at once: each has a process of its own beside it, with memory for a picture.
PLACES, PLACE_SECONDS = 3, 1
NOTHING_ARRIVED = "The file has not arrived yet: send it, then ask again."
OTHER_SIZE = "What arrived has not the {size} bytes that were announced: send the file anew."
OTHER_BYTES = "What arrived is not the file that was announced (its SHA-256 differs): send it anew."
NO_LONGER = "The account that sent it may not bring files there any more."
OTHER_KIND = "It was announced as {announced}, but its content is {found}."

_places = threading.BoundedSemaphore(PLACES)


class NoPlace(Exception):
    """This process reads as many files as it should."""


class UploadBusy(Exception):
    """Another process is at this upload: look again later."""


def complete(upload: Upload) -> Upload:
    """Check what arrived and make it an asset; return the upload as it is then.

    A file in one piece is DONE or REFUSED at once; one in parts is CHECKING until a worker has read it, and so is any
    while another process is at it, or while this one reads as many as it should. Calling again changes nothing.
    Raises NotArrived, BucketUnavailable, ReaderUnavailable. OutOfTime, one of the second, leaves it to a worker: what
    is too slow for somebody who waits is not for that.
    """
    if upload.state not in OPEN:
        return upload
    if upload.part_size:
        return _hand_over(upload)
    try:
        if not _alone_with(upload, _check_here):
            upload.state = UploadState.CHECKING  # by somebody else, who may not have said so yet
    except NoPlace:
        return _hand_over(upload)
    except OutOfTime:
        _leave_to_worker(upload)
        raise
    return upload


def check_now(upload_id: UUID) -> None:
    """The worker's part; what has not arrived makes the upload wait again. Raises UploadBusy if another is at it."""
    upload = Upload.objects.filter(pk=upload_id, state__in=OPEN).first()
    if upload is None:
        return
    with pghistory.context(user=upload.owner_id, action="upload"):
        try:
            if not _alone_with(upload, _check_for_owner):
                raise UploadBusy
        except NotArrived as error:
            still_open = Upload.objects.filter(pk=upload_id, state__in=OPEN)
            still_open.update(state=UploadState.WAITING, message=str(error)[:LONGEST_MESSAGE])


def pick_up() -> int:
    """Let a worker go on with checks that a killed process left; return how many it left."""
    left = 0
    for upload in Upload.objects.filter(state=UploadState.CHECKING):
        with alone(upload) as nobody_is_at_it:
            pass
        left += nobody_is_at_it and check_later(upload)
    return left


def check_later(upload: Upload) -> bool:
    """Let a worker check it; one job waits for each upload. Return whether it is a new one."""
    job = app.configure_task(CHECK_TASK, queueing_lock=f"{CHECK_TASK}:{upload.pk}")
    with suppress(AlreadyEnqueued), transaction.atomic():  # the refusal undoes no more than itself
        job.defer(upload_id=str(upload.pk))
        return True
    return False


def _hand_over(upload: Upload) -> Upload:
    """Leave the check to a worker, once everything has arrived."""
    upload.refresh_from_db()
    if upload.state == UploadState.WAITING:
        _refuse_what_lacks(upload)
    return _leave_to_worker(upload)


def _leave_to_worker(upload: Upload) -> Upload:
    waiting = Upload.objects.filter(pk=upload.pk, state=UploadState.WAITING)
    waiting.update(state=UploadState.CHECKING, message="")
    upload.refresh_from_db()
    if upload.state in OPEN:
        check_later(upload)
    return upload


def _alone_with(upload: Upload, check: Callable[[Upload], None]) -> bool:
    """Let the check have the upload, if it is still open; return False if another process is at it."""
    with alone(upload) as mine:
        upload.refresh_from_db()
        if mine and upload.state in OPEN:
            check(upload)
    return mine


def _check_here(upload: Upload) -> None:
    """Check it in a process that has others to answer, too; raise NoPlace while that is busy with files enough."""
    if not _places.acquire(timeout=PLACE_SECONDS):
        raise NoPlace
    try:
        _check(upload)
    finally:
        _places.release()


def _check_for_owner(upload: Upload) -> None:
    """Check it, unless who asked for it has lost the right until the worker came to it."""
    if _owner_still_may(upload):
        _check(upload)
    else:
        _end(upload, UploadState.REFUSED, NO_LONGER)


def _owner_still_may(upload: Upload) -> bool:
    owner = upload.owner
    return owner.is_active and owner.is_staff and may_give(owner, upload.item)


@contextmanager
def _told_as_checking(upload: Upload) -> Iterator[None]:
    """Tell that it is being checked; whatever breaks that off leaves it as it was."""
    before = upload.state
    this = Upload.objects.filter(pk=upload.pk)
    this.update(state=UploadState.CHECKING)
    try:
        yield
    except BaseException:
        with suppress(DatabaseError):
            this.filter(state=UploadState.CHECKING).update(state=before)
        raise


def _check(upload: Upload) -> None:
    with _told_as_checking(upload), scratch.folder() as folder:
        path = folder / "file"
        if upload.part_size:
            _join(upload)
        with path.open("wb") as file:
            arrived = objects.fetch(upload.key, file, most=upload.size)
        if arrived is None:
            raise NotArrived(NOTHING_ARRIVED)
        try:
            facts = _accepted(upload, arrived, path)
        except ContentRefused as refusal:
            _end(upload, UploadState.REFUSED, str(refusal))
        else:
            storing.store(
                path,
                facts,
                item_id=upload.item_id,
                original_name=upload.file_name,
                position=upload.position,
                key=uploaded_key(upload.pk, facts.extension),
                then=partial(_done, upload),
            )
    with suppress(BucketUnavailable):  # the sweep takes away what stays behind
        objects.discard(upload.key)


def _accepted(upload: Upload, arrived: Arrived, path: Path) -> Facts:
    """Return what the content is; raise ContentRefused unless it is what was announced, and acceptable."""
    if arrived.size != upload.size:
        raise ContentRefused(OTHER_SIZE.format(size=upload.size))
    if arrived.sha256 != upload.sha256:
        raise ContentRefused(OTHER_BYTES)
    with Sandbox() as sandbox:
        facts = storing.accept(path, sandbox)
    announced = ACCEPTED[upload.content_type]
    if facts.kind != announced.kind:
        found = ACCEPTED[facts.content_type].name
        raise ContentRefused(OTHER_KIND.format(announced=announced.name, found=found))
    return facts


def _done(upload: Upload, asset: MediaAsset, is_new: bool) -> None:  # noqa: FBT001  (as `store` calls it)
    # The upload's own asset is there already where an earlier check broke off behind it.
    is_own = is_new or str(upload.pk) in asset.key
    _end(upload, UploadState.DONE, "" if is_own else there_already(asset), asset)


def _end(upload: Upload, state: UploadState, message: str, asset: MediaAsset | None = None) -> None:
    upload.state, upload.message, upload.asset = state, message[:LONGEST_MESSAGE], asset
    upload.finished_at = timezone.now()
    upload.save(update_fields=["state", "message", "asset", "finished_at"])


def _join(upload: Upload) -> None:
    """Make the object of its parts, unless that was done before this was broken off."""
    if not upload.multipart_id:
        raise NotArrived(NOTHING_ARRIVED)
    parts = objects.parts_of(upload.key, upload.multipart_id)
    if parts is not None:
        _refuse_gaps(upload, presign.not_among(upload, parts))
        objects.join_parts(upload.key, upload.multipart_id, parts)


def _refuse_what_lacks(upload: Upload) -> None:
    """Raise NotArrived unless all has arrived; whether it is right is for the check to see."""
    parts: dict[int, Part] | None = None if not upload.part_size else {}
    if upload.multipart_id:
        parts = objects.parts_of(upload.key, upload.multipart_id)
    if parts is not None:
        _refuse_gaps(upload, presign.not_among(upload, parts))
    elif objects.size_of(upload.key) is None:
        raise NotArrived(NOTHING_ARRIVED)


def _refuse_gaps(upload: Upload, missing: list[int]) -> None:
    if missing:
        total = len(presign.part_numbers(upload))
        raise NotArrived(f"{len(missing)} of {total} parts have not arrived yet: send them, then ask again.")
