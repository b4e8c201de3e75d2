"""How many requests one client may make at /v1/, by the kind of request; settings.RATE_LIMITS names the rates.

A client is an account, by whatever token or key and from wherever it comes, or else an address (an IPv6 client's
/64 network). Every request that reaches a view counts once, those that are refused too.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import Throttled
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import counters
from marketplace import problems
from marketplace.addresses import network_of
from marketplace.requests import facts

if TYPE_CHECKING:  # that module reads settings that name this one
    from rest_framework.views import APIView

MOST_REMEMBERED = 10_000  # clients of one process that have had their share


class TooManyRequests(Throttled):
    """A request beyond the rate; `wait` is the whole number of seconds until the next may be made."""

    default_detail = "Too many requests; this client may go on when its time window is over."

    def __init__(self, wait: float) -> None:
        super().__init__(detail=self.default_detail)  # given the wait, DRF would add words
        self.wait = max(math.ceil(wait), 1)


@dataclass(frozen=True)
class Share:
    """What a client has left of one rate, after a request."""

    policy: str
    most: int
    seconds: int
    used: int
    wait: float

    @property
    def headers(self) -> dict[str, str]:
        """In the form of the IETF's draft "RateLimit header fields for HTTP"."""
        left = max(self.most - self.used, 0)
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.most};w={self.seconds}',
            "RateLimit": f'"{self.policy}";r={left};t={math.ceil(self.wait)}',
        }


# Of this process: buckets that are used up and when they open again, by the monotonic clock. What is counted
# never goes down before, so a client that keeps asking costs nobody anything.
_used_up: dict[str, float] = {}


class RateThrottle(BaseThrottle):
    """Counts a request before its view runs. A view may set `throttle_scope` to a rate of its own."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        admit(request, view)
        return True


def admit(request: Request, view: "APIView | None") -> None:
    """Count the request, unless it was counted before; raise TooManyRequests when its client has had its share."""
    asked = cast(Any, request._request)  # what the middleware holds, too
    if hasattr(asked, "share"):
        return
    asked.share = None
    account = getattr(request, "_user", None)  # who signed in, without asking once more
    policy = _policy(request, view, is_account=bool(account and account.is_authenticated))
    rate = settings.RATE_LIMITS[policy]
    if rate is None:
        return
    client = f"account {account.pk}" if account and account.is_authenticated else _place(facts().address)
    asked.share = share = _share(policy, f"{policy} {client}", rate.requests, rate.seconds)
    if share.used > share.most:
        raise TooManyRequests(share.wait)


def forget() -> None:
    """Forget which clients had their share; the counts themselves stay."""
    _used_up.clear()


def problem_response(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Answer what a view raised; what was refused before it was counted (a false token) is counted now."""
    request, view = context.get("request"), context.get("view")
    if isinstance(request, Request) and getattr(view, "throttle_classes", True):
        try:
            admit(request, view)
        except Throttled as refusal:
            error = refusal
    return problems.problem_response(error, context)


def tell_rates(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: say what is left, on every answer to a request that was counted."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if share := getattr(request, "share", None):
            for name, value in share.headers.items():
                response[name] = value
        return response

    return answer


def _policy(request: Request, view: "APIView | None", *, is_account: bool) -> str:
    if scope := getattr(view, "throttle_scope", None):
        return str(scope)
    if request.method not in SAFE_METHODS:
        return "write"
    return "client" if is_account else "anonymous"


def _share(policy: str, bucket: str, most: int, seconds: int) -> Share:
    wait = _used_up.get(bucket, 0.0) - time.monotonic()
    if wait > 0:
        return Share(policy, most, seconds, most + 1, wait)
    used, wait = counters.count(bucket, seconds)
    if used > most:
        if len(_used_up) >= MOST_REMEMBERED:
            forget()
        _used_up[bucket] = time.monotonic() + wait
    return Share(policy, most, seconds, used, wait)


@lru_cache(maxsize=4096)
def _place(address: str) -> str:
    return str(network_of(address) or "-")
