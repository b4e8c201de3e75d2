"""A sync as a run: recorded, alone, and without a trace when it is rehearsed or fails."""

import threading

import pytest
from django.db import connections
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog.models import MediaAsset
from catalog.tests.factories import MediaAssetFactory
from media_sync.errors import BucketUnavailable, SyncRefused
from media_sync.models import SyncRun, SyncState
from media_sync.reconcile.sync import sync_bucket
from media_sync.tests.fixtures import counts, put, row_versions

pytestmark = pytest.mark.django_db


def elsewhere(work):
    """Do the work on another database connection, as another process would."""

    def run():
        work()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


@pytest.mark.usefixtures("empty_queue")
@pytest.mark.django_db(transaction=True)
def test_sync_spares_what_was_written_while_it_listed(bucket):
    put("vehicles/db5/1.jpg", "vehicles/db5/2.jpg")

    def upload():
        MediaAssetFactory.create(key="vehicles/db5/0.jpg")

    result = sync_bucket(progress=lambda _: elsewhere(upload))

    assert counts(result) == {"listed": 2, "created": 2, "unassigned": 3}


def test_sync_on_a_dry_run_writes_nothing(bucket):
    MediaAssetFactory.create(key="vehicles/gone/1.jpg")
    put("vehicles/db5/1.jpg")
    before = row_versions()

    result = sync_bucket(dry_run=True)

    assert counts(result) == {"listed": 1, "created": 1, "missing": 1, "unassigned": 1}
    assert result.exit_code == 1
    assert row_versions() == before
    assert SyncRun.objects.values_list("dry_run", "state", "created", "missing").get() == (
        True, SyncState.DONE, 1, 1,
    )  # fmt: skip


def test_sync_on_a_dry_run_without_differences_is_done(bucket):
    put("vehicles/db5/1.jpg")
    sync_bucket()

    assert sync_bucket(dry_run=True).exit_code == 0


def test_sync_is_recorded(bucket):
    put("vehicles/db5/1.jpg", "vehicles/.keep")

    sync_bucket(prefix="vehicles/")

    run = SyncRun.objects.get()
    assert (run.bucket, run.prefix, run.state, run.listed, run.created, run.unassigned, run.ignored) == (
        bucket, "vehicles/", SyncState.DONE, 2, 1, 1, 1,
    )  # fmt: skip
    assert run.finished_at is not None


def test_sync_leaves_its_run_in_the_history(bucket):
    put("vehicles/db5/1.jpg")

    sync_bucket()

    event = MediaAsset.pgh_event_model.objects.get()  # type: ignore[attr-defined]
    assert event.pgh_context.metadata == {"sync_run": SyncRun.objects.get().pk}


def test_sync_of_a_missing_bucket_is_recorded_as_failed(settings):
    settings.S3_BUCKET = "nobody-made-this"

    with pytest.raises(BucketUnavailable):
        sync_bucket()

    run = SyncRun.objects.get()
    assert run.state == SyncState.FAILED
    assert run.message.startswith("Bucket nobody-made-this does not exist at http")


def test_sync_notes_a_run_that_was_cut_short(bucket):
    killed = SyncRun.objects.create(bucket=bucket)

    sync_bucket()

    killed.refresh_from_db()
    assert (killed.state, killed.message) == (SyncState.FAILED, "The sync was cut short.")


def test_sync_refuses_a_prefix_that_no_key_can_have(bucket):
    with pytest.raises(SyncRefused, match=r"^No object's key can begin with the prefix"):
        sync_bucket(prefix="a\0")


def test_sync_that_breaks_off_changes_nothing(bucket, monkeypatch):
    MediaAssetFactory.create_batch(3)
    put("vehicles/db5/1.jpg")
    before = row_versions()

    def break_off(_listed):
        raise BucketUnavailable("The line is dead.")

    with pytest.raises(BucketUnavailable):
        sync_bucket(progress=break_off)

    assert row_versions() == before
    assert SyncRun.objects.values_list("state", "message").get() == (SyncState.FAILED, "The line is dead.")


@pytest.mark.usefixtures("empty_queue")
@pytest.mark.django_db(transaction=True)
def test_sync_refuses_to_run_twice_at_once(bucket):
    put("vehicles/db5/1.jpg")
    refusals = []

    def second():
        try:
            sync_bucket()
        except SyncRefused as refusal:
            refusals.append(str(refusal))

    first = sync_bucket(progress=lambda _: elsewhere(second))
    afterwards = sync_bucket()

    assert refusals == ["Another sync of the bucket is running; wait until it has ended."]
    assert (first.created, afterwards.unchanged) == (1, 1)


@pytest.mark.parametrize("changes", [True, False])
def test_sync_asks_the_worker_to_read_what_changed(bucket, changes, django_capture_on_commit_callbacks):
    put("vehicles/db5/1.jpg")
    if not changes:
        sync_bucket()

    with django_capture_on_commit_callbacks(execute=True):
        sync_bucket()

    jobs = ProcrastinateJob.objects.filter(task_name="media_sync.tasks.process_media")
    assert jobs.count() == int(changes)
