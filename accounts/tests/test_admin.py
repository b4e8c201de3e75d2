"""The admin's pages for accounts and groups."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import User
from accounts.tests.client import me, refresh, sign_in
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
USERS, GROUPS = "admin:accounts_user", "admin:auth_group"


def url(name, *args):
    return reverse(name, args=args)


@pytest.fixture
def chief(client):
    user = UserFactory.create(username="chief", superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def clerk(client):
    """Staff who may do everything with accounts and groups, without being a superuser."""
    user = UserFactory.create(username="clerk", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(content_type__model__in=["user", "group"]))
    client.force_login(user)
    return user


def form_of(page):
    """Return what the browser would send back from a change page."""
    values = page.context["adminform"].form.initial
    fields = page.context["adminform"].form.fields
    return {name: value for name, value in values.items() if name in fields and value not in (None, False)}


@pytest.mark.parametrize("model", [OutstandingToken, BlacklistedToken])
def test_tokens_have_no_page(model):
    assert not admin.site.is_registered(model)


def test_user_list_finds_by_name(client, chief):
    UserFactory.create(username="ada", first_name="Ada")
    answer = client.get(url(f"{USERS}_changelist"), {"q": "ada"})
    assert [user.username for user in answer.context["cl"].result_list] == ["ada"]


def test_user_list_filters_by_group(client, chief):
    curators = Group.objects.create(name="Curators")
    UserFactory.create(username="ada").groups.add(curators)
    answer = client.get(url(f"{USERS}_changelist"), {"groups__id__exact": curators.pk})
    assert [user.username for user in answer.context["cl"].result_list] == ["ada"]


def test_user_list_refuses_to_filter_by_password(client, chief):
    answer = client.get(url(f"{USERS}_changelist"), {"password__startswith": "argon2"})
    assert answer.status_code == 400


@pytest.mark.parametrize("pages", [f"{USERS}_changelist", f"{GROUPS}_changelist"])
def test_list_number_of_queries_does_not_grow(client, chief, pages, django_assert_max_num_queries):
    for number in range(30):
        group = Group.objects.create(name=f"Group {number}")
        UserFactory.create(password="!").groups.add(group)
    with django_assert_max_num_queries(16):
        assert client.get(url(pages)).status_code == 200


def test_change_page_number_of_queries_does_not_grow(client, chief, django_assert_max_num_queries):
    user, group = UserFactory.create(), Group.objects.create(name="Curators")
    for holder in (user.user_permissions, group.permissions):
        holder.add(*Permission.objects.all())
    with django_assert_max_num_queries(26):
        assert client.get(url(f"{USERS}_change", user.pk)).status_code == 200
        assert client.get(url(f"{GROUPS}_change", group.pk)).status_code == 200


def test_change_page_of_clerk_number_of_queries_does_not_grow(client, clerk, django_assert_max_num_queries):
    user, group = UserFactory.create(), Group.objects.create(name="Curators")
    for holder in (user.user_permissions, group.permissions):
        holder.add(*Permission.objects.all())
    with django_assert_max_num_queries(42):
        assert client.get(url(f"{USERS}_change", user.pk)).status_code == 200
        page = client.get(url(f"{GROUPS}_change", group.pk))
    assert "auth.add_group, auth.add_permission" in page.content.decode()


def test_user_is_added(client, chief):
    body = {
        "username": "ada",
        "usable_password": "true",
        "password1": "Zephyr 51 gullwing",
        "password2": "Zephyr 51 gullwing",
    }
    answer = client.post(url(f"{USERS}_add"), body)

    added = User.objects.get(username="ada")
    assert (answer.status_code, answer.headers["Location"]) == (302, url(f"{USERS}_change", added.pk))
    assert (added.is_staff, added.check_password("Zephyr 51 gullwing")) == (False, True)


def test_user_add_with_a_weak_password(client, chief):
    body = {"username": "ada", "usable_password": "true", "password1": "short", "password2": "short"}
    assert client.post(url(f"{USERS}_add"), body).status_code == 200
    assert not User.objects.filter(username="ada").exists()


def test_new_password_in_the_admin_ends_tokens(client, chief):
    ada, api = UserFactory.create(username="ada"), APIClient()
    pair = sign_in(api)
    body = {"usable_password": "true", "password1": "Another 52 gullwing", "password2": "Another 52 gullwing"}

    answer = client.post(reverse("admin:auth_user_password_change", args=[ada.pk]), body)

    assert answer.status_code == 302
    assert (me(api, pair["access"]).status_code, refresh(api, pair["refresh"]).status_code) == (401, 401)


def test_superuser_hands_out_rights(client, chief):
    ada = UserFactory.create(username="ada")
    body = form_of(client.get(url(f"{USERS}_change", ada.pk))) | {"is_staff": "on", "is_superuser": "on"}
    answer = client.post(url(f"{USERS}_change", ada.pk), body)

    ada.refresh_from_db()
    assert (answer.status_code, ada.is_staff, ada.is_superuser) == (302, True, True)


def test_clerk_edits_a_person_but_raises_nobody(client, clerk):
    body = form_of(client.get(url(f"{USERS}_change", clerk.pk)))
    body |= {"first_name": "Clara", "is_superuser": "on", "user_permissions": ["1", "2"]}
    before = clerk.user_permissions.count()

    answer = client.post(url(f"{USERS}_change", clerk.pk), body)

    clerk.refresh_from_db()
    assert (answer.status_code, clerk.first_name, clerk.is_superuser) == (302, "Clara", False)
    assert clerk.user_permissions.count() == before


def test_clerk_renames_a_group_of_his_reach(client, clerk):
    group = Group.objects.create(name="Curators")
    answer = client.post(
        url(f"{GROUPS}_change", group.pk),
        {"name": "Keepers", "permissions": [Permission.objects.get(codename="view_user").pk]},
    )

    group.refresh_from_db()
    assert (answer.status_code, group.name, group.permissions.count()) == (302, "Keepers", 1)


@pytest.mark.parametrize("page", [f"{USERS}_change", f"{USERS}_delete", "admin:auth_user_password_change"])
def test_clerk_does_not_touch_a_superuser(client, clerk, page):
    boss = UserFactory.create(superuser=True)
    body = {
        "username": "mine",
        "password1": "Another 52 gullwing",
        "password2": "Another 52 gullwing",
        "post": "yes",
    }

    assert client.post(url(page, boss.pk), body).status_code == 403
    assert User.objects.get(pk=boss.pk).password == boss.password


def test_clerk_does_not_delete_superusers_in_bulk(client, clerk):
    boss = UserFactory.create(superuser=True)
    client.post(
        url(f"{USERS}_changelist"),
        {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"},
    )
    assert User.objects.filter(pk=boss.pk).exists()


def test_user_page_for_one_who_may_only_look(client):
    looker = UserFactory.create(is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_user"))
    client.force_login(looker)
    assert client.get(url(f"{USERS}_change", looker.pk)).status_code == 200


def test_user_page_anonymous(client):
    assert client.get(url(f"{USERS}_changelist")).status_code == 302
