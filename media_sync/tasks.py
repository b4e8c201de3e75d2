"""What the worker does with media; each task calls one function."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from media_sync.errors import BucketUnavailable, SyncRefused
from media_sync.pictures import hiding, rendering
from media_sync.pictures.claims import waiting
from media_sync.pictures.errors import ReaderUnavailable
from media_sync.pictures.work import process_pending
from media_sync.reconcile import moves
from media_sync.reconcile.sync import sync_bucket
from media_sync.uploads.completing import UploadBusy, check_now, pick_up
from media_sync.uploads.sweep import sweep

# The bucket comes back, and a sync that somebody else runs ends.
PATIENCE = RetryStrategy(
    max_attempts=6, exponential_wait=4, retry_exceptions={BucketUnavailable, SyncRefused, ReaderUnavailable}
)
CHECK_PATIENCE = RetryStrategy(
    max_attempts=6, exponential_wait=4, retry_exceptions={BucketUnavailable, ReaderUnavailable, UploadBusy}
)
# A job of this kind lets others have their turn, and a worker that is told to end is not waited for for long.
SLICE_SECONDS = 5
LOOK_EVERY, OLD_EVERY = 30, 600  # seconds
RECENT = timedelta(minutes=2)


# Without a queueing lock, so that whoever enqueues it inside a transaction is never refused: duplicates end at once.
# After other jobs: there may be hours of pictures to do.
@app.task(retry=PATIENCE, priority=-5)
def process_media(below: int | None = None) -> None:
    """Read and render the pictures that wait, for a while; enqueue the rest, `below` the id that this came to.

    When all are read, records follow what has moved by their checksums, and are read again under their new names.
    """
    goes_on = process_pending(seconds=SLICE_SECONDS, below=below)
    if goes_on is not None or moves.follow():
        _enqueue_processing(goes_on)


@app.periodic(cron="* * * * * */30")
@app.task(queueing_lock="media_sync.look_for_media")
def look_for_media(timestamp: int) -> None:
    """See to pictures that wait although no job says so: a worker was killed, or staff moved a focal point.

    What has waited for long, such as objects that have gone since the last sync, is looked at every ten minutes only.
    """
    now = datetime.fromtimestamp(timestamp, tz=UTC)
    all_of_it = timestamp % OLD_EVERY < LOOK_EVERY
    if waiting(since=None if all_of_it else now - RECENT).exists():
        _enqueue_processing(None)


@app.periodic(cron="* * * * * */30")
@app.task(queueing_lock="media_sync.hide_quarantined", retry=PATIENCE)
def hide_quarantined(timestamp: int) -> None:
    """Take what is in quarantine from its public address."""
    if hiding.hide_quarantined(seconds=SLICE_SECONDS):
        with suppress(AlreadyEnqueued):
            hide_quarantined.configure(queueing_lock="media_sync.hide_quarantined").defer(timestamp=timestamp)


def _enqueue_processing(below: int | None) -> None:
    with suppress(AlreadyEnqueued):  # that one comes by what is waiting, too
        process_media.configure(queueing_lock="media_sync.process_media").defer(below=below)


@app.task(queueing_lock="media_sync.sync", retry=PATIENCE)
def sync_now(started_by: int | None = None) -> None:
    """Sync the whole bucket, and let the worker look at whatever waits to be read; `started_by` is an account's id."""
    sync_bucket(by=started_by)
    _enqueue_processing(None)


@app.periodic(cron="17 3 * * *")
@app.task
def nightly_sync(timestamp: int) -> None:
    """Enqueue a sync, unless one waits already."""
    with suppress(AlreadyEnqueued):
        sync_now.defer()


@app.periodic(cron="37 3 * * *")
@app.task(queueing_lock="media_sync.outdated_renditions")
def nightly_renditions(timestamp: int) -> None:
    """Have renditions made anew that are not as MEDIA_RATIOS and this version want them."""
    rendering.mark_outdated()


@app.task(retry=CHECK_PATIENCE)
def check_upload(upload_id: str) -> None:
    """Check an upload that has arrived, and make it an asset."""
    check_now(UUID(upload_id))


@app.periodic(cron="* * * * * */30")
@app.task(queueing_lock="media_sync.uploads.pick_up", priority=10)
def pick_up_uploads(timestamp: int) -> None:
    """Let checks that a killed process left go on."""
    pick_up()


@app.periodic(cron="41 * * * *")
@app.task(queueing_lock="media_sync.uploads.sweep", retry=PATIENCE)
def hourly_sweep(timestamp: int) -> None:
    """Take away what abandoned uploads left behind."""
    sweep()
