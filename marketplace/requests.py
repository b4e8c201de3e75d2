"""Facts of the request being answered that every room may need: its id, and who is at the other end.

They stand in a context variable while the request runs, so that an audit row or a log line deep inside
need not be handed the request. Outside of requests (commands, the worker) they are empty.
"""

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from marketplace.addresses import Address, read_address

GetResponse = Callable[[HttpRequest], HttpResponse]

# Some load balancers write the caller's port, too: 203.0.113.7:4711, [2001:db8::7]:4711.
PORT = re.compile(r"^\[?([0-9.]+|[0-9A-Fa-f:.]+(?=\]))\]?:[0-9]{1,5}$")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
LONGEST_DEVICE = 200
# What a proxy says of the connection that it serves; Django reads the first of them (SECURE_PROXY_SSL_HEADER).
CLAIMS = ("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "HTTP_FORWARDED")


@dataclass(frozen=True)
class Facts:
    """Of one request. `address` is the client's, or "" where there is none (a Unix socket)."""

    request_id: str = ""
    address: str = ""
    device: str = ""


NO_REQUEST = Facts()
_facts: ContextVar[Facts] = ContextVar("facts", default=NO_REQUEST)


def facts() -> Facts:
    """Return the facts of the request that this code runs for."""
    return _facts.get()


class LogFormatter(logging.Formatter):
    """Ends the message of each log line that a request caused with that request's id."""

    def __init__(self, line: str = "{asctime} {levelname} {name}: {message}") -> None:
        super().__init__(line, style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's own name)
        line = super().formatMessage(record)
        # Django tells of a refusal when the request is over, and hands the request along.
        request_id = facts().request_id or getattr(getattr(record, "request", None), "request_id", "")
        return f"{line} [request {request_id}]" if request_id else line


def keep_facts(get_response: GetResponse) -> GetResponse:
    """Middleware: gather the facts, and give the request's id back in X-Request-ID."""

    def answer(request: HttpRequest) -> HttpResponse:
        forget_claims(request)
        mine = gather(request)
        request.request_id = mine.request_id  # type: ignore[attr-defined]  # for LogFormatter
        token = _facts.set(mine)
        try:
            response = get_response(request)
        finally:
            _facts.reset(token)
        response["X-Request-ID"] = mine.request_id
        return response

    return answer


def forget_claims(request: HttpRequest) -> None:
    """Drop what only a proxy may say (that the client came over TLS) when no proxy of ours has called.

    Where no proxies are named, the one in front is taken to be the only way in.
    """
    peer = read_address(str(request.META.get("REMOTE_ADDR", "")))
    if settings.TRUSTED_PROXIES and not (peer and _is_proxy(peer)):
        for name in CLAIMS:
            request.META.pop(name, None)


def gather(request: HttpRequest) -> Facts:
    """Read the facts from the request; what it cannot prove (an address behind no trusted proxy) is not believed."""
    peer = read_address(str(request.META.get("REMOTE_ADDR", "")))
    trusted = peer is not None and _is_proxy(peer)
    address = _forwarded(request, peer) if trusted else peer
    given = request.headers.get("X-Request-ID", "") if trusted else ""
    return Facts(
        request_id=given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex,
        address=str(address or ""),
        device=_printable(request.headers.get("User-Agent", ""))[:LONGEST_DEVICE],
    )


def _forwarded(request: HttpRequest, peer: Address | None) -> Address | None:
    """Return the nearest address in X-Forwarded-For that is no proxy of ours.

    Each proxy appends the address it was called from, so the list is read from its end; what stands
    before the first stranger, the stranger may have written.
    """
    for word in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        address = read_address(PORT.sub(r"\1", word.strip()))
        if address is None:
            return peer
        if not _is_proxy(address):
            return address
        peer = address
    return peer


def _is_proxy(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
