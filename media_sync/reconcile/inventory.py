"""The bucket's listing as a stream of pages; the only caller of boto3's list."""

import re
import threading
from collections.abc import Iterator
from http import HTTPStatus
from operator import lt
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus

from django.conf import settings

from media_sync import storage
from media_sync.errors import BROKEN_OFF, NO_S3, BucketUnavailable, sentence
from media_sync.keys import OWN_FOLDERS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ObjectListed(NamedTuple):
    """One object. (etag, size, modified) tells a change; it is no checksum."""

    key: str
    etag: str
    size: int | str  # digits, or a number
    modified: str  # ISO 8601
    storage_class: str = ""


Page = list[ObjectListed]

# One pass of a regular expression over a page costs a tenth of botocore's parser, which spends most of its
# time on dates. A page that it does not match whole (other order of elements, other escapes) is botocore's.
ENTRY = re.compile(
    r"<Contents>\s*<Key>([^<&]+)</Key>\s*"
    r"<LastModified>(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)</LastModified>\s*"
    r'<ETag>(?:&quot;|")?([^<&"]{0,100})(?:&quot;|")?</ETag>.*?<Size>(\d{1,18})</Size>\s*'
    r"(?:<StorageClass>(\w{1,40})</StorageClass>)?.*?</Contents>",
    re.DOTALL | re.ASCII,
)
URL_ENCODED = "<EncodingType>url</EncodingType>"  # without it keys may be escaped in other ways
# By this name it comes before botocore's own hook for all of S3, which parses each body whole to look for errors in it.
HOOK = "before-parse.*.ListObjectsV2"
LONGEST_ETAG = 100  # characters of MediaAsset.etag
# Behind every key that we make in one of our folders, so that a listing in order steps over the folder.
LAST_OF_OURS = "~"


class OutOfOrder(Exception):
    """The server does not list in the order of the keys' bytes."""


class Lister:
    """Lists the bucket; several threads may use one at once."""

    def __init__(self) -> None:
        self._slot = threading.local()  # what the hook took from the page that this thread asked for
        self._client: S3Client = storage.patient_client()  # of our own: the hook would empty others' listings
        self._client.meta.events.register(HOOK, self.take)

    def pages(self, prefix: str = "", *, after: str = "") -> Iterator[Page]:
        """Yield the objects under the prefix page by page, in whatever order the server lists them.

        With `after`, only those whose keys stand behind it, from servers that list in order. Raises
        BucketUnavailable, also when the listing stops before its end: then what came is not all.
        """
        request: dict[str, Any] = {"StartAfter": after} if after else {}
        while True:
            page, answer = self._page(prefix, request)
            yield page
            if not answer.get("IsTruncated"):
                return
            request = _continued(request, answer)

    def pages_in_order(self, prefix: str, *, after: str, upto: str = "") -> Iterator[Page]:
        """Yield the pages of the keys behind `after`, to `upto` (empty: to the end), without those of our own folders.

        Raises OutOfOrder when the server lists in another order, else as `pages`.
        """
        last = after
        while True:
            for page in self.pages(prefix, after=last):
                kept = _checked(page, last, upto)
                if kept:
                    last = kept[-1].key
                    yield kept
                if len(kept) < len(page):
                    return
                behind = _behind_own_folder(last, prefix)
                if behind:
                    last = behind
                    break
            else:
                return

    def folders(self, prefix: str) -> list[str]:
        """Return the first thousand folders directly under the prefix, with their slashes."""
        with storage.calls_to_bucket():
            answer = self._client.list_objects_v2(Bucket=settings.S3_BUCKET, Prefix=prefix, Delimiter="/")
        return [found["Prefix"] for found in answer.get("CommonPrefixes", ())]

    def _page(self, prefix: str, request: dict[str, Any]) -> tuple[Page, dict[str, Any]]:
        with storage.calls_to_bucket():
            answer: dict[str, Any] = self._client.list_objects_v2(
                Bucket=settings.S3_BUCKET, Prefix=prefix, **request
            )  # type: ignore[assignment]
        # Any page of a proxy's reads as the last of a listing, and all behind it would be taken for gone.
        if not answer.get("Name"):
            raise BucketUnavailable(sentence(NO_S3))
        taken: Page | None = self._slot.taken
        return ([_read(entry) for entry in answer.get("Contents", ())] if taken is None else taken), answer

    def take(self, response_dict: dict[str, Any], **_: Any) -> None:
        """Move a page's entries out of the response, before boto3 parses it.

        It runs once for every attempt at a page, so each call begins by forgetting the last.
        """
        self._slot.taken = None
        text = _text(response_dict)
        entries = ENTRY.findall(text) if URL_ENCODED in text else []
        if entries and len(entries) == text.count("<Contents>"):
            self._slot.taken = [
                ObjectListed(
                    _key(key) if "%" in key or "+" in key else key, etag, size, modified, storage_class
                )
                for key, modified, etag, size, storage_class in entries
            ]
            start, end = text.index("<Contents>"), text.rindex("</Contents>") + len("</Contents>")
            response_dict["body"] = (text[:start] + text[end:]).encode()


def listing(prefix: str = "") -> Iterator[Page]:
    """Yield the objects under the prefix page by page; as Lister.pages."""
    return Lister().pages(prefix)


def _continued(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return the request for the next page. A server that does not say where it is has broken off."""
    token = answer.get("NextContinuationToken")
    if not token or token == request.get("ContinuationToken"):
        raise BucketUnavailable(sentence(BROKEN_OFF))
    return {"ContinuationToken": token}


def _checked(page: Page, last: str, upto: str) -> Page:
    """Return the part of the page up to that key; raise OutOfOrder unless all stand in order, behind `last`."""
    keys = [last, *(found.key for found in page)]
    # Text compares by code points, which is the order of the bytes in UTF-8.
    if not all(map(lt, keys, keys[1:])):
        raise OutOfOrder
    if upto and keys[-1] > upto:
        return [found for found in page if found.key <= upto]
    return page


def _behind_own_folder(key: str, prefix: str) -> str:
    """Return where what we make in one of our folders ends, if the key stands before that and the folder is not what is listed."""
    for own in OWN_FOLDERS:
        if key.startswith(own) and key < own + LAST_OF_OURS and not prefix.startswith(own):
            return own + LAST_OF_OURS
    return ""


def _read(entry: dict[str, Any]) -> ObjectListed:
    """Return one entry as botocore's own parser gives it."""
    return ObjectListed(
        entry["Key"],
        entry.get("ETag", "").strip('"')[:LONGEST_ETAG],
        entry["Size"],
        entry["LastModified"].isoformat(),
        entry.get("StorageClass", ""),
    )


def _text(response: dict[str, Any]) -> str:
    """Return the body of a good response; an error's body and a broken one stay with botocore."""
    try:
        return str(response["body"].decode()) if response["status_code"] == HTTPStatus.OK else ""
    except UnicodeDecodeError:
        return ""


def _key(encoded: str) -> str:
    # Bytes that are no UTF-8 stay tellable from others: such a key is reported, not taken for another.
    return unquote_plus(encoded, errors="surrogateescape")
