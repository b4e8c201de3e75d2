"""The bucket's listing as a stream; the only caller of boto3's list."""

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from django.conf import settings

from media_sync import storage
from media_sync.errors import BROKEN_OFF, NO_S3, BucketUnavailable, sentence


class ObjectListed(NamedTuple):
    """One object. (etag, size, modified) tells a change; it is no checksum."""

    key: str
    etag: str
    size: int | str  # digits, or a number
    modified: str  # ISO 8601


Page = list[ObjectListed]

# One pass of a regular expression over a page costs a tenth of botocore's parser, which spends most of its
# time on dates. A page that it does not match whole (other order of elements, other escapes) is botocore's.
ENTRY = re.compile(
    r"<Contents>\s*<Key>([^<&]+)</Key>\s*"
    r"<LastModified>(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)</LastModified>\s*"
    r'<ETag>(?:&quot;|")?([^<&"]*)(?:&quot;|")?</ETag>.*?<Size>(\d{1,18})</Size>.*?</Contents>',
    re.DOTALL | re.ASCII,
)
URL_ENCODED = "<EncodingType>url</EncodingType>"  # without it keys may be escaped in other ways


def listing(prefix: str = "") -> Iterator[Page]:
    """Yield the objects under the prefix page by page, in whatever order the server lists them.

    Raises BucketUnavailable, also when the listing stops before its end: then what came is not all.
    """
    client = storage.patient_client()  # of our own: the hook below would empty others' listings
    taken: list[Page] = []
    client.meta.events.register("before-parse.s3.ListObjectsV2", _taker(taken))
    with storage.calls_to_bucket():
        page: Any = {}
        for page in client.get_paginator("list_objects_v2").paginate(
            Bucket=settings.S3_BUCKET, Prefix=prefix
        ):
            # Any page of a proxy's reads as the last of a listing, and all behind it would be taken for gone.
            if not page.get("Name"):
                raise BucketUnavailable(sentence(NO_S3))
            yield taken.pop() if taken else [_read(entry) for entry in page.get("Contents", ())]
    if page.get("IsTruncated"):
        raise BucketUnavailable(sentence(BROKEN_OFF))


def _read(entry: dict[str, Any]) -> ObjectListed:
    """Return one entry as botocore's own parser gives it."""
    return ObjectListed(
        entry["Key"], entry.get("ETag", "").strip('"'), entry["Size"], entry["LastModified"].isoformat()
    )


def _taker(taken: list[Page]) -> Callable[..., None]:
    """Return a hook that moves a page's entries from the response into `taken`.

    It runs once for every attempt at a page, so each call begins by forgetting the last.
    """

    def take(response_dict: dict[str, Any], **_: Any) -> None:
        taken.clear()
        text = _text(response_dict)
        entries = ENTRY.findall(text) if URL_ENCODED in text else []
        if entries and len(entries) == text.count("<Contents>"):
            taken.append(
                [ObjectListed(_key(key), etag, size, modified) for key, modified, etag, size in entries]
            )
            start, end = text.index("<Contents>"), text.rindex("</Contents>") + len("</Contents>")
            response_dict["body"] = (text[:start] + text[end:]).encode()

    return take


def _text(response: dict[str, Any]) -> str:
    """Return the body of a good response; an error's body and a broken one stay with botocore."""
    try:
        return str(response["body"].decode()) if response["status_code"] == HTTPStatus.OK else ""
    except UnicodeDecodeError:
        return ""


def _key(encoded: str) -> str:
    return unquote_plus(encoded) if "%" in encoded or "+" in encoded else encoded
