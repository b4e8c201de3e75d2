"""Begins sessions, and ends those that somebody names. The database ends the others (accounts.models.session).

Who ends several sessions at once locks their accounts first, in the order of their numbers, as a change
of password or rights does; so nobody waits in a circle.
"""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from rest_framework_simplejwt.settings import api_settings

from accounts import audit
from accounts.models import Action, EndReason, Session, SessionKind, User
from marketplace.requests import facts

# However often it is used.
LIFETIMES = {
    SessionKind.API: settings.TOKEN_FAMILY_LIFETIME,
    SessionKind.BROWSER: timedelta(seconds=settings.SESSION_COOKIE_AGE),
}


def begin(user: User, *, kind: SessionKind, verified: bool) -> Session:
    """Record a sign-in of now and return its session.

    `user` carries the epoch that its password was verified under: if the password or the rights have
    changed since, the session is over before it is used. `verified`: a second factor was shown.
    """
    now, here = timezone.now(), facts()
    session = Session.objects.create(
        user=user,
        kind=kind,
        epoch=user.session_epoch,
        address=here.address or None,
        device=here.device,
        verified_at=now if verified else None,
        created_at=now,
        last_used_at=now,
        expires_at=now + LIFETIMES[kind],
    )
    audit.record(Action.SIGN_IN, by=user, subject=str(session.pk), kind=kind.value, second_factor=verified)
    return session


def idle_since() -> datetime:
    """Return the time since which an API client has to have exchanged its refresh token, or it cannot any more."""
    lifetime: timedelta = api_settings.REFRESH_TOKEN_LIFETIME
    return timezone.now() - lifetime


def in_use() -> Q:
    """Return the condition for sessions that have not ended, are not over, and not idle for too long."""
    is_over = Q(expires_at__lte=timezone.now()) | Q(kind=SessionKind.API, last_used_at__lte=idle_since())
    return Q(ended_at=None) & ~is_over


@transaction.atomic
def end_own(session_id: uuid.UUID, *, user: User) -> bool:
    """End a live session of the account; return whether there was one."""
    # Conditions on this one table only: of several calls at once, one ends it.
    own = Session.objects.filter(pk=session_id, user=user, epoch=user.session_epoch)
    ended = own.filter(expires_at__gt=timezone.now()).end(EndReason.ENDED)
    if ended:
        audit.record(Action.SESSION_ENDED, by=user, subject=str(session_id))
    return bool(ended)


@transaction.atomic
def end_chosen(chosen: QuerySet[Session], *, by: User) -> int:
    """End sessions of whomever; return the number of those that had not ended."""
    sessions = Session.objects.filter(pk__in=chosen.order_by().values("pk"))
    owners = User.objects.filter(pk__in=sessions.values("user_id")).order_by("pk")
    names = [owner.get_username() for owner in owners.select_for_update(no_key=True)]
    ended = sessions.end(EndReason.ENDED)
    if ended:
        audit.record(Action.SESSION_ENDED, by=by, subject=", ".join(names), sessions=ended)
    return ended


@transaction.atomic
def end_all(user: User) -> None:
    """End every session of the account, those too that begin at this moment; access tokens with them."""
    accounts = User.objects.filter(pk=user.pk)
    accounts.select_for_update(no_key=True).first()
    ended = Session.objects.filter(user_id=user.pk).end(EndReason.LOGOUT_ALL)
    accounts.update(session_epoch=F("session_epoch") + 1)
    audit.record(Action.SIGN_OUT, by=user, subject="everywhere", sessions=ended)
