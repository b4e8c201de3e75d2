"""Whether browsers may send files to the bucket's server themselves."""

import pytest
from django.conf import settings
from django.core.cache import cache

from media_sync.arrivals.preflight import may_send
from media_sync.arrivals.tests.network import send, server

ORIGIN = "https://catalogue.example"
YES = (
    f"Access-Control-Allow-Origin: {ORIGIN}",
    "Access-Control-Allow-Methods: GET, PUT",
    "Access-Control-Allow-Headers: Content-Type, X-Amz-Checksum-Sha256",
)


@pytest.fixture(autouse=True)
def _nothing_remembered():
    cache.clear()


@pytest.mark.parametrize(
    ("headers", "status", "expected"),
    [
        (YES, "200 OK", True),
        (YES, "204 No Content", True),
        (("Access-Control-Allow-Origin: *", YES[1], "Access-Control-Allow-Headers: *"), "200 OK", True),
        (YES, "403 Forbidden", False),
        ((), "200 OK", False),
        (YES[1:], "200 OK", False),
        ((YES[0], "Access-Control-Allow-Methods: GET", YES[2]), "200 OK", False),
        ((*YES[:2], "Access-Control-Allow-Headers: content-type"), "200 OK", False),
        (("Access-Control-Allow-Origin: https://other.example", *YES[1:]), "200 OK", False),
    ],
)
def test_answer_of_the_server_decides(headers, status, expected):
    with server(lambda connection, path: send(connection, b"", *headers, status=status)) as port:
        assert may_send(f"http://127.0.0.1:{port}/bucket/key", ORIGIN) is expected


def test_answer_is_remembered():
    asked = []

    def answer(connection, path):
        asked.append(path)
        send(connection, b"", *YES)

    with server(answer) as port:
        answers = [may_send(f"http://127.0.0.1:{port}/{key}", ORIGIN) for key in ("a", "b")]

    assert (answers, asked) == ([True, True], ["/a"])


def test_server_that_does_not_answer_means_no():
    assert may_send("http://127.0.0.1:9/bucket/key", ORIGIN) is False


def test_embedded_server_answers_no(bucket):
    assert may_send(f"{settings.S3_ENDPOINT_URL}/{bucket}/key", ORIGIN) is False
