"""The admin's pages for groups: roles are shown, and nobody makes or changes a group that gives what he has not."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from accounts import roles
from accounts.models import User
from accounts.tests.people import browser, member

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"admin:auth_group_{name}", args=args)


def key(codename):
    return Permission.objects.get(codename=codename).pk


@pytest.fixture
def chief():
    return member("Administrator", username="chief")


@pytest.mark.parametrize("role", roles.ROLES)
@pytest.mark.parametrize("superuser", [False, True])
def test_role_is_shown_and_not_changed(chief, role, superuser):
    User.objects.filter(pk=chief.pk).update(is_superuser=superuser)
    client, group = browser(User.objects.get(pk=chief.pk)), Group.objects.get(name=role)

    shown = client.get(page("change", group.pk))
    statuses = [
        client.post(page("change", group.pk), {"name": "Mine", "permissions": []}).status_code,
        client.post(page("delete", group.pk), {"post": "yes"}).status_code,
        client.post(
            page("changelist"),
            {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"},
        ).status_code,
    ]

    assert "This is one of the roles that the catalogue keeps" in shown.content.decode()
    assert 'name="_save"' not in shown.content.decode()
    assert (shown.status_code, statuses) == (200, [403, 403, 403])
    assert Group.objects.get(name=role).permissions.count() == len(roles.ROLES[role])


def test_own_group_is_made_of_what_one_has(chief):
    wish = {"name": "Curator of tools", "permissions": [key("view_tool"), key("change_tool")]}

    answer = browser(chief).post(page("add"), wish)

    made = Group.objects.get(name="Curator of tools")
    assert (answer.status_code, made.permissions.count()) == (302, 2)


def test_own_group_cannot_hold_what_one_has_not(chief):
    wish = {"name": "Masters", "permissions": [key("add_permission")]}

    answer = browser(chief).post(page("add"), wish)

    assert (answer.status_code, Group.objects.filter(name="Masters").exists()) == (200, False)


@pytest.mark.parametrize("door", ["change", "delete"])
def test_group_that_gives_more_is_out_of_reach(chief, door):
    group = Group.objects.create(name="Masters")
    group.permissions.add(key("add_permission"))

    answer = browser(chief).post(page(door, group.pk), {"name": "Mine", "post": "yes"})

    assert (answer.status_code, group.permissions.count()) == (403, 1)
    assert Group.objects.filter(name="Masters").exists()
