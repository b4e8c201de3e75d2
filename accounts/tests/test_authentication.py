"""TokenAuthentication: what opens an endpoint, and what an account's end closes."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from accounts import tokens
from accounts.authentication import TokenAuthentication
from accounts.models import EndReason, Session, User
from accounts.tests.client import ME, assert_refused
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory.create(username="ada")


@pytest.fixture
def access(user):
    return tokens.begin(user, verified=False).access


def get(header):
    return APIClient().get(ME, headers={"Authorization": header})


def authenticate(header):
    request = APIRequestFactory().get("/", headers={"Authorization": header})
    return TokenAuthentication().authenticate(APIView().initialize_request(request))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_access_token_opens(access, scheme):
    answer = get(f"{scheme} {access}")
    assert (answer.status_code, answer.json()["username"]) == (200, "ada")


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Token abc", "Bearerabc"])
def test_other_header_is_anonymous(header, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert authenticate(header) is None


def test_authentication_costs_one_query(user, access, django_assert_num_queries):
    with django_assert_num_queries(1):
        opened = authenticate(f"Bearer {access}")
    assert opened == (user, Session.objects.get())


def test_forged_token_costs_no_query(access, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = get(f"Bearer {access[:-4]}AAAA")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda user: user.delete(), id="deleted"),
        pytest.param(lambda user: User.objects.update(is_active=False), id="inactive"),
        pytest.param(lambda user: User.objects.update(password="!"), id="password changed"),
        pytest.param(lambda user: User.objects.update(is_staff=True), id="staff"),
        pytest.param(lambda user: User.objects.update(session_epoch=2), id="epoch grown"),
        pytest.param(lambda user: Session.objects.all().end(EndReason.LOGOUT), id="session ended"),
        pytest.param(lambda user: Session.objects.update(expires_at=timezone.now()), id="session expired"),
        pytest.param(lambda user: Session.objects.update(epoch=9), id="session of another epoch"),
        pytest.param(lambda user: Session.objects.update(user=UserFactory.create()), id="another's session"),
    ],
)
def test_access_token_of_a_session_that_is_over(user, access, change):
    change(user)
    assert_refused(get(f"Bearer {access}"), "The session has ended; sign in again.")


def test_access_token_with_two_words():
    assert_refused(get("Bearer a b"), "The Authorization header must read: Bearer <token>.")


def test_access_token_of_a_temporary_password_lets_its_owner_see_himself_alone(user):
    user.temporary_password_until = timezone.now() + timedelta(hours=1)
    user.is_superuser = True
    user.save()
    user.refresh_from_db()
    access = tokens.begin(user, verified=False).access
    answer = get(f"Bearer {access}")
    assert (answer.status_code, answer.json()["permissions"]) == (200, [])
