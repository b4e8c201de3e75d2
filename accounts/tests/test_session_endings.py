"""What ends sessions: each trigger closes all of an account's tokens with the next request, and nobody else's."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken

from accounts import actions, sessions, tokens
from accounts.models import EndReason, Session, User
from accounts.tests.client import me, refresh
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.forge import claims

pytestmark = pytest.mark.django_db
SESSIONS = 50  # of each of two accounts, where a change ends them that people make
FEW = 5  # where the same change comes by another door
COMMON = {
    "password over HTTP", "deactivated", "no more staff", "group taken", "logout-all", "ended by an administrator",
}  # fmt: skip


def curators():
    return Group.objects.get_or_create(name="Those who see")[0]


def permission():
    return Permission.objects.get(codename="view_user")


def sql(statement):
    def run(user):
        with connection.cursor() as cursor:
            cursor.execute(statement, [user.pk])

    return run


def change_password_over_http(user):
    answer = APIClient().post(
        "/v1/auth/password/", {"old_password": PASSWORD, "new_password": "Another 52 gullwing"}, format="json",
        headers={"Authorization": f"Bearer {tokens.begin(user, verified=False).access}"},
    )  # fmt: skip
    assert answer.status_code == 200


def logout_all_over_http(user):
    access = tokens.begin(user, verified=False).access
    headers = {"Authorization": f"Bearer {access}"}
    assert APIClient().post("/v1/auth/logout-all/", headers=headers).status_code == 200


def save_password(user):
    user.set_password("Another 52 gullwing")
    user.save()


def save(**changes):
    def run(user):
        for name, value in changes.items():
            setattr(user, name, value)
        user.save()

    return run


def update(**changes):
    return lambda user: User.objects.filter(pk=user.pk).update(**changes)


def update_in_bulk(user):
    user.is_staff = False
    User.objects.bulk_update([user], ["is_staff"])


TRIGGERS: dict[str, tuple[Callable[[User], object], str]] = {
    "password over HTTP": (change_password_over_http, EndReason.PASSWORD),
    "password saved": (save_password, EndReason.PASSWORD),
    "password set by an update": (update(password="!"), EndReason.PASSWORD),
    "logout-all": (logout_all_over_http, EndReason.LOGOUT_ALL),
    "ended by an administrator": (
        lambda user: sessions.end_chosen(Session.objects.filter(user=user), by=user), EndReason.ENDED,
    ),
    "deactivated": (save(is_active=False), EndReason.DEACTIVATED),
    "deactivated by an update": (update(is_active=False), EndReason.DEACTIVATED),
    "no more staff": (save(is_staff=False), EndReason.RIGHTS),
    "no more staff by an update in bulk": (update_in_bulk, EndReason.RIGHTS),
    "superuser": (update(is_superuser=True), EndReason.RIGHTS),
    "group taken": (lambda user: user.groups.remove(curators()), EndReason.RIGHTS),
    "groups cleared": (lambda user: user.groups.clear(), EndReason.RIGHTS),
    "group given": (
        lambda user: user.groups.add(Group.objects.create(name="Those who change")), EndReason.RIGHTS,
    ),
    "group deleted": (lambda user: curators().delete(), EndReason.RIGHTS),
    "users taken from the group": (lambda user: curators().user_set.clear(), EndReason.RIGHTS),
    "permission given to the group": (
        lambda user: curators().permissions.add(permission()), EndReason.RIGHTS,
    ),
    "permission given to the user": (
        lambda user: user.user_permissions.add(permission()), EndReason.RIGHTS,
    ),
    "SQL: password": (sql("UPDATE accounts_user SET password = 'x' WHERE id = %s"), EndReason.PASSWORD),
    "SQL: group": (sql("DELETE FROM accounts_user_groups WHERE user_id = %s"), EndReason.RIGHTS),
    "SQL: another group": (
        sql(
            "WITH other AS (INSERT INTO auth_group (name) VALUES ('Others') RETURNING id)"
            " UPDATE accounts_user_groups SET group_id = (SELECT id FROM other) WHERE user_id = %s"
        ), EndReason.RIGHTS,
    ),
    "membership handed on": (
        lambda user: User.groups.through.objects.filter(user=user).update(user=UserFactory.create()),
        EndReason.RIGHTS,
    ),
    "single permission turned into another": (
        lambda user: User.user_permissions.through.objects.update(permission=permission()), EndReason.RIGHTS,
    ),
    "the group's permission turned into another": (
        lambda user: Group.permissions.through.objects.filter(group=curators()).update(permission=permission()),
        EndReason.RIGHTS,
    ),
    "SQL: epoch": (
        sql("UPDATE accounts_user SET session_epoch = session_epoch + 1 WHERE id = %s"), EndReason.RIGHTS,
    ),
}  # fmt: skip


@pytest.fixture
def user():
    user = UserFactory.create(is_staff=True)
    user.groups.add(curators())
    held = Permission.objects.get(codename="view_group")
    user.user_permissions.add(held)
    curators().permissions.add(held)
    return User.objects.get(pk=user.pk)


def begin(user, number=SESSIONS):
    return [tokens.begin(user, verified=False) for _ in range(number)]


def answers_to(pairs):
    """Return how access tokens and how refresh tokens are answered, as sets of statuses."""
    api = APIClient()
    return (
        {me(api, pair.access).status_code for pair in pairs},
        {refresh(api, pair.refresh).status_code for pair in pairs},
    )


def blacklisted(pairs):
    names = [claims(pair.refresh)["jti"] for pair in pairs]
    return BlacklistedToken.objects.filter(token__jti__in=names).count()


@pytest.mark.parametrize("trigger", list(TRIGGERS))
def test_sessions_end_when(user, trigger):
    cause, reason = TRIGGERS[trigger]
    number = SESSIONS if trigger in COMMON else FEW
    theirs, others = begin(user, number), begin(UserFactory.create(), number)
    # One of the tokens has a history.
    theirs.append(tokens.rotate(theirs[0].refresh))
    ended = Session.objects.filter(user=user)
    began = set(ended.values_list("pk", flat=True))

    cause(user)

    assert set(ended.filter(pk__in=began).values_list("end_reason", flat=True)) == {reason}
    assert blacklisted(theirs) == number + 1
    assert blacklisted(others) == 0
    assert answers_to(theirs) == ({401}, {401})
    assert answers_to(others) == ({200}, {200})


DELETIONS: dict[str, Callable[[User], object]] = {
    "by the action": lambda user: actions.delete_users(users=User.objects.filter(pk=user.pk), by=None),
    "by the model": lambda user: user.delete(),
    "by a queryset": lambda user: User.objects.filter(pk=user.pk).delete(),
}


@pytest.mark.parametrize("door", list(DELETIONS))
def test_sessions_end_when_the_account_is_deleted(user, door):
    number = SESSIONS if door == "by the action" else FEW
    theirs, others = begin(user, number), begin(UserFactory.create(), number)
    DELETIONS[door](user)
    assert not Session.objects.filter(pk__in=[claims(pair.refresh)["sid"] for pair in theirs]).exists()
    assert answers_to(theirs) == ({401}, {401})
    assert answers_to(others) == ({200}, {200})


def test_deletion_leaves_every_token_on_the_blacklist(user):
    theirs = begin(user)
    DELETIONS["by the action"](user)
    assert blacklisted(theirs) == SESSIONS


NOTHING: dict[str, Callable[[User], object]] = {
    "saved as it was": lambda user: user.save(),
    "renamed": lambda user: User.objects.filter(pk=user.pk).update(username="other", email="o@example.com"),
    "signed in": lambda user: tokens.begin(user, verified=False),
    "group renamed": lambda user: Group.objects.filter(name="Those who see").update(name="Those who look"),
    "groups set as they were": lambda user: user.groups.set([curators()]),
    "another's group": lambda user: Group.objects.create(name="Others").permissions.add(permission()),
}


@pytest.mark.parametrize("event", list(NOTHING))
def test_sessions_stay_when(user, event):
    pairs = begin(user, FEW)
    NOTHING[event](user)
    assert answers_to(pairs) == ({200}, {200})


def test_session_of_a_rotated_family_ends_its_access_tokens_of_all_generations(user):
    first = tokens.begin(user, verified=False)
    second = tokens.rotate(first.refresh)
    third = tokens.rotate(second.refresh)
    tokens.revoke(third.refresh)
    assert answers_to([first, second, third]) == ({401}, {401})


def test_session_that_ended_does_not_come_back_with_the_account(user):
    pairs = begin(user, FEW)
    User.objects.filter(pk=user.pk).update(is_active=False)
    User.objects.filter(pk=user.pk).update(is_active=True)
    assert answers_to(pairs) == ({401}, {401})


def test_stale_copy_of_an_account_that_is_saved_brings_no_epoch_back(user):
    stale = User.objects.get(pk=user.pk)
    pair = tokens.begin(user, verified=False)
    sessions.end_all(user)
    stale.save()
    assert User.objects.get(pk=user.pk).session_epoch == user.session_epoch + 1
    assert answers_to([pair]) == ({401}, {401})


def test_stale_copy_of_a_session_that_is_saved_does_not_bring_it_back(user):
    pair = tokens.begin(user, verified=False)
    stale = Session.objects.get()
    tokens.revoke(pair.refresh)
    stale.save()
    assert Session.objects.get().end_reason == EndReason.LOGOUT
    assert answers_to([pair]) == ({401}, {401})
