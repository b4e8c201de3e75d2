"""Issues, reads, rotates and revokes tokens. simplejwt signs and verifies; what a token may still do is decided here.

A pair is a short-lived access token and a refresh token that works once. Both carry `sub` (the
account) and `pw`, a mark of the password they were issued under: whoever changes the password, by
whatever door, ends every token issued before. The database keeps the ids of refresh tokens and
never a token itself, so that no dump and no page of the admin can be used to sign in.
"""

import re
from typing import TypeVar

from django.contrib.auth import authenticate
from django.contrib.auth.models import update_last_login
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken as SimpleRefreshToken
from rest_framework_simplejwt.tokens import Token
from rest_framework_simplejwt.utils import datetime_from_epoch

from accounts.models import User

ACCOUNT_CLAIM: str = api_settings.USER_ID_CLAIM
PASSWORD_CLAIM = "pw"  # noqa: S105  (a claim's name)
ID_CLAIM: str = api_settings.JTI_CLAIM
TOKEN_ID = re.compile(r"[0-9a-f]{32}")
ACCOUNT_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)  # what fits a bigint, and nothing else

# What simplejwt and PyJWT raise for hostile claims: a list for an expiry, or one in the year 10^300.
UNREADABLE = (TokenError, TypeError, ValueError, OverflowError, OSError)

AnyToken = TypeVar("AnyToken", bound=Token)


class RefreshToken(SimpleRefreshToken):
    """A refresh token; whether it was used already is decided when it is spent, not when it is read."""

    def check_blacklist(self) -> None:
        """Do nothing: a check before the deciding statement would only be a second, racing answer."""


def sign_in(*, username: str, password: str, request: HttpRequest | None = None) -> RefreshToken:
    """Return a new refresh token for the account with these credentials, or raise AuthenticationFailed."""
    user = authenticate(request, username=User.normalize_username(username), password=password)
    with transaction.atomic():
        if user is None or not User.objects.select_for_update(no_key=True).filter(pk=user.pk).exists():
            raise AuthenticationFailed("No active account has these credentials.", code="no_active_account")
        update_last_login(User, user)
        return _issue(user)


@transaction.atomic
def rotate(raw: str) -> RefreshToken:
    """Spend a refresh token and return its successor; of several callers with one token, one succeeds.

    The account's row is locked first, so that a rotation and `revoke_all` cannot miss each other.
    """
    token = read(RefreshToken, raw)
    user = owner(token, lock=True)
    _spend(token)
    return _issue(user)


@transaction.atomic
def revoke(raw: str) -> None:
    """Spend a refresh token for nothing; AuthenticationFailed if it is not valid or was used already."""
    _spend(read(RefreshToken, raw))


@transaction.atomic
def revoke_all(user: User) -> None:
    """Blacklist every live refresh token of the account. Access tokens run out by themselves, in minutes."""
    User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    live = OutstandingToken.objects.filter(user=user, blacklistedtoken=None, expires_at__gt=timezone.now())
    BlacklistedToken.objects.bulk_create(
        [BlacklistedToken(token_id=key) for key in live.values_list("pk", flat=True)],
        batch_size=1000,
        ignore_conflicts=True,  # one that was spent meanwhile
    )


def read(kind: type[AnyToken], raw: str | bytes) -> AnyToken:
    """Return the token if it is signed by us, of this kind and not expired; else raise AuthenticationFailed."""
    try:
        token = kind(raw)  # type: ignore[arg-type]  # simplejwt declares a Token and takes its text
        if not TOKEN_ID.fullmatch(token[ID_CLAIM]):
            raise TokenError("The token's id is none of ours.")
    except ExpiredTokenError as error:
        raise AuthenticationFailed("The token has expired.", code="token_expired") from error
    except UNREADABLE as error:
        raise AuthenticationFailed("The token is not valid.", code="token_not_valid") from error
    return token


def owner(token: Token, *, lock: bool = False) -> User:
    """Return the account that the token speaks for, if it may still sign in; costs one query.

    Raises AuthenticationFailed when the account is gone or inactive, or its password has changed.
    """
    users = User.objects.select_for_update(no_key=True) if lock else User.objects.all()
    key = str(token.get(ACCOUNT_CLAIM))
    user = users.filter(pk=int(key)).first() if ACCOUNT_ID.fullmatch(key) else None
    if user is None or not user.is_active:
        raise AuthenticationFailed("The token's account is not active.", code="account_not_active")
    if not constant_time_compare(str(token.get(PASSWORD_CLAIM)), _password_mark(user)):
        raise AuthenticationFailed(
            "The account's password has changed since the token was issued.", code="password_changed"
        )
    return user


def _issue(user: User) -> RefreshToken:
    """Make and register a refresh token; the caller holds the account's row."""
    token = RefreshToken()
    token[ACCOUNT_CLAIM] = str(user.pk)
    token[PASSWORD_CLAIM] = _password_mark(user)
    OutstandingToken.objects.create(
        user=user,
        jti=token[ID_CLAIM],
        token="",  # the id says enough, and cannot be used
        created_at=token.current_time,
        expires_at=datetime_from_epoch(token["exp"]),
    )
    return token


def _spend(token: RefreshToken) -> None:
    """Blacklist the token; the unique index lets one of several callers insert, whatever they read before."""
    registered = OutstandingToken.objects.filter(jti=token[ID_CLAIM]).first()
    if registered is None or not BlacklistedToken.objects.get_or_create(token=registered)[1]:
        raise AuthenticationFailed("The refresh token was used or withdrawn.", code="token_withdrawn")


def _password_mark(user: User) -> str:
    """Return 128 bits that change with the stored password and, keyed with SECRET_KEY, tell nothing about it."""
    return user.get_session_auth_hash()[:32]
