"""Uploads in parts."""

from datetime import UTC, datetime

import pytest

from media_sync.tests.contract.calls import ask, refusal
from media_sync.tests.contract.gaps import GAPS

__all__ = ["GAPS"]  # which the servers' plugin looks for here
pytestmark = [pytest.mark.both_servers, pytest.mark.usefixtures("bucket")]
PART = 5 * 1024 * 1024  # the least that S3 takes for all parts but the last


def test_parts_make_one_object(s3):
    begun = s3.begin()
    parts = [s3.part(begun, 1, b"a" * PART), s3.part(begun, 2, b"b")]

    s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts})

    told = s3.head_object(Key="film.mp4")
    assert (told["ContentLength"], told["ContentType"]) == (PART + 1, "video/mp4")
    assert s3.read("film.mp4") == b"a" * PART + b"b"


def test_parts_make_an_etag_of_their_number(s3):
    begun = s3.begin()
    parts = [s3.part(begun, 1, b"a" * PART), s3.part(begun, 2, b"b")]

    s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts})

    assert s3.head_object(Key="film.mp4")["ETag"].endswith('-2"')


def test_parts_are_no_object_before_they_are_joined(s3):
    s3.part(s3.begin(), 1, b"a")

    assert (refusal(s3.head_object, Key="film.mp4")[0], s3.listed()) == (404, [])


def test_parts_are_listed(s3):
    begun = s3.begin()
    etags = [s3.part(begun, number, b"a" * number)["ETag"] for number in (1, 2, 3)]

    listed = s3.list_parts(**begun)["Parts"]

    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in listed] == [
        (number, number, etag) for number, etag in enumerate(etags, 1)
    ]


def test_parts_are_taken_up_again_by_another(s3):
    begun = s3.begin()
    s3.part(begun, 1, b"a" * PART)
    (first,) = s3.list_parts(**begun)["Parts"]

    second = s3.part(begun, 2, b"b")
    parts = [{"PartNumber": 1, "ETag": first["ETag"]}, second]
    s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts})

    assert s3.head_object(Key="film.mp4")["ContentLength"] == PART + 1


def test_parts_sent_again_count_once(s3):
    begun = s3.begin()
    s3.part(begun, 1, b"a")

    again = s3.part(begun, 1, b"a")
    s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": [again]})

    assert s3.read("film.mp4") == b"a"


def test_parts_sent_again_with_other_bytes(s3):
    begun = s3.begin()
    s3.part(begun, 1, b"before")

    again = s3.part(begun, 1, b"after")
    s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": [again]})

    assert s3.read("film.mp4") == b"after"


def test_parts_are_sent_to_a_signed_address(s3):
    begun = s3.begin()

    status, _, headers = ask("PUT", s3.signed("upload_part", **begun, PartNumber=1, ContentLength=1), b"a")
    parts = [{"PartNumber": 1, "ETag": headers["etag"]}]
    s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts})

    assert (status, s3.read("film.mp4")) == (200, b"a")


def test_parts_are_not_joined_without_one_of_them(s3):
    begun = s3.begin()
    first = s3.part(begun, 1, b"a" * PART)
    parts = [first, {"PartNumber": 2, "ETag": first["ETag"]}]

    refused = refusal(s3.complete_multipart_upload, **begun, MultipartUpload={"Parts": parts})

    assert (refused, s3.listed()) == ((400, "InvalidPart"), [])


def test_parts_that_are_too_small_are_not_joined(s3):
    begun = s3.begin()
    parts = [s3.part(begun, 1, b"a"), s3.part(begun, 2, b"b")]

    refused = refusal(s3.complete_multipart_upload, **begun, MultipartUpload={"Parts": parts})

    assert refused == (400, "EntityTooSmall")


def test_parts_that_are_begun_are_listed(s3):
    begun = s3.begin("quarantine/1.mp4")
    s3.begin("quarantine/2.mp4")

    found = s3.list_multipart_uploads(Prefix="quarantine/1")["Uploads"]

    assert [(each["Key"], each["UploadId"]) for each in found] == [("quarantine/1.mp4", begun["UploadId"])]


def test_parts_that_are_begun_tell_when(s3):
    s3.begin()

    (found,) = s3.list_multipart_uploads()["Uploads"]

    assert abs((found["Initiated"] - datetime.now(UTC)).total_seconds()) < 3600


def test_parts_that_are_given_up_are_gone(s3):
    begun = s3.begin()
    s3.part(begun, 1, b"a")

    s3.abort_multipart_upload(**begun)

    assert (refusal(s3.list_parts, **begun)[0], s3.listed()) == (404, [])


def test_parts_of_no_upload(s3):
    nowhere = {"Key": "film.mp4", "UploadId": "no-such-upload"}

    assert refusal(s3.upload_part, **nowhere, PartNumber=1, Body=b"a") == (404, "NoSuchUpload")
