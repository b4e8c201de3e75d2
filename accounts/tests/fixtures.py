"""Fixtures of tests that sign in."""

from collections.abc import Iterator

import pytest
import time_machine
from django.utils import timezone

from accounts import throttling
from accounts.tests.hashing import COUNTED_HASHERS


@pytest.fixture
def fast_hashes(settings) -> None:
    """Passwords take no time to judge, and `accounts.tests.hashing.computed` counts them."""
    settings.PASSWORD_HASHERS = COUNTED_HASHERS


@pytest.fixture
def still_clock() -> Iterator[time_machine.Traveller]:
    """No time passes unless the test says so; codes of apps change every 30 s."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def no_client_is_known() -> Iterator[None]:
    """What a process remembers of clients that had their share ends with the test, as their counts do."""
    yield
    throttling.forget()
