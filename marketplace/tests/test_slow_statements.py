"""A query that would run for minutes ends as a problem, and holds no worker."""

import pytest
from django.db import connection, connections

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def locked_terms():
    """Somebody else holds the table: whoever reads it waits until a limit of time ends it."""
    other = connections["default"].copy()
    other.connect()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE catalog_term IN ACCESS EXCLUSIVE MODE")
    yield
    other.rollback()
    other.close()


@pytest.fixture
def little_time():
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 300")
        yield
        cursor.execute("RESET statement_timeout")


def test_statement_that_takes_too_long_is_a_problem(client, locked_terms, little_time):
    answer = client.get("/v1/terms/")

    assert (answer.status_code, answer["Content-Type"], answer["Retry-After"]) == (
        503,
        "application/problem+json",
        "5",
    )
    assert answer.json()["detail"] == "The answer took too long to find; ask for less, or try again later."


def test_count_that_takes_too_long_names_those_that_do_not(client, locked_terms, little_time):
    answer = client.get("/v1/terms/?count=exact")

    assert (answer.status_code, answer.json()["detail"]) == (
        503,
        "There is too much to count: count=capped counts to 10,000, and count=none does not count.",
    )


def test_every_statement_of_a_request_has_a_limit_of_time():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting::int FROM pg_settings WHERE name ~ '^(statement|lock)_timeout$' ORDER BY name"
        )
        assert cursor.fetchall() == [("lock_timeout", 2000), ("statement_timeout", 5000)]
