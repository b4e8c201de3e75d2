"""The second factor of a sign-in: codes of an authenticator app, passkeys, and recovery codes on paper.

Apps and passkeys are rows of django-otp and django-otp-webauthn; recovery codes are ours. Each code is
taken once, over all processes: the row that decides is locked, or deleted.
"""

import re
import secrets
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.crypto import salted_hmac
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential

from accounts import audit
from accounts.models import Action, EndReason, RecoveryCode, Session, SessionKind, User

APP_NAME = "Authenticator app"
TOLERANCE = 1  # steps of 30 s that a phone's clock may differ, either way
APP_CODE = re.compile(r"[0-9]{6}", re.ASCII)
RECOVERY_CODES = 10
RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look like others
RECOVERY_LENGTH = 10  # 49 bits
RECOVERY_CODE = re.compile(f"[{RECOVERY_LETTERS}]{{{RECOVERY_LENGTH}}}")
# After n wrong codes the app's next one is judged 2^(n-1) seconds later. Unbounded, as the library has it,
# somebody who knows the password could lock the owner out for years; 2^9 s leave 170 guesses a day.
MOST_DOUBLINGS = 10


def required_of(user: User) -> bool:
    """Return whether this account's sign-ins are worth nothing without a second factor."""
    return bool(settings.REQUIRE_SECOND_FACTOR and user.is_staff)


def has_one(user: User) -> bool:
    """Return whether the account has an app or a passkey, which then every sign-in must show; one query."""
    mine = {"user": OuterRef("pk"), "confirmed": True}
    has_any = Exists(TOTPDevice.objects.filter(**mine)) | Exists(WebAuthnCredential.objects.filter(**mine))
    return User.objects.filter(has_any, pk=user.pk).exists()


def factors_of(user: User) -> list[TOTPDevice | WebAuthnCredential]:
    """Return the account's app and passkeys, the oldest first."""
    apps = TOTPDevice.objects.filter(user=user, confirmed=True)
    passkeys = WebAuthnCredential.objects.filter(user=user, confirmed=True)
    return [*apps.order_by("pk"), *passkeys.order_by("pk")]


def verify(user: User, code: str) -> bool:
    """Take a code of the app or a recovery code; return whether it was right and had not been taken before.

    Spaces, dashes and case do not matter. Not to be called in a transaction that a refusal rolls back:
    wrong codes of the app are counted, and slow the next ones down.
    """
    plain = re.sub(r"[\s-]", "", code).lower()
    if APP_CODE.fullmatch(plain):
        return _take_app_code(user, plain)
    return bool(RECOVERY_CODE.fullmatch(plain)) and _take_recovery_code(user, plain)


@transaction.atomic
def _take_app_code(user: User, code: str) -> bool:
    device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).order_by("pk").first()
    if device is None:
        return False
    device.throttling_failure_count = min(device.throttling_failure_count, MOST_DOUBLINGS)
    return bool(device.verify_token(code))


@transaction.atomic
def _take_recovery_code(user: User, code: str) -> bool:
    taken, _ = RecoveryCode.objects.filter(user=user, code_hash=_code_hash(user, code)).delete()
    if taken:
        audit.record(Action.RECOVERY_CODE_USED, by=user, subject=user.username, left=codes_left(user))
    return bool(taken)


def new_key() -> str:
    """Make up the secret of an authenticator app, in hex; nothing is stored."""
    return secrets.token_hex(20)


def app_for(user: User, key: str) -> TOTPDevice:
    """Return the app of that secret, unsaved; its `config_url` is what the QR code says."""
    return TOTPDevice(user=user, name=APP_NAME, key=key, tolerance=TOLERANCE)


@transaction.atomic
def add_app(user: User, key: str, code: str) -> bool:
    """Keep the app if its code proves that it has the secret; return whether it did. One app to an account."""
    lock(user)
    device = app_for(user, key)
    plain = re.sub(r"\s", "", code)
    generator = TOTP(device.bin_key, device.step, device.t0, device.digits)
    right = APP_CODE.fullmatch(plain) and generator.verify(int(plain), TOLERANCE)
    if not right or TOTPDevice.objects.filter(user=user).exists():
        return False
    device.last_t = generator.t()  # so that this code does not sign in as well
    device.set_last_used_timestamp(commit=False)
    device.save()
    note_added(user, device)
    return True


def note_added(user: User, factor: TOTPDevice | WebAuthnCredential) -> None:
    """Record a new factor of the account, whose row is locked, and end what an API client began without one.

    Browsers that have shown none are asked for it with their next request; API clients cannot be.
    """
    clients = Session.objects.filter(user=user, kind=SessionKind.API, verified_at=None)
    detail = {"factor": factor.name, "sessions_ended": clients.end(EndReason.ENDED)}
    audit.record(Action.SECOND_FACTOR_ADDED, by=user, subject=user.username, **detail)


@transaction.atomic
def remove(user: User, factor: TOTPDevice | WebAuthnCredential) -> bool:
    """Take a factor of the account away, and with the last one its recovery codes.

    Returns False, and changes nothing, where that would leave an account without one that needs it.
    """
    lock(user)
    is_last = [(type(one), one.pk) for one in factors_of(user)] == [(type(factor), factor.pk)]
    if is_last and required_of(user):
        return False
    if factor.delete()[0]:
        audit.record(Action.SECOND_FACTOR_REMOVED, by=user, subject=user.username, factor=factor.name)
    if is_last:
        RecoveryCode.objects.filter(user=user).delete()
    return True


@transaction.atomic
def reset(user: User, *, by: User | None) -> int:
    """Take every factor of an account away, for somebody who lost them; return how many apps and passkeys.

    Its sessions end, since the lost device may hold one. The caller judges whether `by` may do that.
    """
    lock(user)
    factors = factors_of(user)
    for factor in factors:
        factor.delete()
    TOTPDevice.objects.filter(user=user).delete()
    codes, _ = RecoveryCode.objects.filter(user=user).delete()
    ended = Session.objects.filter(user=user).end(EndReason.ENDED)
    detail: dict[str, Any] = {"factors": len(factors), "recovery_codes": codes, "sessions": ended}
    audit.record(Action.SECOND_FACTOR_REMOVED, by=by, subject=user.username, **detail)
    return len(factors)


@transaction.atomic
def new_recovery_codes(user: User) -> list[str]:
    """Replace the account's recovery codes; return the new ones, which cannot be shown again."""
    lock(user)
    plain = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, code_hash=_code_hash(user, code)) for code in plain
    )
    audit.record(Action.SECOND_FACTOR_ADDED, by=user, subject=user.username, factor="Recovery codes")
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in plain]


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user).count()


def lock(user: User) -> None:
    """Make changes to an account's factors wait for each other; PermissionDenied if the account is gone."""
    if User.objects.select_for_update(no_key=True).filter(pk=user.pk).first() is None:
        raise PermissionDenied


def _new_recovery_code() -> str:
    return "".join(secrets.choice(RECOVERY_LETTERS) for _ in range(RECOVERY_LENGTH))


def _code_hash(user: User, code: str) -> bytes:
    # Keyed by SECRET_KEY: a copy of the database alone does not let anybody try codes.
    return salted_hmac("accounts.recovery_code", f"{user.pk}:{code}", algorithm="sha256").digest()
