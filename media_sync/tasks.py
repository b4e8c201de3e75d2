"""What the worker does with media; each task calls one function."""

from contextlib import suppress
from datetime import datetime

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from media_sync.errors import BucketUnavailable, SyncRefused
from media_sync.measure import measure_pending
from media_sync.sync import sync_bucket

# The bucket comes back, and a sync that somebody else runs ends.
PATIENCE = RetryStrategy(
    max_attempts=6, exponential_wait=4, retry_exceptions={BucketUnavailable, SyncRefused}
)


@app.task(retry=PATIENCE)
def measure_images(since: str | None = None, after: int = 0) -> None:
    """Measure a batch of images, then enqueue the next; `since` is a time in ISO 8601."""
    last = measure_pending(since=datetime.fromisoformat(since) if since else None, after=after)
    if last is not None:
        measure_images.defer(since=since, after=last)


@app.task(queueing_lock="media_sync.sync", retry=PATIENCE)
def sync_now() -> None:
    """Sync the whole bucket, and look again at images whose size is still unknown."""
    sync_bucket()
    measure_images.defer()


@app.periodic(cron="17 3 * * *")
@app.task
def nightly_sync(timestamp: int) -> None:
    """Enqueue a sync, unless one waits already."""
    with suppress(AlreadyEnqueued):
        sync_now.defer()
