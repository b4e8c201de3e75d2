"""What can be tried with a signed address, with names, with many at once; on a server that checks signatures."""

import base64
import hashlib
import re
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.tests.client import at_once
from catalog.models import MediaAsset
from catalog.tests.factories import VehicleFactory
from media_sync import hurry, storage, tasks
from media_sync.models import Upload
from media_sync.tests.fixtures import picture
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
from media_sync.uploads import completing, objects, presign

pytestmark = [pytest.mark.usefixtures("bucket"), pytest.mark.django_db]
CONTENT = picture()
KEY = re.compile(r"^(media|quarantine)/[0-9a-f-]{36,64}\.(jpg|png|webp|avif|gif|mp4|webm|mov|pdf|txt)$")


@pytest.fixture(autouse=True)
def _in_no_hurry(monkeypatch):
    """Fifty at once take a slow machine longer than people wait."""
    monkeypatch.setattr(storage, "HURRIED", storage.PATIENT)
    monkeypatch.setattr(hurry, "SECONDS", 600)


def checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def elsewhere(url: str, old: str, new: str) -> str:
    return urlsplit(url).path.replace(old, new)


# What is sent to the address of a file, by what is wrong with it: content, headers, method, path.
ABUSES = {
    "longer": lambda url, headers: put(url, CONTENT + b"x", headers),
    "shorter": lambda url, headers: put(url, CONTENT[:-1], headers),
    "nothing": lambda url, headers: put(url, b"", headers),
    "another type": lambda url, headers: put(url, CONTENT, headers | {"Content-Type": "text/html"}),
    "another key": lambda url, headers: put(
        url, CONTENT, headers, path=elsewhere(url, "quarantine/", "media/")
    ),
    "a key above": lambda url, headers: put(url, CONTENT, headers, path=elsewhere(url, "quarantine/", "")),
    "another bucket": lambda url, headers: put(
        url, CONTENT, headers, path=elsewhere(url, settings.S3_BUCKET, f"{settings.S3_BUCKET}x")
    ),
    "DELETE": lambda url, headers: put(url, None, headers, method="DELETE"),
    "GET": lambda url, headers: put(url, None, headers, method="GET"),
    "POST": lambda url, headers: put(url, CONTENT, headers, method="POST"),
    "no checksum": lambda url, headers: put(url, CONTENT, {"Content-Type": headers["Content-Type"]}),
    "checksum of other bytes": lambda url, headers: put(
        url,
        b"y" * len(CONTENT),
        headers | {"x-amz-checksum-sha256": checksum(b"y" * len(CONTENT))},
    ),
    "an access rule": lambda url, headers: put(url, CONTENT, headers | {"x-amz-acl": "public-read"}),
    "notes of its own": lambda url, headers: put(url, CONTENT, headers | {"x-amz-meta-a": "b"}),
    "a redirect": lambda url, headers: put(
        url, CONTENT, headers | {"x-amz-website-redirect-location": "https://example.com/"}
    ),
    "a copy of another object": lambda url, headers: put(
        url, b"", headers | {"x-amz-copy-source": f"/{settings.S3_BUCKET}/secret.jpg"}
    ),
    "later": lambda url, headers: put(
        url.replace("X-Amz-Expires=600", "X-Amz-Expires=604800"), CONTENT, headers
    ),
    "without a signature": lambda url, headers: put(url.partition("?")[0] + "?a=b", CONTENT, headers),
}


@pytest.mark.parametrize("abuse", ABUSES)
def test_abuse_of_an_address_is_refused(abuse):
    upload = announce(uploader(), CONTENT)
    doors = upload["send"]

    status = ABUSES[abuse](doors["url"], doors["headers"])

    assert status in {400, 403}
    assert stored() == {}


def test_address_that_has_expired_is_refused(monkeypatch):
    monkeypatch.setattr(
        "botocore.auth.get_current_datetime", lambda: datetime.now(UTC) - timedelta(minutes=11)
    )
    upload = announce(uploader(), CONTENT)

    assert put(upload["send"]["url"], CONTENT, upload["send"]["headers"]) in {400, 403}
    assert stored() == {}


