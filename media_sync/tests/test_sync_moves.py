"""Objects that were renamed, that are there twice, or whose keys look alike."""

from typing import Any

import pytest
from django.conf import settings

from catalog.models import MediaAsset
from catalog.tests.factories import VehicleFactory
from media_sync import storage
from media_sync.reconcile.sync import sync_bucket
from media_sync.tests.fixtures import counts, put, remove

pytestmark = [pytest.mark.django_db, pytest.mark.both_servers]
GAPS = {"rclone": {"test_sync_trusts_no_etag_of_parts": "the etag is the MD5 of the whole"}}


def put_in_parts(key: str, body: bytes) -> None:
    client: Any = storage.client()
    here = {"Bucket": settings.S3_BUCKET, "Key": key}
    begun = here | {"UploadId": client.create_multipart_upload(**here)["UploadId"]}
    part = client.upload_part(**begun, PartNumber=1, Body=body)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    client.complete_multipart_upload(**begun, MultipartUpload=parts)


def rename(old: str, new: str, body: bytes) -> None:
    remove(old)
    put(new, body=body)


def test_sync_follows_an_object_that_was_renamed(bucket):
    item, other = VehicleFactory.create(slug="db5"), VehicleFactory.create(slug="other")
    put("vehicles/db5/1.jpg", body=b"front")
    sync_bucket()
    asset = MediaAsset.objects.get()
    MediaAsset.objects.update(alt_text="Front", position=7, width=3, height=2, sha256="a" * 64)
    rename("vehicles/db5/1.jpg", "vehicles/other/9.jpg", b"front")

    result = sync_bucket()

    assert counts(result) == {"listed": 1, "moved": 1}
    assert result.moved_keys == (("vehicles/db5/1.jpg", "vehicles/other/9.jpg"),)
    moved = MediaAsset.objects.get()
    assert (moved.pk, moved.key, moved.item_id, moved.position, moved.alt_text, moved.width, moved.sha256) == (
        asset.pk, "vehicles/other/9.jpg", item.pk, 7, "Front", 3, "a" * 64,
    )  # fmt: skip
    assert other.media.count() == 0


def test_sync_gives_a_renamed_object_of_no_item_the_item_of_its_new_key(bucket):
    item = VehicleFactory.create(slug="db5")
    put("somewhere.jpg", body=b"front")
    sync_bucket()
    rename("somewhere.jpg", "vehicles/db5/3.jpg", b"front")

    result = sync_bucket()

    assert counts(result) == {"listed": 1, "moved": 1}
    assert MediaAsset.objects.values_list("item_id", "position").get() == (item.pk, 3)


@pytest.mark.parametrize(
    ("gone", "come"),
    [
        pytest.param(["vehicles/a/1.jpg"], ["vehicles/b/1.jpg", "vehicles/b/2.jpg"], id="one to two"),
        pytest.param(["vehicles/a/1.jpg", "vehicles/a/2.jpg"], ["vehicles/b/1.jpg"], id="two to one"),
        pytest.param(
            ["vehicles/a/1.jpg", "vehicles/a/2.jpg"],
            ["vehicles/b/1.jpg", "vehicles/b/2.jpg"],
            id="two to two",
        ),
    ],
)
def test_sync_does_not_guess_where_the_same_content_went(bucket, gone, come):
    put(*gone, body=b"front")
    sync_bucket()
    remove(*gone)
    put(*come, body=b"front")

    result = sync_bucket()

    assert (result.moved, result.missing, result.created, result.ambiguous) == (
        0,
        len(gone),
        len(come),
        len(gone),
    )


def test_sync_does_not_take_empty_files_for_one_another(bucket):
    put("vehicles/a/1.jpg", body=b"")
    put("vehicles/a/2.jpg")
    sync_bucket()
    rename("vehicles/a/1.jpg", "vehicles/b/1.jpg", b"")

    assert counts(sync_bucket()) == {"listed": 2, "created": 1, "missing": 1, "unchanged": 1, "unassigned": 2}


def test_sync_trusts_no_etag_of_parts(bucket):
    put_in_parts("vehicles/a/1.jpg", b"front")
    sync_bucket()
    remove("vehicles/a/1.jpg")
    put_in_parts("vehicles/b/1.jpg", b"front")

    result = sync_bucket()

    etags = set(MediaAsset.objects.values_list("etag", flat=True))
    assert [etag.endswith("-1") for etag in etags] == [
        True
    ]  # a checksum of the parts' checksums, the same for both
    assert (result.moved, result.created, result.missing) == (0, 1, 1)


def test_sync_counts_content_that_is_there_twice(bucket):
    put(
        "vehicles/a/1.jpg",
        "vehicles/b/1.jpg",
        "vehicles/c/1.jpg",
        "renditions/1-a/full-320.webp",
        body=b"same",
    )
    put("vehicles/a/2.jpg", body=b"other")
    put("vehicles/a/3.jpg", "vehicles/a/4.jpg", body=b"")

    result = sync_bucket()

    assert (result.duplicates, result.duplicate_keys) == (2, ("vehicles/a/1.jpg",))


def test_sync_counts_keys_that_look_alike_and_merges_none(bucket):
    alike = [
        "vehicles/x/é.jpg", "vehicles/x/e\u0301.jpg", "vehicles/x/É.jpg", "vehicles/db5/a.jpg", "vehicles/db5/A.JPG",
    ]  # fmt: skip
    put(*alike, "vehicles/db5/b.jpg")

    result = sync_bucket()

    assert result.collisions == len(alike)
    assert len(result.collision_keys) == 2
    assert MediaAsset.objects.count() == len(alike) + 1
    assert any(
        line.startswith("Keys that differ in letter case or Unicode form only: 5") for line in result.lines()
    )


def test_sync_leaves_young_uploads_without_a_record_alone(bucket):
    put("media/0b6f1c9e-0000-4000-8000-000000000000.jpg")

    result = sync_bucket()

    assert result.ignored_by_reason == {"files on their way in": 1}
    assert not MediaAsset.objects.exists()
