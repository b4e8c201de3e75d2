"""A run's first step: what is brought, refused, kept, and taken for the same."""

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.tests.client import at_once
from catalog.imports.life import files, runs
from catalog.imports.options import ImportOptions
from catalog.models import ImportRun
from catalog.tests.runs import CARS, brought, curator, jobs, landed, previewed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]


def test_upload_keeps_the_file_and_enqueues_its_reading():
    by = curator()

    run = brought(by, name="C:\\stock\\Ünser Bestand\x00.CSV")

    assert (run.state, run.file_name, run.file_size) == ("queued", "Ünser Bestand.CSV", len(CARS))
    with default_storage.open(run.file_key) as kept:
        assert kept.read() == CARS.encode()
    assert run.file_key.startswith(f"imports/{run.pk}-")
    assert run.file_key.endswith("/nser-Bestand.CSV")
    assert jobs() == [("catalog.tasks.read_import", {"run_id": run.pk})]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("stock.pdf", b"x", "stock.pdf has an unknown ending; files must end in one of"),
        ("", b"x", "The file has an unknown ending"),
        ("stock.csv", b"", "stock.csv is empty."),
    ],
)
def test_upload_that_is_no_spreadsheet_is_refused(name, content, sentence):
    file = SimpleUploadedFile("any", content)

    with pytest.raises(runs.RunRefused, match=sentence):
        runs.create(
            file=file, file_name=name, target="vehicle", options=ImportOptions(), by=curator(), origin="api"
        )

    assert not ImportRun.objects.exists()


def test_upload_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 10)

    with pytest.raises(
        runs.RunRefused, match=r"^cars\.csv is larger than 0 MiB, the most that an import takes"
    ):
        brought(curator())


def test_upload_for_no_table_is_refused():
    with pytest.raises(runs.RunRefused, match="'user' is nothing that can be imported"):
        brought(curator(), target="user")


def test_upload_while_the_bucket_is_away_is_refused(settings):
    settings.S3_BUCKET = "nobody-made-this"

    with pytest.raises(runs.RunRefused, match=r"The bucket nobody-made-this at .* refuses"):
        brought(curator())

    assert not ImportRun.objects.exists()


def test_upload_without_the_right_is_forbidden():
    with pytest.raises(runs.RunForbidden):
        brought(curator("Viewer"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_queue")
def test_file_brought_by_many_clicks_at_once_is_one_run():
    by = curator()

    made = at_once([lambda: brought(by) for _ in range(4)])

    assert len({run.pk for run in made}) == 1
    assert ImportRun.objects.count() == 1
    assert len(jobs()) == 1
    assert [folder for _, folder in files.folders()] == [made[0].file_key.rpartition("/")[0]]


def test_file_brought_again_after_it_landed_is_a_run_of_its_own():
    by = curator()
    first = landed(by)

    second = previewed(by)

    assert second.pk != first.pk
    assert (second.state, second.unchanged, second.created) == ("ready", 2, 0)


@pytest.mark.parametrize("other", [{"target": "tool"}, {"blank": "clear"}, {"text": CARS + "A-3,Three\n"}])
def test_another_file_table_or_policy_is_another_run(other):
    by = curator()

    assert brought(by).pk != brought(by, **other).pk


def test_the_same_file_of_somebody_else_is_another_run():
    assert brought(curator()).pk != brought(curator()).pk