def test_second_file_sent_to_an_address_changes_nothing_that_counts():
    client = uploader()
    upload = announce(client, CONTENT)
    send(upload, CONTENT)
    done = complete(client, upload)
    other = CONTENT[:-1] + b"\0"

    put(upload["send"]["url"], other, upload["send"]["headers"])
    again = complete(client, upload)

    asset = MediaAsset.objects.get(pk=done["asset"]["id"])
    assert again == done
    assert stored("media/") == {asset.key: CONTENT}
    assert asset.sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_object_that_is_exchanged_while_it_is_checked_does_not_get_through(monkeypatch):
    """Whatever the bucket holds a moment after it was read: what is stored is what was checked."""
    client = uploader()
    upload = announce(client, CONTENT)
    send(upload, CONTENT)
    other = CONTENT[:-1] + b"\0"
    fetch = objects.fetch

    def fetch_and_exchange(*args, **kwargs):
        arrived = fetch(*args, **kwargs)
        assert put(upload["send"]["url"], other, upload["send"]["headers"]) == 200
        return arrived

    monkeypatch.setattr("media_sync.uploads.objects.fetch", fetch_and_exchange)
    done = complete(client, upload)

    asset = MediaAsset.objects.get(pk=done["asset"]["id"])
    assert stored() == {asset.key: CONTENT}


def test_object_that_is_exchanged_before_it_is_read_is_refused():
    client = uploader()
    upload = announce(client, CONTENT)
    send(upload, CONTENT)
    put(upload["send"]["url"], CONTENT[:-1] + b"\0", upload["send"]["headers"])

    assert complete(client, upload)["state"] == "refused"
    assert stored() == {}


# Names

STEMS = (
    "../../etc/passwd", "..\\..\\boot.ini", "%2e%2e%2f%2e%2e%2fx", "..%c0%af..", "/absolute/path", "C:\\x\\y",
    "\\\\server\\share\\x", "a\r\nX-Evil: 1", "a\nb", "a\tb", "\u202egpj.exe", "\u200b\u200b", "\ufeffbom",
    "CON", "NUL.jpg", "aux", "LPT1", ".", "..", "...", " ", "-rf", "--help", "~root", "$HOME", "`id`", "$(id)",
    "a;rm -rf /", "a|b", "a&b", "a*b?", "<script>alert(1)</script>", "\"'><img src=x>", "'; DROP TABLE item;--",
    "x" * 1000, "é" * 1000, "e\u0301" * 300, "\U0001f3ce" * 200, "a/b/c/d", "//", "a//b", "renditions/1-ab/full-640",
    "media/00000000-0000-0000-0000-000000000000", "quarantine/x", "imports/1", "vehicles/db5/1", "{}", "{0.__class__}",
    "%s%n", "\x1b[31mred", "\x7f", "a\u2028b",
)  # fmt: skip
NAMES = [f"{stem}{ending}" for stem in STEMS for ending in ("", ".jpg", ".php")]


def test_names_are_the_hundred_and_fifty():
    assert len(NAMES) >= 150


@pytest.mark.parametrize("ending", ["", ".jpg", ".php"])
def test_hostile_name_does_not_reach_a_key(ending):
    client, known = uploader(), set()

    for number, stem in enumerate(STEMS):
        content = str(number).encode()
        answer = client.post(
            UPLOADS, announcement(content, name=f"{stem}{ending}"), content_type="application/json"
        )
        assert answer.status_code in {201, 400}, stem
        known.add(answer.json().get("name", ""))

    keys = set(Upload.objects.values_list("key", flat=True))
    assert len(keys) >= len(STEMS) - 3  # a name of blanks alone is none
    assert all(KEY.match(key) and key.endswith(".jpg") for key in keys)
    assert not any(letter in name for name in known for letter in "/\\\r\n\t\0\u202e\u200b\x1b\u2028")


