"""A client that announces files and sends them to the addresses that it is given."""

import hashlib
from contextlib import closing, suppress
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from accounts.tests.people import api, holder
from media_sync import storage
from media_sync.tests.fixtures import picture

UPLOADS = "/v1/media/uploads/"


def uploader(*more: str) -> Client:
    """Return a client that may bring files, to vehicles too."""
    rights = {"catalog.add_mediaasset", "catalog.change_vehicle", "catalog.view_mediaasset", *more}
    return api(holder(*rights))


def stored(prefix: str = "") -> dict[str, bytes]:
    """Return what lies in the bucket, by key."""
    bucket = storage.client()
    page = bucket.list_objects_v2(Bucket=settings.S3_BUCKET, Prefix=prefix)
    return {
        each["Key"]: bucket.get_object(Bucket=settings.S3_BUCKET, Key=each["Key"])["Body"].read()
        for each in page.get("Contents", [])
    }


def announcement(content: bytes, **more: Any) -> dict[str, Any]:
    return {
        "name": "front.jpg",
        "size": len(content),
        "type": "image/jpeg",
        "sha256": hashlib.sha256(content).hexdigest(),
    } | more


def announce(client: Client, content: bytes, *, status: int = 201, **more: Any) -> dict[str, Any]:
    """Announce the file; return what was answered."""
    answer = client.post(UPLOADS, announcement(content, **more), content_type="application/json")
    assert answer.status_code == status, answer.content
    return dict(answer.json())


def send(upload: dict[str, Any], content: bytes) -> int:
    """Send the file as a client should, in one piece or in the parts that are missing; return the last status."""
    doors, status = upload["send"], 0
    if doors["url"]:
        return put(doors["url"], content, doors["headers"])
    for part in doors["parts"]:
        status = put(part["url"], content[part["offset"] : part["offset"] + part["size"]])
        assert status == 200, part
    return status


def put(
    url: str,
    content: bytes | None,
    headers: dict[str, str] | None = None,
    *,
    method: str = "PUT",
    path: str = "",
) -> int:
    """Send a request to the bucket, as anybody can who has the address; return the status."""
    address = urlsplit(url)
    assert address.hostname
    bucket = HTTPConnection(address.hostname, address.port, timeout=30)
    with closing(bucket):
        with suppress(BrokenPipeError):  # it refuses before it has read everything
            bucket.request(method, f"{path or address.path}?{address.query}", content, headers or {})
        return bucket.getresponse().status


def complete(client: Client, upload: dict[str, Any], *, status: int = 200) -> dict[str, Any]:
    answer = client.post(upload["links"]["complete"], {}, content_type="application/json")
    assert answer.status_code == status, answer.content
    return dict(answer.json())


def uploaded(client: Client, content: bytes | None = None, **more: Any) -> dict[str, Any]:
    """Announce, send and complete; return the upload as it ended."""
    body = picture() if content is None else content
    upload = announce(client, body, **more)
    assert send(upload, body) == 200
    return complete(client, upload)
