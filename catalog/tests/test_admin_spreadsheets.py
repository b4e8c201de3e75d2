"""The buttons Import and Export in the admin, and who may."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client


@pytest.fixture
def viewer(client: Client, django_user_model: Any) -> Client:
    """Sign in a member of staff who may see vehicles and no more."""
    user = django_user_model.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_vehicle"))
    client.force_login(user)
    return client


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "status"),
    [
        pytest.param("/admin/catalog/vehicle/", 200, id="list"),
        pytest.param("/admin/catalog/vehicle/export/", 403, id="export"),
        pytest.param("/admin/catalog/vehicle/import/", 403, id="import"),
        pytest.param("/admin/catalog/importrun/add/", 403, id="import of any kind"),
        pytest.param("/admin/catalog/importrun/", 403, id="import runs"),
        pytest.param("/admin/catalog/tool/export/", 403, id="export of another kind"),
    ],
)
def test_viewer_of_vehicles_may(address: str, status: int, viewer: Client) -> None:
    assert viewer.get(address).status_code == status
