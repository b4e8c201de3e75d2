"""Queries whose SQL is our own, with values in their places."""

from typing import Any

from django.db import connection


def as_rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query whose SQL is our own; `/*1*/`, `/*2*/` stand for the values."""
    text = query.replace("%", "%%")
    for number in range(len(values)):
        text = text.replace(f"/*{number + 1}*/", "%s")
    with connection.cursor() as cursor:
        cursor.execute(text, list(values))
        return list(cursor.fetchall())
