"""Renditions of an asset: made by the child, put into the bucket, then shown all at once.

Their folder's name tells content, focal point, shapes and recipe apart, so what is under an address never changes and
may be kept for ever; a process that is killed leaves a folder that nobody shows, and the next one fills it again.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Max
from django.db.models.functions import Now

from catalog.models import MediaAsset, Processing, rendition_name
from media_sync import storage
from media_sync.pictures import formats, recipes
from media_sync.pictures.errors import PictureRefused
from media_sync.pictures.recipes import Rendition
from media_sync.pictures.sandbox import Sandbox

SECONDS = 120  # of the processor, for all files of one picture
UPLOADS_AT_ONCE = 4
FOR_EVER = "public, max-age=31536000, immutable"
FORMATS = {each.extension: each for each in (formats.WEBP, formats.AVIF)}
NOT_MADE = "Its renditions cannot be made: the decoder left no {name}."
BATCH = 10_000  # ids
# The same name as recipes.folder makes; a test holds them together.
OUTDATED = """
kind = 'image' AND state = 'present' AND processing = 'ready' AND id > %(after)s AND id <= %(last)s
AND rendered_as <> %(folder)s || '/' || id || '-' || left(encode(sha256(convert_to(
    %(recipe)s || '|' || sha256 || CASE WHEN %(cropped)s
        THEN '|' || round(focal_x * %(steps)s)::int || '|' || round(focal_y * %(steps)s)::int ELSE '' END,
    'UTF8')), 'hex'), 32)
"""
COUNT = f"SELECT count(*) FROM catalog_mediaasset WHERE {OUTDATED}"  # noqa: S608 - our own text
MARK = f"UPDATE catalog_mediaasset SET processing = 'rendering', updated_at = now() WHERE {OUTDATED}"  # noqa: S608


def render_asset(asset: MediaAsset, path: Path, sandbox: Sandbox) -> bool:
    """Make the asset's renditions of the file at `path`, which has its sha256; show them when all are in the bucket.

    Returns False, and shows nothing, if the asset has changed meanwhile. Files are written beside `path`. Raises
    PictureRefused, ReaderUnavailable, BucketUnavailable.
    """
    folder = folder_of(asset)
    if folder == asset.rendered_as and asset.renditions:
        return _show(asset, folder, asset.renditions)
    wanted = _plan(asset)
    out = path.parent / "renditions"
    out.mkdir()
    sandbox.ask(_command(asset, path, out, wanted), seconds=SECONDS)
    made = [_with_size(each, out) for each in wanted]
    _upload(folder, out, made)
    return _show(asset, folder, made)


def folder_of(asset: MediaAsset) -> str:
    """Return where the asset's renditions belong, as it is now and by today's settings."""
    return recipes.folder(asset.pk, asset.sha256, focal=_focal(asset), ratios=settings.MEDIA_RATIOS)


def key_of(rendered_as: str, rendition: dict[str, Any]) -> str:
    """Return the key of one of an asset's renditions."""
    return f"{rendered_as}/{rendition_name(rendition)}"


def outdated() -> int:
    """Return how many pictures' renditions are not as today's shapes and recipe say."""
    return sum(_in_batches(COUNT))


def mark_outdated() -> int:
    """Let the worker make those anew, which are shown until then; return how many."""
    return sum(_in_batches(MARK))


def _in_batches(statement: str) -> Iterator[int]:
    last = MediaAsset.objects.aggregate(last=Max("pk"))["last"] or 0
    ratios = settings.MEDIA_RATIOS
    same: dict[str, Any] = {
        "folder": recipes.FOLDER,
        "recipe": "|".join(recipes.recipe(ratios)),
        "cropped": bool(ratios),
        "steps": recipes.STEPS,
    }
    for after in range(0, last, BATCH):
        with connection.cursor() as cursor:
            cursor.execute(statement, {**same, "after": after, "last": after + BATCH})
            yield cursor.fetchone()[0] if cursor.description else cursor.rowcount


def _focal(asset: MediaAsset) -> recipes.Point:
    return asset.focal_x, asset.focal_y


def _plan(asset: MediaAsset) -> list[Rendition]:
    size = asset.width or 1, asset.height or 1
    return recipes.plan(size, focal=_focal(asset), ratios=settings.MEDIA_RATIOS, frames=asset.frames)


def _command(asset: MediaAsset, path: Path, out: Path, wanted: list[Rendition]) -> dict[str, Any]:
    jobs = [{**each.as_json(), "name": rendition_name(each.as_json()), "crop": each.crop} for each in wanted]
    about = {"width": asset.width, "height": asset.height, "frames": asset.frames}
    return {"do": "render", "path": str(path), "out": str(out), **about, "jobs": jobs}


def _with_size(wanted: Rendition, out: Path) -> dict[str, Any]:
    """Return what the row tells of a file that was made, its size in bytes among it.

    The child has met strangers' bytes: what it left is a file in the format that was asked for, or refused.
    """
    told = wanted.as_json()
    name = rendition_name(told)
    try:
        descriptor = os.open(out / name, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise PictureRefused(NOT_MADE.format(name=name)) from error
    with os.fdopen(descriptor, "rb") as file:
        if formats.sniff(file.read(formats.HEAD_BYTES)) != FORMATS[wanted.format]:
            raise PictureRefused(NOT_MADE.format(name=name))
        return {**told, "size": os.fstat(descriptor).st_size}


def _upload(folder: str, out: Path, made: list[dict[str, Any]]) -> None:
    """Put all files into the bucket. Raises BucketUnavailable."""
    with storage.calls_to_bucket(), ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        for _ in pool.map(lambda each: _put(folder, out, each), made):
            pass  # an error of any is raised here


def _put(folder: str, out: Path, made: dict[str, Any]) -> None:
    storage.worker_client().put_object(
        Bucket=settings.S3_BUCKET,
        Key=key_of(folder, made),
        Body=(out / rendition_name(made)).read_bytes(),
        ContentType=FORMATS[made["format"]].content_type,
        ContentDisposition="inline",
        CacheControl=FOR_EVER,
    )


def _show(asset: MediaAsset, folder: str, renditions: list[dict[str, Any]]) -> bool:
    """Show these renditions, if they are still of the asset's content and focal point."""
    same = MediaAsset.objects.present().filter(
        pk=asset.pk, etag=asset.etag, sha256=asset.sha256, focal_x=asset.focal_x, focal_y=asset.focal_y
    )
    return bool(
        same.exclude(processing=Processing.REFUSED).update(
            renditions=renditions, rendered_as=folder, processing=Processing.READY, updated_at=Now()
        )
    )
