"""Statements that nearly every request runs: prepared once for each connection, and sent past Django's cursors."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import OperationalError, connection

Row = tuple[Any, ...]


def rows(statement: bytes, values: Sequence[Any] = (), *, text: str = "") -> list[Row]:
    """Run SQL in which the values stand as $1, $2, ... and return its rows. It must bear to be run twice.

    `text` is the same SQL as Django's cursors take it: they run it while somebody notes what this connection runs.

    On a connection that was kept from another request, the first statement takes the place of Django's check of its
    health (a `SELECT 1`): where the server has closed the connection meanwhile, it is sent again through a new one.
    """
    if text and (connection.queries_logged or connection.execute_wrappers):
        return _noted_rows(text, values)
    django: Any = connection  # whose types lack its health
    kept = django.connection
    if kept is None or django.health_check_done or django.in_atomic_block:
        return _rows(statement, values)
    django.health_check_done = True
    try:
        return _rows(statement, values)
    except OperationalError:
        if not kept.closed:
            raise
    connection.close()
    return _rows(statement, values)


def _rows(statement: bytes, values: Sequence[Any]) -> list[Row]:
    connection.ensure_connection()
    raw: Any = connection.connection
    raw.prepare_threshold = 0  # Django's None would forbid it; its own cursors never prepare
    with connection.wrap_database_errors:
        return psycopg.RawCursor(raw).execute(statement, values, prepare=True, binary=True).fetchall()


def _noted_rows(text: str, values: Sequence[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return list(cursor.fetchall())
