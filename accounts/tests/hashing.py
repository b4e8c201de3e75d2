"""A password hasher whose work can be counted, over threads and forked processes."""

import multiprocessing

from django.contrib.auth.hashers import PBKDF2PasswordHasher

computed = multiprocessing.get_context("fork").Value("i", 0)


class CountedHasher(PBKDF2PasswordHasher):
    """Adds one to `computed` for every hash that it computes."""

    iterations = 1

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with computed.get_lock():
            computed.value += 1
        return super().encode(password, salt, iterations)

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Do nothing: one iteration is as many as there are."""


COUNTED_HASHERS = [f"{CountedHasher.__module__}.{CountedHasher.__qualname__}"]
