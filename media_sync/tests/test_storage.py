"""The bucket as a file storage: addresses that browsers can read, and errors that say what to check."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from media_sync import storage
from media_sync.errors import BucketUnavailable
from media_sync.tests.fixtures import put

pytestmark = pytest.mark.both_servers
NO_SIGNATURES = "checks no signatures"
GAPS = {
    "moto": {
        "test_url_is_signed_for_this_object_only": NO_SIGNATURES,
        "test_url_fixes_the_content_type_that_is_served": NO_SIGNATURES,
        "test_check_with_a_wrong_secret": NO_SIGNATURES,
        "test_check_with_an_unknown_key": NO_SIGNATURES,
    }
}


class Page(BaseHTTPRequestHandler):
    """A web site that is no S3 server."""

    page = b"<html><body>Welcome</body></html>"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def web_site():
    with serving(Page) as address:
        yield address


class Busy(Page):
    """A server that is too busy for the first calls, and cuts the next one off."""

    calls = 0
    page = b"<ListBucketResult><Name>pictures</Name></ListBucketResult>"

    def do_GET(self) -> None:
        Busy.calls += 1
        if Busy.calls == 1:
            self.send_error(503)
        elif Busy.calls > 2:
            super().do_GET()


@pytest.fixture
def busy_server(monkeypatch):
    monkeypatch.setattr(Busy, "calls", 0)
    with serving(Busy) as address:
        yield address


@pytest.fixture
def closed_port():
    """An address of this machine where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def read(url: str) -> tuple[int, bytes, str]:
    try:
        with urlopen(url) as answer:
            return answer.status, answer.read(), answer.headers["Content-Type"]
    except HTTPError as error:
        with error:
            return error.code, b"", ""


@pytest.mark.parametrize(
    "key", ["1.jpg", "vehicles/a b+c%41.jpg", "vehicles/é😀.jpg", "e\u0301.jpg", "a&b=c?d#e.jpg", "x\t.jpg"]
)
def test_url_reads_the_object_without_keys(bucket, key):
    put(key, body=key.encode())

    status, content, _ = read(default_storage.url(key))

    assert (status, content) == (200, key.encode())


def test_url_is_signed_for_this_object_only(bucket):
    put("1.jpg", "2.jpg")

    status, _, _ = read(default_storage.url("1.jpg").replace("1.jpg", "2.jpg"))

    assert status == 403


def test_url_without_its_signature_reads_nothing(bucket):
    put("1.jpg")

    status, _, _ = read(default_storage.url("1.jpg").partition("?")[0])

    assert status in {400, 403}


def test_url_fixes_the_content_type_that_is_served(bucket):
    put("1.jpg", body=b"<script>", content_type="text/html")

    url = storage.signed_url("1.jpg", {"ResponseContentType": "image/jpeg"})

    assert read(url) == (200, b"<script>", "image/jpeg")
    assert read(url.replace("image%2Fjpeg", "text%2Fhtml"))[0] == 403


def test_url_points_to_the_public_address_and_makes_no_call(settings, closed_port):
    settings.S3_ENDPOINT_URL = closed_port
    settings.S3_PUBLIC_ENDPOINT_URL = "https://media.example.com"
    settings.S3_BUCKET = "pictures"

    url = urlsplit(default_storage.url("vehicles/x/../1.jpg"))

    assert (url.scheme, url.netloc, url.path) == (
        "https", "media.example.com", "/pictures/vehicles/x/../1.jpg",
    )  # fmt: skip
    assert "X-Amz-Signature=" in url.query
    assert f"X-Amz-Expires={storage.URL_SECONDS}" in url.query


def test_storage_saves_reads_and_deletes(bucket):
    name = default_storage.save("reports/1.txt", ContentFile(b"Hello"))

    with default_storage.open(name) as file:
        content = file.read()
    size = default_storage.size(name)
    default_storage.delete(name)

    assert (name, content, size, default_storage.exists(name)) == ("reports/1.txt", b"Hello", 5, False)


