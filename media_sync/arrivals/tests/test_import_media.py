"""`manage.py import_media`: what its user sees, and what is stored."""

import os
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from accounts.tests.factories import UserFactory
from catalog.models import MediaAsset
from catalog.tests.factories import MediaAssetFactory, VehicleFactory
from marketplace.commands import CannotRun
from media_sync.arrivals import batches, dropping, remote
from media_sync.arrivals.sources import Addresses, Folder
from media_sync.arrivals.tests.command import counts, objects, run, stored, told
from media_sync.arrivals.tests.network import PUBLIC, StubInternet, send, server
from media_sync.models import MediaBatch, MediaBatchFile
from media_sync.reconcile.sync import sync_bucket
from media_sync.tests.fixtures import picture, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path) -> Path:
    """Give a folder of pictures: two of DB5, one twice, one of nobody, one that is none."""
    VehicleFactory.create(reference="DB5", slug="aston")
    root: Path = tmp_path / "photos"
    for name, content in {
        "DB5/2.jpg": picture(50), "DB5/10.png": picture(60, file_format="PNG"), "DB5/copy of 2.jpg": picture(50),
        "nobody/1.jpg": picture(70), "DB5/3.jpg": b"<html>", "DB5/Thumbs.db": b"x", "DB5/empty.jpg": b"",
    }.items():  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


@pytest.mark.usefixtures("bucket")
def test_folder_is_stored(folder, capsys):
    answer = told(capsys, str(folder))

    batch = MediaBatch.objects.get()
    assert answer == {
        "batch": batch.pk, "source": "folder", "name": str(folder), "dry_run": False, "files": 6,
        "stored": 2, "duplicate": 1, "unmatched": 1, "refused": 2, "waiting": 0,
        "left": [
            {"path": "DB5/3.jpg", "message": answer["left"][0]["message"]},
            {"path": "DB5/empty.jpg", "message": "It is empty."},
            {"path": "nobody/1.jpg",
             "message": "No folder and no part of the name is the reference or slug of an item."},
        ],
    }  # fmt: skip
    assert answer["left"][0]["message"].startswith("The content is of no kind that is taken")
    assert stored() == [("DB5", 2, "2.jpg"), ("DB5", 10, "10.png")]
    assert (batch.state, batch.message) == ("done", "")


def test_second_run_stores_nothing_twice(folder, bucket, capsys):
    run(str(folder))
    before, objects_before = stored(), objects(bucket)
    capsys.readouterr()

    answer = told(capsys, str(folder))

    assert counts(answer) == {"duplicate": 3, "unmatched": 1, "refused": 2}
    assert (stored(), objects(bucket)) == (before, objects_before)


def test_run_that_was_cut_short_goes_on(folder, bucket, capsys):
    def stop(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batches.run(Folder(folder), progress=stop)
    first = MediaBatch.objects.get()

    answer = told(capsys, str(folder))

    assert (first.state, first.message) == (
        "failed",
        "It was cut short; the same command goes on with it.",
    )
    assert answer["batch"] == first.pk
    assert counts(answer) == {"stored": 2, "duplicate": 1, "unmatched": 1, "refused": 2}
    assert objects(bucket) == 2


def test_run_that_was_cut_short_long_ago_is_not_gone_on_with(folder, bucket, capsys):
    told(capsys, str(folder))
    MediaBatch.objects.update(state="failed", seen_at=timezone.now() - timedelta(days=2))
    (folder / "DB5" / "2.jpg").write_bytes(picture(90))

    answer = told(capsys, str(folder))

    assert counts(answer) == {"stored": 1, "duplicate": 2, "unmatched": 1, "refused": 2}


@pytest.mark.usefixtures("bucket")
def test_files_are_fetched_into_folders_that_are_swept_when_a_run_was_killed(folder):
    class Watched(Folder):
        places: ClassVar[set[str]] = set()

        def fetch(self, path: str, to: Path) -> None:
            self.places.add(to.parent.parent.name)
            super().fetch(path, to)

    batches.run(Watched(folder))

    assert Watched.places == {f"catalogue-pictures-{os.getuid()}"}


@pytest.mark.usefixtures("bucket")
def test_dry_run_is_a_table_and_writes_nothing(folder, capsys):
    code = run(str(folder), "--dry-run")

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert [line.split() for line in lines[:3]] == [
        ["File", "Item", "Found", "by", "Position"],
        ["DB5/2.jpg", "DB5", "Reference", "2"],
        ["DB5/3.jpg", "DB5", "Reference", "3"],
    ]
    assert lines[-1] == "6 files: 4 matched, 1 without an item, 1 refused. Nothing was written."
    assert not MediaAsset.objects.exists()
    assert not MediaBatch.objects.exists()


@pytest.mark.usefixtures("bucket")
def test_files_without_an_item_can_be_kept(folder, capsys):
    answer = told(capsys, str(folder), "--keep-unmatched")

    assert counts(answer) == {"stored": 2, "duplicate": 1, "unmatched": 1, "refused": 2}
    assert stored()[-1] == (None, 1, "1.jpg")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("/nowhere/at all", "There is no folder or file /nowhere/at all; a part of the bucket is given as s3://bucket/prefix."),
        ("s3://another/x/", "s3://another/x/ is not in the bucket of the catalogue; it begins with s3://{bucket}/."),
    ],
)  # fmt: skip
def test_source_that_is_not_there_is_refused(source, sentence, bucket):
    with pytest.raises(CannotRun) as error:
        run(source)

    assert str(error.value) == sentence.format(bucket=bucket)


