"""Fixtures for tests that speak to a real bucket."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import override_settings
from PIL import Image

from media_sync import hurry, storage
from media_sync.reconcile.report import SyncResult

EMPTYINGS = 20  # of a bucket into which something still comes


@pytest.fixture(scope="session", autouse=True)
def _no_bucket_of_a_developer() -> Iterator[None]:
    """What tests put anywhere, such as the files of imports, is gone with the last of them."""
    with override_settings(S3_BUCKET=f"test-{uuid4().hex}"):
        client = storage.client()
        storage.ensure_bucket()
        yield
        _delete_bucket(client, django_settings.S3_BUCKET)


@pytest.fixture(scope="session", autouse=True)
def _nobody_in_a_hurry() -> Iterator[None]:
    """However slow the machine is, the bucket is waited for; tests of those who do not wait say for how long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hurry, "SECONDS", 600)
        yield


@pytest.fixture
def bucket(settings, s3_server) -> Iterator[str]:
    """A fresh, empty bucket on a real S3 server; settings.S3_BUCKET names it for the time of one test."""
    name = settings.S3_BUCKET = f"test-{uuid4().hex}"
    client = storage.client()  # a test may break the settings
    storage.ensure_bucket()
    yield name
    _delete_bucket(client, name)


def _delete_bucket(client: Any, name: str) -> None:
    """Delete the bucket and what is in it; what a killed process had sent already may come meanwhile."""
    for _ in range(EMPTYINGS):
        _empty(client, name)
        with suppress(client.exceptions.ClientError):
            client.delete_bucket(Bucket=name)
            return
    client.delete_bucket(Bucket=name)


def _empty(client: Any, name: str) -> None:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        with ThreadPoolExecutor(8) as pool:
            for found in page.get("Contents", []):
                pool.submit(client.delete_object, Bucket=name, Key=found["Key"])
    with suppress(client.exceptions.NoSuchUpload):  # rclone's word for none
        for begun in client.list_multipart_uploads(Bucket=name).get("Uploads", []):
            client.abort_multipart_upload(Bucket=name, Key=begun["Key"], UploadId=begun["UploadId"])
    # rclone leaves the empty folder of parts that were aborted; it goes with the last file in it.
    client.put_object(Bucket=name, Key="quarantine/last")
    client.delete_object(Bucket=name, Key="quarantine/last")


@pytest.fixture
def empty_queue(transactional_db) -> Iterator[None]:
    """No job waits for a worker, before and after the test: Django does not empty tables that others manage."""
    _empty_queue()
    yield
    _empty_queue()


def _empty_queue() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs CASCADE")


def put(*keys: str, body: bytes = b"x", content_type: str = "application/octet-stream") -> None:
    """Put objects into the bucket, as anybody with the keys can."""
    for key in keys:
        storage.client().put_object(
            Bucket=django_settings.S3_BUCKET, Key=key, Body=body, ContentType=content_type
        )


def remove(*keys: str) -> None:
    """Remove objects from the bucket behind the catalogue's back."""
    for key in keys:
        storage.client().delete_object(Bucket=django_settings.S3_BUCKET, Key=key)


def picture(width: int = 40, height: int = 30, *, file_format: str = "JPEG", orientation: int = 1) -> bytes:
    """Return a small picture's file."""
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (width, height), "navy").save(file, file_format, exif=exif)
    return file.getvalue()


def counts(result: SyncResult) -> dict[str, int]:
    """Return the result's counts that are not 0."""
    names = (
        "listed", "created", "changed", "moved", "returned", "missing", "unchanged", "unassigned", "assigned", "ignored",
    )  # fmt: skip
    return {name: getattr(result, name) for name in names if getattr(result, name)}


def row_versions() -> list[tuple[int, str, str]]:
    """Return the physical version of every asset's row: a write that changes nothing makes a new one too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, xmin::text, ctid::text FROM catalog_mediaasset ORDER BY id")
        return list(cursor.fetchall())
