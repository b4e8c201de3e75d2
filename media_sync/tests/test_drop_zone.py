"""Files that are dropped on the admin's page: announced, sent, checked, matched; and given to items by hand."""

import hashlib
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.tests.people import browser, holder
from catalog.models import MediaAsset
from catalog.tests.factories import MediaAssetFactory, ToolFactory, VehicleFactory
from media_sync.models import BatchSource, FileState, MediaBatch, MediaBatchFile
from media_sync.tests.fixtures import picture
from media_sync.tests.sending import put, stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]
ADD = reverse("admin:media_sync_mediabatch_add")
RIGHTS = {
    "media_sync.add_mediabatch", "media_sync.view_mediabatch", "catalog.add_mediaasset", "catalog.change_vehicle",
    "catalog.view_mediaasset", "catalog.view_item",
}  # fmt: skip


@pytest.fixture
def client() -> Client:
    """Give the browser of somebody who may bring files, to vehicles alone."""
    cache.clear()
    return browser(holder(*RIGHTS))


def begun(client: Client) -> dict[str, str]:
    answer = client.post(ADD, {"begin": "1"})
    assert answer.status_code == 201
    return dict(answer.json())


def announced(
    client: Client, addresses: dict[str, str], path: str, content: bytes, **more: Any
) -> dict[str, Any]:
    fields = {
        "path": path,
        "size": len(content),
        "type": "image/jpeg",
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return dict(client.post(addresses["announce"], fields | more).json())


def sent(client: Client, row: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Send a file as the page does; return what its completion answers."""
    for door in row["send"]:
        part = content[door["offset"] : door["offset"] + door["size"]]
        if door["url"].startswith("/"):
            answer = client.put(door["url"], part, content_type="application/octet-stream")
            assert answer.status_code == 200, answer.content
        else:
            assert put(door["url"], part, door["headers"]) == 200
    return dict(client.post(row["complete"]).json())


def files() -> list[tuple[str, str | None, str, int | None]]:
    rows = MediaBatchFile.objects.order_by("path")
    return list(rows.values_list("path", "item__reference", "state", "position"))


def test_dropped_file_goes_to_its_item(client):
    item = VehicleFactory.create(reference="DB5")
    addresses = begun(client)
    content = picture()

    row = announced(client, addresses, "DB5/front 2.jpg", content)
    ended = sent(client, row, content)
    client.post(addresses["finish"])

    asset = MediaAsset.objects.get()
    batch = MediaBatch.objects.get()
    assert (ended["state"], ended["message"], ended["item"]) == ("stored", "", str(item))
    assert (asset.item, asset.position, asset.original_name) == (item, 2, "front 2.jpg")
    assert stored("media/") == {asset.key: content}
    assert (batch.state, batch.source) == ("done", BatchSource.DROPPED)


def test_dropped_file_that_fits_no_item_is_kept_without_one(client):
    content = picture()
    addresses = begun(client)

    ended = sent(client, announced(client, addresses, "nobody.jpg", content), content)

    assert ended["state"] == "unmatched"
    assert files() == [("nobody.jpg", None, "unmatched", None)]
    assert MediaAsset.objects.get().item is None


def test_file_that_the_item_has_already_is_not_sent(client):
    VehicleFactory.create(reference="DB5")
    content = picture()
    addresses = begun(client)
    sent(client, announced(client, addresses, "DB5_1.jpg", content), content)

    again = announced(client, begun(client), "DB5_2.jpg", content)

    assert (again["state"], again["message"], again["send"]) == (
        "duplicate", "The item has a file with this content already.", [],
    )  # fmt: skip
    assert MediaAsset.objects.count() == 1


def test_file_whose_item_one_may_not_change_is_kept_without_it(client):
    ToolFactory.create(reference="T1")
    content = picture()

    row = announced(client, begun(client), "T1/1.jpg", content)

    assert (row["item"], row["message"]) == ("", "Its name fits an item that you may not change.")


@pytest.mark.parametrize(
    ("path", "more", "sentence"),
    [
        ("a.exe", {"type": ""}, "Files of this type are not taken; it must be one of"),
        ("a.jpg", {"size": 60_000_000}, "The file is too large: images may have up to 50 MiB."),
        ("a.jpg", {"size": 0}, "It is empty."),
        (".DS_Store", {}, "It is no picture, film or document, but what a file manager leaves behind."),
    ],
)  # fmt: skip
def test_file_that_is_not_taken_is_refused_with_a_sentence(client, path, more, sentence):
    row = announced(client, begun(client), path, b"x", **more)

    assert row["state"] == "refused"
    assert row["message"].startswith(sentence)


@pytest.mark.parametrize(
    "fields",
    [
        {"sha256": "x"},
        {"sha256": "A" * 64},
        {"size": "-1"},
        {"size": "9" * 30},
        {"size": "\u0663"},
        {"path": ""},
    ],
)
def test_announcement_that_cannot_be_read_is_refused(client, fields):
    good = {"path": "a.jpg", "size": "3", "type": "image/jpeg", "sha256": "0" * 64}

    answer = client.post(begun(client)["announce"], good | fields)

    assert answer.status_code == 400


def test_hostile_names_are_text(client):
    content = picture()
    addresses = begun(client)
    names = [
        "../../etc/passwd.jpg",
        "C:\\x.jpg",
        "a\0b.jpg",
        "<script>.jpg",
        "/" * 50 + "a.jpg",
        "\u202egpj.exe.jpg",
    ]

    rows = [announced(client, addresses, name, content) for name in names]

    assert {row["state"] for row in rows} == {"waiting"}
    assert MediaBatchFile.objects.count() == len(names)
    page = client.get(addresses["change"]).content.decode()
    assert "<script>.jpg" not in page


def test_content_that_is_not_what_was_announced_is_refused(client):
    content = b"<html>" * 9
    addresses = begun(client)

    ended = sent(client, announced(client, addresses, "a.jpg", content), content)

    assert ended["state"] == "refused"
    assert not stored("media/")


def test_batch_of_another_takes_no_files(client):
    addresses = begun(browser(holder(*RIGHTS)))
    content = picture()

    answers = [
        client.post(addresses["announce"], {"path": "a.jpg", "size": 1, "sha256": "0" * 64}).status_code,
        client.post(addresses["finish"]).status_code,
        client.post(addresses["send"], {"files": SimpleUploadedFile("a.jpg", content)}).status_code,
    ]

    assert answers == [409, 409, 302]
    assert not MediaBatchFile.objects.exists()


def test_plain_form_brings_files_without_a_script(client):
    VehicleFactory.create(reference="DB5")
    sent_files = [
        SimpleUploadedFile("DB5_1.jpg", picture(50)), SimpleUploadedFile("nobody.jpg", picture(60)),
        SimpleUploadedFile("DB5_2.jpg", b"<html>"),
    ]  # fmt: skip

    answer = client.post(ADD, {"files": sent_files}, follow=True)

    assert answer.status_code == 200
    assert files() == [
        ("DB5_1.jpg", "DB5", "stored", 1), ("DB5_2.jpg", "DB5", "refused", 2), ("nobody.jpg", None, "unmatched", None),
    ]  # fmt: skip
    assert MediaBatch.objects.get().state == "done"


def unmatched(**more: Any) -> MediaBatchFile:
    batch = MediaBatch.objects.create(source=BatchSource.FOLDER, name="photos", state="done")
    asset = MediaAssetFactory.create(item=None, sha256="0" * 64, size=3, position=0)
    values = {
        "batch": batch,
        "path": "aston 7.jpg",
        "asset": asset,
        "state": FileState.UNMATCHED,
        "position": 7,
    }
    return MediaBatchFile.objects.create(**(values | more))


def assigned(client: Client, row: MediaBatchFile, item: Any) -> list[str]:
    """Press the button; return what the page says."""
    answer = client.post(
        reverse("admin:media_sync_mediabatch_assign", args=[row.batch_id, row.pk]), {"item": item}
    )
    assert answer.status_code == 302
    row.refresh_from_db()
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_likely_item_is_one_click_away(client):
    item = VehicleFactory.create(reference="DB5", name="Aston Martin")
    ToolFactory.create(name="Aston jack")
    row = unmatched()

    page = client.get(reverse("admin:media_sync_mediabatch_change", args=[row.batch_id])).content.decode()
    said = assigned(client, row, item.pk)

    asset = MediaAsset.objects.get()
    assert f'value="{item.pk}"' in page
    assert "Aston jack" not in page
    assert said == ["aston 7.jpg belongs to Aston Martin (DB5) now."]
    assert (asset.item, asset.position) == (item, 7)
    assert (row.state, row.matched_by, row.item) == ("stored", "hand", item)


def test_item_that_one_may_not_change_gets_no_file(client):
    item, row = ToolFactory.create(), unmatched()

    said = assigned(client, row, item.pk)

    assert said == ["You may not change this item."]
    assert (row.state, MediaAsset.objects.get().item) == ("unmatched", None)


def test_item_that_has_the_content_gets_it_once(client):
    item, row = VehicleFactory.create(), unmatched()
    MediaAssetFactory.create(item=item, sha256="0" * 64, size=3)

    said = assigned(client, row, item.pk)

    assert said == ["The item has a file with this content already."]
    assert row.state == "duplicate"
    assert item.media.count() == 1


@pytest.mark.parametrize("item", ["", "0", "x", "9" * 30, "\u0663"])
def test_item_that_is_not_there_gets_a_sentence(client, item):
    assert assigned(client, unmatched(), item) == ["The file or the item is not there any more."]


def test_file_that_was_assigned_meanwhile_gets_a_sentence(client):
    item, row = VehicleFactory.create(), unmatched()
    MediaAsset.objects.update(item=VehicleFactory.create())

    assert assigned(client, row, item.pk) == ["This file belongs to an item already."]
