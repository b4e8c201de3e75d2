"""`manage.py import_media` of ZIP archives, hostile ones among them."""

import zipfile
from pathlib import Path

import pytest

from catalog.tests.factories import VehicleFactory
from marketplace.commands import CannotRun
from media_sync.arrivals.tests.command import counts, run, stored, told
from media_sync.storage import client
from media_sync.tests.fixtures import picture

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize("more", [["--dry-run"], []])
@pytest.mark.usefixtures("bucket")
def test_names_that_would_move_the_cursor_are_told_in_letters(more, tmp_path, capsys):
    path = archive(tmp_path / "a.zip", {"no\x1b[31mbody\n\u202e ä.jpg": picture()})

    run(str(path), *more)

    assert "no\\x1b[31mbody\\n\\u202e ä.jpg" in capsys.readouterr().out


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
