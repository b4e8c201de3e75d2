"""`/v1/media/uploads/`: a file is announced, sent to the bucket, checked, and only then part of the catalogue."""

import hashlib
import re

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog.models import MediaAsset
from catalog.tests.factories import MediaAssetFactory, ToolFactory, VehicleFactory
from media_sync.models import Upload, UploadState
from media_sync.reconcile.sync import sync_bucket
from media_sync.tests.fixtures import counts, picture, row_versions
from media_sync.tests.fixtures import put as put_object
from media_sync.tests.sending import (
    UPLOADS,
    announce,
    announcement,
    complete,
    put,
    send,
    stored,
    uploaded,
    uploader,
)

pytestmark = [pytest.mark.both_servers, pytest.mark.usefixtures("bucket"), pytest.mark.django_db]
KEY = re.compile(r"^(media|quarantine)/[0-9a-f-]{36,64}\.(jpg|png|webp|avif|gif|mp4|webm|mov|pdf|txt)$")


def test_announcement_gives_an_address_to_send_to():
    VehicleFactory.create(slug="db5")
    content = picture()

    answer = uploader().post(
        UPLOADS, announcement(content, item="db5", position=3), content_type="application/json"
    )

    body = answer.json()
    upload = Upload.objects.get()
    assert (answer.status_code, answer["Location"]) == (201, f"http://testserver{UPLOADS}{upload.pk}/")
    send_to = body.pop("send")
    assert (send_to["method"], send_to["part_size"], send_to["parts"]) == ("PUT", None, [])
    assert send_to["headers"].keys() == {"Content-Type", "x-amz-checksum-sha256"}
    assert f"/{upload.key}?" in send_to["url"]
    assert "X-Amz-Expires=600" in send_to["url"]
    assert re.search("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bx-amz-checksum-sha256", send_to["url"])  # fmt: skip
    body.pop("created_at")
    here = f"http://testserver{UPLOADS}{upload.pk}/"
    assert body == {
        "id": str(upload.pk), "url": here, "state": "waiting", "message": "", "name": "front.jpg", "size": len(content),
        "type": "image/jpeg", "sha256": hashlib.sha256(content).hexdigest(), "item": "db5", "position": 3, "asset": None,
        "links": {"complete": f"{here}complete/", "content": f"{here}content/"}, "finished_at": None,
    }  # fmt: skip


def test_upload_becomes_a_file_of_its_item():
    item = VehicleFactory.create(slug="db5")
    content = picture(64, 48)

    done = uploaded(uploader(), content, item="db5", name="Front view.jpg")

    asset = MediaAsset.objects.get()
    assert (done["state"], done["message"]) == ("done", "")
    assert done["asset"] == {"id": asset.pk, "url": f"http://testserver/v1/media/{asset.pk}/"}
    assert done["send"] is None
    assert (asset.item_id, asset.position, asset.state, asset.kind) == (item.pk, 0, "present", "image")
    assert (asset.content_type, asset.size, asset.width, asset.height) == ("image/jpeg", len(content), 64, 48)
    assert (asset.sha256, asset.original_name) == (hashlib.sha256(content).hexdigest(), "Front view.jpg")
    assert (asset.processing, asset.refusal) == ("rendering", "")
    assert KEY.match(asset.key)
    assert asset.key.startswith("media/")
    assert stored() == {asset.key: content}
    assert ProcrastinateJob.objects.filter(task_name="media_sync.tasks.process_media").count() == 1


def test_sync_finds_nothing_changed_after_an_upload():
    VehicleFactory.create(slug="db5")
    uploaded(uploader(), item="db5")
    before = row_versions()

    result = sync_bucket()

    assert counts(result) == {"listed": 1, "unchanged": 1}
    assert row_versions() == before


def test_upload_of_what_the_sync_has_found_already_is_one_file():
    content, client = picture(), uploader()
    VehicleFactory.create(slug="db5")
    upload = announce(client, content, item="db5")
    MediaAssetFactory.create(key=f"media/{upload['id']}.jpg")
    send(upload, content)

    done = complete(client, upload)

    asset = MediaAsset.objects.get()
    assert (done["state"], done["asset"]["id"]) == ("done", asset.pk)
    assert asset.item is not None
    assert asset.item.slug == "db5"


def test_file_stands_behind_the_items_last():
    item = VehicleFactory.create(slug="db5")
    MediaAssetFactory.create(item=item, position=7)

    uploaded(uploader(), item="db5")

    assert MediaAsset.objects.order_by("-id").values_list("position", flat=True).first() == 8


@pytest.mark.parametrize(
    ("content", "kind", "extension"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "application/pdf", "pdf"),
        ("Geschichte des Wagens: schön.\n".encode(), "text/plain", "txt"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2\0\0\0\x08mdat", "video/mp4", "mp4"),
    ],
)
def test_other_files_are_ready_at_once(content, kind, extension):
    done = uploaded(uploader(), content, type=kind, name="x")

    asset = MediaAsset.objects.get(pk=done["asset"]["id"])
    assert (asset.content_type, asset.processing, asset.item) == (kind, "ready", None)
    assert asset.key.endswith(f".{extension}")
    assert ProcrastinateJob.objects.count() == 0


def test_content_decides_among_pictures():
    content = picture(file_format="PNG")

    done = uploaded(uploader(), content, type="image/jpeg")

    asset = MediaAsset.objects.get(pk=done["asset"]["id"])
    assert (asset.content_type, asset.key.rpartition(".")[2]) == ("image/png", "png")


