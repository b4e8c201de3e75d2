"""Issues, reads and rotates tokens. simplejwt signs and verifies; what a token still opens is decided here.

A sign-in is a session: a family of refresh tokens, each of which works once and gives the next. An
access token opens what its account may for minutes, while its session lives; refresh and access tokens
carry the session (`sid`) and the account's epoch. The database keeps hashes of the ids of refresh tokens
and never a token, so that no dump and no page of the admin can be used to sign in.

A refresh token that comes twice is in two hands. Nobody can tell whose came first, so the whole family
ends (RFC 9700, section 4.14.2). Except that a client whose answer was lost may ask again for
settings.TOKEN_GRACE: it gets the same successor, never a second one, and only while that is unused.
"""

import hashlib
import hmac
import logging
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.contrib.auth import authenticate
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken as SimpleAccessToken
from rest_framework_simplejwt.tokens import RefreshToken as SimpleRefreshToken
from rest_framework_simplejwt.tokens import Token

from accounts import attempts, audit, second_factor, sessions
from accounts.keyring import KeyRing, ring
from accounts.limits import limit_of
from accounts.models import Action, EndReason, RefreshToken, Session, SessionKind, User

logger = logging.getLogger(__name__)

ACCOUNT_CLAIM, SESSION_CLAIM, EPOCH_CLAIM, ID_CLAIM = "sub", "sid", "epoch", "jti"
TOKEN_ID = re.compile(r"[0-9a-f]{32}")
ACCOUNT_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)  # what fits a bigint, and nothing else

CLAIMS = {"iat", "exp", ID_CLAIM, "typ", "iss", "aud", SESSION_CLAIM, EPOCH_CLAIM, ACCOUNT_CLAIM}

# What simplejwt and PyJWT raise for hostile claims: a list for an expiry, or one in the year 10^300.
UNREADABLE = (
    TokenError, TypeError, ValueError, LookupError, OverflowError, OSError, AttributeError, RecursionError,
)  # fmt: skip

# Of hundreds of clients with one token, all but two only wait for their turn to be refused: on a busy machine
# longer than the 2 s that a request may wait for a lock, and shorter than the 5 s that a statement may take.
PATIENCE = "SET LOCAL lock_timeout = '4500ms'"

AnyToken = TypeVar("AnyToken", bound=Token)


class RefreshJWT(SimpleRefreshToken):
    """A refresh token; whether it was used already is decided when it is spent, not when it is read."""

    def get_token_backend(self) -> KeyRing:
        return ring()

    def check_blacklist(self) -> None:
        """Do nothing: a check before the deciding statement would only be a second, racing answer."""


class AccessJWT(SimpleAccessToken):
    """An access token."""

    def get_token_backend(self) -> KeyRing:
        return ring()


@dataclass(frozen=True)
class Pair:
    """What a client signs in with from now on, signed."""

    access: str
    refresh: str


def sign_in(*, username: str, password: str, code: str = "", request: HttpRequest | None = None) -> Pair:
    """Begin a session for the account with these credentials and return its first pair.

    Raises AuthenticationFailed, or TooManyAttempts before the password is looked at. An account with a
    second factor needs its `code`, too.
    """
    name = User.normalize_username(username)
    user = authenticate(request, username=name, password=password)
    if not isinstance(user, User):
        raise _no_account()
    return begin(user, verified=_shows_second_factor(user, code))


@transaction.atomic
def begin(user: User, *, verified: bool) -> Pair:
    """Begin an API client's session and return its first pair. `verified`: a second factor was shown.

    `user` is as it was when its credentials were judged; AuthenticationFailed if its password or rights
    have changed since.
    """
    _note_sign_in(user)
    session = sessions.begin(user, kind=SessionKind.API, verified=verified)
    return _pair(session, _issue(session, uuid.uuid4().hex)[0])


def rotate(raw: str) -> Pair:
    """Spend a refresh token and return the next pair; of several callers with one token, one succeeds.

    A token that was spent before ends its session, unless it comes again within the grace.
    """
    token = read(RefreshJWT, raw)
    with transaction.atomic():
        session = _use_session(token)
        spent = _row(session, token)
        successor = _consume(session, spent, token) or _successor_again(session, spent, token)
        if successor is None:
            _end_family(session)
    if successor is None:  # said after the transaction, which must stand
        raise _withdrawn()
    return _pair(session, successor)


