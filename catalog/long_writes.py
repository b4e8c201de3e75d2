"""Writes across many rows, under a person's name and with time enough."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pghistory
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet

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


def hold(rows: "QuerySet[Any]") -> None:
    """Lock the rows in one order, so that two writes at once wait for one another, not both for both."""
    held = rows.order_by("pk").select_for_update(no_key=True).values("pk")
    with suppress(EmptyResultSet), connection.cursor() as cursor:
        text, params = held.query.sql_with_params()
        cursor.execute(f"SELECT count(*) FROM ({text}) AS held", params)  # noqa: S608 -- Django's own text
