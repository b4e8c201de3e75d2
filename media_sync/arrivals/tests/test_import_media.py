"""`manage.py import_media`: what its user sees, and what is stored."""

import json
import zipfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from catalog.models import MediaAsset
from catalog.tests.factories import MediaAssetFactory, VehicleFactory
from marketplace.commands import CannotRun
from media_sync.arrivals import batches
from media_sync.arrivals.sources import Addresses, Folder
from media_sync.arrivals.tests.network import PUBLIC, StubInternet, send, server
from media_sync.models import MediaBatch
from media_sync.storage import client
from media_sync.tests.fixtures import picture, put

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> int:
    """Run the command; return its exit code."""
    try:
        call_command("import_media", *arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Return what the command tells machines, without what differs from run to run."""
    run(*arguments, "--json")
    answer = json.loads(capsys.readouterr().out)
    del answer["seconds"]
    return answer


def counts(answer: dict[str, Any]) -> dict[str, int]:
    names = ("stored", "duplicate", "unmatched", "refused", "waiting")
    return {name: answer[name] for name in names if answer[name]}


def stored() -> list[tuple[str | None, int, str]]:
    rows = MediaAsset.objects.order_by("item__reference", "position", "original_name")
    return list(rows.values_list("item__reference", "position", "original_name"))


def objects(bucket: str) -> int:
    return client().list_objects_v2(Bucket=bucket)["KeyCount"]


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


def archive(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return path


@pytest.mark.usefixtures("bucket")
def test_archive_is_stored_and_its_names_touch_no_file(tmp_path, capsys):
    VehicleFactory.create(reference="DB5", slug="aston")
    names = [
        "../DB5/1.jpg", "/DB5/2.jpg", "..\\DB5\\3.jpg", "C:\\DB5\\4.jpg", "DB5/5\n.jpg", "DB5/6.jpg\0.exe", "__MACOSX/DB5/._1.jpg",
        "DB5/\u00e47.jpg",
    ]  # fmt: skip
    path = archive(tmp_path / "a.zip", {name: picture(40 + at) for at, name in enumerate(names)})

    answer = told(capsys, str(path))

    assert counts(answer) == {"stored": 7}
    assert [position for _, position, _ in stored()] == [1, 2, 3, 4, 5, 6, 7]
    assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]


def test_archive_that_holds_a_bomb_or_a_secret_is_refused_entry_by_entry(tmp_path, bucket, capsys):
    VehicleFactory.create(reference="DB5", slug="aston")
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("DB5/1.jpg", bytes(20_000_000), zipfile.ZIP_DEFLATED)
        made.writestr("DB5/2.jpg", picture(), zipfile.ZIP_LZMA)
        made.writestr("DB5/3.jpg", picture())
        made.writestr("DB5/4.jpg", picture(50))
    content = bytearray(path.read_bytes())
    listed = content.index(b"PK\1\2", content.rindex(b"DB5/2.jpg"))  # the third entry of the directory
    content[listed + 8] |= 1  # encrypted
    start = content.index(b"DB5/4.jpg") + 9
    content[start + 30 : start + 40] = bytes(10)
    path.write_bytes(content)

    answer = told(capsys, str(path))

    assert {each["path"]: each["message"] for each in answer["left"]} == {
        "DB5/1.jpg": "It unpacks to far more than its size, as harmful files do.",
        "DB5/2.jpg": "It is packed in a way that is not read; make the archive anew with the usual one (deflate).",
        "DB5/3.jpg": "It is protected by a password; make the archive without one.",
        "DB5/4.jpg": "It is damaged in the archive.",
    }
    assert "Contents" not in client().list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"x" * 1000, b"PK\5\6" + b"\xff" * 18])
@pytest.mark.usefixtures("bucket")
def test_archive_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)

    with pytest.raises(CannotRun) as error:
        run(str(path))

    assert str(error.value) in {
        "a.zip is no ZIP archive, or a damaged one.",
        "a.zip has more than 50,000 entries; split it.",
    }


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


def test_archive_with_a_name_twice_stores_the_first(tmp_path, bucket, capsys):
    VehicleFactory.create(reference="DB5", slug="aston")
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("DB5/1.jpg", picture(50))
        with pytest.warns(UserWarning, match="Duplicate name"):
            made.writestr("DB5/1.jpg", picture(60))

    answer = told(capsys, str(path))

    assert counts(answer) == {"stored": 1, "refused": 1}
    assert answer["left"][0]["message"] == "Another entry of the archive has the same name."


def test_archive_of_too_many_entries_is_refused(tmp_path, bucket):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        for number in range(50_001):
            made.writestr(f"{number}", b"")

    with pytest.raises(CannotRun, match=r"^a\.zip has more than 50,000 entries; split it\.$"):
        run(str(path))


def test_archive_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path, bucket):
    path = archive(tmp_path / "a.zip", {"DB5/1.jpg": b"x"})
    content = bytearray(path.read_bytes())
    listed = content.index(b"PK\1\2")
    content[listed + 24 : listed + 28] = (2_000_000_000).to_bytes(4, "little")  # its size, as it claims
    path.write_bytes(content)

    with pytest.raises(CannotRun, match=r"^a\.zip unpacks to far more than its size, as harmful files do\.$"):
        run(str(path))


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


def test_two_runs_of_the_same_source_are_kept_apart(folder, bucket):
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"media_sync.batch:{folder}"])

        with pytest.raises(CannotRun, match=r"^Another import of .* is running; wait until it has ended\.$"):
            run(str(folder))
