"""Keeps two processes from one upload."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection

from media_sync.models import Upload


@contextmanager
def alone(upload: Upload) -> Iterator[bool]:
    """Give whether this process has the upload to itself; the database lets go of it when the process dies."""
    name = f"media_sync.upload:{upload.pk}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
