"""The lock of an asset: whoever reads it, makes its renditions or deletes them holds it, and no row is locked.

The locks are those of this thread's connection to the database: they are lost with the process.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection


def lock_of(asset_id: int) -> str:
    """Return the key of the asset's advisory lock, as SQL."""
    return f"hashtextextended('media asset {int(asset_id)}', 0)"


def try_lock(asset_id: int) -> bool:
    """Take the lock; False if another connection has it."""
    return _call("pg_try_advisory_lock", asset_id)


def unlock(asset_id: int) -> None:
    _call("pg_advisory_unlock", asset_id)


@contextmanager
def locked(asset_ids: Iterable[int]) -> Iterator[set[int]]:
    """Hold the locks of those of the assets that nobody is at; yield their ids."""
    held: set[int] = set()
    try:
        for asset_id in set(asset_ids):
            if try_lock(asset_id):
                held.add(asset_id)
        yield held
    finally:
        with suppress(DatabaseError):  # they are free already if the connection is lost
            for asset_id in held:
                unlock(asset_id)


def _call(function: str, asset_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({lock_of(asset_id)})")
        return bool(cursor.fetchone()[0])
