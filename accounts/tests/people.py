"""Staff in roles, and the ways in which they come."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.test import Client

from accounts import roles, tokens
from accounts.models import User
from accounts.tests.factories import UserFactory

# A stranger is staff without a role; a client is not staff, and no role helps him.
STAFF = ["stranger", *roles.ROLES, "superuser"]
WHO = ["nobody", "client", *STAFF]


def member(*groups: str, **fields: Any) -> User:
    """Make staff in these groups."""
    user = UserFactory.create(**({"is_staff": True} | fields))
    # A test that commits leaves the database without the migrations' rows, or with those of another migration.
    roles.keep({name: roles.ROLES[name] for name in groups if name in roles.ROLES})
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def account(who: str) -> Any:
    """Make the account; None is nobody's."""
    if who == "nobody":
        return None
    if who == "superuser":
        return UserFactory.create(superuser=True)
    if who == "client":
        return member("Administrator", is_staff=False)
    return member(*([who] if who in roles.ROLES else []))


def may(who: str, rights: str) -> bool:
    """Return whether the table of roles gives them all these rights, named with a blank between."""
    held = roles.ROLES.get(who, frozenset())
    return bool(rights) and (who == "superuser" or set(rights.split()) <= held)


def permissions(*names: str) -> "list[Permission]":
    """Return the permissions of these names, such as catalog.view_item."""
    wanted = Q(pk=None)
    for name in names:
        app, _, codename = name.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    found = list(Permission.objects.filter(wanted))
    assert len(found) == len(set(names)), names
    return found


def holder(*names: str, **fields: Any) -> User:
    """Make staff with these permissions by themselves."""
    user = UserFactory.create(**({"is_staff": True} | fields))
    user.user_permissions.set(permissions(*names))
    return user


def browser(user: User) -> Client:
    """Return a browser in which this account is signed in."""
    client = Client()
    client.force_login(user)
    return client


def api(user: User) -> Client:
    """Return a client that carries an access token of this account."""
    now = User.objects.get(pk=user.pk)  # a change of rights since it was made has made a new epoch
    return Client(headers={"authorization": f"Bearer {tokens.begin(now, verified=False).access}"})
