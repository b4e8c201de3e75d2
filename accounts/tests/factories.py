"""Accounts for tests; PASSWORD opens each of them. API keys, all with KEY_SECRET."""

import hashlib
from datetime import timedelta
from functools import cache

from django.contrib.auth.hashers import get_hasher, make_password
from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory, Trait, Transformer
from factory.django import DjangoModelFactory

from accounts.models import ApiKey, User

PASSWORD = "Zephyr 51 gullwing"
KEY_SECRET = "Zephyr51Gullwing" * 2 + "Zephyr51Gul"


@cache
def _hashed(raw: str, algorithm: str) -> str:
    return make_password(raw)


def hashed(raw: str) -> str:
    """Return a hash of the password as it is stored; made once, for it is slow by design."""
    return _hashed(raw, get_hasher().algorithm)


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = Sequence(lambda n: f"person-{n}")
    email = LazyAttribute(lambda user: f"{user.username}@example.com")
    password = Transformer(PASSWORD, transform=hashed)

    class Params:
        superuser = Trait(is_staff=True, is_superuser=True)


class ApiKeyFactory(DjangoModelFactory[ApiKey]):
    """Live keys that may read; `text_of` tells what a client sends."""

    class Meta:
        model = ApiKey

    owner = SubFactory(UserFactory)
    name = Sequence(lambda n: f"key {n}")
    prefix = Sequence(lambda n: f"k{n:011d}")
    secret_hash = hashlib.sha256(KEY_SECRET.encode()).digest()
    scopes = LazyFunction(lambda: ["read"])
    expires_at = LazyFunction(lambda: timezone.now() + timedelta(days=90))


def text_of(key: ApiKey) -> str:
    return f"cat_{key.prefix}_{KEY_SECRET}"
