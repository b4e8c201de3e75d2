"""The tests' database, as other processes reach it, and what goes on in it."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from django.db import connection

from marketplace.tests.stack import wait_until

SOMEBODY_WAITS = (
    "SELECT EXISTS (SELECT FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock')"
)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Let the database be dropped without a limit of time: on a busy disk that takes longer than a page may."""
    yield
    connection.settings_dict["OPTIONS"]["options"] += " -c statement_timeout=0"


def database_address() -> str:
    """Return DATABASE_URL of the database that Django is connected to."""
    database = connection.settings_dict
    parts = {"host": database["HOST"], "port": database["PORT"] or 5432, "user": database["USER"]}
    parts |= {"password": database["PASSWORD"]} if database["PASSWORD"] else {}
    return f"postgresql:///{database['NAME']}?{urlencode(parts)}"


def wait_until_somebody_waits_for_a_lock() -> None:
    """Return once another connection is held up by what this one, or a third one, has locked."""
    with connection.cursor() as cursor:

        def somebody_waits() -> bool:
            # In a transaction PostgreSQL goes on showing the activity that was first asked for.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(SOMEBODY_WAITS)
            return bool(cursor.fetchone()[0])

        wait_until(somebody_waits)
