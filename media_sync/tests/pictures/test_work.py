"""What becomes of objects in a real bucket: read, refused, or left for later."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.db import connection

from accounts.tests.client import at_once
from catalog.models import MediaAsset
from catalog.tests.factories import MediaAssetFactory
from marketplace.tests.database import database_address
from marketplace.tests.stack import wait_until
from media_sync import storage
from media_sync.errors import BucketUnavailable
from media_sync.locking import lock_of
from media_sync.pictures import formats, work
from media_sync.pictures import scratch as scratch_module
from media_sync.pictures.claims import Claims, waiting
from media_sync.pictures.work import process_pending
from media_sync.reconcile.sync import sync_bucket
from media_sync.tests.fixtures import picture, put, remove
from media_sync.tests.pictures.samples import POLYGLOTS, SECRETS, other_formats, talkative
from media_sync.tests.servers import MOTO

pytestmark = pytest.mark.django_db(transaction=True)

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
NO_PICTURE = "It is named as a picture, but it is none in JPEG, PNG, WebP, AVIF or GIF."


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch) -> Path:
    """Files at work lie in a folder of the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def process(**how: Any) -> int | None:
    return process_pending(seconds=120, **how)


def outcomes(*columns: str) -> dict[str, Any]:
    """Return what each asset's columns hold, by the name of its file."""
    found = MediaAsset.objects.values_list("key", *columns)
    return {
        key.rpartition("/")[2]: values[0] if len(values) == 1 else tuple(values) for key, *values in found
    }


def test_work_reads_a_picture(bucket):
    put("vehicles/x/1.png", body=picture(40, 30, file_format="PNG", orientation=6))
    sync_bucket()

    assert process() is None

    columns = ("kind", "content_type", "width", "height", "frames", "has_alpha", "refusal", "colour")
    assert outcomes(*columns) == {"1.png": ("image", "image/png", 30, 40, 1, False, "", "#000080")}


@pytest.mark.parametrize("s3_server", [MOTO], indirect=True)
def test_work_passes_over_what_lies_in_an_archive(bucket):
    storage.client().put_object(
        Bucket=bucket, Key="vehicles/x/2.png", Body=picture(file_format="PNG"), StorageClass="GLACIER"
    )
    put("vehicles/x/1.png", body=picture(file_format="PNG"))
    storage_classes = sync_bucket().storage_classes

    assert process() is None

    assert storage_classes == {"GLACIER": 1, "STANDARD": 1}
    assert outcomes("processing") == {"1.png": "ready", "2.png": "waiting"}


def test_work_believes_the_content_and_not_the_name(bucket):
    put("vehicles/x/1.jpg", body=picture(file_format="WEBP"), content_type="text/html")
    put("vehicles/x/2.pdf", body=picture(file_format="PNG"))
    put("vehicles/x/3", body=picture(file_format="AVIF"))
    put("vehicles/x/4.mp4", body=b"not a film, but a note")
    put("vehicles/x/5.mp4", body=b"\0\0\0\x1cftypqt  \0\0\2\0")
    put("vehicles/x/6.bin", body=PDF)
    put("vehicles/x/7.html", body=b"<html><script>alert(1)</script>", content_type="image/png")
    put("vehicles/x/8.tif", body=picture(file_format="TIFF"))
    put("vehicles/x/9.zip", body=b"")
    sync_bucket()

    process()

    assert outcomes("kind", "content_type", "refusal") == {
        "1.jpg": ("image", "image/webp", ""),
        "2.pdf": ("image", "image/png", ""),
        "3": ("image", "image/avif", ""),
        "4.mp4": ("document", "text/plain", ""),
        "5.mp4": ("video", "video/quicktime", ""),
        "6.bin": ("document", "application/pdf", ""),
        "7.html": ("document", "application/octet-stream", ""),
        "8.tif": ("document", "application/octet-stream", ""),
        "9.zip": ("document", "application/octet-stream", ""),
    }


def test_work_refuses_what_is_named_as_a_picture_and_is_none(bucket):
    put("vehicles/x/1.jpg", body=b"<!doctype html><script>alert(1)</script>", content_type="image/jpeg")
    put("vehicles/x/2.png", body=PDF)
    put("vehicles/x/3.webp", body=b"")
    put("vehicles/x/4.gif", body=picture()[:-9])
    sync_bucket()

    process()

    assert outcomes("processing", "refusal", "content_type", "width") == {
        "1.jpg": ("refused", NO_PICTURE, "application/octet-stream", None),
        "2.png": ("refused", "It is named as a picture, but it is a file in PDF.", "application/pdf", None),
        "3.webp": ("refused", "It is empty.", "application/octet-stream", None),
        "4.gif": (
            "refused",
            "It is damaged or cut short: it cannot be decoded to its end.",
            "image/jpeg",
            None,
        ),
    }


