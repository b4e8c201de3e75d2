"""Writes across many rows, under a person's name and with time enough."""

from collections.abc import Iterator
from contextlib import contextmanager

import pghistory
from django.db import connection, transaction

from accounts.models import User

# The whole filtered list may be chosen; the usual limit of 5 s is meant for single pages.
LONG_STATEMENT_MS = 120_000


@contextmanager
def long_write(by: User | None, action: str) -> Iterator[None]:
    """Open a transaction that may take minutes, with its history under this person's name."""
    with pghistory.context(user=by.pk if by else None, action=action), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {LONG_STATEMENT_MS:d}")
        yield
