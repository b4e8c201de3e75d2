"""What an API key sees of the catalogue."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import ApiKeyFactory, UserFactory, text_of
from catalog.models import Status
from catalog.tests.api import listed_slugs
from catalog.tests.factories import VehicleFactory

pytestmark = pytest.mark.django_db
LIST = "/v1/vehicles/"


@pytest.fixture
def user():
    user = UserFactory.create(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_item"))
    return user


@pytest.fixture(autouse=True)
def garage():
    VehicleFactory.create(
        slug="public", status=Status.PUBLISHED, published_at=timezone.now() - timedelta(days=1)
    )
    VehicleFactory.create(slug="draft", status=Status.DRAFT)


def client_of(user, *scopes):
    key = ApiKeyFactory.create(owner=user, scopes=list(scopes))
    return Client(headers={"authorization": f"Api-Key {text_of(key)}"})


@pytest.mark.parametrize(
    ("scopes", "slugs"),
    [
        pytest.param(["read"], {"public", "draft"}, id="read"),
        pytest.param(["write"], {"public", "draft"}, id="write"),
        pytest.param(["catalog.view_item"], {"public", "draft"}, id="by name"),
        pytest.param(["catalog.change_vehicle"], {"public"}, id="another permission"),
    ],
)
def test_key_sees_drafts_by_its_scopes(user, scopes, slugs):
    assert set(listed_slugs(client_of(user, *scopes), LIST)) == slugs


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda user: user.user_permissions.clear(), id="permission"),
        pytest.param(lambda user: User.objects.update(is_staff=False), id="staff"),
    ],
)
def test_draft_is_gone_once_the_owner_may_not_see_it(user, change):
    client = client_of(user, "read")
    before = set(listed_slugs(client, LIST))

    change(user)

    assert (before, set(listed_slugs(client, LIST))) == ({"public", "draft"}, {"public"})
    assert client.get(f"{LIST}draft/").status_code == 404


def test_refused_key_reads_nothing_public(user):
    client = client_of(user, "read")
    User.objects.update(is_active=False)
    assert client.get(LIST).status_code == 401


def test_key_costs_no_more_queries_than_a_token(user, django_assert_num_queries):
    client = client_of(user, "read")
    client.get(LIST)
    with django_assert_num_queries(4):  # the key with its owner, his rights (2), the page
        client.get(LIST)
