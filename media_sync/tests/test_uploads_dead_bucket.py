"""A bucket that does not answer: uploads say so within seconds, nothing is lost, and all else goes on."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.tests.people import browser, holder
from catalog.models import ImportRun, MediaAsset
from catalog.tests.api_imports import importer
from catalog.tests.api_imports import upload as bring_spreadsheet
from catalog.tests.factories import MediaAssetFactory, VehicleFactory
from media_sync import hurry, storage
from media_sync.hurry import BYTES_A_SECOND, SECONDS
from media_sync.models import Upload
from media_sync.tests.fixtures import picture, put
from media_sync.tests.sending import UPLOADS, announce, announcement, complete, send, stored, uploader
from media_sync.tests.sick_bucket import SICKNESSES, sick_bucket
from media_sync.uploads import completing

pytestmark = [pytest.mark.usefixtures("bucket"), pytest.mark.django_db]
MOST_SECONDS = 6
IN_FLIGHT = 6 * 2**20  # bytes that the system takes of a file though nobody reads them
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
    answer = call()  # it comes although the bucket's never does
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.json()["detail"] == "Files cannot be taken just now; nothing is lost, try again later."


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


# A bucket that looks well when it is asked how it does


@pytest.fixture
def fall_sick(request, settings, monkeypatch) -> Iterator[Callable[[], None]]:
    """Let the bucket fall sick when called, as the parameter says, and be waited for for less long than people do."""
    with sick_bucket(SICKNESSES[request.param]) as bucket:

        def begin() -> None:
            settings.S3_ENDPOINT_URL = bucket.address
            monkeypatch.setattr(hurry, "SECONDS", 1)
            storage.probe_bucket()

        yield begin


sick = pytest.mark.parametrize("fall_sick", SICKNESSES, indirect=True)


def test_all_that_a_completion_waits_for_is_less_than_it_may_take():
    waited = SECONDS + IN_FLIGHT / BYTES_A_SECOND + completing.PLACE_SECONDS

    assert waited <= MOST_SECONDS


@sick
@pytest.mark.usefixtures("empty_queue")
@pytest.mark.django_db(transaction=True)
def test_completion_by_a_sick_bucket_is_unavailable_and_loses_nothing(fall_sick, settings, monkeypatch):
    client, address = uploader(), settings.S3_ENDPOINT_URL
    upload = announce(client, CONTENT)
    send(upload, CONTENT)
    fall_sick()

    assert_unavailable(lambda: client.post(upload["links"]["complete"], {}, content_type="application/json"))
    assert MediaAsset.objects.count() == 0

    monkeypatch.setattr(hurry, "SECONDS", 600)
    settings.S3_ENDPOINT_URL = address
    assert complete(client, upload)["state"] == "done"
    assert stored() == {MediaAsset.objects.get().key: CONTENT}


@sick
def test_content_for_a_sick_bucket_is_unavailable(fall_sick):
    client = uploader()
    upload = announce(client, CONTENT)
    fall_sick()

    assert_unavailable(lambda: client.put(upload["links"]["content"], CONTENT, content_type="image/jpeg"))


@pytest.mark.parametrize("fall_sick", ["says_nothing"], indirect=True)
def test_log_says_in_one_line_what_is_wrong_with_the_bucket(fall_sick, settings, caplog):
    client = uploader()
    upload = announce(client, CONTENT)
    fall_sick()

    client.put(upload["links"]["content"], CONTENT, content_type="image/jpeg")

    told = [(each.levelname, each.getMessage(), each.exc_info) for each in caplog.records]
    at = f"{settings.S3_ENDPOINT_URL} does not answer; check S3_ENDPOINT_URL."
    assert told == [
        ("WARNING", f"Bucket {settings.S3_BUCKET} cannot be reached: {at}", None),
        ("ERROR", f"Service Unavailable: /v1/media/uploads/{upload['id']}/content/", None),
    ]


@sick
def test_announcement_in_parts_to_a_sick_bucket_is_unavailable(fall_sick):
    client = uploader()
    body = announcement(CONTENT, size=2**30, type="video/mp4")
    fall_sick()

    assert_unavailable(lambda: client.post(UPLOADS, body, content_type="application/json"))


@sick
def test_dropped_file_in_a_sick_bucket_is_taken_later(fall_sick):
    client = browser(holder("media_sync.add_mediabatch", "catalog.add_mediaasset"))
    addresses = client.post("/admin/media_sync/mediabatch/add/", {"begin": "1"}).json()
    told = announcement(CONTENT, path="front.jpg")
    row = client.post(addresses["announce"], told).json()
    put(Upload.objects.get().key, body=CONTENT)
    fall_sick()

    answer = client.post(row["complete"])

    assert (answer.status_code, answer.json()["message"]) == (
        503, "Files cannot be taken just now; nothing is lost, try again later.",
    )  # fmt: skip
    assert MediaAsset.objects.count() == 0


@pytest.mark.parametrize("fall_sick", ["says_nothing", "drips_its_head"], indirect=True)
def test_spreadsheet_for_a_silent_bucket_is_unavailable(fall_sick):
    client = importer()
    fall_sick()

    answer = bring_spreadsheet(client)

    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.json()["detail"].startswith("The bucket cannot be reached: ")
    assert not ImportRun.objects.exists()
