"""The audit record: only added to, and told of rights and accounts by the database itself."""

import pghistory
import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import include, path, reverse
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from accounts.audit import record
from accounts.models import Action, AuditEvent, User
from accounts.tests.client import sign_in
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
REFUSED = "The audit record is only added to; its rows are neither changed nor deleted."


@pytest.fixture
def told():
    """Return what gives (who, subject, detail) of the events since the test began, oldest first."""
    last = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0  # those of migrations

    def told(action, **narrowed):
        events = AuditEvent.objects.filter(id__gt=last, action=action, **narrowed).order_by("id")
        return list(events.values_list("actor", "subject", "detail"))

    return told


def an_event():
    record(Action.SIGN_OUT, by=None, subject="for the test")
    return AuditEvent.objects.get(subject="for the test")


@pytest.fixture
def chief(client):
    user = UserFactory.create(username="chief", superuser=True)
    client.force_login(user)
    return user


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda event: event.delete(), id="delete"),
        pytest.param(lambda event: AuditEvent.objects.all().delete(), id="delete-many"),
        pytest.param(lambda event: event.save(), id="save"),
        pytest.param(lambda event: AuditEvent.objects.update(actor="nobody"), id="update-many"),
    ],
)
def test_event_is_neither_changed_nor_deleted(change):
    event = an_event()

    with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
        change(event)

    assert AuditEvent.objects.get(pk=event.pk).subject == "for the test"


def test_account_made_in_bulk_is_told(told):
    User.objects.bulk_create([User(username="ada", is_staff=True), User(username="bob", is_active=False)])

    ada, bob = User.objects.order_by("username")
    assert told(Action.ACCOUNT_CREATED) == [
        ("", "ada", {"account": ada.pk, "is_active": True, "is_staff": True, "is_superuser": False}),
        ("", "bob", {"account": bob.pk, "is_active": False, "is_staff": False, "is_superuser": False}),
    ]


def test_flags_changed_by_sql_are_told(told):
    ada = UserFactory.create(username="ada")

    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_user SET is_staff = true, is_active = false WHERE id = %s", [ada.pk])

    assert told(Action.RIGHTS_CHANGED) == [
        (
            "",
            "ada",
            {
                "account": ada.pk,
                "old": {"is_staff": False, "is_active": True},
                "new": {"is_staff": True, "is_active": False},
            },
        )
    ]


def test_new_name_is_told_under_the_new_name(told):
    ada = UserFactory.create(username="ada")

    User.objects.filter(pk=ada.pk).update(username="ada.lovelace")

    changed = {"account": ada.pk, "old": {"username": "ada"}, "new": {"username": "ada.lovelace"}}
    assert told(Action.RIGHTS_CHANGED) == [("", "ada.lovelace", changed)]


def test_change_that_is_none_of_rights_is_not_told():
    ada = UserFactory.create(first_name="Ada")
    before = AuditEvent.objects.count()

    User.objects.filter(pk=ada.pk).update(first_name="Augusta", is_staff=False)

    assert AuditEvent.objects.count() == before


def test_password_is_in_no_event():
    user = UserFactory.create()

    User.objects.filter(pk=user.pk).update(password="argon2$something-else", is_staff=True)

    assert "argon2" not in str(list(AuditEvent.objects.values()))


def test_deleted_account_is_told(told):
    ada = UserFactory.create(username="ada")
    key = ada.pk

    ada.delete()

    assert told(Action.DELETED) == [("", "account ada", {"account": key, "count": 1, "first": ["ada"]})]


def test_one_who_deletes_the_own_account_is_named(told):
    ada = UserFactory.create(username="ada")

    with pghistory.context(user=ada.pk):
        ada.delete()

    assert [who for who, _, _ in told(Action.DELETED)] == ["ada"]


def test_groups_given_and_taken_are_told_once_for_each_account(told):
    ada, bob = UserFactory.create(username="ada"), UserFactory.create(username="bob")
    curators, keepers = Group.objects.create(name="A curators"), Group.objects.create(name="A keepers")
    people = {"detail__has_key": "account"}

    membership = User.groups.through
    membership.objects.bulk_create(
        [membership(user=user, group=group) for user in (ada, bob) for group in (keepers, curators)]
    )
    ada.groups.remove(keepers)

    assert sorted(told(Action.RIGHTS_CHANGED, **people), key=str) == [
        ("", "ada", {"account": ada.pk, "added_groups": ["A curators", "A keepers"]}),
        ("", "ada", {"account": ada.pk, "removed_groups": ["A keepers"]}),
        ("", "bob", {"account": bob.pk, "added_groups": ["A curators", "A keepers"]}),
    ]


def test_single_permissions_are_told(told):
    ada = UserFactory.create(username="ada")
    ada.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "view_group"]))

    ada.user_permissions.clear()

    names = ["accounts.view_user", "auth.view_group"]
    assert told(Action.RIGHTS_CHANGED) == [
        ("", "ada", {"account": ada.pk, "added_permissions": names}),
        ("", "ada", {"account": ada.pk, "removed_permissions": names}),
    ]


