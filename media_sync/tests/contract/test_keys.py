"""Keys that people and programs choose, copying and deleting."""

import json
from typing import Any

import pytest

from media_sync import storage
from media_sync.tests.contract.calls import BODY, ask, refusal
from media_sync.tests.contract.gaps import GAPS
from media_sync.tests.servers import MOTO

__all__ = ["GAPS"]  # which the servers' plugin looks for here
pytestmark = [pytest.mark.both_servers, pytest.mark.usefixtures("bucket")]
ODD_KEYS = {
    "blanks": " a  b .jpg ",
    "plus and per cent": "a+b%20c%2Fd%.jpg",
    "marks of addresses": "a&b=c?d#e;f@g:h.jpg",
    "marks of XML": "<a>&amp;'\"]]>.jpg",
    "composed accent": "vehicles/\u00e9.jpg",
    "combining accent": "vehicles/e\u0301.jpg",
    "emoji": "\U0001f3ce\ufe0f.jpg",
    "right to left": "\u202ecba.gpj",
    "line break": "a\nb.jpg",
    "carriage return": "a\rb.jpg",
    "tab": "a\tb.jpg",
    "bell": "a\x07b.jpg",
    "written escape of NUL": "a%00b\\0.jpg",
    "backslash": "a\\b.jpg",
    "1,024 bytes": "/".join(["d" * 204] * 5),
    "non-characters": "a\ufffeb.jpg",
    "two slashes": "vehicles//a.jpg",
    "slash at the end": "vehicles/folder/",
    "slash at the beginning": "/a.jpg",
    "two dots": "vehicles/../a.jpg",
    "one dot": "vehicles/./a.jpg",
    "only dots": "...",
}


@pytest.mark.parametrize("key", ODD_KEYS.values(), ids=ODD_KEYS)
def test_odd_key_is_put_read_listed_and_told(s3, key):
    s3.put(key)

    assert (s3.read(key), s3.listed(), s3.head_object(Key=key)["ContentLength"]) == (BODY, [key], 10)


@pytest.mark.parametrize("key", ODD_KEYS.values(), ids=ODD_KEYS)
def test_odd_key_is_read_by_a_signed_address(s3, key):
    s3.put(key)

    status, content, _ = ask("GET", storage.signed_url(key))

    assert (status, content) == (200, BODY)


@pytest.mark.parametrize("key", ODD_KEYS.values(), ids=ODD_KEYS)
def test_odd_key_is_deleted_among_many(s3, key):
    s3.put(key)

    failed = storage.delete_many(["b.jpg", key])

    assert (failed, s3.listed()) == ({}, [])


def test_keys_that_differ_in_letter_case_or_normal_form_only_are_two(s3):
    keys = ["A.jpg", "a.jpg", "e\u0301.jpg", "\u00e9.jpg"]
    for key in keys:
        s3.put(key, key.encode())

    assert {key: s3.read(key).decode() for key in s3.listed()} == {key: key for key in keys}


@pytest.mark.parametrize("key", ["a.jpg", "vehicles/\u00e9 +%.jpg"], ids=["plain", "odd"])
def test_copy(s3, key):
    etag = s3.put(key, ContentType="image/jpeg")

    s3.copy_object(Key="copy.jpg", CopySource={"Bucket": s3.bucket, "Key": key})

    told = s3.head_object(Key="copy.jpg")
    assert (s3.read("copy.jpg"), told["ETag"], told["ContentType"]) == (BODY, etag, "image/jpeg")


def test_copy_of_no_object(s3):
    source = {"Bucket": s3.bucket, "Key": "a.jpg"}

    assert refusal(s3.copy_object, Key="copy.jpg", CopySource=source) == (404, "NoSuchKey")


def test_copy_only_if_it_is_this_one(s3):
    s3.put("a.jpg")
    source = {"Bucket": s3.bucket, "Key": "a.jpg"}

    refused = refusal(s3.copy_object, Key="copy.jpg", CopySource=source, CopySourceIfMatch='"another"')

    assert refused == (412, "PreconditionFailed")


def test_delete(s3):
    s3.put("a.jpg")
    s3.put("b.jpg")

    s3.delete_object(Key="a.jpg")

    assert s3.listed() == ["b.jpg"]


def test_delete_of_no_object(s3):
    assert s3.delete_object(Key="a.jpg")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_delete_of_a_thousand(s3):
    keys = [f"{n:04}" for n in range(1000)]
    for key in keys[::50]:
        s3.put(key)

    answer = s3.delete_objects(Delete={"Objects": [{"Key": key} for key in keys], "Quiet": False})

    assert (len(answer["Deleted"]), answer.get("Errors", []), s3.listed()) == (1000, [], [])


def test_delete_of_too_many(s3):
    too_many = [{"Key": str(n)} for n in range(1001)]

    assert refusal(s3.delete_objects, Delete={"Objects": too_many}) == (400, "MalformedXML")


def test_delete_of_many_tells_which_failed(s3, s3_server):
    locked = "locked//a.jpg"  # of which rclone says that it cannot be
    if s3_server == MOTO:
        s3.put_bucket_policy(Policy=json.dumps(_nobody_deletes(s3.bucket, locked)))
    s3.put("a.jpg")

    failed = storage.delete_many(["a.jpg", locked, "b.jpg"])

    assert (list(failed), s3.listed()) == ([locked], [])


def _nobody_deletes(bucket: str, key: str) -> dict[str, Any]:
    """Return a policy that lets nobody delete the object."""
    rule = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject"}
    return {
        "Version": "2012-10-17",
        "Statement": [rule | {"Resource": f"arn:aws:s3:::{bucket}/{key}"}],
    }
