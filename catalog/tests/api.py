"""What tests of the API share."""

from django.test import Client

from accounts.tests.people import api, holder


def staff_client(*permissions: str) -> Client:
    """Return a client that carries the token of a new staff account with these rights over the catalogue."""
    return api(holder(*[f"catalog.{name}" for name in permissions]))


def listed_slugs(client: Client, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return [row["slug"] for row in answer.json()["results"]]
