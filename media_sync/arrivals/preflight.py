"""Whether a browser may send a file straight to the bucket from a page of this service.

It asks the bucket's server first (CORS), and a server that answers no would leave the person with an error that
names no cause. So this service asks the same question before, and remembers the answer for some minutes.
"""

from urllib.parse import urlsplit

import redis
import urllib3
from django.conf import settings
from django.core.cache import cache

from media_sync.hurry import OutOfTime, in_time

SECONDS = 2.0
REMEMBERED = 600  # seconds
METHOD, HEADERS = "PUT", "content-type,x-amz-checksum-sha256"


def may_send(url: str, origin: str) -> bool:
    """Return whether the server at this signed address takes files from pages of this origin."""
    server = urlsplit(url)
    key = f"media_sync.preflight:{server.scheme}://{server.netloc}:{settings.S3_BUCKET}:{origin}"
    try:
        known = cache.get(key)
        if known is None:
            known = asks(url, origin)
            cache.set(key, known, REMEMBERED)
    except redis.RedisError:  # what cannot be remembered is asked
        known = asks(url, origin)
    return bool(known)


def asks(url: str, origin: str) -> bool:
    """The same, asked at this moment."""
    asked = {
        "Origin": origin, "Access-Control-Request-Method": METHOD, "Access-Control-Request-Headers": HEADERS,
    }  # fmt: skip
    try:
        with urllib3.PoolManager(timeout=SECONDS, retries=False) as pool:
            answer = in_time(lambda: pool.request("OPTIONS", url, headers=asked, redirect=False))
    except (urllib3.exceptions.HTTPError, OutOfTime):
        return False
    told = answer.headers
    methods = {each.strip() for each in told.get("access-control-allow-methods", "").upper().split(",")}
    headers = {each.strip() for each in told.get("access-control-allow-headers", "").lower().split(",")}
    return (
        answer.status in (200, 204)
        and told.get("access-control-allow-origin") in ("*", origin)
        and (METHOD in methods or "*" in methods)
        and ("*" in headers or set(HEADERS.split(",")) <= headers)
    )
