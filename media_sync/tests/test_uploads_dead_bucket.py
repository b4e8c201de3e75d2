"""A bucket that does not answer: uploads say so within seconds, nothing is lost, and all else goes on."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from catalog.models import MediaAsset
from catalog.tests.factories import MediaAssetFactory, VehicleFactory
from media_sync.models import Upload
from media_sync.tests.fixtures import picture
from media_sync.tests.sending import UPLOADS, announce, announcement, complete, send, uploader

pytestmark = [pytest.mark.usefixtures("bucket"), pytest.mark.django_db]
SECONDS = 6
CONTENT = picture()


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(params=["refuses", "is silent"])
def dead(request, settings, black_hole) -> Callable[[], None]:
    """Let the bucket die when called."""

    def die() -> None:
        settings.S3_ENDPOINT_URL = "http://127.0.0.1:9" if request.param == "refuses" else black_hole

    return die


def assert_unavailable(call: Callable[[], Any]) -> None:
    began = time.monotonic()
    answer = call()
    seconds = time.monotonic() - began
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.json()["detail"] == "Files cannot be taken just now; nothing is lost, try again later."
    assert seconds < SECONDS


def test_announcement_to_a_dead_bucket_is_unavailable_within_seconds(dead):
    client = uploader()
    dead()

    assert_unavailable(lambda: client.post(UPLOADS, announcement(CONTENT), content_type="application/json"))
    assert Upload.objects.count() == 0


def test_completion_waits_for_the_bucket_to_come_back(dead, settings):
    client, address = uploader(), settings.S3_ENDPOINT_URL
    upload = announce(client, CONTENT)
    send(upload, CONTENT)
    dead()

    assert_unavailable(lambda: client.post(upload["links"]["complete"], {}, content_type="application/json"))
    assert (Upload.objects.get().state, MediaAsset.objects.count()) == ("waiting", 0)

    settings.S3_ENDPOINT_URL = address
    assert complete(client, upload)["state"] == "done"


def test_content_for_a_dead_bucket_is_unavailable_within_seconds(dead):
    client = uploader()
    upload = announce(client, CONTENT)
    dead()

    assert_unavailable(lambda: client.put(upload["links"]["content"], CONTENT, content_type="image/jpeg"))


def test_catalogue_reads_on_without_its_bucket(dead, client):
    item = VehicleFactory.create(slug="db5", published=True)
    MediaAssetFactory.create(item=item)
    dead()

    statuses = [
        client.get(address).status_code
        for address in ("/v1/vehicles/", "/v1/vehicles/db5/", "/v1/media/", "/v1/items/?q=item")
    ]

    assert statuses == [200] * 4
