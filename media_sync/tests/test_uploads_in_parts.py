"""Large files: sent in parts, taken up again where they broke off, checked by the worker."""

import hashlib

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.tests.people import api, holder
from catalog.models import MediaAsset
from media_sync import tasks
from media_sync.models import Upload
from media_sync.tests.sending import UPLOADS, announce, announcement, complete, put, send, stored, uploader
from media_sync.uploads import limits, objects, tickets

pytestmark = [pytest.mark.both_servers, pytest.mark.usefixtures("bucket"), pytest.mark.django_db]
GAPS = {"moto": {"test_part_of_another_length_is_refused": "checks no signatures"}}
MIB = 2**20
FILM = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(range(256)) * (11 * 4096)  # some more than 11 MiB


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    """As if 5 MiB, the least that S3 takes as a part, were much."""
    monkeypatch.setattr(tickets, "IN_ONE_PIECE", 5 * MIB)
    monkeypatch.setattr(tickets, "PART_BYTES", 5 * MIB)


def announced(client):
    return announce(client, FILM, type="video/mp4", name="film.mp4")


def check_in_worker(upload):
    """Do what the worker does with the job that waits."""
    job = ProcrastinateJob.objects.get(task_name="media_sync.tasks.check_upload")
    assert job.args == {"upload_id": upload["id"]}
    tasks.check_upload(**job.args)


def test_large_file_is_sent_in_parts():
    upload = announced(uploader())

    doors = upload["send"]
    assert (doors["url"], doors["headers"], doors["part_size"]) == (None, {}, 5 * MIB)
    assert [(part["number"], part["offset"], part["size"]) for part in doors["parts"]] == [
        (1, 0, 5 * MIB), (2, 5 * MIB, 5 * MIB), (3, 10 * MIB, len(FILM) - 10 * MIB),
    ]  # fmt: skip


def test_real_limits_make_parts_of_16_mib(monkeypatch):
    monkeypatch.setattr(tickets, "IN_ONE_PIECE", limits.IN_ONE_PIECE)
    monkeypatch.setattr(tickets, "PART_BYTES", limits.PART_BYTES)
    body = announcement(b"x", type="video/mp4", size=2**31)

    doors = uploader().post(UPLOADS, body, content_type="application/json").json()["send"]

    assert (doors["part_size"], len(doors["parts"])) == (16 * MIB, 128)


def test_large_file_is_checked_by_the_worker():
    client = uploader()
    upload = announced(client)
    send(upload, FILM)

    handed_over = complete(client, upload, status=202)
    check_in_worker(upload)

    done = client.get(upload["url"]).json()
    asset = MediaAsset.objects.get()
    assert (handed_over["state"], handed_over["send"]) == ("checking", None)
    assert (done["state"], done["asset"]["id"]) == ("done", asset.pk)
    assert (asset.kind, asset.content_type, asset.processing) == ("video", "video/mp4", "ready")
    assert asset.sha256 == hashlib.sha256(FILM).hexdigest()
    assert stored() == {asset.key: FILM}


def test_upload_goes_on_with_the_parts_that_are_missing():
    client = uploader()
    upload = announced(client)
    second = upload["send"]["parts"][1]
    assert put(second["url"], FILM[5 * MIB : 10 * MIB]) == 200

    for answer in (client.get(upload["url"]).json(), announce(client, FILM, status=200, type="video/mp4")):
        assert [part["number"] for part in answer["send"]["parts"]] == [1, 3]
    refused = client.post(upload["links"]["complete"], {}, content_type="application/json")
    assert (refused.status_code, refused.json()["detail"]) == (
        409, "2 of 3 parts have not arrived yet: send them, then ask again.",
    )  # fmt: skip
    send(client.get(upload["url"]).json(), FILM)
    assert complete(client, upload, status=202)["state"] == "checking"


def test_upload_that_the_bucket_has_forgotten_begins_anew():
    client = uploader()
    upload = announced(client)
    send(upload, FILM)
    row = Upload.objects.get()
    objects.abort_parts(row.key, row.multipart_id)

    again = client.get(upload["url"]).json()

    assert [part["number"] for part in again["send"]["parts"]] == [1, 2, 3]
    assert send(again, FILM) == 200


@pytest.mark.parametrize("change", [b"", b"x"])
def test_part_of_another_length_is_refused(change):
    part = announced(uploader())["send"]["parts"][2]
    content = FILM[part["offset"] :]

    assert put(part["url"], content + change if change else content[:-1]) == 403


def test_parts_of_other_bytes_are_refused_by_the_worker():
    client = uploader()
    upload = announced(client)
    send(upload, FILM[:-1] + b"\0")
    complete(client, upload, status=202)

    check_in_worker(upload)

    refused = client.get(upload["url"]).json()
    assert (refused["state"], refused["asset"]) == ("refused", None)
    assert "SHA-256" in refused["message"]
    assert stored() == {}


def test_right_that_is_lost_before_the_worker_comes_lands_nothing():
    user = holder("catalog.add_mediaasset")
    client = api(user)
    upload = announced(client)
    send(upload, FILM)
    complete(client, upload, status=202)
    user.user_permissions.clear()

    check_in_worker(upload)

    ended = Upload.objects.get()
    assert (ended.state, ended.message) == (
        "refused", "The account that sent it may not bring files there any more.",
    )  # fmt: skip
    assert MediaAsset.objects.count() == 0


def test_check_that_was_killed_behind_the_joining_goes_on():
    client = uploader()
    upload = announced(client)
    send(upload, FILM)
    complete(client, upload, status=202)
    row = Upload.objects.get()
    parts = objects.parts_of(row.key, row.multipart_id)
    assert parts
    objects.join_parts(row.key, row.multipart_id, parts)

    check_in_worker(upload)

    assert client.get(upload["url"]).json()["state"] == "done"


def test_completing_a_large_file_twice_is_one_job():
    client = uploader()
    upload = announced(client)
    send(upload, FILM)

    complete(client, upload, status=202)
    complete(client, upload, status=202)

    assert ProcrastinateJob.objects.filter(task_name="media_sync.tasks.check_upload").count() == 1


def test_parts_sent_through_the_service():
    client = uploader()
    upload = announced(client)

    for part in upload["send"]["parts"]:
        content = FILM[part["offset"] : part["offset"] + part["size"]]
        address = f"{upload['links']['content']}?part={part['number']}"
        answer = client.put(address, content, content_type="video/mp4")
        assert answer.status_code == 204, answer.content

    assert client.get(upload["url"]).json()["send"]["parts"] == []


@pytest.mark.parametrize("query", ["", "?part=0", "?part=4", "?part=x", "?parts=1", "?part=1&part=2"])
def test_part_that_cannot_be_is_refused_by_its_parameter(query):
    client = uploader()
    upload = announced(client)

    answer = client.put(f"{upload['links']['content']}{query}", b"x", content_type="video/mp4")

    assert answer.status_code == 400
    assert MediaAsset.objects.count() == 0
