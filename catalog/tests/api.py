"""What tests of the API share."""

from django.contrib.auth.models import Permission
from django.test import Client

from accounts import tokens
from accounts.models import User


def staff_client(*permissions: str) -> Client:
    """Return a client that carries the token of a new staff account with these rights over the catalogue."""
    number = User.objects.count()
    user = User.objects.create_user(f"staff-{number}", password="correct horse battery", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=permissions, content_type__app_label="catalog")
    )
    user.refresh_from_db()  # the rights that it has now made a new epoch
    access = tokens.begin(user, verified=False).access
    return Client(headers={"authorization": f"Bearer {access}"})


def listed_slugs(client: Client, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return [row["slug"] for row in answer.json()["results"]]
