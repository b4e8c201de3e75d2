"""The lock that keeps two passes over the bucket apart."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection

from media_sync.errors import SyncRefused

LOCK = "media_sync.sync"


@contextmanager
def alone() -> Iterator[None]:
    """Hold the lock; the database drops it when this process dies. Raises SyncRefused where another holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [LOCK])
        if not cursor.fetchone()[0]:
            raise SyncRefused("Another sync of the bucket is running; wait until it has ended.")
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [LOCK])
