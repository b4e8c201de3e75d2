"""How the contract's tests ask a server."""

from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from media_sync import storage

BODY = b"0123456789"


class Calls:
    """The calls to the test's bucket, made by the service's client for single calls."""

    def __init__(self, bucket: str) -> None:
        self.bucket, self.client = bucket, storage.client()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.client, name)
        return lambda **parameters: call(Bucket=self.bucket, **parameters)

    def put(self, key: str, body: bytes = BODY, **more: Any) -> str:
        """Put an object; return its etag."""
        return str(self.put_object(Key=key, Body=body, **more)["ETag"])

    def read(self, key: str, **more: Any) -> bytes:
        return bytes(self.get_object(Key=key, **more)["Body"].read())

    def listed(self, **more: Any) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, **more)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def begin(self, key: str = "film.mp4") -> dict[str, str]:
        """Begin an upload in parts; return what names it."""
        begun = self.create_multipart_upload(Key=key, ContentType="video/mp4")
        return {"Key": key, "UploadId": begun["UploadId"]}

    def part(self, begun: dict[str, str], number: int, body: bytes) -> dict[str, Any]:
        sent = self.upload_part(**begun, PartNumber=number, Body=body)
        return {"PartNumber": number, "ETag": sent["ETag"]}

    def signed(self, method: str, **parameters: Any) -> str:
        signing = {"Bucket": self.bucket, **parameters}
        return str(storage.signer().generate_presigned_url(method, Params=signing, ExpiresIn=60))


def refusal(call: Any, **parameters: Any) -> tuple[int, str]:
    """Return status and code of the error that the call is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def ask(
    method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    """Send a request as a browser does; return status, body and headers."""
    address = urlsplit(url)
    assert address.hostname
    with closing(HTTPConnection(address.hostname, address.port, timeout=30)) as connection:
        connection.request(method, f"{address.path}?{address.query}", body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
