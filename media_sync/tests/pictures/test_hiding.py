"""What is in quarantine is not to be read at its public address either."""

import psycopg
import pytest

from catalog import attaching
from catalog.models import MediaAsset
from marketplace.tests.database import database_address
from media_sync import storage
from media_sync.errors import BucketUnavailable
from media_sync.locking import lock_of
from media_sync.pictures.hiding import hide_quarantined
from media_sync.pictures.work import process_pending
from media_sync.reconcile.sync import sync_bucket
from media_sync.tests.fixtures import picture, put
from media_sync.tests.sending import stored

pytestmark = [pytest.mark.both_servers, pytest.mark.django_db(transaction=True)]
KEY = "vehicles/x/1.jpg"


def process() -> None:
    process_pending(seconds=120)


def hide() -> bool:
    return hide_quarantined(seconds=120)


def published() -> set[str]:
    return set(stored("renditions/"))


def shown() -> tuple[str, int, str]:
    asset = MediaAsset.objects.get(key=KEY)
    return asset.processing, len(asset.renditions), asset.rendered_as


@pytest.fixture
def rendered(bucket, settings, empty_queue) -> set[str]:
    """One picture in quarantine, at its public address; give the keys of its renditions."""
    settings.MEDIA_PUBLIC_URL = "https://cdn.example.com"
    put(KEY, body=picture(400, 300))
    sync_bucket()
    process()
    attaching.quarantine_media(assets=MediaAsset.objects.all(), by=None)
    return published()


def restore() -> None:
    attaching.restore_media(assets=MediaAsset.objects.all(), by=None)


def test_sizes_of_what_is_in_quarantine_go(rendered):
    other = f"renditions/{MediaAsset.objects.get().pk}0-ab/full-320.webp"
    put(other)

    assert hide() is False

    assert rendered
    assert published() == {other}
    assert list(stored("vehicles/")) == [KEY]
    assert shown() == ("rendering", 0, "")


def test_restored_picture_has_its_sizes_again(rendered):
    hide()

    restore()
    process()

    assert published() == rendered
    assert shown()[:2] == ("ready", len(rendered))


def test_picture_restored_before_its_sizes_went_keeps_them(rendered):
    restore()

    hide()

    assert published() == rendered
    assert shown()[0] == "ready"


def test_hiding_that_was_killed_behind_the_first_write_is_done_by_the_next(rendered, settings):
    address, settings.S3_ENDPOINT_URL = settings.S3_ENDPOINT_URL, "http://127.0.0.1:9"
    with pytest.raises(BucketUnavailable):
        hide()
    settings.S3_ENDPOINT_URL = address
    assert shown()[:2] == ("rendering", 0)

    hide()

    assert (published(), shown()[2]) == (set(), "")


def test_picture_restored_behind_a_hiding_that_was_killed_has_its_sizes_again(rendered, settings):
    address, settings.S3_ENDPOINT_URL = settings.S3_ENDPOINT_URL, "http://127.0.0.1:9"
    with pytest.raises(BucketUnavailable):
        hide()
    settings.S3_ENDPOINT_URL = address
    storage.delete_many(sorted(rendered))

    restore()
    process()

    assert published() == rendered
    assert shown()[:2] == ("ready", len(rendered))


def test_picture_at_which_another_process_is_waits(rendered):
    with psycopg.connect(database_address()) as other:
        other.execute(f"SELECT pg_advisory_lock({lock_of(MediaAsset.objects.get().pk)})")
        hide()
        assert published() == rendered
    hide()
    assert published() == set()


def test_sizes_at_signed_addresses_stay(rendered, settings):
    settings.MEDIA_PUBLIC_URL = ""

    hide()

    assert published() == rendered
    assert shown()[0] == "ready"


def test_hiding_that_takes_long_goes_on_later(rendered):
    assert hide_quarantined(seconds=0) is True
    assert hide_quarantined(seconds=0) is False
