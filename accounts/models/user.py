"""Who may sign in, and how far one request of theirs reaches."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person or a machine that signs in.

    The database keeps `session_epoch` (trigger): it grows with every change of password, activity,
    staff or superuser flag, groups and permissions, whichever door it comes by, and never shrinks.
    What was issued under an older epoch is over.
    """

    session_epoch = models.PositiveIntegerField(default=1, editable=False)
    temporary_password_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The password opens nothing but its own change, and after this time not even that.",
    )

    # Narrows what this request may do, below what the account may: an API key's scopes, or a sign-in that
    # lacks the second factor. None: nothing is narrowed. Never stored.
    limit: Callable[[str], bool] | None = None
    # The id of the API key by which this request was signed in, if it was by one. Never stored.
    key_id: int | None = None

    class Meta(AbstractUser.Meta):
        pass

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return (self.limit is None or self.limit(perm)) and super().has_perm(perm, obj)

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        held: set[str] = super().get_all_permissions(obj)
        return held if self.limit is None else {name for name in held if self.limit(name)}

    def has_module_perms(self, app_label: str) -> bool:
        if self.limit is None:
            return super().has_module_perms(app_label)
        return any(name.partition(".")[0] == app_label for name in self.get_all_permissions())


def nothing(permission: str) -> bool:
    """A limit (`User.limit`) under which no permission is left."""
    return False
