"""A sign-in with a temporary password reaches what a stranger reaches, and its own change."""

import re

import pytest
from django.apps import apps
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts import passwords
from accounts.models import User
from accounts.tests.client import sign_in
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
# What an account does to its own sign-in; each has tests of its own.
OWN = {
    ("get", "/v1/auth/me/"),
    ("post", "/v1/auth/password/"),
    ("post", "/v1/auth/logout-all/"),
}
# Their body is the credential; a header beside it is ignored.
CREDENTIAL = re.compile("/v1/auth/token/.*")


def routes():
    """Return every method and path of the API's document that is asked for by header."""
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return [
        (method, path)
        for path, operations in paths.items()
        for method in operations
        if not CREDENTIAL.fullmatch(path) and (method, path) not in OWN
    ]


def ask(api, method, path, headers):
    filled = re.sub(r"\{[^}]*id\}", "00000000-0000-0000-0000-000000000000", path)
    filled = re.sub(r"\{[^}]*\}", "1", filled)
    return getattr(api, method)(filled, {}, format="json", headers=headers)


@pytest.fixture
def signed_in():
    """The header of a superuser whose password is temporary."""
    passwords.make_temporary(UserFactory.create(username="ada", superuser=True))
    return {"Authorization": f"Bearer {sign_in(APIClient())['access']}"}


def test_temporary_password_reaches_nothing_that_a_stranger_does_not(signed_in):
    api = APIClient(raise_request_exception=False)

    more = {}
    for method, path in routes():
        stranger, mine = ask(api, method, path, {}), ask(api, method, path, signed_in)
        # A stranger who may not is asked to sign in; whoever has signed in is told that he may not.
        expected = 403 if stranger.status_code == 401 else stranger.status_code
        if mine.status_code != expected:
            more[f"{method} {path}"] = (stranger.status_code, mine.status_code)

    assert more == {}
    assert len(routes()) > 20
    assert User.objects.count() == 1


def test_temporary_password_shows_no_drafts(signed_in):
    # By name, because this room does not know that one.
    apps.get_model("catalog", "Vehicle").objects.create(reference="R-1", slug="hidden", name="Hidden")
    api = APIClient()

    listed = api.get("/v1/vehicles/", headers=signed_in)

    assert listed.json()["results"] == []
    assert api.get("/v1/vehicles/hidden/", headers=signed_in).status_code == 404
    User.objects.update(temporary_password_until=None)
    assert api.get("/v1/vehicles/hidden/", headers=signed_in).status_code == 200


@pytest.mark.parametrize(
    "page",
    [
        "",
        "accounts/user/",
        "catalog/vehicle/",
        "catalog/vehicle/add/",
        "search/?s=a",
        "password_change/done/",
    ],
)
def test_temporary_password_opens_no_page_of_the_admin(client, page):
    passwords.make_temporary(UserFactory.create(username="ada", superuser=True))
    client.post("/admin/login/", {"username": "ada", "password": PASSWORD})

    answer = client.get(f"/admin/{page}")

    assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (
        302,
        "/admin/password_change/",
    )
