from typing import Any

import pytest
from django.db import DataError, OperationalError, connection, transaction

from marketplace import prepared

kept: Any = connection  # whose types lack its health


@pytest.fixture
def kept_connection(transactional_db):
    """The connection as a request finds it that another one has left; its number in the server."""
    connection.ensure_connection()
    kept.health_check_done = False
    return connection.connection.info.backend_pid


def end(number):
    """End the connection of this number from the server's side, as a restart does."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [number])
            assert cursor.fetchone() == (True,)
    finally:
        other.close()


def test_kept_connection_that_was_closed_is_replaced(kept_connection):
    end(kept_connection)
    assert prepared.rows(b"SELECT $1::int", [7]) == [(7,)]
    assert connection.connection.info.backend_pid != kept_connection


def test_first_statement_is_the_check_of_health(kept_connection):
    prepared.rows(b"SELECT 1")
    assert kept.health_check_done


def test_connection_that_worked_in_this_request_is_not_replaced(kept_connection):
    prepared.rows(b"SELECT 1")
    end(kept_connection)
    with pytest.raises(OperationalError):
        prepared.rows(b"SELECT 1")
    connection.close()


def test_statement_that_fails_is_not_sent_again(kept_connection):
    with pytest.raises(DataError):
        prepared.rows(b"SELECT 1 / $1::int", [0])
    assert connection.connection.info.backend_pid == kept_connection


def test_transaction_sees_what_it_has_done_itself(transactional_db):
    with transaction.atomic():
        prepared.rows(b"SELECT set_config('catalogue.mark', $1::text, true)", ["here"])
        assert prepared.rows(b"SELECT current_setting('catalogue.mark')") == [("here",)]


def test_statement_that_is_noted_runs_through_the_usual_cursor(kept_connection):
    noted = []

    def note(execute, sql, params, many, context):
        noted.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        found = prepared.rows(b"SELECT $1::int", [7], text="SELECT %s::int")
    assert (found, noted) == ([(7,)], [("SELECT %s::int", [7])])
