"""How far one account reaches over others: nobody decides over those with more rights, and nobody gives what he has not.

All of it asks the account's permissions as they count for the request at hand (`User.limit`).
"""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import User

LOCK = "accounts: who may what"


def hold_still() -> None:
    """Let nobody else who asks here change rights until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOCK])


def hold_still_for(actor: User) -> None:
    """Hold rights still, and raise PermissionDenied if those of the account changed since it was read.

    Of two who take each other's rights at the same moment, the second one has lost his by then.
    """
    hold_still()
    if not User.objects.filter(pk=actor.pk, is_active=True, session_epoch=actor.session_epoch).exists():
        raise PermissionDenied


def rules_all(actor: User) -> bool:
    """Return whether this is a superuser whose request is limited by nothing."""
    return actor.is_superuser and actor.limit is None


def reaches(actor: User, people: Iterable[User]) -> bool:
    """Return whether the actor has every right that these accounts hold, be they active or not. One query."""
    if rules_all(actor):
        return True
    people = list(people)
    if any(person.is_superuser for person in people):
        return False
    held = Permission.objects.filter(Q(user__in=people) | Q(group__user__in=people))
    return _names(held) <= actor.get_all_permissions()


def reaches_group(actor: User, group: Group) -> bool:
    """Return whether the actor has every right that the group gives."""
    return rules_all(actor) or _names(group.permissions.all()) <= actor.get_all_permissions()


def permissions_of(actor: User) -> QuerySet[Permission]:
    """Return the permissions that the actor has, and so may give."""
    every = Permission.objects.order_by("content_type__app_label", "content_type__model", "codename")
    if rules_all(actor):
        return every
    held = actor.get_all_permissions()
    rows = Permission.objects.values_list("pk", "content_type__app_label", "codename")
    return every.filter(pk__in=[key for key, app, codename in rows if f"{app}.{codename}" in held])


def groups_of(actor: User) -> QuerySet[Group]:
    """Return the groups that give nothing that the actor has not, and that he so may give."""
    beyond = Permission.objects.exclude(pk__in=permissions_of(actor).order_by().values("pk"))
    return Group.objects.all() if rules_all(actor) else Group.objects.exclude(permissions__in=beyond)


def _names(permissions: QuerySet[Permission]) -> set[str]:
    rows = permissions.order_by().values_list("content_type__app_label", "codename").distinct()
    return {f"{app}.{codename}" for app, codename in rows}
