"""What the night does with old runs, their staged rows and their files."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from catalog.imports.life import files, housekeeping
from catalog.models import ImportRun
from catalog.tests.runs import brought, curator, landed, previewed, state_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]


def age(run: ImportRun, **past: float) -> None:
    """Make the run as old as if its last step had been so long ago."""
    then = timezone.now() - timedelta(**past)
    ImportRun.objects.filter(pk=run.pk).update(seen_at=then, started_at=then)
    ImportRun.objects.filter(pk=run.pk, finished_at__isnull=False).update(finished_at=then)


def staged() -> set[int]:
    """Return the ids of runs that have staged rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT split_part(nspname, '_', 2)::bigint FROM pg_namespace WHERE nspname ~ '^import_[0-9]'"
        )
        return {key for (key,) in cursor.fetchall()}


@pytest.mark.parametrize(("days", "state"), [(6.9, "ready"), (7.1, "cancelled")])
def test_preview_that_nobody_confirms_expires_after_a_week(days, state):
    run = previewed(curator())
    age(run, days=days)

    housekeeping.prune()

    expected = "Not confirmed within 7 days; nothing landed." if state == "cancelled" else ""
    assert state_of(run) == (state, expected)
    assert (run.pk in staged()) is (state == "ready")


@pytest.mark.parametrize(("days", "kept"), [(29.9, True), (30.1, False)])
def test_staged_rows_of_a_finished_run_go_after_a_month(days, kept):
    run = landed(curator())
    age(run, days=days)

    housekeeping.prune()

    assert (run.pk in staged()) is kept


def test_staged_rows_of_a_run_that_is_gone_go():
    run = previewed(curator())
    number = run.pk
    ImportRun.objects.filter(pk=number).delete()

    housekeeping.prune()

    assert number not in staged()


@pytest.mark.parametrize(("days", "kept"), [(89.9, True), (90.1, False)])
def test_file_of_a_finished_run_goes_after_a_quarter(days, kept):
    run = landed(curator())
    age(run, days=days)

    housekeeping.prune()

    assert default_storage.exists(run.file_key) is kept
    assert (ImportRun.objects.get().file_key == run.file_key) is kept


@pytest.mark.parametrize(("after", "kept"), [(files.STRAY_AFTER, True), (timedelta(seconds=-5), False)])
def test_file_that_belongs_to_no_run_goes_after_a_while(monkeypatch, after, kept):
    monkeypatch.setattr(files, "STRAY_AFTER", after)
    key = default_storage.save(f"{files.FOLDER}/7-{'0' * 32}/x.csv", ContentFile(b"x"))

    housekeeping.prune()

    assert default_storage.exists(key) is kept


def test_file_of_a_run_that_is_not_finished_stays(monkeypatch):
    monkeypatch.setattr(files, "STRAY_AFTER", timedelta(seconds=-5))
    run = brought(curator())
    age(run, days=400)

    housekeeping.prune()

    assert default_storage.exists(run.file_key)


def test_files_of_others_in_the_folder_stay(monkeypatch):
    monkeypatch.setattr(files, "STRAY_AFTER", timedelta(seconds=-5))
    key = default_storage.save(f"{files.FOLDER}/readme/x.csv", ContentFile(b"x"))

    housekeeping.prune()

    assert default_storage.exists(key)
