"""The listing agrees with boto3's own, on a real server and on answers that other servers give."""

from datetime import datetime

import pytest
from django.conf import settings

from media_sync import storage
from media_sync.errors import BucketUnavailable
from media_sync.reconcile import inventory
from media_sync.reconcile.inventory import Lister, listing
from media_sync.tests.fixtures import put
from media_sync.tests.servers import storable

pytestmark = pytest.mark.both_servers

ODD_KEYS = [
    "a b+c%41.jpg", "%2e%2e.jpg", "vehicles/x/é.jpg", "vehicles/x/e\u0301.jpg", "😀.jpg", "a&b<c>'\".jpg",
    "tab\t.jpg", "line\n.jpg", "return\r.jpg", "bell\x07.jpg", "back\\slash.jpg", "nul\0.jpg", "x" * 200,
    "Case.jpg", "case.JPG", "~", "trailing ",
]  # fmt: skip


def rows(prefix: str = "") -> list[tuple[str, str, int]]:
    return [(found.key, found.etag, int(found.size)) for page in listing(prefix) for found in page]


def stock_rows() -> list[tuple[str, str, int]]:
    pages = storage.client().get_paginator("list_objects_v2").paginate(Bucket=settings.S3_BUCKET)
    return [
        (found["Key"], found["ETag"].strip('"'), found["Size"])
        for page in pages
        for found in page.get("Contents", [])
    ]


def test_listing_equals_boto3s_own_for_odd_keys(bucket, s3_server):
    keys = storable(ODD_KEYS, s3_server)
    put(*keys)

    listed = rows()

    assert sorted(listed) == sorted(stock_rows())
    assert {key for key, _, _ in listed} == set(keys)


def test_listing_is_the_same_when_boto3_parses_it(bucket, s3_server, monkeypatch):
    put(*storable(ODD_KEYS, s3_server))
    fast = [found for page in listing() for found in page]

    monkeypatch.setattr(inventory, "URL_ENCODED", "no page holds this")
    slow = [found for page in listing() for found in page]

    assert [(f.key, f.etag, int(f.size), datetime.fromisoformat(f.modified)) for f in fast] == [
        (s.key, s.etag, s.size, datetime.fromisoformat(s.modified)) for s in slow
    ]


def test_listing_reads_all_pages(bucket, monkeypatch):
    put(*(f"{number}.jpg" for number in range(7)))
    patient_client = storage.patient_client

    def client_of_small_pages():
        client = patient_client()
        client.meta.events.register(
            "provide-client-params.s3.ListObjectsV2", lambda params, **_: params | {"MaxKeys": 3}
        )
        return client

    monkeypatch.setattr(storage, "patient_client", client_of_small_pages)
    pages = [len(page) for page in listing()]

    assert pages == [3, 3, 1]


def test_listing_narrows_to_the_prefix(bucket):
    put("vehicles/a/1.jpg", "vehicles/b/1.jpg", "tools/a/1.jpg")

    assert [key for key, *_ in rows("vehicles/a")] == ["vehicles/a/1.jpg"]


def test_listing_of_an_empty_bucket_is_empty(bucket):
    assert rows() == []


def test_listing_leaves_the_shared_client_alone(bucket):
    put("1.jpg")
    rows()

    assert [key for key, _, _ in stock_rows()] == ["1.jpg"]


def test_listing_of_a_missing_bucket_says_so(settings):
    settings.S3_BUCKET = "nobody-made-this"

    with pytest.raises(BucketUnavailable) as caught:
        rows()

    assert str(caught.value) == (
        f"Bucket nobody-made-this does not exist at {settings.S3_ENDPOINT_URL}: make it, or set S3_BUCKET."
    )


