"""The worker's way through the assets that wait: fetch, read, render, write. Killed anywhere, the next pass ends alike.

Every write is one UPDATE that asks for the object that was read: what changed meanwhile is left for a later pass.
"""

import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import BoundedSemaphore
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from catalog.models import MediaAsset, MediaKind, Processing
from media_sync import keys
from media_sync.errors import BucketUnavailable
from media_sync.pictures import formats, inspecting, rendering, scratch
from media_sync.pictures.claims import Claims
from media_sync.pictures.errors import PictureRefused, ReaderBusy, ReaderUnavailable
from media_sync.pictures.fetching import Content, fetched
from media_sync.pictures.inspecting import Facts
from media_sync.pictures.sandbox import Sandbox

logger = logging.getLogger(__name__)

# As many children decode at once as there are processors, whatever the number of jobs in this process.
CHILDREN = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
NOT_THE_NAME = "It is named as a picture, but it is {what}."
EMPTY = "It is empty."
LONGEST = 300  # characters of MediaAsset.refusal
STOPPING = (BucketUnavailable, ReaderUnavailable)
_free_children = BoundedSemaphore(CHILDREN)

Done = SimpleQueue[tuple[int, BaseException | None]]
ToDo = SimpleQueue[MediaAsset | None]


def process_pending(*, seconds: float, below: int | None = None) -> int | None:
    """Read and render what waits, the newest first, for about so many seconds.

    `below` narrows to lesser ids. Returns the id below which a next pass goes on, or None when all was looked at or
    other jobs of this process keep all children busy. Raises BucketUnavailable: nothing is refused for that;
    ReaderUnavailable.
    """
    children = _take_children()
    if not children:
        return None
    try:
        scratch.sweep()
        return _pass(children, time.monotonic() + seconds, below)
    finally:
        for _ in range(children):
            _free_children.release()


def _take_children() -> int:
    return sum(_free_children.acquire(blocking=False) for _ in range(CHILDREN))


def _pass(children: int, deadline: float, below: int | None) -> int | None:
    to_do: ToDo = SimpleQueue()
    done: Done = SimpleQueue()
    with Claims(below) as claims, ThreadPoolExecutor(children) as pool:
        try:
            for _ in range(children):
                pool.submit(_serve, to_do, done)
            return _feed(claims, to_do, done, children, deadline)
        finally:
            for _ in range(children):
                to_do.put(None)


def _feed(claims: Claims, to_do: ToDo, done: Done, children: int, deadline: float) -> int | None:
    """Keep the children busy; return the id below which assets are left, None if all were looked at."""
    busy, goes_on = 0, None
    for asset in claims:
        to_do.put(asset)
        busy += 1
        if busy == children:
            _settle(claims, done)
            busy -= 1
        if time.monotonic() > deadline:
            goes_on = claims.last
            break
    for _ in range(busy):
        _settle(claims, done)
    return goes_on


def _settle(claims: Claims, done: Done) -> None:
    """Wait for one asset's end; raise what the pass has to stop for. A fault of the program stops no other asset."""
    asset_id, error = done.get()
    claims.release(asset_id)
    if isinstance(error, STOPPING):
        raise error
    if error:
        logger.error("Asset %s is left as it was, by a fault of the program.", asset_id, exc_info=error)


def _serve(to_do: ToDo, done: Done) -> None:
    """Do what comes, with a child and a connection of this thread's own, until None comes."""
    try:
        with Sandbox() as sandbox:
            while asset := to_do.get():
                error = _outcome(asset, sandbox)
                done.put((asset.pk, error))
    finally:
        connection.close()


def _outcome(asset: MediaAsset, sandbox: Sandbox) -> BaseException | None:
    """Process one asset; return what went wrong, other than its refusal."""
    try:
        _process(asset, sandbox)
    except ReaderBusy as busy:
        logger.warning("Asset %s is left for later: %s", asset.pk, busy)
    except BaseException as error:  # a thread has nobody else to tell
        return error
    return None


def _process(asset: MediaAsset, sandbox: Sandbox) -> None:
    with fetched(asset) as content:
        if content is None:
            return  # the sync will see that it has gone, or has changed; from an archive somebody may restore it
        try:
            _read_and_render(asset, content, sandbox)
        except PictureRefused as refusal:
            _refuse(asset, content, str(refusal))


def _read_and_render(asset: MediaAsset, content: Content, sandbox: Sandbox) -> None:
    if (
        asset.processing == Processing.WAITING
        or asset.sha256 != content.sha256
        or asset.kind != MediaKind.IMAGE
    ):
        _check_name(asset, content)
        facts = inspecting.judge(content.path, content.format, content.size, content.sha256, sandbox)
        if not _write(asset, **_columns(facts)):
            return
    if asset.kind == MediaKind.IMAGE:
        rendering.render_asset(asset, content.path, sandbox)


def _check_name(asset: MediaAsset, content: Content) -> None:
    """Refuse what its name calls a picture and what is none."""
    place = keys.place(asset.key)
    if content.format in formats.PICTURES or not isinstance(place, keys.Place):
        return
    if place.kind == MediaKind.IMAGE:
        what = (
            f"a file in {content.format.name}"
            if content.format.name
            else "none in JPEG, PNG, WebP, AVIF or GIF"
        )
        raise PictureRefused(NOT_THE_NAME.format(what=what) if content.size else EMPTY)


def _columns(facts: Facts) -> dict[str, Any]:
    """Return what becomes of an asset with these facts."""
    if facts.kind == MediaKind.IMAGE:
        return {**facts.columns(), "processing": Processing.RENDERING, "refusal": ""}
    return {**facts.columns(), **NO_RENDITIONS, "processing": Processing.READY, "refusal": ""}


NO_RENDITIONS: dict[str, Any] = {"renditions": [], "rendered_as": ""}
UNKNOWN: dict[str, Any] = {
    "width": None, "height": None, "frames": 1, "has_alpha": False, "dhash": None, "thumbhash": "", "colour": "",
    "exif": {},
}  # fmt: skip


def _refuse(asset: MediaAsset, content: Content, sentence: str) -> None:
    """Note why the content is refused. What it is called stays, so that staff find it where they expect it."""
    _write(
        asset,
        **UNKNOWN,
        **NO_RENDITIONS,
        sha256=content.sha256,
        content_type=content.format.content_type,
        processing=Processing.REFUSED,
        refusal=sentence[:LONGEST],
    )


def _write(asset: MediaAsset, **columns: Any) -> bool:
    """Write to the asset if its object is still the one that was read; return whether it was."""
    same = MediaAsset.objects.present().filter(
        pk=asset.pk, key=asset.key, etag=asset.etag, size=asset.size, processing=asset.processing
    )
    if not same.update(**columns, updated_at=Now()):
        return False
    for name, value in columns.items():
        setattr(asset, name, value)
    return True
