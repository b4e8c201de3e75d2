"""`Idempotency-Key`: a request that comes again does nothing anew, and gets the answer of the first time."""

import hashlib
import re
from collections.abc import Callable
from http import HTTPStatus

from django.db import connection
from django.db.models.functions import Now
from django.http import HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from catalog.models import AnsweredRequest
from marketplace.problems import BadParameters

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
KEPT_HEADERS = ("Location", "ETag")
BAD_KEY = f"{HEADER} holds from 1 to 255 printable ASCII characters, such as a UUID."


class Running(APIException):
    """The first request with this key has no answer yet."""

    status_code = HTTPStatus.CONFLICT
    default_detail = f"A request with this {HEADER} is being answered at this moment; ask again in a moment."


class OtherRequest(APIException):
    """The key stands for another request."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_detail = f"This {HEADER} was sent with another request before; a new request takes a new key."


def key_of(request: Request) -> str | None:
    """Return the request's key, or None where it has none; raise BadParameters for one that cannot be."""
    key = request.headers.get(HEADER)
    if key is not None and not KEY.fullmatch(key):
        raise BadParameters([(HEADER, "invalid", BAD_KEY)])
    return key


def fingerprint_of(request: Request) -> bytes:
    """Return what tells this request from others: its method, address and body, byte by byte."""
    plain = request._request
    named = f"{plain.method} {plain.get_full_path()}\n".encode()
    return hashlib.sha256(named + plain.body).digest()


def once(request: Request, answer: Callable[[], HttpResponse]) -> HttpResponse:
    """Return the answer that was given to this request before, or give it one and keep that for a day.

    To be called in the transaction that does what the request says: the answer is kept if, and only if, it is
    done. What is refused changes nothing and is judged anew.
    """
    key = key_of(request)
    if key is None:
        return answer()
    owner = int(request.user.pk or 0)
    if not _is_first(owner, key):
        raise Running
    known = AnsweredRequest.objects.kept().filter(owner=owner, key=key).first()
    if known is not None:
        return _again(known, fingerprint_of(request))
    response = answer()
    _keep(request, key, response)
    return response


def _is_first(owner: int, key: str) -> bool:
    """Return whether no other request holds this key; until the transaction's end this one does."""
    with connection.cursor() as cursor:
        name = f"answer {owner} {key}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])


def _again(known: AnsweredRequest, fingerprint: bytes) -> HttpResponse:
    if bytes(known.fingerprint) != fingerprint:
        raise OtherRequest
    headers = known.headers | {REPLAYED: "true"}
    return HttpResponse(
        bytes(known.body), status=known.status, headers=headers, content_type="application/json"
    )


def _keep(request: Request, key: str, response: HttpResponse) -> None:
    kept = {
        "fingerprint": fingerprint_of(request),
        "status": response.status_code,
        "headers": {name: response[name] for name in KEPT_HEADERS if name in response},
        "body": response.content,
        "created_at": Now(),
    }
    # One that is older than a day may still lie there.
    AnsweredRequest.objects.update_or_create(owner_id=request.user.pk, key=key, defaults=kept)
