"""What the page calls on which files are dropped: each file is announced, sent, and completed; or brought by a form."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from accounts.models import User
from media_sync.arrivals import dropping, preflight
from media_sync.arrivals.dropping import Announced
from media_sync.errors import BucketUnavailable
from media_sync.hurry import hurried
from media_sync.models import MediaBatch, MediaBatchFile, Upload
from media_sync.pictures.errors import ReaderUnavailable
from media_sync.uploads import presign, receiving, tickets
from media_sync.uploads.errors import NotArrived, UploadRefused

logger = logging.getLogger(__name__)
LARGEST_NUMBER = 18  # digits
HEX = frozenset("0123456789abcdef")
SHA256_DIGITS = 64
OTHERS = "This is somebody else's import."
LATER = "Files cannot be taken just now; nothing is lost, try again later."


class Refused(Exception):
    """A request cannot be answered; the sentence goes to the person."""

    def __init__(self, sentence: str, status: HTTPStatus) -> None:
        super().__init__(sentence)
        self.status = status


def addresses(batch: MediaBatch) -> dict[str, str]:
    """Return where the page goes on with this batch."""
    names = ("announce", "send", "finish", "change")
    return {name: reverse(f"admin:media_sync_mediabatch_{name}", args=[batch.pk]) for name in names}


def announce(request: HttpRequest, batch: MediaBatch) -> HttpResponse:
    """Take note of a file; answer where it is sent to, or how it ended already."""
    with _answered() as answer:
        _own(request, batch)
        row, upload = dropping.announce(batch, _announced(request), by=cast(User, request.user))
        doors = _doors(request, row, upload) if upload else []
        answer.update(_row_json(row), send=doors)
    return _told(answer)


def content(request: HttpRequest, batch: MediaBatch, file: int) -> HttpResponse:
    """Take the bytes of a file, or of a part of it, on their way to the bucket."""
    with _answered() as answer:
        _own(request, batch)
        upload = _upload(request, _file(batch, file))
        part = _number(request.GET["part"]) if "part" in request.GET else None
        length = _number(request.headers.get("content-length") or "0")
        receiving.receive(upload, request, length=length, part=part)
    return _told(answer)


def complete(request: HttpRequest, batch: MediaBatch, file: int) -> HttpResponse:
    """Have a file checked that was sent."""
    with _answered() as answer:
        _own(request, batch)
        row = _file(batch, file)
        upload = _upload(request, row)
        if not tickets.may_give(cast(User, request.user), upload.item):
            raise PermissionDenied
        dropping.complete(row, upload)
        answer.update(_row_json(row))
    return _told(answer)


def finish(request: HttpRequest, batch: MediaBatch) -> HttpResponse:
    """Close the batch: no more files come."""
    with _answered() as answer:
        _own(request, batch)
        dropping.finish(batch)
    return _told(answer)


def send(request: HttpRequest, batch: MediaBatch) -> HttpResponse:
    """Take files that a plain form brings, and show the batch."""
    if request.method != "POST":
        return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED)
    here = HttpResponseRedirect(reverse("admin:media_sync_mediabatch_change", args=[batch.pk]))
    if batch.owner_id != request.user.pk:
        messages.error(request, OTHERS)
        return here
    try:
        for file in request.FILES.getlist("files"):
            with hurried():
                dropping.receive_whole(batch, file.name or "file", file, by=cast(User, request.user))
    except (BucketUnavailable, ReaderUnavailable) as error:
        logger.warning("%s", error)
        messages.error(request, LATER)
    dropping.finish(batch)
    return here


@contextmanager
def _answered() -> Iterator[dict[str, Any]]:
    """Give the answer to be filled; what is refused becomes its `message` and `status`."""
    answer: dict[str, Any] = {}
    try:
        with hurried():
            yield answer
    except Refused as refusal:
        answer.update(message=str(refusal), status=refusal.status)
    except (UploadRefused, NotArrived) as refusal:
        answer.update(message=str(refusal), status=HTTPStatus.CONFLICT)
    except (BucketUnavailable, ReaderUnavailable) as error:
        logger.warning("%s", error)
        answer.update(message=LATER, status=HTTPStatus.SERVICE_UNAVAILABLE)


def _told(answer: dict[str, Any]) -> HttpResponse:
    return JsonResponse(answer, status=answer.pop("status", HTTPStatus.OK))


def _own(request: HttpRequest, batch: MediaBatch) -> None:
    """Refuse what is no form, and batches of others."""
    if request.method not in ("POST", "PUT"):
        raise Refused("This address takes files only.", HTTPStatus.METHOD_NOT_ALLOWED)
    if batch.owner_id != request.user.pk:
        raise Refused(OTHERS, HTTPStatus.CONFLICT)


def _announced(request: HttpRequest) -> Announced:
    sha256, path = request.POST.get("sha256", ""), request.POST.get("path", "")
    if len(sha256) != SHA256_DIGITS or not HEX.issuperset(sha256) or not path:
        raise Refused("A file is announced with path, size, type and sha256.", HTTPStatus.BAD_REQUEST)
    size = _number(request.POST.get("size", ""))
    return Announced(path, size, request.POST.get("type", "").lower()[:100], sha256)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= LARGEST_NUMBER):
        raise Refused("A number is missing.", HTTPStatus.BAD_REQUEST)
    return int(text)


def _file(batch: MediaBatch, pk: int) -> MediaBatchFile:
    row = batch.files.select_related("item").filter(pk=pk).first()
    if row is None:
        raise Refused("There is no such file in this import.", HTTPStatus.NOT_FOUND)
    return row


def _upload(request: HttpRequest, row: MediaBatchFile) -> Upload:
    upload = dropping.upload_of(row, cast(User, request.user))
    if upload is None:
        raise Refused("This file was not announced.", HTTPStatus.CONFLICT)
    return upload


def _doors(request: HttpRequest, row: MediaBatchFile, upload: Upload) -> list[dict[str, Any]]:
    """Return where the file, or its missing parts, are sent: to the bucket if browsers may, else to this service."""
    doors = presign.doors(upload)
    first = doors.url or (doors.parts[0].url if doors.parts else "")
    origin = f"{request.scheme}://{request.get_host()}"
    is_direct = bool(first) and preflight.may_send(first, origin)
    here = reverse("admin:media_sync_mediabatch_content", args=[row.batch_id, row.pk])
    if doors.url:
        url = doors.url if is_direct else here
        headers = doors.headers if is_direct else {"Content-Type": "application/octet-stream"}
        return [{"url": url, "headers": headers, "offset": 0, "size": upload.size}]
    return [
        {
            "url": part.url if is_direct else f"{here}?part={part.number}",
            "headers": {} if is_direct else {"Content-Type": "application/octet-stream"},
            "offset": part.offset,
            "size": part.size,
        }
        for part in doors.parts
    ]


def _row_json(row: MediaBatchFile) -> dict[str, Any]:
    complete = reverse("admin:media_sync_mediabatch_complete", args=[row.batch_id, row.pk])
    item = str(row.item) if row.item else ""
    return {"state": row.state, "message": row.message, "item": item, "complete": complete}
