"""How far those who edit accounts reach: never beyond their own rights, and never to their own."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections, transaction
from django.urls import reverse
from django.utils import timezone

from accounts import actions, reach, roles
from accounts.models import Action, AuditEvent, Session, SessionKind, User
from accounts.sessions import begin
from accounts.tests.client import at_once
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.people import browser, holder, member
from marketplace.tests.database import wait_until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db
NEW = "Another 52 gullwing"
PASSWORDS = {"usable_password": "true", "password1": NEW, "password2": NEW}


def page(name, *args):
    return reverse(f"admin:accounts_{name}", args=args)


def password_page(user):
    return reverse("admin:auth_user_password_change", args=[user.pk])


def key(codename):
    return Permission.objects.get(codename=codename).pk


def posted(user, **changes):
    """Return what a browser sends from the page of an account, with these changes; None takes a field away."""
    body = {"username": user.username, "email": user.email, "is_active": "on", "is_staff": "on"}
    body |= {
        "groups": list(user.groups.values_list("pk", flat=True)),
        "is_superuser": user.is_superuser or None,
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def state(user):
    """Return all of an account that an editor might touch."""
    now = User.objects.get(pk=user.pk)
    rights = tuple(now.groups.values_list("name", flat=True)), now.user_permissions.count()
    return now.password, now.is_active, now.is_staff, now.is_superuser, now.username, *rights


@pytest.fixture
def chief():
    return member("Administrator", username="chief")


@pytest.fixture
def clerk():
    """One who may edit accounts and nothing else."""
    rights = [f"accounts.{verb}_user" for verb in ("view", "add", "change", "delete")]
    return holder(*rights, username="clerk")


TARGETS = {
    "superuser": lambda: UserFactory.create(superuser=True),
    "inactive superuser": lambda: UserFactory.create(superuser=True, is_active=False),
    "more by a group": lambda: member("Viewer"),
    "more by a group, inactive": lambda: member("Viewer", is_active=False),
    "more by itself": lambda: holder("catalog.delete_tool"),
}


@pytest.mark.parametrize("make", TARGETS.values(), ids=TARGETS.keys())
@pytest.mark.parametrize("door", ["change", "password", "delete", "delete_selected"])
def test_one_who_may_more_is_out_of_reach(clerk, make, door):
    person, client = make(), browser(clerk)
    before = state(person)

    doors = {
        "change": lambda: client.post(page("user_change", person.pk), posted(person, username="mine")),
        "password": lambda: client.post(password_page(person), PASSWORDS),
        "delete": lambda: client.post(page("user_delete", person.pk), {"post": "yes"}),
        "delete_selected": lambda: client.post(
            page("user_changelist"),
            {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"},
        ),
    }

    assert (doors[door]().status_code, state(person)) == (403, before)


@pytest.mark.parametrize("role", roles.ROLES)
def test_administrator_reaches_every_role(chief, role):
    person = member(role)

    answer = browser(chief).post(page("user_change", person.pk), posted(person, first_name="Ada"))

    assert (answer.status_code, User.objects.get(pk=person.pk).first_name) == (302, "Ada")


def test_administrator_gives_and_takes_a_role(chief):
    person = member("Viewer")
    curator = Group.objects.get(name="Curator")

    browser(chief).post(page("user_change", person.pk), posted(person, groups=[curator.pk]))

    assert list(person.groups.all()) == [curator]


def test_password_that_somebody_gives_is_temporary(chief):
    person = member("Viewer")

    answer = browser(chief).post(password_page(person), PASSWORDS)

    person.refresh_from_db()
    assert (answer.status_code, person.check_password(NEW)) == (302, True)
    assert person.temporary_password_until is not None
    assert person.temporary_password_until > timezone.now()
    event = AuditEvent.objects.get(action=Action.PASSWORD_CHANGED)
    assert (event.actor, event.subject) == ("chief", person.username)


def test_password_that_is_refused_changes_nothing(chief):
    person = member("Viewer")
    before = state(person)

    answer = browser(chief).post(password_page(person), PASSWORDS | {"password2": "else"})

    person.refresh_from_db()
    assert (answer.status_code, state(person), person.temporary_password_until) == (200, before, None)


def test_password_of_a_new_account_is_temporary(chief):
    browser(chief).post(page("user_add"), PASSWORDS | {"username": "ada"})

    assert User.objects.get(username="ada").temporary_password_until is not None


def test_new_account_without_a_password_waits_for_none(chief):
    browser(chief).post(page("user_add"), {"username": "machine", "usable_password": "false"})

    assert User.objects.get(username="machine").temporary_password_until is None


@pytest.mark.parametrize("method", ["get", "post"])
def test_own_password_is_changed_where_the_old_one_is_asked_for(chief, method):
    answer = getattr(browser(chief), method)(password_page(chief), PASSWORDS)

    assert (answer.status_code, answer.url) == (302, reverse("admin:password_change"))
    assert User.objects.get(pk=chief.pk).check_password(PASSWORD)


@pytest.mark.parametrize("superuser", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        {"is_active": None},
        {"is_staff": None},
        {"is_superuser": None},
        {"groups": []},
        {"user_permissions": ["1"]},
    ],
    ids=str,
)
def test_own_rights_are_left_to_others(chief, superuser, change):
    User.objects.filter(pk=chief.pk).update(is_superuser=superuser)
    chief.refresh_from_db()
    before = state(chief)

    answer = browser(chief).post(page("user_change", chief.pk), posted(chief, **change))

    assert (answer.status_code, state(chief)) == (302, before)


@pytest.mark.parametrize("superuser", [False, True])
@pytest.mark.parametrize("door", ["delete", "delete_selected"])
def test_own_account_is_not_deleted(chief, superuser, door):
    User.objects.filter(pk=chief.pk).update(is_superuser=superuser)
    client = browser(User.objects.get(pk=chief.pk))
    chosen = {"action": "delete_selected", "_selected_action": [chief.pk]}
    address, body = (
        (page("user_delete", chief.pk), {}) if door == "delete" else (page("user_changelist"), chosen)
    )

    assert client.post(address, body | {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=chief.pk).exists()


@pytest.mark.parametrize("group", ["Viewer", "Administrator", "Own"])
def test_group_that_gives_more_is_not_given(clerk, group):
    Group.objects.create(name="Own").permissions.add(key("view_user"), key("delete_tool"))
    person = UserFactory.create(is_staff=True)
    before = state(person)
    wish = posted(person, groups=[Group.objects.get(name=group).pk])

    answer = browser(clerk).post(page("user_change", person.pk), wish)

    assert (answer.status_code, state(person)) == (200, before)
    assert "groups" in answer.context["adminform"].form.errors


def test_group_that_gives_no_more_is_given(clerk):
    own = Group.objects.create(name="Own")
    own.permissions.add(key("view_user"))
    person = UserFactory.create(is_staff=True)

    browser(clerk).post(page("user_change", person.pk), posted(person, groups=[own.pk]))

    assert list(person.groups.all()) == [own]


@pytest.mark.parametrize(("codename", "status", "held"), [("view_user", 302, 1), ("view_group", 200, 0)])
def test_single_permission_is_given_by_those_who_have_it(clerk, codename, status, held):
    person = UserFactory.create(is_staff=True)
    wish = posted(person, user_permissions=[key(codename)])

    answer = browser(clerk).post(page("user_change", person.pk), wish)

    assert (answer.status_code, person.user_permissions.count()) == (status, held)


def test_superuser_flag_is_given_by_superusers_alone(chief):
    person = member("Viewer")

    by_chief = browser(chief).post(page("user_change", person.pk), posted(person, is_superuser="on"))
    after_chief = User.objects.get(pk=person.pk).is_superuser
    boss = browser(UserFactory.create(superuser=True))
    boss.post(page("user_change", person.pk), posted(person, is_superuser="on"))

    assert (by_chief.status_code, after_chief) == (302, False)
    assert User.objects.get(pk=person.pk).is_superuser


FORGED = {
    "password": "argon2$stolen",
    "session_epoch": "1",
    "temporary_password_until": "",
    "temporary_password_until_0": "",
    "temporary_password_until_1": "",
    "id": "1",
    "pk": "1",
    "last_login_0": "2001-01-01",
    "last_login_1": "00:00",
    "date_joined_0": "2001-01-01",
    "date_joined_1": "00:00",
}
WRITABLE = {"username", "email", "first_name", "last_name", "is_active", "is_staff"}


def test_account_form_writes_none_of_the_other_fields(chief):
    person = member("Viewer", temporary_password_until=timezone.now(), session_epoch=7)
    fields = [field.attname for field in User._meta.concrete_fields if field.name not in WRITABLE]
    before = User.objects.values(*fields).get(pk=person.pk)

    answer = browser(chief).post(page("user_change", person.pk), posted(person, is_superuser="on", **FORGED))

    assert answer.status_code == 302
    assert User.objects.values(*fields).get(pk=person.pk) == before


def test_own_account_has_no_page_to_delete_it(chief):
    client = browser(chief)

    assert client.get(page("user_delete", chief.pk)).status_code == 403
    assert page("user_delete", chief.pk) not in client.get(page("user_change", chief.pk)).content.decode()


def test_new_account_takes_a_name_and_a_password_alone(chief):
    group = Group.objects.get(name="Viewer")
    wish = FORGED | {"is_superuser": "on", "is_staff": "on", "groups": [group.pk], "user_permissions": ["1"]}

    browser(chief).post(page("user_add"), wish | PASSWORDS | {"username": "ada"})

    ada = User.objects.get(username="ada")
    assert (ada.is_superuser, ada.is_staff, ada.groups.count(), ada.user_permissions.count()) == (
        False, False, 0, 0,
    )  # fmt: skip
    assert ada.check_password(NEW)
    assert ada.pk != 1


def test_account_deleted_takes_its_sessions_along(chief):
    person = member("Viewer")
    person.refresh_from_db()
    begin(person, kind=SessionKind.API, verified=False)

    shown = browser(chief).get(page("user_delete", person.pk)).content.decode()
    answer = browser(chief).post(page("user_delete", person.pk), {"post": "yes"})

    assert person.username in shown
    assert answer.status_code == 302
    assert not User.objects.filter(pk=person.pk).exists()
    assert not Session.objects.filter(user_id=person.pk).exists()


def test_accounts_deleted_together(chief):
    people = [member("Viewer"), member("Curator")]
    chosen = {
        "action": "delete_selected",
        "_selected_action": [person.pk for person in people],
        "post": "yes",
    }

    answer = browser(chief).post(page("user_changelist"), chosen)

    assert answer.status_code == 302
    assert not User.objects.filter(pk__in=[person.pk for person in people]).exists()


def test_last_superuser_is_not_deleted_at_the_console():
    UserFactory.create(superuser=True, is_active=False)
    boss = UserFactory.create(superuser=True)

    with pytest.raises(ValidationError, match="The last active superuser cannot be deleted"):
        actions.delete_users(users=User.objects.filter(pk=boss.pk), by=None)

    assert User.objects.filter(pk=boss.pk, is_active=True).exists()


def test_delete_users_refuses_one_out_of_reach(clerk):
    with pytest.raises(PermissionDenied):
        actions.delete_users(users=User.objects.filter(pk=member("Viewer").pk), by=clerk)


def test_delete_users_of_none_deletes_none(clerk):
    assert actions.delete_users(users=User.objects.none(), by=clerk) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("door", ["demote", "deactivate", "delete"])
def test_two_superusers_at_once_leave_one(door):
    one, two = UserFactory.create_batch(2, superuser=True)
    clients = [browser(one), browser(two)]
    for client in clients:
        client.get(page("user_changelist"))  # the browser's session is begun

    def strike(client, person):
        if door == "delete":
            return client.post(page("user_delete", person.pk), {"post": "yes"}).status_code
        change = {"is_superuser": None} if door == "demote" else {"is_active": None}
        return client.post(page("user_change", person.pk), posted(person, **change)).status_code

    statuses = at_once([partial(strike, clients[0], two), partial(strike, clients[1], one)])

    assert User.objects.filter(is_superuser=True, is_active=True).count() == 1
    assert statuses.count(302) >= 1
    assert all(status < 500 for status in statuses)


@pytest.mark.django_db(transaction=True)
def test_change_by_one_whose_rights_are_taken_while_it_waits_is_refused():
    boss, other = UserFactory.create_batch(2, superuser=True)
    client = browser(boss)
    client.get(page("user_changelist"))  # the browser's session is begun

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            reach.hold_still()
            waiting = pool.submit(client.post, page("user_delete", other.pk), {"post": "yes"})
            wait_until_somebody_waits_for_a_lock()
            User.objects.filter(pk=boss.pk).update(is_superuser=False)
        answer = waiting.result()
        pool.submit(connections.close_all).result()  # that of the thread

    assert answer.status_code == 403
    assert User.objects.filter(pk=other.pk).exists()


def test_page_of_one_out_of_reach_is_shown(clerk):
    person = member("Viewer")

    shown = browser(clerk).get(page("user_change", person.pk))

    assert shown.status_code == 200
    assert 'name="_save"' not in shown.content.decode()
