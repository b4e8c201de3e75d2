"""Two who decide on one file at the same moment: what the first decided holds."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection

from catalog import attaching
from catalog.models import MediaAsset, MediaState
from catalog.tests.factories import MediaAssetFactory
from marketplace.tests.database import database_address, wait_until_somebody_waits_for_a_lock
from media_sync.reconcile.purge import CLAIMED

pytestmark = pytest.mark.django_db(transaction=True)
CLAIM = "UPDATE catalog_mediaasset SET state = 'pending', processing = 'refused', refusal = %s WHERE id = %s"


def restore() -> int:
    return attaching.restore_media(assets=MediaAsset.objects.filter(state=MediaState.QUARANTINED), by=None)


def quarantine() -> int:
    return attaching.quarantine_media(
        assets=MediaAsset.objects.exclude(state=MediaState.QUARANTINED), by=None
    )


def test_file_that_a_purge_has_just_claimed_is_not_restored() -> None:
    asset = MediaAssetFactory.create(state=MediaState.QUARANTINED)

    def call() -> int:
        try:
            return restore()
        finally:
            connection.close()

    with psycopg.connect(database_address()) as purging, ThreadPoolExecutor(1) as pool:
        purging.execute(CLAIM, [CLAIMED, asset.pk])
        restoring = pool.submit(call)
        wait_until_somebody_waits_for_a_lock()
        purging.commit()

        assert restoring.result() == 0
    assert MediaAsset.objects.values_list("state", "refusal").get() == ("pending", CLAIMED)


def test_file_that_a_purge_has_claimed_is_put_into_no_quarantine() -> None:
    MediaAssetFactory.create(state=MediaState.PENDING, processing="refused", refusal=CLAIMED)

    assert quarantine() == 0
    assert MediaAsset.objects.get().state == "pending"
