"""Browsers in the admin: each sign-in is a row of Session, and what is missing of it is asked for first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import HASH_SESSION_KEY, logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts import audit, second_factor, sessions
from accounts.limits import limit_of
from accounts.models import Action, EndReason, Session, SessionKind, User
from accounts.models.user import nothing
from marketplace.problems import is_page, problem

SID = "sid"  # in Django's session: the row's id
TOUCH_EVERY = timedelta(minutes=1)  # a row is not written with every request

ALWAYS_OPEN = {"admin:login", "admin:logout", "admin:jsi18n"}


@dataclass(frozen=True)
class Step:
    """What a person must do before the admin opens: `page` is where, `pages` are all it takes."""

    page: str
    pages: frozenset[str]
    sentence: str


SHOW_FACTOR = Step(
    "second-factor-verify",
    frozenset({"second-factor-verify", "passkey-authentication-begin", "passkey-authentication-complete"}),
    "Show your second factor first.",
)
CHANGE_PASSWORD = Step(
    "admin:password_change",
    frozenset({"admin:password_change"}),
    "Your password is temporary; choose your own first.",
)
SET_UP_FACTOR = Step(
    "second-factor",
    frozenset(
        {
            "second-factor",
            "second-factor-confirm",
            "second-factor-app",
            "passkey-registration-begin",
            "passkey-registration-complete",
        }
    ),
    "Staff sign in with a second factor here; set one up first.",
)


class BrowserSessions:
    """Middleware, after Django's authentication; it works on the admin's pages only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_page(request):
            return self.get_response(request)
        row = _entering(request)
        password = request.session.get(HASH_SESSION_KEY)
        request.browser_session = row  # type: ignore[attr-defined]  # for process_view
        response = self.get_response(request)
        _leaving(request, row, password)
        return response

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        """Send the person to the step that is missing; whatever page lets them by, they may do nothing there."""
        row: Session | None = getattr(request, "browser_session", None)
        if row is None:
            return None
        user = cast(User, request.user)
        step = _missing(user, row)
        user.limit = nothing if step else limit_of(user, row.verified_at)
        name = request.resolver_match.view_name if request.resolver_match else ""
        return _ask(request, step) if step and name not in ALWAYS_OPEN | step.pages else None


def mark_verified(request: HttpRequest) -> None:
    """Record that the second factor was shown in this browser, if it was not before; the session's key changes."""
    user, sid, now = cast(User, request.user), request.session[SID], timezone.now()
    with transaction.atomic():
        if not Session.objects.filter(pk=sid, user=user, verified_at=None).update(verified_at=now):
            return
        detail = {"kind": SessionKind.BROWSER.value, "second_factor": True}
        audit.record(Action.SIGN_IN, by=user, subject=sid, **detail)
    request.session.cycle_key()
    user.limit = limit_of(user, now)  # for the page that this request still shows


def _entering(request: HttpRequest) -> Session | None:
    """Return the live row of the browser's sign-in; where its row has ended, sign the browser out."""
    if not request.user.is_authenticated:
        return None
    sid = request.session.get(SID)
    if sid is None:
        return _open(request, verified=False)
    rows = Session.objects.filter(pk=sid, user_id=request.user.pk, kind=SessionKind.BROWSER)
    row = rows.live().first()
    if row is None:
        logout(request)
    elif timezone.now() - row.last_used_at > TOUCH_EVERY:
        rows.update(last_used_at=timezone.now())
    return row


def _leaving(request: HttpRequest, row: Session | None, password: str | None) -> None:
    """Follow what the view did: a sign-in, a sign-out, or a change of the password, which ends the row."""
    user = request.user
    stays = row is not None and user.is_authenticated and user.pk == row.user_id
    if row is not None and not stays:
        _close(row)
    elif row is not None and request.session.get(HASH_SESSION_KEY) == password:
        return
    if user.is_authenticated:
        _open(request, verified=stays and row is not None and row.verified_at is not None)


def _open(request: HttpRequest, *, verified: bool) -> Session:
    # Read again: the view may have changed the password, and with it the epoch that the row must carry.
    user = User.objects.get(pk=cast(User, request.user).pk)
    with transaction.atomic():
        row = sessions.begin(user, kind=SessionKind.BROWSER, verified=verified)
    request.session[SID] = str(row.pk)
    return row


@transaction.atomic
def _close(row: Session) -> None:
    if Session.objects.filter(pk=row.pk).end(EndReason.LOGOUT):
        audit.record(Action.SIGN_OUT, by=User.objects.get(pk=row.user_id), subject=str(row.pk))


def _missing(user: User, row: Session) -> Step | None:
    has_one = row.verified_at is not None or second_factor.has_one(user)
    if has_one and row.verified_at is None:
        return SHOW_FACTOR
    if user.temporary_password_until is not None:
        return CHANGE_PASSWORD
    return SET_UP_FACTOR if second_factor.required_of(user) and not has_one else None


def _ask(request: HttpRequest, step: Step) -> HttpResponse:
    # A script's request would follow the redirect and take a page for its answer.
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        return problem(HTTPStatus.FORBIDDEN, step.sentence)
    if step is CHANGE_PASSWORD:
        messages.warning(request, step.sentence)
    query = urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
    return HttpResponseRedirect(f"{reverse(step.page)}{'?' if query else ''}{query}")
