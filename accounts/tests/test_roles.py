"""The table of roles, and the groups that a migration keeps."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import roles
from accounts.models import User
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
DOCUMENT = Path(settings.BASE_DIR) / "docs" / "roles.md"


def permission(name):
    app, _, codename = name.partition(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


def groups():
    """What every group gives, by name."""
    return {
        group.name: {
            f"{app}.{codename}"
            for app, codename in group.permissions.values_list("content_type__app_label", "codename")
        }
        for group in Group.objects.all()
    }


def epoch(user):
    return User.objects.values_list("session_epoch", flat=True).get(pk=user.pk)


def test_migrations_leave_the_groups_as_the_table_says():
    assert groups() == roles.ROLES


def test_roles_are_these_five_and_grow():
    viewer, curator, publisher, operator, administrator = roles.ROLES.values()

    assert list(roles.ROLES) == ["Viewer", "Curator", "Publisher", "Operator", "Administrator"]
    assert viewer < curator < publisher < administrator
    assert viewer < operator < administrator


def test_group_that_is_named_like_a_role_is_set_aside_with_its_members_and_rights():
    member = UserFactory.create()
    theirs = Group.objects.get(name="Curator")
    theirs.permissions.set([permission("catalog.view_tool")])
    member.groups.add(theirs)
    Group.objects.create(name="Curator (before)")
    roles.set_aside(roles.ROLES)
    roles.keep(roles.ROLES)

    assert groups() == roles.ROLES | {"Curator (before)": set(), "Curator (before 2)": {"catalog.view_tool"}}
    assert [group.name for group in member.groups.all()] == ["Curator (before 2)"]


def test_keep_leaves_a_right_group_alone():
    member = UserFactory.create()
    member.groups.set(Group.objects.all())
    before = epoch(member)

    with CaptureQueriesContext(connection) as captured:
        roles.keep(roles.ROLES)

    assert {query["sql"].split()[0] for query in captured.captured_queries} == {"SELECT"}
    assert epoch(member) == before


def test_keep_mends_a_group_that_was_changed():
    viewers = Group.objects.get(name="Viewer")
    viewers.permissions.add(permission("catalog.delete_tool"))
    viewers.permissions.remove(permission("catalog.view_tool"))
    Group.objects.get(name="Operator").delete()
    own = Group.objects.create(name="Own")
    own.permissions.add(permission("catalog.delete_tool"))

    roles.keep(roles.ROLES)

    assert groups() == roles.ROLES | {"Own": {"catalog.delete_tool"}}


def test_keep_that_takes_a_right_ends_the_sessions_of_members_alone():
    member, other = UserFactory.create_batch(2)
    member.groups.add(Group.objects.get(name="Viewer"))
    other.groups.add(Group.objects.get(name="Curator"))
    before = epoch(member), epoch(other)

    roles.keep({"Viewer": ["catalog.view_item"]})

    assert (epoch(member), epoch(other)) == (before[0] + 1, before[1])


def test_keep_of_a_permission_that_does_not_exist_names_it():
    with pytest.raises(LookupError, match=r"There is no permission catalog\.fly_vehicle\."):
        roles.keep({"Viewer": ["catalog.fly_vehicle", "catalog.view_item"]})


def test_document_shows_the_table():
    shown = DOCUMENT.read_text().partition("<!-- roles -->\n")[2].partition("<!-- /roles -->")[0]

    assert shown == roles.as_markdown()


def test_shown_table_holds_every_right_of_every_role():
    named = {f"{thing.replace('.', f'.{verb}_')}" for thing in roles.THINGS for verb in roles.VERBS}

    assert set().union(*roles.ROLES.values()) <= named