def test_work_accepts_no_other_format_named_jpg(bucket):
    for name, content in other_formats().items():
        put(f"vehicles/x/{name}.jpg", body=content, content_type="image/jpeg")
    sync_bucket()

    process()

    assert set(outcomes("processing").values()) == {"refused"}
    assert MediaAsset.objects.count() == 38  # of the 43 that Pillow reads


def test_work_accepts_no_polyglot(bucket):
    for at, content in enumerate(POLYGLOTS.values()):
        put(f"vehicles/x/{at}.jpg", body=content)
    sync_bucket()

    process()

    assert outcomes("processing") == {f"{at}.jpg": "refused" for at in range(len(POLYGLOTS))}


def test_work_keeps_no_place_and_no_name_of_a_person(bucket):
    put("vehicles/x/1.jpg", body=talkative())
    sync_bucket()

    process()

    row = json.dumps(MediaAsset.objects.values().get(), default=str)
    assert "Canon EOS R5" in row
    assert not [secret for secret in (*SECRETS, "GPS", "48.85") if secret in row]


def test_work_takes_the_checksum_of_every_kind(bucket):
    put("vehicles/x/1.bin", body=b"x" * 1_000_000)
    sync_bucket()

    process()

    assert outcomes("sha256", "size") == {
        "1.bin": ("1b977e9f84f1b26b6ed7f68b0498faee2385ea4125bd29adce4a7d9106ba3134", 1_000_000)
    }


def test_work_refuses_a_picture_of_too_many_bytes_and_reads_little_of_it(bucket, monkeypatch):
    monkeypatch.setitem(formats.LARGEST, "image", 100)
    monkeypatch.setitem(formats.LARGEST, "document", 100)
    put("vehicles/x/1.jpg", body=picture())
    put("vehicles/x/2.pdf", body=PDF + bytes(100))
    sync_bucket()

    process()

    assert outcomes("processing", "sha256") == {"1.jpg": ("refused", ""), "2.pdf": ("ready", "")}


def test_work_leaves_no_file_behind(bucket, scratch):
    put("vehicles/x/1.jpg", body=picture())
    put("vehicles/x/2.jpg", body=b"none")
    sync_bucket()

    process()

    assert [path for path in scratch.rglob("*") if path.is_file()] == []


def test_work_leaves_to_the_sync_what_has_gone_or_changed(bucket):
    put("vehicles/x/1.jpg", "vehicles/x/2.jpg", body=picture())
    sync_bucket()
    remove("vehicles/x/1.jpg")
    put("vehicles/x/2.jpg", body=picture(70, 50))

    process()

    assert outcomes("processing", "sha256") == {"1.jpg": ("waiting", ""), "2.jpg": ("waiting", "")}


def test_work_reads_again_what_a_sync_saw_changed(bucket):
    put("vehicles/x/1.jpg", body=b"none")
    sync_bucket()
    process()
    put("vehicles/x/1.jpg", body=picture(70, 50))
    sync_bucket()

    process()

    assert outcomes("refusal", "width", "height") == {"1.jpg": ("", 70, 50)}


def test_work_does_not_read_again_what_was_refused(bucket, django_assert_num_queries):
    put("vehicles/x/1.jpg", body=b"none")
    sync_bucket()
    process()

    with django_assert_num_queries(1):
        process()


def test_work_with_a_dead_bucket_refuses_nothing(bucket, settings):
    put("vehicles/x/1.jpg", "vehicles/x/2.jpg", body=picture())
    sync_bucket()
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"

    with pytest.raises(BucketUnavailable, match="cannot be reached"):
        process()
    assert set(outcomes("processing").values()) == {"waiting"}


def test_work_stops_when_its_time_is_over_and_says_where(bucket):
    put("vehicles/x/1.bin", "vehicles/x/2.bin", "vehicles/x/3.bin")
    sync_bucket()

    first = process_pending(seconds=0)
    second = process_pending(seconds=0, below=first)

    ids = sorted(MediaAsset.objects.values_list("pk", flat=True), reverse=True)
    assert [first, second] == ids[:2]
    assert waiting().count() == 1


