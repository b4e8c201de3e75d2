"""Objects that were renamed in a way that changes their etags: their records follow when the content was read."""

from datetime import timedelta

import pghistory
import psycopg
import pytest
from django.db.models import F

from catalog.models import MediaAsset
from catalog.tests.factories import VehicleFactory
from marketplace.tests.database import database_address
from media_sync import tasks
from media_sync.models import SyncRun
from media_sync.reconcile import moves
from media_sync.reconcile.sync import sync_bucket
from media_sync.tests.fixtures import picture, put, remove

pytestmark = [pytest.mark.usefixtures("empty_queue"), pytest.mark.django_db(transaction=True)]
OF_PARTS = "d41d8cd98f00b204e9800998ecf8427e-2"


@pytest.fixture(autouse=True)
def _whole_passes(monkeypatch) -> None:
    """One job does all that waits, however slow the machine is."""
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 600)


def read() -> None:
    """Do all that a worker does with what a sync brought."""
    tasks.process_media()


@pytest.fixture
def item():
    return VehicleFactory.create(slug="db5")


@pytest.fixture
def asset(bucket, item) -> MediaAsset:
    """A picture that was sent in parts, was read, and has a text of staff's."""
    put("vehicles/db5/1.jpg", body=picture())
    sync_bucket()
    read()
    MediaAsset.objects.update(etag=OF_PARTS, alt_text="Front", position=7)
    return MediaAsset.objects.get()


def move(*new: str) -> None:
    """Put the picture elsewhere, where its etag is that of one piece, and sync."""
    remove("vehicles/db5/1.jpg")
    put(*new, body=picture())
    sync_bucket()


def test_record_follows_an_object_of_the_same_checksum(asset, item):
    move("vehicles/other/9.jpg")

    read()

    moved = MediaAsset.objects.get()
    assert (moved.pk, moved.key, moved.state, moved.item_id, moved.position, moved.alt_text) == (
        asset.pk, "vehicles/other/9.jpg", "present", item.pk, 7, "Front",
    )  # fmt: skip
    assert (moved.sha256, moved.renditions, moved.etag) == (asset.sha256, asset.renditions, moved.etag)
    assert moved.etag != OF_PARTS


def test_record_that_followed_is_unchanged_to_the_next_sync(asset):
    move("vehicles/db5/9.jpg")
    read()
    read()

    result = sync_bucket()

    assert (result.writes, result.unchanged) == (0, 1)
    assert MediaAsset.objects.values_list("processing", flat=True).get() == "ready"


def test_record_of_no_item_takes_the_item_of_its_new_key(asset):
    MediaAsset.objects.update(item=None)
    other = VehicleFactory.create(slug="other")
    move("vehicles/other/3.jpg")

    read()

    assert MediaAsset.objects.values_list("pk", "item_id", "position").get() == (asset.pk, other.pk, 3)


def test_record_does_not_follow_where_two_came(asset):
    move("vehicles/db5/8.jpg", "vehicles/db5/9.jpg")

    read()

    assert MediaAsset.objects.get(pk=asset.pk).state == "missing"
    assert MediaAsset.objects.present().count() == 2


def test_record_does_not_follow_while_a_possible_copy_is_to_be_read(asset):
    move("vehicles/db5/8.jpg", "vehicles/db5/9.jpg")
    sha256 = asset.sha256
    MediaAsset.objects.filter(key="vehicles/db5/8.jpg").update(sha256=sha256, processing="ready")

    assert moves.follow() == 0


def test_record_does_not_follow_what_came_with_another_sync(asset):
    move("vehicles/db5/9.jpg")
    MediaAsset.objects.present().update(created_at=F("created_at") + timedelta(seconds=1))

    read()

    assert MediaAsset.objects.get(pk=asset.pk).state == "missing"


def test_record_does_not_follow_what_somebody_has_edited(asset):
    move("vehicles/db5/9.jpg")
    with pghistory.context(user=1):
        MediaAsset.objects.present().update(alt_text="Anew")

    read()

    assert set(MediaAsset.objects.values_list("alt_text", "state")) == {
        ("Front", "missing"),
        ("Anew", "present"),
    }


def test_records_follow_some_at_a_time_and_those_that_somebody_is_at_later(bucket, monkeypatch):
    monkeypatch.setattr(moves, "BATCH", 1)
    bodies = {f"{name}.jpg": picture(40 + name) for name in range(3)}
    for name, body in bodies.items():
        put(f"vehicles/db5/{name}", body=body)
    sync_bucket()
    read()
    known = dict(MediaAsset.objects.values_list("key", "pk"))
    MediaAsset.objects.update(etag=OF_PARTS)
    for name, body in bodies.items():
        remove(f"vehicles/db5/{name}")
        put(f"vehicles/other/{name}", body=body)
    sync_bucket()

    with psycopg.connect(database_address()) as somebody:
        somebody.execute("SELECT FROM catalog_mediaasset WHERE key = 'vehicles/db5/1.jpg' FOR UPDATE")
        read()
        left = list(MediaAsset.objects.filter(state="missing").values_list("key", flat=True))
    read()

    assert left == ["vehicles/db5/1.jpg"]
    assert dict(MediaAsset.objects.values_list("key", "pk")) == {
        key.replace("db5", "other"): pk for key, pk in known.items()
    }


def test_records_of_other_content_stay_apart(asset):
    remove("vehicles/db5/1.jpg")
    put("vehicles/db5/9.jpg", body=picture(50, 30))
    sync_bucket()

    read()

    assert set(MediaAsset.objects.values_list("key", "state")) == {
        ("vehicles/db5/1.jpg", "missing"),
        ("vehicles/db5/9.jpg", "present"),
    }
    assert SyncRun.objects.latest("pk").missing == 1


def test_record_waits_for_nobody_who_is_at_it(asset):
    move("vehicles/db5/9.jpg")

    with psycopg.connect(database_address()) as somebody:
        somebody.execute("SELECT FROM catalog_mediaasset WHERE state = 'missing' FOR UPDATE")
        read()

    assert MediaAsset.objects.get(pk=asset.pk).state == "missing"
    assert moves.follow() == 1
