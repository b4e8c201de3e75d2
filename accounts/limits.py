"""How far a sign-in reaches, below what its account may."""

from collections.abc import Callable
from datetime import datetime

from accounts import second_factor
from accounts.models import User
from accounts.models.user import nothing


def limit_of(user: User, verified_at: datetime | None) -> Callable[[str], bool] | None:
    """Return the limit (`User.limit`) of a session whose second factor was shown at `verified_at`.

    No permission is left while the password is temporary, and while a second factor that is required
    is missing; None, no limit, otherwise. Costs no query.
    """
    if user.temporary_password_until is not None:
        return nothing
    if verified_at is None and second_factor.required_of(user):
        return nothing
    return None
