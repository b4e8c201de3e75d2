"""What a worker process really does with the jobs of this room."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog.models import MediaAsset
from catalog.tests.factories import MediaAssetFactory
from marketplace.tests.database import database_address
from media_sync.sync import sync_bucket
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


def measurements() -> list[tuple[str, int]]:
    """Return the jobs of measuring; a worker also enqueues, every some seconds, what looks after imports."""
    jobs = ProcrastinateJob.objects.filter(task_name="media_sync.tasks.measure_images")
    return list(jobs.values_list("status", "attempts"))


def test_worker_measures_what_a_sync_brought(bucket):
    put("vehicles/x/1.jpg", body=picture(40, 30))
    sync_bucket()

    run_worker()

    assert sizes() == {"vehicles/x/1.jpg": (40, 30)}
    assert {status for status, _ in measurements()} == {"succeeded"}


def test_worker_syncs_by_night_and_measures_what_was_left(bucket):
    put("vehicles/x/1.jpg", "vehicles/x/2.jpg", body=picture(40, 30))
    MediaAssetFactory.create(key="vehicles/x/1.jpg")
    nightly_sync.configure().defer(timestamp=0)

    run_worker()

    assert sizes() == {"vehicles/x/1.jpg": (40, 30), "vehicles/x/2.jpg": (40, 30)}


def test_night_enqueues_no_second_sync_beside_one_that_waits():
    sync_now.defer()

    nightly_sync(timestamp=0)

    assert list(ProcrastinateJob.objects.values_list("task_name", flat=True)) == ["media_sync.tasks.sync_now"]


def test_worker_tries_again_when_the_bucket_is_away(bucket, settings):
    put("vehicles/x/1.jpg", body=picture(40, 30))
    sync_bucket()
    settings.S3_BUCKET = "nobody-made-this"

    run_worker()

    assert measurements() == [("todo", 1)]