def test_storage_reads_a_file_in_one_stream(bucket):
    content = bytes(range(256)) * (20 * 4096)
    name = default_storage.save("imports/1.csv", ContentFile(content))
    asked = []
    reading = storage.BucketStorage()
    reading.connection.meta.client.meta.events.register(
        "before-call.s3.GetObject", lambda **_: asked.append(name)
    )

    with reading.open(name) as file:
        read_again = file.read()

    assert (read_again == content, asked) == (True, [name])


def test_storage_never_overwrites(bucket):
    first = default_storage.save("1.txt", ContentFile(b"first"))

    second = default_storage.save("1.txt", ContentFile(b"second"))

    assert first != second
    with default_storage.open(first) as file:
        assert file.read() == b"first"


def test_storage_follows_the_settings(bucket, settings):
    default_storage.save("1.txt", ContentFile(b""))

    settings.S3_BUCKET = "another"
    name = storage.BucketStorage().bucket_name
    settings.S3_BUCKET = bucket

    assert name == "another"
    assert default_storage.exists("1.txt")


def test_ensure_bucket_makes_it_once(bucket):
    put("1.jpg")

    storage.ensure_bucket()

    assert storage.client().list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def sentence_of_a_check() -> str:
    with pytest.raises(BucketUnavailable) as caught:
        storage.check_bucket()
    return str(caught.value)


def test_check_of_a_usable_bucket_is_silent(bucket):
    storage.check_bucket()


def test_check_of_a_missing_bucket(settings):
    settings.S3_BUCKET = "nobody-made-this"

    assert sentence_of_a_check() == (
        f"Bucket nobody-made-this does not exist at {settings.S3_ENDPOINT_URL}: make it, or set S3_BUCKET."
    )


def test_check_of_an_impossible_name(settings):
    settings.S3_BUCKET = "no {such} bucket!"

    assert sentence_of_a_check() == "no {such} bucket! is no name of a bucket: set S3_BUCKET."


def test_check_with_a_wrong_secret(bucket, settings):
    settings.AWS_SECRET_ACCESS_KEY = "not-the-secret-of-this-server"

    assert sentence_of_a_check() == (
        f"{settings.S3_ENDPOINT_URL} refuses the secret key for bucket {bucket}: set AWS_SECRET_ACCESS_KEY."
    )


def test_check_with_an_unknown_key(bucket, settings):
    settings.AWS_ACCESS_KEY_ID = "AKIDOFSOMEBODYELSE01"

    assert sentence_of_a_check() == (
        f"{settings.S3_ENDPOINT_URL} does not know the access key for bucket {bucket}: set AWS_ACCESS_KEY_ID."
    )


def test_check_where_nobody_listens(settings, closed_port):
    settings.S3_ENDPOINT_URL, settings.S3_BUCKET = closed_port, "pictures"

    assert sentence_of_a_check() == (
        f"Bucket pictures cannot be reached: {closed_port} does not answer; check S3_ENDPOINT_URL."
    )


def test_check_of_a_web_site(settings, web_site):
    settings.S3_ENDPOINT_URL, settings.S3_BUCKET = web_site, "pictures"

    assert sentence_of_a_check() == (
        f"Bucket pictures cannot be read: what answers at {web_site} is no S3 server; check S3_ENDPOINT_URL."
    )


def test_check_of_a_busy_server_tries_again(settings, busy_server):
    settings.S3_ENDPOINT_URL, settings.S3_BUCKET = busy_server, "pictures"

    storage.check_bucket()

    assert Busy.calls == 3


def test_probe_of_a_busy_server_tries_once(settings, busy_server):
    settings.S3_ENDPOINT_URL, settings.S3_BUCKET = busy_server, "pictures"

    with pytest.raises(BucketUnavailable):
        storage.probe_bucket()

    assert Busy.calls == 1


def test_check_without_keys(settings, monkeypatch, closed_port):
    settings.AWS_ACCESS_KEY_ID = settings.AWS_SECRET_ACCESS_KEY = ""
    settings.S3_BUCKET, settings.S3_ENDPOINT_URL = "pictures", closed_port
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    assert sentence_of_a_check() == (
        "Bucket pictures needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    )
