"""Counts requests exactly, over all processes: in Redis where CACHE_URL names one, in the database otherwise.

A window begins with its first request and ends so many seconds later; the clock of whoever counts decides.
"""

import logging
from functools import cache
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from accounts.models import RequestCount

logger = logging.getLogger(__name__)

# One statement, and the only one of its transaction: whoever is next in line waits for no disk, since the table
# is UNLOGGED.
COUNT = """
INSERT INTO accounts_requestcount AS counted (bucket, requests, window_ends_at)
VALUES (%s, 1, statement_timestamp() + %s * interval '1 second')
ON CONFLICT (bucket) DO UPDATE SET
    requests = CASE WHEN counted.window_ends_at > statement_timestamp() THEN counted.requests + 1 ELSE 1 END,
    window_ends_at = CASE WHEN counted.window_ends_at > statement_timestamp()
        THEN counted.window_ends_at ELSE EXCLUDED.window_ends_at END
RETURNING requests, extract(epoch FROM window_ends_at - statement_timestamp())::float8
"""
# The key ends with its window, whose length only its first request sets. One script: nobody comes in between.
COUNT_IN_REDIS = """
local requests = redis.call('INCR', KEYS[1])
if requests == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {requests, redis.call('PTTL', KEYS[1])}
"""
REDIS_SECONDS = 0.5  # how long a request waits for Redis before the database counts it


def count(bucket: str, seconds: int) -> tuple[int, float]:
    """Add a request to the bucket; return how many its window has had, and the seconds to the window's end."""
    if (address := settings.CACHES["default"].get("LOCATION", "")).startswith(("redis://", "rediss://")):
        try:
            return _count_in_redis(address, bucket, seconds)
        except redis.RedisError as error:
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
    connection.ensure_connection()
    with connection.wrap_database_errors:
        # psycopg itself and prepared, not Django's cursor: every request of the API comes through here.
        requests, left = psycopg.Cursor(connection.connection).execute(COUNT, (bucket, seconds), prepare=True).fetchone()  # type: ignore[misc]  # it returns a row
    return requests, max(left, 0.0)


def _count_in_redis(address: str, bucket: str, seconds: int) -> tuple[int, float]:
    requests, left = _script(address)(keys=[f"requests:{bucket}"], args=[seconds * 1000])
    return int(requests), max(left, 0) / 1000


@cache
def _script(address: str) -> Any:
    client = redis.Redis.from_url(address, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
    return client.register_script(COUNT_IN_REDIS)