def revoke(raw: str) -> None:
    """End the session of a refresh token; AuthenticationFailed if it is not valid or the session is over.

    A token that was spent ends it, too, and leaves the same trace as where it is exchanged: its owner may
    be signing out after somebody else has used it.
    """
    token = read(RefreshJWT, raw)
    with transaction.atomic():
        session = _use_session(token)
        known = _row(session, token)
        if known.consumed_at is not None and _successor_again(session, known, token) is None:
            _end_family(session)
            return
        Session.objects.filter(pk=session.pk).end(EndReason.LOGOUT)
        audit.record(Action.SIGN_OUT, by=session.user, subject=str(session.pk))


def read(kind: type[AnyToken], raw: str | bytes) -> AnyToken:
    """Return the token if it is signed by us, of this kind and not expired; else raise AuthenticationFailed."""
    try:
        token = kind(raw)  # type: ignore[arg-type]  # simplejwt declares a Token and takes its text
        _judge_claims(token)
    except ExpiredTokenError as error:
        raise AuthenticationFailed("The token has expired.", code="token_expired") from error
    except UNREADABLE as error:
        raise AuthenticationFailed("The token is not valid.", code="token_not_valid") from error
    return token


def session_of(token: Token) -> Session:
    """Return the live session that the token speaks for, with its account, limited as it must be; one query.

    Raises AuthenticationFailed when the session has ended or expired, or the account is gone, inactive,
    or has had its password or rights changed since.
    """
    session = Session.objects.select_related("user").filter(pk=token[SESSION_CLAIM]).first()
    if session is None or not _is_live(session, token):
        raise AuthenticationFailed("The session has ended; sign in again.", code="session_ended")
    session.user.limit = limit_of(session.user, session.verified_at)
    return session


def _judge_claims(token: Token) -> None:
    """Raise ValueError or TypeError for claims that we never write, signed though they are."""
    if missing := CLAIMS - token.payload.keys():
        raise ValueError(f"The token lacks {missing}.")
    if not TOKEN_ID.fullmatch(token[ID_CLAIM]) or not ACCOUNT_ID.fullmatch(token[ACCOUNT_CLAIM]):
        raise ValueError("The token's id or account is none of ours.")
    if str(uuid.UUID(token[SESSION_CLAIM])) != token[SESSION_CLAIM]:
        raise ValueError("The token's session is none of ours.")
    for name in (EPOCH_CLAIM, "iat", "exp"):
        if type(token.payload.get(name)) is not int:  # a bool is an int, too
            raise TypeError(f"{name} is no whole number.")


def _is_live(session: Session, token: Token) -> bool:
    user = session.user
    return (
        session.ended_at is None
        and session.expires_at > timezone.now()
        and user.is_active
        and str(user.pk) == token[ACCOUNT_CLAIM]
        and user.session_epoch == session.epoch == token[EPOCH_CLAIM]
    )


def _shows_second_factor(user: User, code: str) -> bool:
    """Return whether a second factor was shown; raise AuthenticationFailed if one is needed and was not."""
    if not second_factor.has_one(user):
        return False
    if not code:
        raise AuthenticationFailed(
            "This account has a second factor: send its code, too, as code.", code="second_factor_needed"
        )
    if not second_factor.verify(user, code):
        audit.record(Action.SIGN_IN_FAILED, by=None, subject=user.get_username(), second_factor=True)
        raise AuthenticationFailed("The code is not valid.", code="code_not_valid")
    attempts.forgive(user.get_username())
    return True


