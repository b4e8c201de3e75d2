"""What is in quarantine for long goes for good, and nothing else does."""

import json
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from catalog.models import MediaAsset, MediaState
from catalog.tests.factories import MediaAssetFactory
from marketplace.tests.database import database_address
from media_sync import storage
from media_sync.errors import BucketUnavailable
from media_sync.locking import lock_of
from media_sync.models import SyncRun, SyncState
from media_sync.reconcile import purge as purging
from media_sync.reconcile.inventory import listing
from media_sync.reconcile.purge import purge
from media_sync.reconcile.sync import sync_bucket
from media_sync.tests.fixtures import put, remove

pytestmark = [pytest.mark.django_db, pytest.mark.both_servers]
MONTH = timedelta(days=30)
A, B = "a" * 32, "b" * 32


def keys() -> set[str]:
    return {found.key for page in listing() for found in page}


def quarantined(key: str, *, days: int = 40, **values) -> MediaAsset:
    """An asset whose object is there and which was put into quarantine so long ago."""
    put(key)
    etag = storage.client().head_object(Bucket=django_settings.S3_BUCKET, Key=key)["ETag"].strip('"')
    asset = MediaAssetFactory.create(key=key, state=MediaState.QUARANTINED, etag=etag, **values)
    age(asset, days)
    return asset


def age(asset: MediaAsset, days: int) -> None:
    MediaAsset.objects.filter(pk=asset.pk).update(state_since=timezone.now() - timedelta(days=days))


def purge_years_later():
    """Purge as if what is put into the bucket now were old: its times are the server's."""
    return purge(older_than=MONTH, now=timezone.now() + timedelta(days=900))


def test_purge_deletes_object_renditions_and_record(bucket):
    asset = quarantined("vehicles/a/1.jpg")
    folder = f"renditions/{asset.pk}-{A}"
    MediaAsset.objects.update(rendered_as=folder)
    put(f"{folder}/full-320.webp", f"renditions/{asset.pk}-{B}/full-320.webp", "vehicles/a/2.jpg")

    result = purge(older_than=MONTH)

    assert (result.assets, result.objects, result.failures) == (1, 3, 0)
    assert keys() == {"vehicles/a/2.jpg"}
    assert not MediaAsset.objects.exists()


def test_purge_on_a_dry_run_deletes_nothing(bucket):
    quarantined("vehicles/a/1.jpg")

    result = purge(older_than=MONTH, dry_run=True)

    assert (result.assets, result.objects, result.exit_code) == (1, 1, 1)
    assert keys() == {"vehicles/a/1.jpg"}
    assert MediaAsset.objects.get().state == MediaState.QUARANTINED


@pytest.mark.parametrize(
    ("state", "days"),
    [
        pytest.param(MediaState.QUARANTINED, 29, id="too young"),
        pytest.param(MediaState.PRESENT, 400, id="present"),
        pytest.param(MediaState.MISSING, 400, id="missing"),
        pytest.param(MediaState.PENDING, 400, id="pending for another reason"),
    ],
)
def test_purge_keeps_what_is_not_due(bucket, state, days):
    asset = quarantined("vehicles/a/1.jpg")
    MediaAsset.objects.update(state=state)
    age(asset, days)

    assert purge(older_than=MONTH).objects == 0
    assert keys() == {"vehicles/a/1.jpg"}
    assert MediaAsset.objects.get().state == state


def test_purge_keeps_an_object_that_somebody_put_there_since(bucket):
    quarantined("vehicles/a/1.jpg")
    put("vehicles/a/1.jpg", body=b"another")

    result = purge(older_than=MONTH)

    assert (result.assets, result.kept_keys, result.exit_code) == (0, ("vehicles/a/1.jpg",), 1)
    assert keys() == {"vehicles/a/1.jpg"}


def test_purge_drops_the_record_of_an_object_that_is_gone(bucket):
    asset = MediaAssetFactory.create(state=MediaState.QUARANTINED)
    age(asset, 40)

    assert purge(older_than=MONTH).assets == 1
    assert not MediaAsset.objects.exists()


def test_purge_goes_on_where_one_was_killed(bucket, monkeypatch):
    quarantined("vehicles/a/1.jpg")
    quarantined("vehicles/a/2.jpg")

    def killed(keys):
        raise SystemExit(137)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(purging, "_delete_now", killed)
        with pytest.raises(SystemExit):
            purge(older_than=MONTH)
    claimed = set(MediaAsset.objects.values_list("state", "refusal"))
    with connection.cursor() as cursor:  # the process that was killed has lost its lock
        cursor.execute("SELECT pg_advisory_unlock_all()")
    synced = sync_bucket()

    result = purge(older_than=MONTH)

    assert claimed == {("pending", "Being deleted for good.")}
    assert (synced.created, synced.returned) == (0, 0)
    assert (result.assets, keys(), MediaAsset.objects.count()) == (2, set(), 0)


