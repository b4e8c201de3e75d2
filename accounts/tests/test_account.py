"""What an account does to itself: me, logout-all, password."""

from functools import partial

import pytest
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.client import ME, assert_refused, at_once, me, refresh, sign_in
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "Another 52 gullwing"


@pytest.fixture
def api():
    return APIClient()


@pytest.fixture
def user():
    return UserFactory.create(username="ada", first_name="Ada", last_name="Byron", is_staff=True)


def post(api, access, route, body=None):
    headers = {"Authorization": f"Bearer {access}"}
    return api.post(f"/v1/auth/{route}/", body or {}, format="json", headers=headers)


def test_me(api, user):
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_group", "add_group"]))
    answer = me(api, sign_in(api)["access"])

    user.refresh_from_db()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {
        "id": user.pk,
        "username": "ada",
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Byron",
        "is_staff": True,
        "is_superuser": False,
        "last_login": user.last_login.isoformat().replace("+00:00", "Z"),
        "date_joined": user.date_joined.isoformat().replace("+00:00", "Z"),
        "permissions": ["auth.add_group", "auth.view_group"],
    }


def test_me_costs_three_queries(api, user, django_assert_num_queries):
    user.user_permissions.add(*Permission.objects.all())
    access = sign_in(api)["access"]
    with django_assert_num_queries(3):  # the account, its permissions, its groups' permissions
        me(api, access)


def test_me_anonymous(api, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = api.get(ME)
    assert_refused(answer, "Authentication credentials were not provided.")


def test_logout_all_ends_every_session_of_the_account(api, user):
    UserFactory.create(username="eve")
    pairs, stranger = [sign_in(api) for _ in range(3)], sign_in(api, "eve")
    pairs[0] = refresh(api, pairs[0]["refresh"]).json()

    answer = post(api, pairs[1]["access"], "logout-all")

    assert (answer.status_code, answer.json()) == (200, {})
    assert [refresh(api, pair["refresh"]).status_code for pair in pairs] == [401] * 3
    assert refresh(api, stranger["refresh"]).status_code == 200


def test_logout_all_number_of_queries_does_not_grow(api, user, django_assert_max_num_queries):
    pairs = [sign_in(api) for _ in range(20)]
    with django_assert_max_num_queries(8):
        post(api, pairs[0]["access"], "logout-all")


@pytest.mark.django_db(transaction=True)
def test_logout_all_beside_refreshes_leaves_no_session():
    UserFactory.create(username="ada")
    pairs = [sign_in(APIClient()) for _ in range(12)]
    refreshes = [partial(refresh, APIClient(), pair["refresh"]) for pair in pairs]
    end = partial(post, APIClient(), pairs[0]["access"], "logout-all")

    answers = at_once([*refreshes[:6], end, *refreshes[6:]])

    assert answers[6].status_code == 200
    left = [answer.json()["refresh"] for answer in answers if answer.json().get("refresh")]
    assert [refresh(APIClient(), token).status_code for token in left] == [401] * len(left)


def test_logout_all_twice(api, user):
    access = sign_in(api)["access"]
    assert [post(api, access, "logout-all").status_code for _ in range(2)] == [200, 401]


def test_password_change_ends_every_token(api, user):
    pairs = [sign_in(api) for _ in range(2)]
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}

    answer = post(api, pairs[0]["access"], "password", body)

    assert (answer.status_code, answer.json()) == (200, {})
    for pair in pairs:
        assert_refused(me(api, pair["access"]), "The session has ended; sign in again.")
        assert_refused(refresh(api, pair["refresh"]), "The refresh token was used or withdrawn.")
    assert me(api, sign_in(api, password=NEW_PASSWORD)["access"]).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_password_change_by_two_at_once_succeeds_once():
    UserFactory.create(username="ada")
    access = sign_in(APIClient())["access"]
    calls = [
        partial(post, APIClient(), access, "password", {"old_password": PASSWORD, "new_password": new})
        for new in ("Another 52 gullwing", "Another 53 gullwing")
    ]

    statuses = sorted(answer.status_code for answer in at_once(calls))

    # The loser met the new password, or its token had ended before it was let in.
    assert statuses in ([200, 400], [200, 401])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"old_password": "wrong", "new_password": NEW_PASSWORD}, "old_password", id="wrong"),
        pytest.param({"old_password": PASSWORD, "new_password": "short1"}, "new_password", id="short"),
        pytest.param(
            {"old_password": PASSWORD, "new_password": "1029384756102"}, "new_password", id="digits"
        ),
        pytest.param(
            {"old_password": PASSWORD, "new_password": "ada@example.com"}, "new_password", id="similar"
        ),
        pytest.param({"old_password": PASSWORD}, "new_password", id="missing"),
        pytest.param({"new_password": NEW_PASSWORD}, "old_password", id="old missing"),
    ],
)
def test_password_change_refused(api, user, body, field):
    access = sign_in(api)["access"]
    stored = User.objects.get(pk=user.pk).password

    answer = post(api, access, "password", body)

    assert answer.status_code == 400
    assert {error["pointer"] for error in answer.json()["errors"]} == {f"/{field}"}
    assert User.objects.get(pk=user.pk).password == stored
    assert me(api, access).status_code == 200


@pytest.mark.parametrize("route", ["logout-all", "password", "token/logout-all", "token/password"])
def test_account_route_anonymous(api, route):
    assert api.post(f"/v1/auth/{route}/", {}, format="json").status_code == 401