def test_part_of_the_bucket_is_assigned_where_it_lies(bucket, capsys):
    item = VehicleFactory.create(reference="DB5", slug="aston")
    other = VehicleFactory.create(reference="M600", slug="noble")
    put("old/DB5/1.jpg", "old/DB5_2.jpg", body=picture(50))
    put("old/nobody.jpg", "renditions/DB5.jpg", body=picture(60))
    put("old/DB5/3.jpg", "old/DB5/4.jpg", body=picture(70))
    loose = MediaAssetFactory.create(key="old/DB5/3.jpg", item=None, caption="kept", etag="e", size=3)
    MediaAssetFactory.create(key="old/DB5/4.jpg", item=other)

    answer = told(capsys, f"s3://{bucket}/old/")
    again = told(capsys, f"s3://{bucket}/old/")

    loose.refresh_from_db()
    assert counts(answer) == {"stored": 2, "duplicate": 1, "unmatched": 1, "refused": 1}
    assert counts(again) == counts(answer)
    assert [each["message"] for each in answer["left"]] == [
        "It belongs to M600 already.",
        "No folder and no part of the name is the reference or slug of an item.",
    ]
    assert sorted(item.media.values_list("key", "position")) == [("old/DB5/1.jpg", 1), ("old/DB5/3.jpg", 3)]
    assert (loose.item, loose.caption) == (item, "kept")
    assert objects(bucket) == 6


@pytest.mark.usefixtures("bucket")
def test_object_without_an_item_is_recorded_and_can_be_assigned(bucket):
    item = VehicleFactory.create(reference="DB5", slug="aston")
    put("old/nobody/7.jpg", body=picture(50))
    run(f"s3://{bucket}/old/")
    (row,) = MediaBatchFile.objects.select_related("asset")
    state = row.state

    dropping.assign(row, item, by=UserFactory.create(is_staff=True, is_superuser=True))

    assert state == "unmatched"
    assert list(MediaAsset.objects.values_list("key", "item", "position")) == [
        ("old/nobody/7.jpg", item.pk, 7)
    ]
    assert sync_bucket().writes == 0


@pytest.mark.usefixtures("bucket")
def test_addresses_of_a_spreadsheet_are_fetched_for_their_items(tmp_path, capsys):
    VehicleFactory.create(reference="DB5", slug="aston")
    path = tmp_path / "pictures.csv"
    path.write_text(
        "Reference,URL,Position\nDB5,http://127.0.0.1/1.jpg,1\nnobody,http://shop.example/2.jpg,\nDB5,,3\n"
        "DB5,http://localhost/a.jpg http://10.0.0.1/b.jpg,x\n,http://shop.example/DB5/1.jpg,\n"
    )

    answer = told(capsys, str(path))

    assert counts(answer) == {"unmatched": 1, "refused": 5}
    assert {each["path"]: each["message"] for each in answer["left"]} == {
        "DB5 http://127.0.0.1/1.jpg": "127.0.0.1 is no public address; only public addresses are asked.",
        "nobody http://shop.example/2.jpg": "There is no item with the reference or slug nobody.",
        "DB5": "Line 4: The row has no address.",
        "http://shop.example/DB5/1.jpg": "Line 6: The row has no reference.",
        "DB5 http://localhost/a.jpg": "Line 5: The position 'x' is no whole number.",
        "DB5 http://10.0.0.1/b.jpg": "Line 5: The position 'x' is no whole number.",
    }


