"""Accounts for tests; PASSWORD opens each of them."""

from factory.declarations import LazyAttribute, Sequence, Trait
from factory.django import DjangoModelFactory, Password

from accounts.models import User

PASSWORD = "Zephyr 51 gullwing"


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = Sequence(lambda n: f"person-{n}")
    email = LazyAttribute(lambda user: f"{user.username}@example.com")
    password = Password(PASSWORD)

    class Params:
        superuser = Trait(is_staff=True, is_superuser=True)