def test_listing_that_breaks_off_is_refused(bucket, monkeypatch):
    """A server that says there is more, but not where, must not look like one that has told all."""
    put("1.jpg")
    patient_client = storage.patient_client

    def client_of_a_forgetful_server():
        client = patient_client()
        client.meta.events.register("after-call.s3.ListObjectsV2", forget)
        return client

    def forget(parsed, **_):
        parsed["IsTruncated"] = True

    monkeypatch.setattr(storage, "patient_client", client_of_a_forgetful_server)

    with pytest.raises(BucketUnavailable, match="broke off before its end"):
        rows()


def test_listing_whose_second_page_is_a_proxys_is_refused(bucket, monkeypatch):
    put("1.jpg", "2.jpg", "3.jpg")
    patient_client = storage.patient_client
    bodies = [None, b"<html><body>Sign in to the network</body></html>"]

    def client_behind_a_proxy():
        client = patient_client()
        client.meta.events.register(
            "provide-client-params.s3.ListObjectsV2", lambda params, **_: params | {"MaxKeys": 2}
        )
        client.meta.events.register("before-parse.s3.ListObjectsV2", replace_body)
        return client

    def replace_body(response_dict, **_):
        response_dict["body"] = bodies.pop(0) or response_dict["body"]

    monkeypatch.setattr(storage, "patient_client", client_behind_a_proxy)

    with pytest.raises(BucketUnavailable, match=r"what answers at .* is no S3 server"):
        rows()


AWS_ENTRY = (
    "<Contents><Key>{key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
    "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e-3&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
    "<ChecksumType>FULL_OBJECT</ChecksumType><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult><Name>b</Name><EncodingType>url</EncodingType>'
)
TAIL = "<KeyCount>2</KeyCount></ListBucketResult>"


def taken_from(body: str | bytes, status: int = 200):
    response = {"status_code": status, "body": body if isinstance(body, bytes) else body.encode()}
    lister = Lister()
    lister.take(response_dict=response)
    return lister._slot.taken, response["body"]


def test_hook_takes_the_entries_out_of_amazons_answer():
    entries = AWS_ENTRY.format(key="a%2Fb+c.jpg", size=5) + AWS_ENTRY.format(key="d.jpg", size=0)

    taken, rest = taken_from(HEAD + entries + TAIL)

    etag, modified = "d41d8cd98f00b204e9800998ecf8427e-3", "2026-01-02T03:04:05.000Z"
    assert taken == [
        ("a/b c.jpg", etag, "5", modified, "STANDARD"),
        ("d.jpg", etag, "0", modified, "STANDARD"),
    ]
    assert rest == (HEAD + TAIL).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(HEAD + TAIL, 200, id="empty page"),
        pytest.param(HEAD.replace("url", "") + AWS_ENTRY + TAIL, 200, id="keys not url-encoded"),
        pytest.param(HEAD + AWS_ENTRY.format(key="a&amp;b", size=1) + TAIL, 200, id="escape of XML"),
        pytest.param(HEAD + "<Contents><Size>1</Size><Key>a</Key></Contents>" + TAIL, 200, id="other order"),
        pytest.param(
            HEAD + "<Contents><Key>a</Key></Contents>" + AWS_ENTRY.format(key="b", size=1) + TAIL,
            200,
            id="an entry without size",
        ),
        pytest.param(HEAD + AWS_ENTRY.format(key="b", size=1)[:-20], 200, id="cut short"),
        pytest.param("<Error><Code>SlowDown</Code></Error>", 503, id="error"),
        pytest.param(b"\xff\xfe", 200, id="not UTF-8"),
    ],
)
def test_hook_leaves_to_boto3_what_it_does_not_know(body, status):
    taken, rest = taken_from(body, status)

    assert taken is None
    assert rest == (body if isinstance(body, bytes) else body.encode())


def test_hook_comes_before_all_that_parse_the_answer(bucket):
    put("1.jpg")
    seen = []
    lister = Lister()
    lister._client.meta.events.register_first(
        "before-parse.s3.*", lambda response_dict, **_: seen.append(response_dict["body"])
    )

    pages = list(lister.pages())

    assert [found.key for page in pages for found in page] == ["1.jpg"]
    assert b"<Contents>" not in seen[0]
