"""What tests of the API share."""

from typing import Any

from django.test import Client
from django.urls import resolve

from accounts.tests.people import api, holder


def staff_client(*permissions: str) -> Client:
    """Return a client that carries the token of a new staff account with these rights over the catalogue."""
    return api(holder(*[f"catalog.{name}" for name in permissions]))


def view_of(route: str) -> Any:
    """Return the class that answers a list, also of a room that this one must not know."""
    return resolve(f"/v1/{route}/").func.cls  # type: ignore[attr-defined]  # a view of REST framework


def listed_slugs(client: Client, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return [row["slug"] for row in answer.json()["results"]]
