"""Writes to accounts that have consequences."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import tokens
from accounts.models import User


@transaction.atomic
def change_password(*, user: User, old_password: str, new_password: str) -> None:
    """Set a new password and end every session of the account, this one too.

    Raises ValidationError keyed by the argument at fault. The account's row is locked before the old
    password is judged, so that of two changes at once the second one meets the first one's password.
    """
    current = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    if current is None or not current.check_password(old_password):
        raise ValidationError({"old_password": ValidationError("This is not the password.", code="wrong")})
    try:
        validate_password(new_password, current)
    except ValidationError as error:
        raise ValidationError({"new_password": error}) from error
    current.set_password(new_password)
    current.save(update_fields=["password"])
    tokens.revoke_all(current)
