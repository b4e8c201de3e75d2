"""What a worker process really does with the jobs of this room."""

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog.models import MediaAsset, MediaState
from catalog.tests.factories import MediaAssetFactory
from marketplace.tests.database import database_address
from media_sync import tasks
from media_sync.pictures.claims import waiting
from media_sync.reconcile.sync import sync_bucket
from media_sync.tasks import nightly_sync, sync_now
from media_sync.tests.fixtures import picture, put

pytestmark = [pytest.mark.usefixtures("empty_queue"), pytest.mark.django_db(transaction=True)]


def run_worker() -> None:
    """Let a worker process do what is enqueued, as `make run` and the containers have one."""
    names = ("S3_ENDPOINT_URL", "S3_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    worker = subprocess.run(
        [sys.executable, "manage.py", "procrastinate", "worker", "--one-shot", "--no-listen-notify"],
        env=os.environ | {"DATABASE_URL": database_address()} | {name: getattr(settings, name) for name in names},
        cwd=settings.BASE_DIR, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert worker.returncode == 0, worker.stderr


def sizes() -> dict[str, tuple[int | None, int | None]]:
    return {
        key: (width, height)
        for key, width, height in MediaAsset.objects.values_list("key", "width", "height")
    }


def processings() -> list[tuple[str, int]]:
    """Return the jobs of reading; a worker also enqueues, every some seconds, what looks after imports and media."""
    jobs = ProcrastinateJob.objects.filter(task_name="media_sync.tasks.process_media")
    return list(jobs.values_list("status", "attempts"))


def test_worker_reads_what_a_sync_brought(bucket):
    put("vehicles/x/1.jpg", body=picture(40, 30))
    sync_bucket()

    run_worker()

    assert sizes() == {"vehicles/x/1.jpg": (40, 30)}
    assert {status for status, _ in processings()} == {"succeeded"}


def test_worker_syncs_by_night_and_reads_what_was_left(bucket):
    put("vehicles/x/1.jpg", "vehicles/x/2.jpg", body=picture(40, 30))
    MediaAssetFactory.create(key="vehicles/x/1.jpg")
    nightly_sync.configure().defer(timestamp=0)

    run_worker()

    assert sizes() == {"vehicles/x/1.jpg": (40, 30), "vehicles/x/2.jpg": (40, 30)}


def test_night_enqueues_no_second_sync_beside_one_that_waits():
    sync_now.defer()

    nightly_sync(timestamp=0)

    assert list(ProcrastinateJob.objects.values_list("task_name", flat=True)) == ["media_sync.tasks.sync_now"]


def test_processing_enqueues_the_rest_once(bucket, monkeypatch):
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 0)
    for name in ("1.bin", "2.bin", "3.bin"):
        put(f"vehicles/x/{name}")
        MediaAssetFactory.create(key=f"vehicles/x/{name}", size=1, etag=hashlib.md5(b"x").hexdigest())
    ids = list(MediaAsset.objects.order_by("-pk").values_list("pk", flat=True))

    tasks.process_media()
    tasks.process_media(below=ids[0])

    jobs = ProcrastinateJob.objects.filter(task_name="media_sync.tasks.process_media")
    assert list(jobs.values_list("args", flat=True)) == [{"below": ids[0]}]
    assert list(waiting()) == [MediaAsset.objects.get(pk=ids[2])]


@pytest.mark.parametrize(
    ("age", "timestamp", "jobs"),
    [
        pytest.param(timedelta(0), 630, 1, id="new"),
        pytest.param(timedelta(hours=1), 630, 0, id="old"),
        pytest.param(timedelta(hours=1), 600, 1, id="old, every ten minutes"),
        pytest.param(None, 600, 0, id="nothing"),
    ],
)
def test_look_enqueues_when_something_waits(age, timestamp, jobs):
    if age is not None:
        asset = MediaAssetFactory.create()
        written = datetime.fromtimestamp(timestamp, tz=UTC) - age
        MediaAsset.objects.filter(pk=asset.pk).update(updated_at=written)

    tasks.look_for_media(timestamp=timestamp)
    tasks.look_for_media(timestamp=timestamp)

    assert len(processings()) == jobs


def test_worker_tries_again_when_the_bucket_is_away(bucket, settings):
    put("vehicles/x/1.jpg", body=picture(40, 30))
    sync_bucket()
    settings.S3_BUCKET = "nobody-made-this"

    run_worker()

    assert ("todo", 1) in processings()


def test_quarantine_of_many_is_hidden_in_slices(bucket, settings, monkeypatch):
    settings.MEDIA_PUBLIC_URL = "https://cdn.example.com"
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 0)
    assets = [
        MediaAssetFactory.create(state=MediaState.QUARANTINED, rendered_as=f"renditions/{number}-ab")
        for number in range(2)
    ]

    tasks.hide_quarantined(0)
    tasks.hide_quarantined(0)
    tasks.hide_quarantined(0)

    jobs = ProcrastinateJob.objects.filter(task_name="media_sync.tasks.hide_quarantined")
    assert MediaAsset.objects.filter(rendered_as="").count() == len(assets)
    assert jobs.count() == 1
