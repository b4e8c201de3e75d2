"""How a username and a password become an account, whichever door they come by."""

from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.http import HttpRequest

from accounts import attempts, audit, passwords, second_factor
from accounts.models import Action, User


class AccountBackend(ModelBackend):
    """Django's own for rights; for passwords, one that counts the attempt before it judges it.

    An absent, an inactive and a wrong account cost the same, one hash, and get the same answer. A
    temporary password that has run out is a wrong one.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """Return the account, or None; raise TooManyAttempts before the password is looked at.

        An attempt on an account with a second factor stays counted until its code was right
        (`attempts.forgive`), for else whoever has the password could go on guessing codes.
        """
        if username is None or password is None:
            return None
        name = User.normalize_username(username)
        attempt = attempts.reserve(name)
        account = User.objects.filter(username=name).first()
        if account is None:
            User().set_password(password)  # takes as long as to judge one
        if account is None or not self._opens(account, password):
            audit.record(Action.SIGN_IN_FAILED, by=None, subject=name if account else "")
            return None
        if not second_factor.has_one(account):
            attempt.succeeded()
        return account

    async def aauthenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:  # type: ignore[override]  # theirs names them
        # ModelBackend's own would not come by the method above.
        return await BaseBackend.aauthenticate(self, request, **credentials)

    def _opens(self, account: User, password: str) -> bool:
        return (
            passwords.is_password_of(account, password)
            and self.user_can_authenticate(account)
            and not passwords.has_run_out(account)
        )