def test_permissions_of_a_group_are_told_once_for_each_statement(told):
    group = Group.objects.create(name="A curators")

    group.permissions.set(Permission.objects.filter(codename__in=["view_user", "view_group"]))

    added = {"group": group.pk, "added_permissions": ["accounts.view_user", "auth.view_group"]}
    assert told(Action.RIGHTS_CHANGED)[1:] == [("", "group A curators", added)]


def test_rights_moved_by_an_update_are_told_as_taken_and_given(told):
    ada, bob = UserFactory.create(username="ada"), UserFactory.create(username="bob")
    view, change = (Permission.objects.get(codename=f"{verb}_group") for verb in ("view", "change"))
    curators = Group.objects.create(name="A curators")
    ada.groups.add(curators)
    ada.user_permissions.add(view)
    curators.permissions.add(view)
    before = len(told(Action.RIGHTS_CHANGED))

    User.groups.through.objects.filter(user=ada).update(user=bob)
    User.user_permissions.through.objects.filter(user=ada).update(permission=change)
    Group.permissions.through.objects.filter(group=curators).update(permission=change)

    assert sorted(told(Action.RIGHTS_CHANGED)[before:], key=str) == [
        ("", "ada", {"account": ada.pk, "added_permissions": ["auth.change_group"]}),
        ("", "ada", {"account": ada.pk, "removed_groups": ["A curators"]}),
        ("", "ada", {"account": ada.pk, "removed_permissions": ["auth.view_group"]}),
        ("", "bob", {"account": bob.pk, "added_groups": ["A curators"]}),
        ("", "group A curators", {"group": curators.pk, "added_permissions": ["auth.change_group"]}),
        ("", "group A curators", {"group": curators.pk, "removed_permissions": ["auth.view_group"]}),
    ]


def test_group_made_renamed_and_deleted_is_told(told):
    group = Group.objects.create(name="A curators")
    key = group.pk

    Group.objects.filter(pk=key).update(name="A keepers")
    group.delete()

    assert told(Action.RIGHTS_CHANGED, detail__group=key) == [
        ("", "group A curators", {"group": key, "new": {"name": "A curators"}}),
        ("", "group A keepers", {"group": key, "old": {"name": "A curators"}, "new": {"name": "A keepers"}}),
    ]
    assert told(Action.DELETED) == [
        ("", "group A keepers", {"group": key, "count": 1, "first": ["A keepers"]})
    ]


def test_rights_given_in_the_admin_name_who_and_from_where(client, chief, settings):
    settings.TRUSTED_PROXIES = []
    ada = UserFactory.create(username="ada")
    body = {"username": "ada", "is_active": "on", "is_staff": "on"}

    answer = client.post(
        reverse("admin:accounts_user_change", args=[ada.pk]),
        body,
        REMOTE_ADDR="203.0.113.9",
        headers={"User-Agent": "Firefox"},
    )

    event = AuditEvent.objects.get(action=Action.RIGHTS_CHANGED, subject="ada")
    assert (answer.status_code, event.actor_id, event.actor) == (302, chief.pk, "chief")
    assert (event.address, event.device) == ("203.0.113.9", "Firefox")
    assert event.request_id == answer.headers["X-Request-ID"]
    assert event.detail == {"account": ada.pk, "old": {"is_staff": False}, "new": {"is_staff": True}}


class DemoteView(APIView):
    """Takes the staff flag from bob."""

    permission_classes = (IsAuthenticated,)

    def post(self, request):
        User.objects.filter(username="bob").update(is_staff=False)
        return Response()


urlpatterns = [path("v1/auth/", include("accounts.urls")), path("v1/demote/", DemoteView.as_view())]


@pytest.mark.urls(__name__)
def test_rights_taken_with_a_token_name_its_account():
    """Whose a token is comes out in the view only; the database hears of it nonetheless."""
    ada, _ = UserFactory.create(username="ada"), UserFactory.create(username="bob", is_staff=True)
    api = APIClient()
    access = sign_in(api)["access"]

    answer = api.post("/v1/demote/", headers={"Authorization": f"Bearer {access}"})

    event = AuditEvent.objects.get(action=Action.RIGHTS_CHANGED, subject="bob")
    assert (answer.status_code, event.actor_id, event.actor) == (200, ada.pk, "ada")
    assert event.request_id == answer.headers["X-Request-ID"]


def test_record_takes_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        record(Action.SIGN_OUT, by=None, subject="one")


def test_record_of_a_very_long_subject_is_cut():
    record(Action.SIGN_OUT, by=None, subject="x" * 500)

    assert AuditEvent.objects.latest("id").subject == "x" * 300


@pytest.mark.parametrize("route", ["/v1/auth/me/", "/v1/vehicles/", "/admin/login/", "/healthz"])
def test_anonymous_read_writes_nothing(client, route):
    with CaptureQueriesContext(connection) as queries:
        client.get(route)

    # What counts the request goes past Django's cursors (marketplace.prepared), and is not among these.
    assert [query["sql"] for query in queries if not query["sql"].lstrip().startswith("SELECT")] == []