@pytest.mark.usefixtures("bucket")
def test_spreadsheet_without_the_columns_is_refused(tmp_path):
    path = tmp_path / "pictures.csv"
    path.write_text("Name,Price\nDB5,1\n")

    with pytest.raises(CannotRun) as error:
        run(str(path))

    assert (
        str(error.value)
        == "pictures.csv needs a column reference (or slug) and a column url; it has Name, Price."
    )


def test_dead_bucket_ends_the_run_and_the_next_one_goes_on(folder, bucket, settings, capsys):
    address = settings.S3_ENDPOINT_URL
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    with pytest.raises(CannotRun, match="cannot be reached"):
        run(str(folder))
    failed = MediaBatch.objects.get()
    settings.S3_ENDPOINT_URL = address

    answer = told(capsys, str(folder))

    assert failed.state == "failed"
    assert failed.message.startswith(f"Bucket {bucket} cannot be reached")
    assert answer["batch"] == failed.pk
    assert counts(answer) == {"stored": 2, "duplicate": 1, "unmatched": 1, "refused": 2}


def test_pictures_of_addresses_are_stored_with_their_positions(tmp_path, bucket):
    VehicleFactory.create(reference="DB5", slug="aston")
    path = tmp_path / "pictures.csv"
    path.write_text(
        "Slug,Link,Position\naston,http://shop.example/a.jpg http://shop.example/b.jpg?size=1,4.0\nDB5,http://shop.example/a.jpg,9\n"
    )
    pictures = {"/a.jpg": picture(50), "/b.jpg?size=1": picture(60)}
    with server(lambda connection, asked: send(connection, pictures[asked])) as port:
        internet = StubInternet({"shop.example": [PUBLIC]}, port)

        result = batches.run(Addresses(path, internet))

    assert (result.counts["stored"], result.counts["duplicate"]) == (2, 1)
    assert stored() == [("DB5", 4, "a.jpg"), ("DB5", 5, "b.jpg")]


@pytest.mark.usefixtures("bucket")
def test_addresses_of_several_hosts_are_asked_at_once_and_two_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "ANSWER_SECONDS", 3600.0)
    VehicleFactory.create(reference="DB5", slug="aston")
    hosts = [f"{name}.example" for name in ("one", "one", "one", "two", "three", "four")]
    path = tmp_path / "pictures.csv"
    rows = [f"DB5,http://{host}/{host}{at}.jpg\n" for at, host in enumerate(hosts)]
    path.write_text("Reference,URL\n" + "".join(rows))
    together, asking, most, lock = threading.Barrier(5), Counter[str](), Counter[str](), threading.Lock()

    def answer(connection: Any, asked: str) -> None:
        host = asked[1:-5]
        with lock:
            asking[host] += 1
            most[host] = max(most[host], asking[host])
        if asked != "/one.example2.jpg":  # the third of its host
            together.wait(60)
        with lock:
            asking[host] -= 1
        send(connection, picture(40 + len(asked), int(asked[-5]) + 30))

    with server(answer) as port:
        result = batches.run(Addresses(path, StubInternet({host: [PUBLIC] for host in hosts}, port)))

    assert result.counts == {"stored": 6}
    assert most["one.example"] == 2
    assert [name for _, _, name in stored()] == [f"{host}{at}.jpg" for at, host in enumerate(hosts)]


def test_two_runs_of_the_same_source_are_kept_apart(folder, bucket):
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"media_sync.batch:{folder}"])

        with pytest.raises(CannotRun, match=r"^Another import of .* is running; wait until it has ended\.$"):
            run(str(folder))
