"""What is abandoned is taken away; what is alive, and what counts, stays."""

from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.tests.factories import UserFactory
from catalog.models import MediaAsset
from marketplace.tests.database import database_address
from media_sync import storage, tasks
from media_sync.errors import BucketUnavailable
from media_sync.keys import arrival_key, uploaded_key
from media_sync.models import Upload, UploadState
from media_sync.tests.fixtures import picture, put
from media_sync.tests.sending import announce, complete, send, stored, uploaded, uploader
from media_sync.tests.sending import put as put_at
from media_sync.uploads import objects, tickets
from media_sync.uploads.completing import pick_up
from media_sync.uploads.sweep import Swept, sweep

pytestmark = [pytest.mark.both_servers, pytest.mark.usefixtures("bucket"), pytest.mark.django_db]
GAPS = {"moto": {"test_sweep_takes_parts_that_nobody_knows_of": "says that all parts were begun in 2010"}}
NOTHING = Swept(expired=0, strays=0, broken_off=0, forgotten=0)
IN_A_DAY = timedelta(days=1, hours=1)


def rows(count: int, **columns) -> list[Upload]:
    """Make uploads with an object each where they arrive."""
    owner = UserFactory.create()
    made = Upload.objects.bulk_create(
        Upload(
            owner=owner, file_name="x.jpg", size=1, content_type="image/jpeg", sha256=f"{number:064x}",
            key=arrival_key("jpg"), **{"expires_at": timezone.now() + timedelta(hours=1)} | columns,
        )
        for number in range(count)
    )  # fmt: skip
    put(*[upload.key for upload in made])
    return made


@pytest.mark.timeout(300)
@pytest.mark.one_server  # moto takes half a minute
def test_sweep_of_a_thousand_takes_the_three_hundred_that_are_abandoned():
    live = rows(700)
    late = rows(300, expires_at=timezone.now() - timedelta(minutes=1))

    swept = sweep()

    assert swept == Swept(expired=300, strays=0, broken_off=0, forgotten=0)
    states = dict(Upload.objects.values_list("pk", "state"))
    assert {pk for pk, state in states.items() if state == "expired"} == {upload.pk for upload in late}
    assert {pk for pk, state in states.items() if state == "waiting"} == {upload.pk for upload in live}
    left = {found["Key"] for page in listing() for found in page.get("Contents", [])}
    assert left == {upload.key for upload in live}
    assert sweep() == NOTHING


def listing():
    return storage.client().get_paginator("list_objects_v2").paginate(Bucket=settings.S3_BUCKET)


def test_sweep_aborts_uploads_in_parts(monkeypatch):
    monkeypatch.setattr(tickets, "IN_ONE_PIECE", 10)
    client, content = uploader(), b"\0\0\0\x18ftypisom" + b"x" * 100
    upload = announce(client, content, type="video/mp4")
    send(upload, content)
    row = Upload.objects.get()

    swept = sweep(timezone.now() + IN_A_DAY)

    assert swept == Swept(expired=1, strays=0, broken_off=0, forgotten=0)
    assert objects.parts_of(row.key, row.multipart_id) is None
    ended = client.get(upload["url"]).json()
    assert (ended["state"], ended["message"], ended["send"]) == (
        "expired", "The file was not sent in time.", None,
    )  # fmt: skip
    assert complete(client, upload)["state"] == "expired"


def test_sweep_takes_what_was_sent_after_the_end():
    client, content = uploader(), picture()
    upload = announce(client, content)
    send(upload, content)
    done = complete(client, upload)
    assert put_at(upload["send"]["url"], content, upload["send"]["headers"]) == 200

    swept = sweep(timezone.now() + timedelta(hours=2))

    assert swept == Swept(expired=0, strays=1, broken_off=0, forgotten=0)
    assert list(stored()) == [MediaAsset.objects.get(pk=done["asset"]["id"]).key]


def test_sweep_takes_parts_that_nobody_knows_of():
    objects.begin_parts(arrival_key("mp4"), "video/mp4")

    assert sweep() == NOTHING
    assert sweep(timezone.now() + timedelta(hours=2)).broken_off == 1


def test_sweep_leaves_everything_else_in_the_bucket():
    put("quarantined.jpg", "vehicles/quarantine/1.jpg", "media/x.jpg", "renditions/1-ab/full-320.webp")

    sweep(timezone.now() + IN_A_DAY)

    assert len(stored()) == 4


def test_check_that_was_killed_is_picked_up_by_a_worker():
    (upload,) = rows(1, state=UploadState.CHECKING)
    rows(1)

    assert (pick_up(), pick_up()) == (1, 0)

    job = ProcrastinateJob.objects.get()
    assert (job.task_name, job.args) == ("media_sync.tasks.check_upload", {"upload_id": str(upload.pk)})


def test_check_at_which_another_process_is_is_not_picked_up():
    (upload,) = rows(1, state=UploadState.CHECKING)

    with psycopg.connect(database_address()) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"media_sync.upload:{upload.pk}"])
        assert pick_up() == 0

    assert ProcrastinateJob.objects.count() == 0


def test_sweep_leaves_a_check_some_time():
    rows(1, state=UploadState.CHECKING, expires_at=timezone.now() - timedelta(hours=2))

    assert sweep() == NOTHING


def test_sweep_takes_what_a_killed_check_had_stored_but_not_recorded():
    (upload,) = rows(1, state=UploadState.CHECKING, expires_at=timezone.now() - timedelta(days=2))
    put(uploaded_key(upload.pk, "png"))

    sweep()

    assert stored() == {}


def test_sweep_leaves_an_upload_that_another_process_checks():
    (upload,) = rows(1, expires_at=timezone.now() - timedelta(minutes=1))

    with psycopg.connect(database_address()) as other:
        name = f"media_sync.upload:{upload.pk}"
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        assert sweep() == NOTHING
        other.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
    assert sweep().expired == 1


def test_sweep_forgets_uploads_that_ended_long_ago():
    uploaded(uploader())

    assert sweep(timezone.now() + timedelta(days=29)).forgotten == 0
    assert sweep(timezone.now() + timedelta(days=31)).forgotten == 1
    assert MediaAsset.objects.count() == 1


def test_sweep_of_a_dead_bucket_loses_nothing(settings):
    rows(1, expires_at=timezone.now() - timedelta(minutes=1))
    address, settings.S3_ENDPOINT_URL = settings.S3_ENDPOINT_URL, "http://127.0.0.1:9"

    with pytest.raises(BucketUnavailable):
        tasks.hourly_sweep(0)

    settings.S3_ENDPOINT_URL = address
    assert Upload.objects.get().state == "waiting"
    assert sweep().expired == 1