@pytest.mark.parametrize(
    ("content", "kind", "sentence"),
    [
        pytest.param(b"<html><script>alert(1)</script>", "image/jpeg", "The content is of no kind", id="HTML"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png", "The content is of no kind", id="SVG"),
        pytest.param(b"MZ\x90\0\3", "application/pdf", "The content is of no kind", id="program"),
        pytest.param(b"%PDF-1.7\n", "image/jpeg", "It was announced as JPEG, but its content is PDF.", id="PDF as JPEG"),
        pytest.param(picture()[:200], "image/jpeg", "", id="truncated"),
    ],
)  # fmt: skip
def test_content_that_is_not_accepted_is_refused_and_gone(content, kind, sentence):
    done = uploaded(uploader(), content, type=kind)

    assert (done["state"], done["asset"], done["send"]) == ("refused", None, None)
    assert done["message"].startswith(sentence)
    assert done["message"].endswith(".")
    assert MediaAsset.objects.count() == 0
    assert stored() == {}


def test_other_bytes_of_the_same_length_are_refused():
    content, client = picture(), uploader()
    upload = announce(client, content)
    other = content[:-1] + b"\0"

    # rclone's server checks the signature over the checksum, not the bytes against it; Amazon's does
    assert put(upload["send"]["url"], other, upload["send"]["headers"]) in (200, 400)
    done = complete(client, upload, status=200)

    assert done["state"] == "refused"
    assert "SHA-256" in done["message"]
    assert (MediaAsset.objects.count(), stored()) == (0, {})


def test_completing_before_anything_arrived_is_a_conflict():
    client = uploader()
    upload = announce(client, picture())

    answer = client.post(upload["links"]["complete"], {}, content_type="application/json")

    assert answer.status_code == 409
    assert answer.json()["detail"] == "The file has not arrived yet: send it, then ask again."
    assert client.get(upload["url"]).json()["state"] == "waiting"


def test_announcing_twice_is_one_upload():
    client, content = uploader(), picture()
    first = announce(client, content)

    second = announce(client, content, status=200)

    assert second["id"] == first["id"]
    assert send(second, content) == 200


def test_completing_twice_is_one_file():
    client, content = uploader(), picture()
    upload = announce(client, content)
    send(upload, content)
    first = complete(client, upload)

    assert complete(client, upload) == first
    assert MediaAsset.objects.count() == 1


def test_check_that_was_killed_goes_on_when_asked_again():
    client, content = uploader(), picture()
    upload = announce(client, content)
    send(upload, content)
    Upload.objects.update(state=UploadState.CHECKING)  # as a process leaves it that was killed

    done = complete(client, upload)

    assert (done["state"], MediaAsset.objects.count()) == ("done", 1)


def test_check_that_was_killed_before_it_recorded_makes_one_file():
    client, content = uploader(), picture()
    upload = announce(client, content)
    send(upload, content)
    Upload.objects.update(state=UploadState.CHECKING)
    put_object(f"media/{upload['id']}.jpg", body=content)

    done = complete(client, upload)

    assert (done["state"], done["message"]) == ("done", "")
    assert stored() == {f"media/{upload['id']}.jpg": content}


def test_content_that_the_item_has_is_done_at_once():
    client, content = uploader(), picture()
    VehicleFactory.create(slug="db5")
    first = uploaded(client, content, item="db5")

    again = announce(client, content, item="db5", status=200)
    of_another = announce(uploader(), content, item="db5")

    assert again["id"] == first["id"]
    assert (of_another["state"], of_another["asset"], of_another["send"]) == ("done", first["asset"], None)
    assert of_another["message"] == "The item has a file with this content already."
    assert MediaAsset.objects.count() == 1


def test_same_content_sent_by_two_people_is_one_file():
    content, one, other = picture(), uploader(), uploader()
    VehicleFactory.create(slug="db5")
    first, second = (announce(each, content, item="db5") for each in (one, other))
    send(first, content), send(second, content)

    done = [complete(one, first), complete(other, second)]

    assert [each["state"] for each in done] == ["done", "done"]
    assert done[1]["message"] == "The item has a file with this content already."
    asset = MediaAsset.objects.get()
    assert stored() == {asset.key: content}


def test_same_content_on_two_items_is_two_files():
    client, content = uploader("catalog.change_tool"), picture()
    VehicleFactory.create(slug="db5"), ToolFactory.create(slug="crane")

    uploaded(client, content, item="db5")
    uploaded(client, content, item="crane")

    assert MediaAsset.objects.count() == 2


def test_file_sent_through_the_service():
    client, content = uploader(), picture()
    upload = announce(client, content)

    answer = client.put(upload["links"]["content"], content, content_type="image/jpeg")

    assert (answer.status_code, answer.content) == (204, b"")
    assert complete(client, upload)["state"] == "done"


@pytest.mark.parametrize("content", [b"", picture() + b"x", picture()[:-1], b"\0" * len(picture())])
def test_other_bytes_are_not_taken_through_the_service(content):
    client = uploader()
    upload = announce(client, picture())

    answer = client.put(upload["links"]["content"], content, content_type="image/jpeg")

    [fault] = answer.json()["errors"]
    assert (answer.status_code, fault["code"]) == (400, "does_not_fit")
    assert stored() == {}
    assert client.get(upload["url"]).json()["state"] == "waiting"


def test_size_that_only_another_type_may_have_is_told_from_one_that_none_may():
    sent = announcement(b"", size=60_000_000)

    refused = uploader().post(UPLOADS, sent, content_type="application/json")
    taken = uploader().post(UPLOADS, sent | {"type": "video/mp4"}, content_type="application/json")

    [fault] = refused.json()["errors"]
    assert (refused.status_code, fault["pointer"], fault["code"]) == (400, "/size", "does_not_fit")
    assert taken.status_code == 201
