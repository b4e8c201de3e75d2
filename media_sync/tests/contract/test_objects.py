"""Putting and getting objects, and conditions on it."""

import base64
import hashlib

import pytest

from media_sync.tests.contract.calls import BODY, refusal
from media_sync.tests.contract.gaps import GAPS

__all__ = ["GAPS"]  # which the servers' plugin looks for here
pytestmark = [pytest.mark.both_servers, pytest.mark.usefixtures("bucket")]


def test_put_then_get(s3):
    s3.put("a.jpg", ContentType="image/jpeg")

    answer = s3.get_object(Key="a.jpg")

    assert (answer["Body"].read(), answer["ContentType"], answer["ContentLength"]) == (BODY, "image/jpeg", 10)


def test_put_of_nothing(s3):
    s3.put("a.jpg", b"")

    assert s3.read("a.jpg") == b""


def test_put_over_an_object(s3):
    s3.put("a.jpg", b"before")
    s3.put("a.jpg", b"after")

    assert (s3.read("a.jpg"), s3.listed()) == (b"after", ["a.jpg"])


def test_put_tells_the_md5_as_etag(s3):
    assert s3.put("a.jpg") == f'"{hashlib.md5(BODY, usedforsecurity=False).hexdigest()}"'


def test_put_keeps_the_headers_that_are_served(s3):
    told = {"CacheControl": "public, max-age=60, immutable", "ContentDisposition": "inline"}
    s3.put("a.jpg", **told)

    answer = s3.get_object(Key="a.jpg")

    assert {name: answer.get(name) for name in told} == told


def test_put_with_a_wrong_md5(s3):
    wrong = base64.b64encode(hashlib.md5(b"other", usedforsecurity=False).digest()).decode()

    assert refusal(s3.put_object, Key="a.jpg", Body=BODY, ContentMD5=wrong)[0] == 400
    assert s3.listed() == []


def test_put_with_a_wrong_sha256(s3):
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()

    assert refusal(s3.put_object, Key="a.jpg", Body=BODY, ChecksumSHA256=wrong)[0] == 400
    assert s3.listed() == []


def test_get_of_no_object(s3):
    assert refusal(s3.get_object, Key="a.jpg") == (404, "NoSuchKey")


def test_get_from_no_bucket(s3):
    s3.bucket += "x"

    assert refusal(s3.get_object, Key="a.jpg") == (404, "NoSuchBucket")


@pytest.mark.parametrize(
    ("asked", "content", "told"),
    [
        pytest.param("bytes=2-4", b"234", "bytes 2-4/10", id="from and to"),
        pytest.param("bytes=7-", b"789", "bytes 7-9/10", id="from"),
        pytest.param("bytes=-3", b"789", "bytes 7-9/10", id="last"),
        pytest.param("bytes=8-99", b"89", "bytes 8-9/10", id="beyond the end"),
    ],
)
def test_get_of_a_range(s3, asked, content, told):
    s3.put("a.jpg")

    answer = s3.get_object(Key="a.jpg", Range=asked)

    assert (answer["Body"].read(), answer["ContentRange"]) == (content, told)


def test_get_of_a_range_is_told_as_partial(s3):
    s3.put("a.jpg")

    answer = s3.get_object(Key="a.jpg", Range="bytes=2-4")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_get_of_a_range_behind_the_end(s3):
    s3.put("a.jpg")

    assert refusal(s3.get_object, Key="a.jpg", Range="bytes=10-") == (416, "InvalidRange")


def test_get_unless_it_is_this_one(s3):
    etag = s3.put("a.jpg")

    assert refusal(s3.get_object, Key="a.jpg", IfNoneMatch=etag)[0] == 304


def test_get_only_if_it_is_this_one(s3):
    s3.put("a.jpg")

    assert refusal(s3.get_object, Key="a.jpg", IfMatch='"another"') == (412, "PreconditionFailed")


def test_head_tells_what_a_listing_tells(s3):
    etag = s3.put("a.jpg")

    told = s3.head_object(Key="a.jpg")

    (listed,) = s3.list_objects_v2()["Contents"]
    # Some servers list etags without quotation marks.
    assert told["ETag"].strip('"') == listed["ETag"].strip('"') == etag.strip('"')
    assert told["ContentLength"] == listed["Size"] == 10
    assert abs((told["LastModified"] - listed["LastModified"]).total_seconds()) < 1


def test_head_of_no_object(s3):
    assert refusal(s3.head_object, Key="a.jpg") == (404, "404")


def test_put_only_if_there_is_none(s3):
    s3.put("a.jpg", b"first")

    refused = refusal(s3.put_object, Key="a.jpg", Body=b"second", IfNoneMatch="*")

    assert (refused, s3.read("a.jpg")) == ((412, "PreconditionFailed"), b"first")


def test_put_only_if_it_is_this_one(s3):
    s3.put("a.jpg", b"first")

    refused = refusal(s3.put_object, Key="a.jpg", Body=b"second", IfMatch='"another"')

    assert (refused, s3.read("a.jpg")) == ((412, "PreconditionFailed"), b"first")