def _use_session(token: RefreshJWT) -> Session:
    """Mark the session used and return it, its row locked: everything of one family happens in turn."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(PATIENCE)
    # Conditions on this one table only: those on a joined one are not looked at again after the wait.
    waiting = Session.objects.filter(pk=token[SESSION_CLAIM], ended_at=None, expires_at__gt=now)
    if not waiting.update(last_used_at=now):
        raise _withdrawn()
    session = Session.objects.select_related("user").get(pk=token[SESSION_CLAIM])
    if not _is_live(session, token):
        raise _withdrawn()
    return session


def _note_sign_in(user: User) -> None:
    """Keep the time of the sign-in, and with it the account's row until the session stands.

    A change of password or rights that came between the look at the password and this is met here; one
    that comes later waits, and then finds the session and ends it.
    """
    verified = User.objects.filter(pk=user.pk, session_epoch=user.session_epoch, is_active=True)
    if not verified.update(last_login=timezone.now()):
        raise _no_account()


def _consume(session: Session, spent: RefreshToken, token: RefreshJWT) -> RefreshJWT | None:
    """Spend the token and return its successor; None if it was spent before. The UPDATE decides."""
    unspent = RefreshToken.objects.filter(pk=spent.pk, consumed_at=None)
    if not unspent.update(consumed_at=timezone.now()):
        return None
    if hasattr(spent.outstanding, "blacklistedtoken"):  # by somebody's hand: ours write both or neither
        raise _withdrawn()
    successor, row = _issue(session, _successor_id(token[ID_CLAIM]))
    RefreshToken.objects.filter(pk=spent.pk).update(successor=row)
    BlacklistedToken.objects.bulk_create(
        [BlacklistedToken(token_id=spent.outstanding_id)], ignore_conflicts=True
    )
    return successor


def _successor_again(session: Session, spent: RefreshToken, token: RefreshJWT) -> RefreshJWT | None:
    """Return the successor of a token that was spent a moment ago and whose successor was not; else None."""
    is_strict = session.user.is_staff or session.user.is_superuser
    grace: timedelta = timedelta(0) if is_strict else settings.TOKEN_GRACE
    row = spent.successor
    if spent.consumed_at is None or row is None or row.consumed_at is not None:
        return None
    if timezone.now() - spent.consumed_at >= grace:
        return None
    again = _jwt(session, _successor_id(token[ID_CLAIM]), row.issued_at, row.expires_at)
    return again if _hash(again[ID_CLAIM]) == bytes(row.token_hash) else None


def _row(session: Session, token: RefreshJWT) -> RefreshToken:
    """Return what is kept of the token, with its successor, if it has one, and simplejwt's rows of it."""
    rows = session.refresh_tokens.select_related("successor", "outstanding__blacklistedtoken")
    row = rows.filter(token_hash=_hash(token[ID_CLAIM])).first()
    if row is None:  # pruned, or of another database
        raise _withdrawn()
    return row


def _end_family(session: Session) -> None:
    """End the session of a token that came twice, and leave a trace that people see."""
    Session.objects.filter(pk=session.pk).end(EndReason.REPLAY)
    audit.record(Action.TOKEN_REPLAYED, by=session.user, subject=str(session.pk))
    logger.warning("A refresh token of session %s came twice; the session is ended.", session.pk)


def _issue(session: Session, token_id: str) -> tuple[RefreshJWT, RefreshToken]:
    """Register a refresh token of the session; return it and its row."""
    now = timezone.now().replace(microsecond=0)  # a token's times are whole seconds
    token = _jwt(session, token_id, now, min(now + api_settings.REFRESH_TOKEN_LIFETIME, session.expires_at))
    expires_at = datetime.fromtimestamp(token["exp"], tz=timezone.get_default_timezone())
    outstanding = OutstandingToken.objects.create(
        user=session.user,
        jti=token_id,
        token="",  # the id says enough, and cannot be used
        created_at=now,
        expires_at=expires_at,
    )
    row = RefreshToken.objects.create(
        session=session,
        outstanding=outstanding,
        token_hash=_hash(token_id),
        issued_at=now,
        expires_at=expires_at,
    )
    return token, row


def _jwt(session: Session, token_id: str, issued_at: datetime, expires_at: datetime) -> RefreshJWT:
    token = RefreshJWT()
    token.payload |= _claims(session)
    token[ID_CLAIM] = token_id
    token.set_iat(at_time=issued_at)
    token.set_exp(from_time=expires_at, lifetime=timedelta(0))
    return token


def _pair(session: Session, refresh: RefreshJWT) -> Pair:
    access = AccessJWT()
    access.payload |= _claims(session)
    last = int(session.expires_at.timestamp())
    access["exp"] = min(access["exp"], last)
    return Pair(access=str(access), refresh=str(refresh))


def _claims(session: Session) -> dict[str, object]:
    return {
        ACCOUNT_CLAIM: str(session.user_id),
        SESSION_CLAIM: str(session.pk),
        EPOCH_CLAIM: session.epoch,
    }


def _successor_id(token_id: str) -> str:
    """Return the id of the token after this one: known to us alone, and the same whenever it is asked for."""
    secret = hashlib.sha256(settings.SECRET_KEY.encode() + b"successors of refresh tokens").digest()
    return hmac.new(secret, token_id.encode(), hashlib.sha256).hexdigest()[:32]


def _hash(token_id: str) -> bytes:
    return hashlib.sha256(token_id.encode()).digest()


def _no_account() -> AuthenticationFailed:
    return AuthenticationFailed("No active account has these credentials.", code="no_active_account")


def _withdrawn() -> AuthenticationFailed:
    return AuthenticationFailed("The refresh token was used or withdrawn.", code="token_withdrawn")
