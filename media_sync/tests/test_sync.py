"""The bucket and the catalogue agree after a sync, and staff's choices survive it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import Item, MediaAsset, MediaState
from catalog.tests.factories import MediaAssetFactory, MemorabiliaFactory, VehicleFactory
from media_sync.reconcile.guards import Cap
from media_sync.reconcile.sync import sync_bucket
from media_sync.tests.fixtures import counts, put, remove, row_versions
from media_sync.tests.servers import storable

pytestmark = [pytest.mark.django_db, pytest.mark.both_servers]


def test_sync_makes_assets_of_new_objects(bucket):
    item = VehicleFactory.create(slug="db5")
    put("vehicles/db5/02-side.png", body=b"12345")

    result = sync_bucket()

    asset = MediaAsset.objects.get()
    assert counts(result) == {"listed": 1, "created": 1}
    assert (asset.key, asset.item_id, asset.position, asset.kind, asset.content_type, asset.size, asset.state) == (
        "vehicles/db5/02-side.png", item.pk, 2, "image", "image/png", 5, "present",
    )  # fmt: skip
    assert asset.etag == "827ccb0eea8a706c4c34a16891f84e7b"
    assert asset.source_modified is not None
    assert timezone.now() - asset.source_modified < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("folder", "matches"),
    [
        pytest.param("vehicles/db5", True, id="slug"),
        pytest.param("vehicles/AM-7é", True, id="reference"),
        pytest.param("vehicles/am-7É", True, id="reference in other letter case"),
        pytest.param("vehicles/ am-7e\u0301 ", True, id="reference decomposed, with blanks"),
        pytest.param("vehicles/db4", True, id="old slug"),
        pytest.param("vehicles/DB5", False, id="slug in other letter case"),
        pytest.param("vehicles/am", False, id="part of a reference"),
        pytest.param("tools/db5", False, id="item of another kind"),
        pytest.param("vehicles/%", False, id="wildcard"),
    ],
)
def test_sync_matches_folder_and_item(bucket, folder, matches):
    item = VehicleFactory.create(slug="db4", reference="AM-7é")
    Item.objects.filter(pk=item.pk).update(slug="db5")
    put(f"{folder}/1.jpg")

    sync_bucket()

    assert MediaAsset.objects.get().item_id == (item.pk if matches else None)


def test_sync_prefers_slug_to_reference_to_old_slug(bucket):
    by_slug = VehicleFactory.create(slug="a", reference="1")
    VehicleFactory.create(slug="x", reference="A")
    renamed = VehicleFactory.create(slug="b", reference="2")
    Item.objects.filter(pk=renamed.pk).update(slug="c")
    by_reference = VehicleFactory.create(slug="y", reference="B")
    put("vehicles/a/1.jpg", "vehicles/b/1.jpg")

    sync_bucket()

    assert dict(MediaAsset.objects.values_list("key", "item")) == {
        "vehicles/a/1.jpg": by_slug.pk,
        "vehicles/b/1.jpg": by_reference.pk,
    }


def test_sync_again_writes_no_row(bucket):
    VehicleFactory.create(slug="db5")
    put("vehicles/db5/1.jpg", "vehicles/nobody/1.jpg", "elsewhere.jpg", "renditions/1.webp", "vehicles/.keep")
    first = sync_bucket()
    before = row_versions()

    second = sync_bucket()

    assert counts(first) == {"listed": 5, "created": 3, "unassigned": 2, "ignored": 2}
    assert counts(second) == {"listed": 5, "unchanged": 3, "unassigned": 2, "ignored": 2}
    assert row_versions() == before


def test_sync_updates_changed_objects(bucket):
    put("vehicles/db5/1.jpg", "vehicles/db5/2.jpg")
    sync_bucket()
    MediaAsset.objects.update(width=1, height=1, sha256="0" * 64)
    put("vehicles/db5/1.jpg", body=b"longer")

    result = sync_bucket()

    assert counts(result) == {"listed": 2, "changed": 1, "unchanged": 1, "unassigned": 2}
    assert list(MediaAsset.objects.order_by("key").values_list("size", "width", "height", "sha256")) == [
        (6, None, None, ""),
        (1, 1, 1, "0" * 64),
    ]


def test_sync_keeps_sizes_of_an_object_copied_onto_itself(bucket):
    put("vehicles/db5/1.jpg")
    sync_bucket()
    MediaAsset.objects.update(width=1, height=2, source_modified=timezone.now() - timedelta(days=1))

    result = sync_bucket()

    assert counts(result) == {"listed": 1, "changed": 1, "unassigned": 1}
    assert MediaAsset.objects.values_list("width", "height").get() == (1, 2)


def test_sync_marks_missing_and_brings_back(bucket):
    item = VehicleFactory.create(slug="db5")
    put("vehicles/db5/1.jpg", "vehicles/db5/2.jpg")
    sync_bucket()
    MediaAsset.objects.filter(key="vehicles/db5/1.jpg").update(alt_text="Front", position=9)

    remove("vehicles/db5/1.jpg")
    gone = sync_bucket()
    states_when_gone = list(MediaAsset.objects.order_by("key").values_list("state", flat=True))
    put("vehicles/db5/1.jpg")
    back = sync_bucket()

    assert counts(gone) == {"listed": 1, "missing": 1, "unchanged": 1}
    assert gone.missing_keys == ("vehicles/db5/1.jpg",)
    assert states_when_gone == ["missing", "present"]
    assert counts(back) == {"listed": 2, "returned": 1, "unchanged": 1}
    asset = MediaAsset.objects.get(key="vehicles/db5/1.jpg")
    assert (asset.state, asset.item_id, asset.alt_text, asset.position) == ("present", item.pk, "Front", 9)


def test_sync_counts_missing_once(bucket):
    put("vehicles/db5/1.jpg", "vehicles/db5/2.jpg")
    sync_bucket()
    remove("vehicles/db5/1.jpg")
    sync_bucket()
    before = row_versions()

    again = sync_bucket()

    assert counts(again) == {"listed": 1, "unchanged": 1, "unassigned": 1}
    assert row_versions() == before


def test_sync_after_an_empty_listing_marks_nothing(bucket):
    MediaAssetFactory.create_batch(3)

    result = sync_bucket(cap=Cap(1000, 1))

    assert counts(result) == {"unassigned": 3}
    assert result.refused == (
        "Nothing was listed, so none of the 3 known objects was marked missing: is it the right bucket?"
    )
    assert result.exit_code == 1
    assert set(MediaAsset.objects.values_list("state", flat=True)) == {"present"}


@pytest.mark.parametrize(
    ("cap", "marked"),
    [
        pytest.param(Cap(), True, id="default allows a hundred"),
        pytest.param(Cap(2, 0), False, id="too many by number"),
        pytest.param(Cap(3, 0), True, id="as many as the number"),
        pytest.param(Cap(0, 0.99), False, id="too many by share"),
        pytest.param(Cap(0, 1), True, id="as many as the share"),
    ],
)
def test_sync_marks_missing_within_the_cap_only(bucket, cap, marked):
    MediaAssetFactory.create_batch(3)
    put("vehicles/db5/1.jpg")

    result = sync_bucket(cap=cap)

    assert result.missing == (3 if marked else 0)
    assert bool(result.refused) is not marked
    assert MediaAsset.objects.filter(state=MediaState.MISSING).count() == (3 if marked else 0)


def test_sync_beyond_the_default_cap_is_refused(bucket):
    MediaAssetFactory.create_batch(101)
    put("vehicles/db5/1.jpg")

    result = sync_bucket()

    assert counts(result) == {"listed": 1, "created": 1, "unassigned": 102}
    assert result.refused == (
        "101 of 101 known objects are not in the bucket, more than the 100 that one run may mark missing,"
        " so none was marked: check the bucket, or allow it with --max-missing 101."
    )


def test_sync_of_a_prefix_leaves_the_others_alone(bucket):
    put("vehicles/a/1.jpg", "vehicles/a_b/1.jpg", "vehicles/b/1.jpg")
    sync_bucket()
    remove("vehicles/a/1.jpg", "vehicles/b/1.jpg")

    result = sync_bucket(prefix="vehicles/a")

    assert counts(result) == {"listed": 1, "missing": 1, "unchanged": 1, "unassigned": 1}
    assert set(MediaAsset.objects.filter(state=MediaState.MISSING).values_list("key", flat=True)) == {
        "vehicles/a/1.jpg"
    }


def test_sync_of_a_prefix_takes_wildcards_literally(bucket):
    put("vehicles/a%/1.jpg", "vehicles/ab/1.jpg")
    sync_bucket()
    remove("vehicles/ab/1.jpg")

    result = sync_bucket(prefix="vehicles/a%")

    assert counts(result) == {"listed": 1, "unchanged": 1, "unassigned": 1}


@pytest.mark.parametrize("state", [MediaState.PENDING, MediaState.QUARANTINED])
def test_sync_leaves_pending_and_quarantined_assets(bucket, state):
    MediaAssetFactory.create(key="vehicles/db5/1.jpg", state=state, size=7)
    MediaAssetFactory.create(key="vehicles/db5/gone.jpg", state=state)
    put("vehicles/db5/1.jpg")
    before = row_versions()

    result = sync_bucket()

    assert counts(result) == {"listed": 1, "unchanged": 1}
    assert row_versions() == before


def test_sync_assigns_when_the_item_appears(bucket):
    put("vehicles/db5/1.jpg")
    sync_bucket()
    item = VehicleFactory.create(slug="db5")

    result = sync_bucket()

    assert counts(result) == {"listed": 1, "unchanged": 1, "assigned": 1}
    assert MediaAsset.objects.get().item_id == item.pk


def test_sync_respects_an_item_that_staff_chose(bucket):
    VehicleFactory.create(slug="db5")
    chosen = MemorabiliaFactory.create()
    put("vehicles/db5/1.jpg")
    sync_bucket()
    MediaAsset.objects.update(item=chosen)
    put("vehicles/db5/1.jpg", body=b"changed")

    sync_bucket()

    assert MediaAsset.objects.get().item_id == chosen.pk


def test_sync_does_not_return_an_asset_that_staff_took_away(bucket):
    VehicleFactory.create(slug="db5")
    put("vehicles/db5/1.jpg")
    sync_bucket()
    MediaAsset.objects.update(item=None)

    result = sync_bucket()

    assert counts(result) == {"listed": 1, "unchanged": 1, "unassigned": 1}


def test_sync_assigns_to_an_item_made_anew(bucket):
    VehicleFactory.create(slug="db5")
    put("vehicles/db5/1.jpg")
    sync_bucket()
    Item.objects.all().delete()
    item = VehicleFactory.create(slug="db5")

    sync_bucket()

    assert MediaAsset.objects.get().item_id == item.pk


def test_sync_reports_keys_that_the_database_cannot_hold(bucket):
    put("vehicles/db5/a\0b.jpg", "vehicles/db5/1.jpg")

    result = sync_bucket()

    assert counts(result) == {"listed": 2, "created": 1, "unassigned": 1, "ignored": 1}
    assert result.ignored_by_reason == {"keys with a NUL or broken UTF-8": 1}
    assert "Cannot be kept: 1 ('vehicles/db5/a\\x00b.jpg')." in list(result.lines())


def test_sync_keeps_odd_keys_byte_for_byte(bucket, s3_server):
    keys = {
        "vehicles/x/a b+c%41.jpg", "vehicles/x/é.jpg", "vehicles/x/e\u0301.jpg", "vehicles/x/😀.jpg",
        "vehicles/x/tab\t.jpg", "vehicles/x/line\nbreak\r.jpg", "vehicles/x/back\\slash\\N.jpg", "vehicles/x/\\.",
        "vehicles/x/bell\x07.jpg", "vehicles/x/a&b<c>'\".jpg", "vehicles/X/1.jpg", "vehicles/x/1.jpg", "\\N",
        "v/" + "/".join(["ü" * 100] * 4), "{curly}%s.jpg",
    }  # fmt: skip
    keys = set(storable(keys, s3_server))
    put(*keys)

    result = sync_bucket()

    assert result.created == len(keys)
    assert set(MediaAsset.objects.values_list("key", flat=True)) == keys