def test_hostile_name_is_kept_as_a_name_only():
    done = uploaded(uploader(), CONTENT, name="../../\u202eetc/pass\r\nwd.jpg")

    asset = MediaAsset.objects.get(pk=done["asset"]["id"])
    assert asset.original_name == "pass wd.jpg"
    assert asset.key == f"media/{done['id']}.jpg"


# Many at once


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_queue")
def test_fifty_who_complete_at_once_make_one_file():
    VehicleFactory.create(slug="db5")
    client = uploader()
    upload = announce(client, CONTENT, item="db5")
    send(upload, CONTENT)
    call = partial(client.post, upload["links"]["complete"], {}, content_type="application/json")

    answers = at_once([call] * 50)

    assert {answer.status_code for answer in answers} <= {200, 202}
    assert {answer.json()["state"] for answer in answers} <= {"done", "checking"}
    assert client.get(upload["url"]).json()["state"] == "done"
    asset = MediaAsset.objects.get()
    assert stored() == {asset.key: CONTENT}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_queue")
def test_same_content_completed_at_once_by_many_is_one_file():
    VehicleFactory.create(slug="db5")
    clients = [uploader() for _ in range(6)]
    uploads = [announce(client, CONTENT, item="db5") for client in clients]
    for upload in uploads:
        assert send(upload, CONTENT) == 200

    answers = at_once(
        [
            partial(client.post, upload["links"]["complete"], {}, content_type="application/json")
            for client, upload in zip(clients, uploads, strict=True)
        ]
    )

    assert {answer.json()["state"] for answer in answers} <= {"done", "checking"}
    for upload in uploads:
        tasks.check_upload(upload["id"])  # those for which no place was free
    assert set(Upload.objects.values_list("state", flat=True)) == {"done"}
    asset = MediaAsset.objects.get()
    assert stored() == {asset.key: CONTENT}


def test_file_that_finds_no_place_is_left_to_the_worker(monkeypatch):
    monkeypatch.setattr(completing, "PLACE_SECONDS", 0)
    client = uploader()
    upload = announce(client, CONTENT)
    send(upload, CONTENT)

    with ExitStack() as taken:
        for _ in range(completing.PLACES):
            taken.enter_context(completing._places)
        assert complete(client, upload, status=202)["state"] == "checking"
    tasks.check_upload(upload["id"])

    assert client.get(upload["url"]).json()["state"] == "done"
    assert ProcrastinateJob.objects.filter(task_name="media_sync.tasks.check_upload").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_queue")
def test_same_file_announced_at_once_is_one_upload():
    client = uploader()
    body = announcement(CONTENT)

    answers = at_once([partial(client.post, UPLOADS, body, content_type="application/json")] * 20)

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert Upload.objects.count() == 1


# Amazon, as far as it shows without a call


@pytest.fixture
def amazon(settings):
    settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = ""


def signed_headers(url: str) -> list[str]:
    return parse_qs(urlsplit(url).query)["X-Amz-SignedHeaders"][0].split(";")


def test_addresses_at_amazon_hold_no_checksum_of_boto3(amazon):
    upload = Upload(key="quarantine/x.jpg", size=3, content_type="image/jpeg", sha256="0" * 64)

    url = presign.doors(upload).url

    assert signed_headers(url) == ["content-length", "content-type", "host", "x-amz-checksum-sha256"]
    assert "checksum-algorithm" not in url
    assert "crc32" not in url.lower()


def test_uploads_in_parts_at_amazon_announce_no_checksum_of_boto3(amazon):
    where = {"Bucket": "b", "Key": "k"}

    begun = storage.plain_client().generate_presigned_url("create_multipart_upload", where)
    part = storage.signer().generate_presigned_url("upload_part", where | {"UploadId": "u", "PartNumber": 1})

    assert (signed_headers(begun), signed_headers(part)) == (["host"], ["host"])
    assert "checksum" not in f"{begun}{part}".lower()
