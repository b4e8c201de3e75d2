"""Who may sign in."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person or a machine that signs in; custom from the first migration so that it can grow."""

    class Meta(AbstractUser.Meta):
        pass
