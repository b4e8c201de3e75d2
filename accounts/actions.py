"""Writes to accounts that have consequences."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet

from accounts import attempts, passwords, reach
from accounts.models import User


def change_password(*, user: User, old_password: str, new_password: str) -> None:
    """Set a new password; the database then ends every session of the account, this one too.

    Raises ValidationError keyed by the argument at fault, or TooManyAttempts before the old password is
    looked at. The new one is judged first, so that a weak one is not an attempt.
    """
    if new_password == old_password:
        raise _wrong("new_password", "The new password must differ from the old one.")
    try:
        validate_password(new_password, user)
    except ValidationError as error:
        raise ValidationError({"new_password": error}) from error
    if not attempts.confirm_password(user, old_password):
        raise _wrong("old_password", "This is not the password.")
    _exchange(user, new_password)


@transaction.atomic
def _exchange(user: User, new_password: str) -> None:
    """Set the new password where the account still has the one that `user` carries, which was just judged.

    The row is locked, so that of two changes at once the second one meets the first one's password.
    """
    rows = User.objects.select_for_update(no_key=True)
    current = rows.filter(pk=user.pk, password=user.password).first()
    if current is None:
        raise _wrong("old_password", "This is not the password.")
    if passwords.has_run_out(current):
        raise _wrong("old_password", "This temporary password has run out; ask for another.")
    passwords.set_password(current, new_password, by=current)


@transaction.atomic
def delete_users(*, users: QuerySet[User], by: User | None) -> int:
    """Delete the accounts with their sessions, keys and second factors; return their number.

    `by` must reach them (accounts.reach; None: somebody at the server's console). Raises PermissionDenied
    if he does not, and for himself; ValidationError if no active superuser would be left. They are
    deactivated first, so that their sessions end in the order of locks that sign-ins take too.
    """
    reach.hold_still()
    people = list(users.order_by("pk"))
    if by is not None and (by in people or not reach.reaches(by, people)):
        raise PermissionDenied
    chosen = User.objects.filter(pk__in=[person.pk for person in people])
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk__in=chosen)
    if any(person.is_superuser for person in people) and not others.exists():
        raise ValidationError("The last active superuser cannot be deleted.")
    chosen.update(is_active=False)
    chosen.delete()
    return len(people)


def _wrong(field: str, sentence: str) -> ValidationError:
    return ValidationError({field: ValidationError(sentence, code="wrong")})
