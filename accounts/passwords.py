"""Sets and judges passwords.

A password that somebody else set is temporary: it opens nothing but its own change (accounts.limits),
and after 72 hours not even that.
"""

from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.utils import timezone

from accounts.audit import record
from accounts.models import Action, User

TEMPORARY_HOURS = 72


@transaction.atomic
def set_password(user: User, new: str, *, by: User | None) -> None:
    """Give the account a new password; the database then ends its sessions, the present one too.

    One that the person sets, or somebody at the server's console (`by` is None), lasts; one set by
    anybody else is temporary. Raises ValidationError when the password cannot be used.
    """
    validate_password(new, user)
    user.set_password(new)
    user.save(update_fields=["password"])
    if by is not None and by.pk != user.pk:
        make_temporary(user)
    record(Action.PASSWORD_CHANGED, by=by, subject=user.get_username())


def make_temporary(user: User, hours: int = TEMPORARY_HOURS) -> datetime:
    """Let the password that the account has open nothing but its own change; return until when.

    Comes after the password is saved: saving a new one makes it last.
    """
    until = timezone.now() + timedelta(hours=hours)
    user.temporary_password_until = until
    User.objects.filter(pk=user.pk).update(temporary_password_until=until)
    return until


def has_run_out(user: User) -> bool:
    """Return whether the password was temporary and its time is over."""
    until = user.temporary_password_until
    return until is not None and until <= timezone.now()


def is_password_of(user: User, raw: str) -> bool:
    """Return whether this is the account's password, and keep one of an older hasher under the present one.

    Django's own `check_password` writes the new hash whatever happened since it read the old one, and so
    would undo a change of password made at this moment; here that change stands. Afterwards `user` holds
    the hash and the epoch that the database holds, so that a session begun with it lives.
    """
    seen = user.password
    found = check_password(raw, seen, lambda password: _store_anew(user, password))
    return found and (user.password == seen or check_password(raw, user.password))


def _store_anew(user: User, raw: str) -> None:
    """Replace the hash that was just verified, unless somebody replaced it meanwhile; read what stands then."""
    accounts = User.objects.filter(pk=user.pk)
    accounts.filter(password=user.password).update(password=make_password(raw))
    # Of an account deleted meanwhile nothing is left, and no password opens it.
    stands = accounts.values_list("password", "session_epoch").first()
    user.password, user.session_epoch = stands or ("", user.session_epoch)
