"""Password hashing at bounded memory."""

from django.contrib.auth.hashers import Argon2PasswordHasher

# Longer than any passphrase; beyond it a password is only a way to make the server hash megabytes.
PASSWORD_MAX_LENGTH = 4096


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id at 19 MiB (the floor of OWASP ASVS 5.0, appendix C); Django's default takes 100 MiB a sign-in.

    What the small memory gives away the passes make up for: twice and a half as many as that floor asks.
    """

    time_cost = 5
    memory_cost = 19_456  # KiB
    parallelism = 1
