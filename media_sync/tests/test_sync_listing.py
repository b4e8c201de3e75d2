"""Listings that come in parts, out of order, or not to their end; and what keeps wrong ones from doing harm."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from catalog.models import MediaAsset
from catalog.tests.factories import MediaAssetFactory
from media_sync import storage
from media_sync.errors import BucketUnavailable, SyncRefused
from media_sync.models import SyncRun, SyncState
from media_sync.reconcile import shards, staging
from media_sync.reconcile.guards import Cap
from media_sync.reconcile.sync import sync_bucket
from media_sync.tests.fixtures import counts, put, remove, row_versions

pytestmark = pytest.mark.django_db
KEYS = [f"vehicles/{folder}/{n}.jpg" for folder in "abcd" for n in range(4)] + ["tools/x/1.jpg", "z.jpg"]


@pytest.fixture
def server(monkeypatch):
    """Make what lists the bucket see pages of three objects, and answers as a hook changes them."""
    patient_client = storage.patient_client
    hooks: dict[str, Any] = {}

    def client():
        made = patient_client()
        made.meta.events.register(
            "provide-client-params.s3.ListObjectsV2", lambda params, **_: params | {"MaxKeys": 3}
        )
        made.meta.events.register("before-parse.*.ListObjectsV2", no_short_cut)
        for event, hook in hooks.items():
            made.meta.events.register(event, hook)
        return made

    def no_short_cut(response_dict, **_):
        """Leave the pages to boto3, so that hooks behind it see them."""
        response_dict["body"] = response_dict["body"].replace(b"<EncodingType>url</EncodingType>", b"")

    monkeypatch.setattr(storage, "patient_client", client)
    monkeypatch.setattr(staging, "CHECKPOINT_SECONDS", 0)
    return hooks


def dying_after(pages):
    """Return a hook that lets so many pages through, then loses the bucket."""
    seen = []

    def hook(parsed, **_):
        seen.append(parsed)
        if len(seen) > pages:
            raise BucketUnavailable("The line is dead.")

    return hook


def schemas():
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^sync_[0-9]+$'")
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_sync_in_several_streams_lists_everything_once(bucket, server, workers):
    put(*KEYS)

    result = sync_bucket(workers=workers)

    assert counts(result) == {"listed": len(KEYS), "created": len(KEYS), "unassigned": len(KEYS)}
    assert set(MediaAsset.objects.values_list("key", flat=True)) == set(KEYS)


def test_sync_in_several_streams_cuts_at_known_keys(bucket, server, monkeypatch):
    monkeypatch.setattr(shards, "MANY_KNOWN", 1)
    put(*KEYS)
    sync_bucket()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_mediaasset")
    before = row_versions()

    result = sync_bucket(workers=3)

    assert counts(result) == {"listed": len(KEYS), "unchanged": len(KEYS), "unassigned": len(KEYS)}
    assert row_versions() == before
    assert "streams" in SyncRun.objects.latest("pk").log


@pytest.mark.parametrize(("workers", "pages"), [(1, 4), (3, 8)])
def test_sync_goes_on_where_a_failed_one_stopped(bucket, server, workers, pages):
    put(*KEYS)
    server["after-call.s3.ListObjectsV2"] = dying_after(pages)
    with pytest.raises(BucketUnavailable):
        sync_bucket(workers=workers)
    stopped = SyncRun.objects.get()
    listed_then = stopped.listed
    server.clear()
    heard: list[int] = []

    result = sync_bucket(workers=workers, progress=heard.append)

    assert (stopped.state, stopped.message) == (SyncState.FAILED, "The line is dead.")
    assert 0 < listed_then < len(KEYS)
    assert heard[0] > listed_then
    assert counts(result) == {"listed": len(KEYS), "created": len(KEYS), "unassigned": len(KEYS)}
    assert f"Goes on with the listing of run {stopped.pk}" in SyncRun.objects.latest("pk").log
    assert schemas() == []


@pytest.mark.parametrize("why", ["another prefix", "too old", "the server crashed"])
def test_sync_begins_again_where_what_was_listed_does_not_serve(bucket, server, why):
    put(*KEYS)
    server["after-call.s3.ListObjectsV2"] = dying_after(3)
    with pytest.raises(BucketUnavailable):
        sync_bucket()
    server.clear()
    if why == "too old":
        SyncRun.objects.update(started_at=timezone.now() - timedelta(hours=2))
    if why == "the server crashed":
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {schemas()[0]}.listing")

    result = sync_bucket(prefix="v" if why == "another prefix" else "")

    assert "Goes on" not in SyncRun.objects.latest("pk").log
    assert result.listed == len([key for key in KEYS if key.startswith(result.prefix)])


def test_sync_takes_a_listing_out_of_order(bucket, server):
    put(*KEYS)

    def reverse(parsed, **_):
        parsed.get("Contents", []).reverse()

    server["after-call.s3.ListObjectsV2"] = reverse

    result = sync_bucket(workers=3)

    assert counts(result) == {"listed": len(KEYS), "created": len(KEYS), "unassigned": len(KEYS)}
    assert "does not list in order" in SyncRun.objects.get().log


def test_sync_keeps_one_of_a_key_that_is_listed_twice(bucket, server):
    put("vehicles/a/1.jpg", "vehicles/a/2.jpg")

    def repeat(parsed, **_):
        parsed["Contents"] += parsed["Contents"][:1]

    server["after-call.s3.ListObjectsV2"] = repeat

    sync_bucket()

    assert MediaAsset.objects.count() == 2


def test_sync_steps_over_folders_of_our_own(bucket, server):
    put(
        *(f"renditions/1-a/full-{n}.webp" for n in range(9)),
        "imports/1.csv",
        "quarantine/a.jpg",
        "s.jpg",
        "a.jpg",
    )
    asked = []
    server["before-call.s3.ListObjectsV2"] = lambda params, **_: asked.append(params)

    result = sync_bucket()

    assert set(MediaAsset.objects.values_list("key", flat=True)) == {"a.jpg", "s.jpg"}
    assert len(asked) <= 5
    assert result.ignored_by_reason.keys() <= {"renditions", "imported spreadsheets", "files on their way in"}


@pytest.mark.parametrize("last", ["renditions/1-a/full-9.webp", "renditions/ü.webp", "renditions/~"])
def test_sync_ends_where_a_folder_of_our_own_is_the_last(bucket, server, last):
    put("media/a.jpg", "renditions/1-a/full-1.webp", last)
    asked = []

    def count(params, **_):
        asked.append(params)
        assert len(asked) <= 5, "It lists without an end."

    server["before-call.s3.ListObjectsV2"] = count

    result = sync_bucket()

    assert (result.listed, result.ignored) == (3, 3)


def test_sync_refuses_a_listing_that_lacks_what_is_there(bucket, server):
    put("vehicles/a/1.jpg", "vehicles/a/2.jpg", "vehicles/a/3.jpg")
    sync_bucket()

    def leave_out(parsed, **_):
        del parsed["Contents"][1]

    server["after-call.s3.ListObjectsV2"] = leave_out
    before = row_versions()

    result = sync_bucket()

    assert result.refused == (
        "The listing lacks objects that are in the bucket, such as 'vehicles/a/2.jpg', so nothing was marked missing"
        " or moved: the listing is wrong, or somebody put them there meanwhile; sync again."
    )
    assert (result.exit_code, result.missing) == (1, 0)
    assert row_versions() == before


def test_sync_of_another_bucket_than_before_allows_no_hundred(bucket):
    SyncRun.objects.create(bucket="the-old-one", state=SyncState.DONE, endpoint="")
    MediaAssetFactory.create_batch(3)
    put("vehicles/a/1.jpg")

    result = sync_bucket()

    assert result.missing == 0
    assert result.refused.startswith(
        "3 of 3 known objects are not in the bucket, more than the 0 that one run may"
    )
    assert "The sync before was of the bucket the-old-one at" in result.refused
    assert sync_bucket(cap=Cap(3, 0)).missing == 3


def test_sync_of_another_bucket_with_the_same_objects_is_fine(bucket):
    SyncRun.objects.create(bucket="the-old-one", state=SyncState.DONE, endpoint="")
    put("vehicles/a/1.jpg")

    assert sync_bucket().refused == ""


def test_sync_reports_both_ways(bucket):
    put("vehicles/a/1.jpg", "vehicles/a/2.jpg", "vehicles/a/.keep")
    sync_bucket()
    remove("vehicles/a/1.jpg")
    put("vehicles/a/3.jpg", body=b"new")

    rehearsed = sync_bucket(dry_run=True)
    done = sync_bucket()

    assert (rehearsed.absent, rehearsed.unrecorded) == (1, 2)
    assert (done.absent, done.unrecorded) == (1, 1)
    run = SyncRun.objects.latest("pk")
    assert (run.absent, run.unrecorded, run.missing) == (1, 1, 1)


def test_sync_counts_no_object_of_our_own_as_one_without_a_record(bucket):
    put(
        "renditions/1-a/full-320.webp",
        "imports/1.csv",
        "quarantine/a.jpg",
        "media/0b6f1c9e-0000-4000-8000-000000000000.jpg",
        "Thumbs.db",
    )

    result = sync_bucket()

    assert (result.ignored, result.unrecorded) == (5, 1)
    assert (
        "Passed over: 5 (files on their way in 2 or more, imported spreadsheets 1 or more, litter of file managers 1,"
        " renditions 1 or more)." in list(result.lines())
    )


def test_sync_counts_objects_by_storage_class(bucket, server):
    put("a.jpg", "b.jpg", "c.jpg", "renditions/1-a/full-320.webp")

    def archive_one(parsed, **_):
        for found in parsed.get("Contents", []):
            found["StorageClass"] = "GLACIER" if found["Key"] == "b.jpg" else "STANDARD"

    server["after-call.s3.ListObjectsV2"] = archive_one

    result = sync_bucket()

    assert result.storage_classes == {"STANDARD": 2, "GLACIER": 1}
    assert "By storage class: STANDARD 2, GLACIER 1." in list(result.lines())


def test_sync_marks_nothing_missing_where_the_bucket_goes_meanwhile(bucket):
    put("a.jpg", "b.jpg")
    sync_bucket()
    remove("a.jpg")

    def delete_bucket(_listed):
        remove("b.jpg")
        storage.client().delete_bucket(Bucket=bucket)

    with pytest.raises(BucketUnavailable, match=f"^Bucket {bucket} does not exist"):
        sync_bucket(progress=delete_bucket)

    storage.ensure_bucket()
    assert set(MediaAsset.objects.values_list("state", flat=True)) == {"present"}


def test_sync_tells_unchanged_from_passed_over(bucket):
    put("a.jpg", "x/.keep", "Thumbs.db")
    sync_bucket()

    assert counts(sync_bucket()) == {"listed": 3, "unchanged": 1, "unassigned": 1, "ignored": 2}


ODD_KEYS = {
    "vehicles/x/a b.jpg": "kept", "vehicles/x/a+b.jpg": "kept", "vehicles/x/100%.jpg": "kept", "vehicles/x/%41.jpg": "kept",
    "vehicles/x//1.jpg": "kept", "vehicles//1.jpg": "kept", "/1.jpg": "kept", "vehicles/../1.jpg": "kept", "../1.jpg": "kept",
    "..": "kept", ".": "kept", "./1.jpg": "kept", "vehicles/x/%00.jpg": "kept", "vehicles/x/\\0.jpg": "kept",
    "vehicles/x/\\x00.jpg": "kept", "vehicles/x/\\u0000.jpg": "kept", "vehicles/x/e\u0301.jpg": "kept",
    "vehicles/x/\u00e9.jpg": "kept", "vehicles/x/\U0001f600.jpg": "kept", "vehicles/x/A.jpg": "kept", "vehicles/x/a.jpg": "kept",
    "v/" + "k" * 1022: "kept", "\u00fc" * 512: "kept", "\\N": "kept", "\\.": "kept", "vehicles/x/\t\n\r.jpg": "kept",
    "vehicles/x/\u202egpj.jpg": "kept", "vehicles/x/'; DROP TABLE x; --.jpg": "kept", "{0}%s%(a)s.jpg": "kept",
    "vehicles/x/": "folders' own entries", "/": "folders' own entries", "vehicles/x//": "folders' own entries",
    "vehicles/x/\0.jpg": "keys with a NUL or broken UTF-8", "vehicles/x/\ud800.jpg": "keys with a NUL",
    "k" * 1025: "keys longer than 1,024 characters",
}  # fmt: skip


@pytest.mark.parametrize("in_order", [True, False])
def test_sync_keeps_or_names_every_odd_key(bucket, server, in_order):
    put("a.jpg")
    listed = sorted(ODD_KEYS, reverse=not in_order)

    def list_oddly(parsed, **_):
        pattern = parsed["Contents"][0]
        parsed["Contents"] = [pattern | {"Key": key} for key in listed]

    server["after-call.s3.ListObjectsV2"] = list_oddly

    first, before = sync_bucket(), row_versions()
    second = sync_bucket()

    kept = {key for key, fate in ODD_KEYS.items() if fate == "kept"}
    assert set(MediaAsset.objects.values_list("key", flat=True)) == kept
    assert first.ignored_by_reason == {
        "folders' own entries": 3, "keys with a NUL or broken UTF-8": 2, "keys longer than 1,024 characters": 1,
    }  # fmt: skip
    assert len(first.unstorable_keys) == 3
    assert (second.writes, second.unchanged) == (0, len(kept))
    assert row_versions() == before


def test_sync_leaves_no_tables_behind(bucket):
    put("a.jpg")

    sync_bucket()

    assert schemas() == []


def test_sync_of_a_prefix_longer_than_a_key_is_refused(bucket):
    with pytest.raises(SyncRefused):
        sync_bucket(prefix="a" * 1025)
