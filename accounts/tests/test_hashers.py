"""How passwords are stored."""

from argon2 import extract_parameters
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, identify_hasher, make_password


def test_password_is_stored_as_bounded_argon2id():
    parameters = extract_parameters("$" + make_password("Zephyr 51 gullwing").split("$", 1)[1].lstrip("$"))
    assert (parameters.type.name, parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (
        "ID", 19_456, 5, 1,
    )  # fmt: skip


def test_password_of_the_second_hasher_opens_and_is_upgraded():
    stored, upgraded = PBKDF2PasswordHasher().encode("Zephyr 51 gullwing", "salt"), []

    def keep(password):
        upgraded.append(make_password(password))

    assert check_password("Zephyr 51 gullwing", stored, setter=keep)
    assert [identify_hasher(password).algorithm for password in upgraded] == ["argon2"]
