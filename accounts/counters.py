"""Counts requests exactly, over all processes: in Redis where CACHE_URL names one, in the database otherwise.

A window begins with its first request and ends so many seconds later; the clock of whoever counts decides.
"""

import logging
import time
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db.models.functions import Now

from accounts.models import RequestCount
from marketplace import prepared

logger = logging.getLogger(__name__)

# One statement, and the only one of its transaction: whoever is next in line waits for no disk, since the table
# is UNLOGGED.
COUNT = b"""
INSERT INTO accounts_requestcount AS counted (bucket, requests, window_ends_at)
VALUES ($1, 1, statement_timestamp() + $2 * interval '1 second')
ON CONFLICT (bucket) DO UPDATE SET
    requests = CASE WHEN counted.window_ends_at > statement_timestamp() THEN counted.requests + 1 ELSE 1 END,
    window_ends_at = CASE WHEN counted.window_ends_at > statement_timestamp()
        THEN counted.window_ends_at ELSE EXCLUDED.window_ends_at END
RETURNING requests, extract(epoch FROM window_ends_at - statement_timestamp())::float8
"""
# The key ends with its window, whose length only its first request sets. One script: nobody comes in between.
COUNT_IN_REDIS = """
local requests, left = redis.call('INCR', KEYS[1]), redis.call('PTTL', KEYS[1])
if left < 0 then
    left = tonumber(ARGV[1])
    redis.call('PEXPIRE', KEYS[1], left)
end
return {requests, left}
"""
REDIS_SECONDS = 0.5  # how long a request waits for Redis before the database counts it
SILENCE_SECONDS = 5  # for which a Redis that failed is not asked again

_silent_until: dict[str, float] = {}  # by the monotonic clock; of addresses that failed this process


def count(bucket: str, seconds: int) -> tuple[int, float]:
    """Add a request to the bucket; return how many its window has had, and the seconds to the window's end."""
    address = settings.CACHES["default"].get("LOCATION", "")
    is_silent = time.monotonic() < _silent_until.get(address, 0.0)
    if address.startswith(("redis://", "rediss://")) and not is_silent:
        try:
            return _count_in_redis(address, bucket, seconds)
        except redis.RedisError as error:
            _silent_until[address] = time.monotonic() + SILENCE_SECONDS
            logger.warning("Redis did not count a request, the database does: %s", type(error).__name__)
    return _count_in_database(bucket, seconds)


def prune(batch: int = 5000) -> int:
    """Delete counts whose window is over, in batches; return their number."""
    over = RequestCount.objects.filter(window_ends_at__lt=Now())
    total = 0
    while True:
        chosen = list(over.order_by("window_ends_at").values_list("bucket", flat=True)[:batch])
        # Asked again, for one may have begun a new window meanwhile.
        total += over.filter(bucket__in=chosen).delete()[0]
        if len(chosen) < batch:
            return total


def _count_in_database(bucket: str, seconds: int) -> tuple[int, float]:
    ((requests, left),) = prepared.rows(COUNT, (bucket, seconds))
    return requests, max(left, 0.0)


def _count_in_redis(address: str, bucket: str, seconds: int) -> tuple[int, float]:
    requests, left = _script(address)(keys=[f"requests:{bucket}"], args=[seconds * 1000])
    return int(requests), max(left, 0) / 1000


@cache
def _script(address: str) -> Any:
    client = redis.Redis.from_url(address, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
    return client.register_script(COUNT_IN_REDIS)
