"""Answers that were given before: kept by the state of the catalogue, or not even sent again.

An answer depends on the state of the catalogue, on what the caller may see and on the address, and on nothing else.
Kept under these three, it is right as long as the state lasts and out of reach from the next write on.
"""

import hashlib
import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from time import monotonic
from typing import Any

import redis
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import http_date, parse_etags

from catalog import changes
from catalog.api.shapes.given import PUBLIC, Reader

Kept = tuple[str, bytes]  # the tag and the body

TAG = re.compile(rb'("[\w.]+")\n')  # what is kept begins so
LARGEST = 128 * 1024  # bytes of an answer that is kept
KEPT_SECONDS = 300
SILENCE_SECONDS = 5  # for which a cache that failed is not asked again
logger = logging.getLogger(__name__)


def _release() -> str:
    """Return what tells this code, with its settings, from every other: another release answers otherwise."""
    apps = (settings.BASE_DIR / app for app in ("catalog", "media_sync", "marketplace"))
    files = sorted(path for app in apps for path in app.rglob("*.py") if "tests" not in path.parts)
    code = b"".join(path.read_bytes() for path in files)
    made_of = (settings.MEDIA_PUBLIC_URL, settings.MEDIA_RATIOS)
    return hashlib.sha256(code + repr(made_of).encode()).hexdigest()


RELEASE = _release()


class Shelf:
    """The cache, where an answer is looked for. One that fails costs a warning, and is left alone for a while."""

    def __init__(self) -> None:
        self.silent_until = 0.0

    def get(self, key: str) -> Kept | None:
        found: object = self._asked(lambda: cache.get(key))
        if not isinstance(found, bytes) or not (tag := TAG.match(found)):
            return None
        return tag[1].decode(), found[tag.end() :]

    def put(self, key: str, kept: Kept) -> None:
        tag, body = kept
        if len(body) <= LARGEST:
            self._asked(lambda: cache.set(key, tag.encode() + b"\n" + body, KEPT_SECONDS))

    def _asked(self, question: Callable[[], Any]) -> Any:
        if monotonic() < self.silent_until:
            return None
        try:
            return question()
        except redis.RedisError as error:
            self.silent_until = monotonic() + SILENCE_SECONDS
            logger.warning("The cache does not work, answers are made anew: %s", type(error).__name__)
            return None


shelf = Shelf()


def answer(request: HttpRequest, reader: Reader, make: Callable[[], HttpResponse]) -> HttpResponse:
    """Return what `make` answers to this request; kept, if it was made before in this state of the catalogue.

    An answer without a tag of its own gets one. A client that has it is told so instead (304).
    """
    state = changes.state(public=reader == PUBLIC)
    key = _key(request, reader, state.name)
    given = _given(request)
    if tag_of(key) in given:
        return _described(HttpResponseNotModified(), state, tag_of(key), request)
    found = shelf.get(key)
    if found is None:
        made = make()
        if made.status_code != HTTPStatus.OK:
            return made
        found = made.headers.get("ETag", tag_of(key)), made.content
        shelf.put(key, found)
    tag, body = found
    if tag in given or given == ["*"]:
        return _described(HttpResponseNotModified(), state, tag, request)
    return _described(HttpResponse(body, content_type="application/json"), state, tag, request)


def _given(request: HttpRequest) -> list[str]:
    """Return the tags that the client has. Those that a proxy made weak as it compressed the answer are ours, too."""
    return [tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))]


def tag_of(key: str) -> str:
    return f'"{key[:32]}"'


def _key(request: HttpRequest, reader: Reader, state: str) -> str:
    parts = (RELEASE, state, *sorted(reader.rights), request.build_absolute_uri())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _described(response: HttpResponse, state: changes.State, tag: str, request: HttpRequest) -> HttpResponse:
    response["ETag"] = tag
    response["Last-Modified"] = http_date(state.changed_at.timestamp())
    # To be kept by anybody, or by its reader alone, and asked for anew each time: a write shows at once.
    response["Cache-Control"] = (
        "private, no-cache" if "Authorization" in request.headers else "public, no-cache"
    )
    return response
