"""What commands about one account share."""

from accounts.models import User
from marketplace.commands import CannotRun


def account_named(username: str) -> User:
    """Return the account; raise CannotRun if there is none of this name."""
    name = User.normalize_username(username)
    account = User.objects.filter(username=name).first()
    if account is None:
        raise CannotRun(f"There is no account named {name!r}.")
    return account
