"""What the transactions of imports have in common: no limits of requests, and one landing at a time."""

from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.errors import ImportRefused

PATIENCE = "15min"  # with which one that lands waits for others and for people's edits
BUSY = "Another import is landing or being undone right now; look again in a moment."


def prepare(cursor: CursorWrapper) -> None:
    """Lift the limits that are made for web requests; they return with the transaction's end."""
    sql.run(cursor, "SET LOCAL statement_timeout = 0")
    sql.run(cursor, "SET LOCAL idle_in_transaction_session_timeout = 0")
    sql.run(cursor, f"SET LOCAL lock_timeout = '{PATIENCE}'")
    sql.run(cursor, "SET LOCAL work_mem = '64MB'")


def hold_tables(cursor: CursorWrapper, run_id: int, *, to_read: bool = False) -> None:
    """Keep the run's staged tables as they are, until the transaction's end: for this one alone, or `to_read` with others.

    Asked for before the first of the tables is touched: else one that reads several of them and one that replaces
    them each wait for a table that the other has, and PostgreSQL ends one of the two.
    """
    lock = "pg_advisory_xact_lock_shared" if to_read else "pg_advisory_xact_lock"
    sql.run(cursor, f"SELECT {lock}(hashtextextended('tables of import {int(run_id)}', 0))")


def queue(cursor: CursorWrapper, *, wait: bool = True) -> None:
    """Wait for the imports (and undoings) that are landing; until the transaction's end others wait for this one.

    One lock for all tables: an import of vehicles may make productions and terms, too. Without `wait`, ImportRefused
    is raised where another has it.
    """
    if wait:
        sql.run(cursor, "SELECT pg_advisory_xact_lock(hashtext('catalog import'))")
    elif not sql.value(cursor, "SELECT pg_try_advisory_xact_lock(hashtext('catalog import'))"):
        raise ImportRefused(BUSY)
