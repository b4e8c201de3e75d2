"""What keeps a wrong listing from emptying the catalogue."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from botocore.exceptions import ClientError
from django.conf import settings
from django.db.backends.utils import CursorWrapper

from media_sync import storage
from media_sync.models import SyncRun, SyncState

ASKED = 50  # keys that seem to be gone and are asked for one by one
ASKED_AT_ONCE = 8
SAMPLE_GONE = """
SELECT known_key FROM differing WHERE listed_key IS NULL ORDER BY random() LIMIT %s
"""
COUNT_PRESENT = "SELECT count(*) FROM catalog_mediaasset WHERE state = 'present' AND starts_with(key, %s)"


class Cap(NamedTuple):
    """How many present assets one run may mark missing: a number, or a share of those under the prefix."""

    number: int = 100
    share: float = 0.05

    def of(self, present: int) -> int:
        return max(self.number, int(present * self.share))


USUAL = Cap()
OTHER_BUCKET = Cap(0, 0.05)  # a bucket that nobody has synced before has no hundred for free


def address() -> str:
    """Return which server the bucket is on, as the record keeps it."""
    return str(settings.S3_ENDPOINT_URL)[:255]


def cap_for(run: SyncRun) -> tuple[Cap, str]:
    """Return the cap of a run that was given none, and what to say about it."""
    before = SyncRun.objects.filter(state=SyncState.DONE, dry_run=False, deleted=None).order_by("-pk").first()
    if before is None or (before.bucket, before.endpoint) == (run.bucket, run.endpoint):
        return USUAL, ""
    was = f"{before.bucket} at {before.endpoint}" if before.endpoint != run.endpoint else before.bucket
    return OTHER_BUCKET, f" The sync before was of the bucket {was}: is S3_BUCKET right?"


def refusal(
    cursor: CursorWrapper, prefix: str, *, gone: int, moved: int, listed: int, cap: Cap, hint: str
) -> str:
    """Return why nothing may be marked missing, or nothing. `gone` counts what did not move.

    Truncated and empty listings emptied others' catalogues. Raises BucketUnavailable.
    """
    if gone and not listed:
        return (
            f"Nothing was listed, so none of the {gone:,} known objects was marked missing:"
            f" is it the right bucket?{hint}"
        )
    cursor.execute(COUNT_PRESENT, [prefix])
    (present,) = cursor.fetchone()
    if gone > cap.of(present):
        return (
            f"{gone:,} of {present:,} known objects are not in the bucket, more than the {cap.of(present):,} that one"
            f" run may mark missing, so none was marked: check the bucket, or allow it with --max-missing {gone}.{hint}"
        )
    return _denied(cursor) if gone + moved else ""


def _denied(cursor: CursorWrapper) -> str:
    """Ask for some of what is not listed: if one answers, the listing is wrong."""
    cursor.execute(SAMPLE_GONE, [ASKED])
    keys = [key for (key,) in cursor.fetchall()]
    found = [key for key, etag in zip(keys, etags_of(keys), strict=True) if etag is not None]
    if not found:
        return ""
    return (
        f"The listing lacks objects that are in the bucket, such as {found[0]!r}, so nothing was marked missing"
        " or moved: the listing is wrong, or somebody put them there meanwhile; sync again."
    )


def etags_of(keys: Sequence[str]) -> list[str | None]:
    """Return the objects' etags, None where there is none. Raises BucketUnavailable."""
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        etags = list(pool.map(_etag_of, keys))
    if None in etags:  # an answer to HEAD has no words: that the bucket itself is gone reads the same
        storage.check_bucket()
    return etags


def _etag_of(key: str) -> str | None:
    with storage.calls_to_bucket():
        try:
            answer = storage.worker_client().head_object(Bucket=settings.S3_BUCKET, Key=key)
        except ClientError as error:
            if storage.is_absent(error):
                return None
            raise
    return answer["ETag"].strip('"')