def test_purge_keeps_the_record_where_the_bucket_does_not_delete(bucket, monkeypatch):
    quarantined("vehicles/a/1.jpg")
    monkeypatch.setattr(purging, "_delete_now", lambda keys: dict.fromkeys(keys, "Access denied."))

    result = purge(older_than=MONTH)

    assert (result.assets, result.failures, result.exit_code) == (0, 1, 1)
    assert "Not deleted: 'vehicles/a/1.jpg': Access denied.." in list(result.lines())
    assert MediaAsset.objects.count() == 1


def test_purge_deletes_old_renditions_that_belong_to_nothing(bucket):
    asset = MediaAssetFactory.create(key="vehicles/a/1.jpg")
    MediaAsset.objects.update(rendered_as=f"renditions/{asset.pk}-{A}")
    kept = {"vehicles/a/1.jpg", f"renditions/{asset.pk}-{A}/full-320.webp"}
    put(
        *kept,
        f"renditions/{asset.pk}-{B}/full-320.webp",
        f"renditions/999999-{A}/4x3-320.avif",
        "renditions/odd",
    )

    result = purge_years_later()

    assert (result.assets, result.objects) == (0, 3)
    assert keys() == kept


def test_purge_keeps_young_renditions_that_belong_to_nothing_yet(bucket):
    put(f"renditions/999999-{A}/full-320.webp")

    assert purge(older_than=MONTH).objects == 0
    assert len(keys()) == 1


def test_purge_keeps_the_renditions_of_an_asset_that_a_worker_is_at(bucket):
    asset = MediaAssetFactory.create()
    put(f"renditions/{asset.pk}-{A}/full-320.webp")

    with psycopg.connect(database_address()) as worker:
        worker.execute(f"SELECT pg_advisory_lock({lock_of(asset.pk)})")
        purge_years_later()

    assert keys() == {f"renditions/{asset.pk}-{A}/full-320.webp"}


def test_purge_keeps_a_rendition_whose_key_an_asset_has(bucket):
    key = f"renditions/999999-{A}/full-320.webp"
    put(key)
    MediaAssetFactory.create(key=key)

    purge_years_later()

    assert keys() == {key}


def test_purge_is_recorded_as_a_run(bucket):
    quarantined("vehicles/a/1.jpg")
    quarantined("vehicles/a/2.jpg")
    put("vehicles/a/2.jpg", body=b"another")

    result = purge(older_than=MONTH)

    run = SyncRun.objects.get()
    assert (run.pk, run.bucket, run.state, run.dry_run, run.deleted, run.message) == (
        result.run, bucket, SyncState.DONE, False, 1,
        "Kept, because the object is another one than was put into quarantine: 'vehicles/a/2.jpg'.",
    )  # fmt: skip
    assert run.finished_at is not None


def test_purge_of_a_bucket_that_fails_is_recorded(bucket, settings):
    settings.S3_BUCKET = "nobody-made-this"

    with pytest.raises(BucketUnavailable):
        purge(older_than=MONTH)

    run = SyncRun.objects.get()
    assert (run.state, run.deleted) == (SyncState.FAILED, 0)
    assert run.message.startswith("Bucket nobody-made-this does not exist at http")


def test_purge_of_another_bucket_makes_it_no_known_one(bucket, settings):
    put("vehicles/a/1.jpg", "vehicles/a/2.jpg")
    sync_bucket()
    remove("vehicles/a/1.jpg")
    SyncRun.objects.update(bucket="the-old-one")
    purge(older_than=MONTH)

    result = sync_bucket()

    assert "The sync before was of the bucket the-old-one" in result.refused


def test_command_purges(bucket, capsys):
    quarantined("vehicles/a/1.jpg")

    call_command("sync_s3", "--purge-quarantine", "--older-than", "30d", "--json")

    told = json.loads(capsys.readouterr().out)
    assert (told["assets"], told["objects"], told["dry_run"]) == (1, 1, False)


@pytest.mark.parametrize("age", ["", "0d", "23h", "30", "d", "-1d", "1.5d", "30 d"])
def test_command_refuses_to_purge_what_is_young(age):
    with pytest.raises(CommandError, match="is no time of a day or more, such as 30d or 48h"):
        call_command("sync_s3", "--purge-quarantine", f"--older-than={age}")
