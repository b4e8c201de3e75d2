"""Signed addresses: what they serve and take, and that they cannot be changed."""

import base64
import hashlib

import pytest

from media_sync import storage
from media_sync.tests.contract.calls import BODY, Calls, ask
from media_sync.tests.contract.gaps import GAPS

__all__ = ["GAPS"]  # which the servers' plugin looks for here
pytestmark = [pytest.mark.both_servers, pytest.mark.usefixtures("bucket")]


def test_signed_address_serves_with_the_headers_that_it_fixes(s3):
    s3.put("a.jpg", ContentType="text/html")
    told = {
        "ResponseContentType": "image/jpeg",
        "ResponseContentDisposition": "attachment",
        "ResponseCacheControl": "max-age=60",
    }

    status, content, headers = ask("GET", storage.signed_url("a.jpg", told))

    assert (status, content) == (200, BODY)
    assert [headers.get(name) for name in ("content-type", "content-disposition", "cache-control")] == list(
        told.values()
    )


def test_signed_address_reads_a_range(s3):
    s3.put("a.jpg")

    status, content, _ = ask("GET", storage.signed_url("a.jpg"), headers={"Range": "bytes=2-4"})

    assert (status, content) == (206, b"234")


def test_signed_address_of_no_object(s3):
    assert ask("GET", storage.signed_url("a.jpg"))[0] == 404


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("a.jpg", "b.jpg", id="another key"),
        pytest.param("image%2Fjpeg", "text%2Fhtml", id="another type"),
        pytest.param("X-Amz-Expires=900", "X-Amz-Expires=9000", id="a longer time"),
        pytest.param("X-Amz-Signature=", "X-Amz-Signature=0", id="another signature"),
    ],
)
def test_signed_address_cannot_be_changed(s3, old, new):
    s3.put("a.jpg")
    s3.put("b.jpg")
    url = storage.signed_url("a.jpg", {"ResponseContentType": "image/jpeg"})
    assert old in url

    assert ask("GET", url.replace(old, new))[0] == 403


def checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def door(s3: Calls) -> tuple[str, dict[str, str]]:
    """Return an address for BODY, and the headers that it asks for."""
    url = s3.signed(
        "put_object", Key="a.jpg", ContentLength=10, ContentType="image/jpeg", ChecksumSHA256=checksum(BODY)
    )
    return url, {"Content-Type": "image/jpeg", "x-amz-checksum-sha256": checksum(BODY)}


def test_door_takes_what_it_is_for(s3):
    url, headers = door(s3)

    status, _, _ = ask("PUT", url, BODY, headers)

    told = s3.head_object(Key="a.jpg")
    assert (status, s3.read("a.jpg"), told["ContentType"]) == (200, BODY, "image/jpeg")


@pytest.mark.parametrize(
    ("content", "changed"),
    [
        pytest.param(BODY + b"!", {}, id="longer"),
        pytest.param(BODY[1:], {}, id="shorter"),
        pytest.param(BODY, {"Content-Type": "text/html"}, id="another type"),
        pytest.param(BODY[::-1], {"x-amz-checksum-sha256": checksum(BODY[::-1])}, id="another checksum"),
        pytest.param(BODY, {"x-amz-checksum-sha256": None}, id="no checksum"),
        pytest.param(BODY, {"x-amz-acl": "public-read"}, id="an access rule"),
    ],
)
def test_door_is_closed_to_all_else(s3, content, changed):
    url, headers = door(s3)
    sent = {name: value for name, value in (headers | changed).items() if value is not None}

    status, _, _ = ask("PUT", url, content, sent)

    assert (status, s3.listed()) == (403, [])


def test_door_compares_the_bytes_with_the_checksum(s3):
    url, headers = door(s3)

    status, _, _ = ask("PUT", url, BODY[::-1], headers)

    assert (status, s3.listed()) == (400, [])


def test_door_answers_a_browsers_question(s3):
    s3.put_bucket_cors(
        CORSConfiguration={
            "CORSRules": [
                {
                    "AllowedMethods": ["PUT"],
                    "AllowedOrigins": ["https://catalogue.example"],
                    "AllowedHeaders": ["content-type", "x-amz-checksum-sha256"],
                }
            ]
        }
    )
    question = {
        "Origin": "https://catalogue.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,x-amz-checksum-sha256",
    }

    status, _, headers = ask("OPTIONS", door(s3)[0], headers=question)

    assert (status, headers.get("access-control-allow-origin")) == (200, "https://catalogue.example")