def test_work_passes_over_what_another_process_is_at(bucket):
    put("vehicles/x/1.bin", "vehicles/x/2.bin")
    sync_bucket()
    held = MediaAsset.objects.get(key="vehicles/x/1.bin")

    def hold_and_process() -> None:
        """Another session's lock stands in the way: advisory locks do not keep a session from itself."""
        process()

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_lock({lock_of(held.pk)})")
        at_once([hold_and_process])
        cursor.execute(f"SELECT pg_advisory_unlock({lock_of(held.pk)})")

    assert outcomes("processing") == {"1.bin": "waiting", "2.bin": "ready"}


def test_work_of_several_processes_is_shared_and_not_doubled(bucket):
    put(*(f"vehicles/x/{at}.bin" for at in range(30)))
    sync_bucket()

    at_once([process] * 3)

    assert set(outcomes("processing").values()) == {"ready"}
    events = apps.get_model("catalog", "MediaAssetEvent").objects.filter(pgh_label="update")
    assert events.count() == 30


PASS = "import django; django.setup(); from media_sync.pictures.work import process_pending; process_pending(seconds=600)"


@contextmanager
def process_elsewhere(scratch: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Let another process read what waits; kill it at the end."""
    names = ("S3_ENDPOINT_URL", "S3_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    variables = {
        "DATABASE_URL": database_address(),
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "TMPDIR": str(scratch),
    }
    other = subprocess.Popen(
        [sys.executable, "-c", PASS], cwd=django_settings.BASE_DIR, stderr=subprocess.DEVNULL,
        env=os.environ | variables | {name: getattr(django_settings, name) for name in names},
    )  # fmt: skip
    try:
        yield other
    finally:
        other.kill()
        other.wait()


@pytest.mark.timeout(600)
def test_work_of_two_processes_does_each_of_fifty_once(bucket, tmp_path):
    for at in range(10):
        put(f"vehicles/x/{at}.jpg", body=picture(20 + at, 20))
    put(*(f"vehicles/x/{at}.bin" for at in range(40)))
    sync_bucket()

    with process_elsewhere(tmp_path) as one, process_elsewhere(tmp_path) as other:
        assert (one.wait(), other.wait()) == (0, 0)

    pictures = {f"{at}.jpg": ("ready", 20 + at) for at in range(10)}
    assert outcomes("processing", "width") == pictures | {f"{at}.bin": ("ready", None) for at in range(40)}
    events = apps.get_model("catalog", "MediaAssetEvent").objects.filter(pgh_label="update")
    assert events.count() == 60  # each was read once, and each picture rendered once


def are_done(count: int) -> bool:
    return MediaAsset.objects.exclude(processing="waiting").count() >= count


@pytest.mark.timeout(600)
def test_work_killed_at_any_point_ends_in_the_same_state(bucket, scratch, monkeypatch):
    put(*(f"vehicles/x/{at}.jpg" for at in range(0, 12, 2)), body=picture(400, 300))
    put(*(f"vehicles/x/{at}.jpg" for at in range(1, 12, 2)), body=b"none")
    sync_bucket()
    for done in (1, 4, 7):
        with process_elsewhere(scratch):
            wait_until(partial(are_done, done), seconds=120)
    monkeypatch.setattr(scratch_module, "YOUNG_SECONDS", 0)

    process()

    expected = {f"{at}.jpg": ("ready", 400) if at % 2 == 0 else ("refused", None) for at in range(12)}
    assert outcomes("processing", "width") == expected
    assert [path for path in scratch.rglob("*") if path.is_file()] == []


def test_work_frees_its_locks(bucket):
    put("vehicles/x/1.jpg", "vehicles/x/2.bin", body=picture())
    sync_bucket()

    process()

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)


def test_claims_give_nothing_that_is_missing_or_done():
    MediaAssetFactory.create(state="missing")
    MediaAssetFactory.create(processing="ready")
    todo = {MediaAssetFactory.create().pk, MediaAssetFactory.create(processing="rendering").pk}

    with Claims() as claims:
        assert {asset.pk for asset in claims} == todo


def test_work_goes_on_past_a_fault_of_the_program(bucket, monkeypatch, caplog):
    monkeypatch.setitem(work.UNKNOWN, "colour", "no colour")  # which the database refuses
    put("vehicles/x/1.bin")
    put("vehicles/x/2.jpg", body=b"none")
    sync_bucket()

    process()

    assert outcomes("processing") == {"1.bin": "ready", "2.jpg": "waiting"}
    assert "is left as it was, by a fault of the program" in caplog.text
