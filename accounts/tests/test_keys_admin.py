"""The admin's pages for API keys."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session as BrowserSession
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import keys
from accounts.models import Action, ApiKey, AuditEvent
from accounts.tests.client import ME
from accounts.tests.factories import KEY_SECRET, ApiKeyFactory, UserFactory

pytestmark = pytest.mark.django_db
LIST, ADD = reverse("admin:accounts_apikey_changelist"), reverse("admin:accounts_apikey_add")
NEW = {"name": "Export", "scopes": "read, write", "networks": "", "expires_in_days": "30"}


def staff(client, *verbs):
    """Sign in somebody who has these rights over API keys."""
    user = UserFactory.create(username="ada", is_staff=True)
    codenames = [f"{verb}_apikey" for verb in verbs]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return user


def page_of(key):
    return reverse("admin:accounts_apikey_change", args=[key.pk])


def revoke(client, *chosen):
    body = {"action": "revoke", "_selected_action": [key.pk for key in chosen]}
    return client.post(LIST, body, follow=True)


def text_on(page):
    found = re.search(keys.FORM, page.content.decode())
    return found[0] if found else None


def test_add_shows_a_key_that_opens(client):
    user = staff(client, "add", "view")

    page = client.post(ADD, NEW | {"networks": "127.0.0.1, 10.0.0.0/8"})

    key = ApiKey.objects.get()
    assert page.status_code == 200
    assert (key.owner, key.name, key.scopes) == (user, "Export", ["read", "write"])
    assert (key.networks, (key.expires_at - key.created_at).days) == (["10.0.0.0/8", "127.0.0.1/32"], 30)
    answer = APIClient().get(ME, headers={"Authorization": f"Api-Key {text_on(page)}"})
    assert (answer.status_code, answer.json()["username"]) == (200, "ada")


def test_add_shows_the_key_once_and_keeps_it_nowhere(client):
    staff(client, "add", "view")

    page = client.post(ADD, NEW)

    secret = text_on(page).split("_")[2]
    assert "no-store" in page.headers["Cache-Control"]
    later = [client.get(LIST), client.get(page_of(ApiKey.objects.get())), client.get(ADD)]
    assert not any(secret in answer.content.decode() for answer in later)
    assert secret not in f"{page.cookies} {client.cookies}"
    kept: list[object] = [row.get_decoded() for row in BrowserSession.objects.all()]
    kept += [*AuditEvent.objects.values(), *LogEntry.objects.values(), *ApiKey.objects.values()]
    assert secret not in repr(kept)


def test_add_is_recorded(client):
    user = staff(client, "add")
    client.post(ADD, NEW)
    event = AuditEvent.objects.get(action=Action.KEY_CREATED)
    assert (event.actor_id, event.subject) == (user.pk, str(ApiKey.objects.get()))


def test_add_for_somebody_else_makes_ones_own(client):
    user, other = staff(client, "add"), UserFactory.create()
    client.post(ADD, NEW | {"owner": other.pk, "prefix": "mine", "expires_at_0": "2099-01-01"})
    key = ApiKey.objects.get()
    assert (key.owner, key.prefix != "mine", key.expires_at.year < 2099) == (user, True, True)


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ({"scopes": "read,fly"}, "scopes", "'fly' is not read, write, or a permission that you have"),
        ({"scopes": ""}, "scopes", "This field is required."),
        ({"scopes": "a" * 101}, "scopes", "Item 1 in the array did not validate"),
        (
            {"scopes": "\0"},
            "scopes",
            "Item 1 in the array did not validate: Null characters are not allowed.",
        ),
        ({"networks": "10.0.0.1/8"}, "networks", "'10.0.0.1/8' is not an address or a network"),
        (
            {"networks": ",".join(f"10.0.0.{n}" for n in range(51))},
            "networks",
            "A key has up to 50 networks.",
        ),
        ({"expires_in_days": "0"}, "expires_in_days", "Ensure this value is greater than or equal to 1."),
        ({"expires_in_days": "367"}, "expires_in_days", "Ensure this value is less than or equal to 366."),
        ({"expires_in_days": ""}, "expires_in_days", "This field is required."),
        ({"name": ""}, "name", "This field is required."),
        ({"name": "a\0"}, "name", "Null characters are not allowed."),
    ],
)
def test_add_refused(client, body, field, sentence):
    staff(client, "add")
    page = client.post(ADD, NEW | body)
    assert page.status_code == 200
    assert list(page.context["errors"])
    assert list(page.context["adminform"].form.errors) == [field]
    assert page.context["adminform"].form.errors[field][0].startswith(sentence)
    assert not ApiKey.objects.exists()


def test_add_beyond_fifty_live_keys(client):
    ApiKeyFactory.create_batch(50, owner=staff(client, "add"))
    page = client.post(ADD, NEW)
    assert page.context["adminform"].form.non_field_errors() == [
        "An account has up to 50 live keys; revoke one that is no longer used."
    ]


def test_add_without_the_right(client):
    staff(client, "view", "change", "delete")
    assert [client.get(ADD).status_code, client.post(ADD, NEW).status_code] == [403, 403]
    assert not ApiKey.objects.exists()


def test_list_shows_everybodys_keys(client):
    staff(client, "view")
    key = ApiKeyFactory.create(name="Export", networks=["10.0.0.0/8"], scopes=["read", "catalog.view_item"])
    page = client.get(LIST).content.decode()
    shown = ("Export", key.owner.username, key.prefix, "read, catalog.view_item", "10.0.0.0/8", "Live")
    assert [text for text in shown if text not in page] == []


@pytest.mark.parametrize("state", list(keys.State))
def test_list_filters_by_state(client, state):
    staff(client, "view")
    past = timezone.now()
    of = {
        keys.State.LIVE: ApiKeyFactory.create(),
        keys.State.EXPIRED: ApiKeyFactory.create(expires_at=past),
        keys.State.REVOKED: ApiKeyFactory.create(expires_at=past, revoked_at=past),
    }
    page = client.get(LIST, {"state": state.value})
    assert list(page.context["cl"].result_list) == [of[state]]


def test_list_filters_by_no_such_state(client):
    staff(client, "view")
    ApiKeyFactory.create()
    assert len(client.get(LIST, {"state": "lost"}).context["cl"].result_list) == 1


@pytest.mark.parametrize("words", ["Export", "ada", "k77"])
def test_list_finds(client, words):
    found = ApiKeyFactory.create(name="Export", prefix="k77", owner=staff(client, "view"))
    ApiKeyFactory.create(name="Other")
    assert list(client.get(LIST, {"q": words}).context["cl"].result_list) == [found]


def test_list_refuses_to_filter_by_the_hash(client):
    staff(client, "view")
    assert client.get(LIST, {"secret_hash__startswith": "a"}).status_code == 400


def test_list_number_of_queries_does_not_grow(client, django_assert_num_queries):
    staff(client, "view")
    ApiKeyFactory.create()
    client.get(LIST)  # begins the browser's session
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    ApiKeyFactory.create_batch(30)
    with django_assert_num_queries(len(few)):
        client.get(LIST)


def test_page_tells_all_but_the_secret(client):
    staff(client, "view", "change", "delete")
    key = ApiKeyFactory.create(last_used_at=timezone.now(), last_used_address="203.0.113.5")

    page = client.get(page_of(key)).content.decode()

    shown = (key.name, key.owner.username, key.prefix, "203.0.113.5", "anywhere", "Live")
    assert [text for text in shown if text not in page] == []
    assert [text for text in (KEY_SECRET, key.secret_hash.hex(), "secret_hash") if text in page] == []


def test_page_changes_and_deletes_nothing(client):
    staff(client, "view", "change", "delete")
    key = ApiKeyFactory.create()
    answers = [
        client.post(page_of(key), NEW),
        client.post(reverse("admin:accounts_apikey_delete", args=[key.pk]), {"post": "yes"}),
        client.post(LIST, {"action": "delete_selected", "_selected_action": [key.pk], "post": "yes"}),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 302]
    assert ApiKey.objects.values().get() == {
        field.attname: getattr(key, field.attname) for field in ApiKey._meta.concrete_fields
    }


@pytest.mark.parametrize("verb", ["change", "delete"])
def test_revoke(client, verb):
    user = staff(client, "view", verb)
    chosen, other = ApiKeyFactory.create_batch(2), ApiKeyFactory.create()

    page = revoke(client, *chosen)

    assert [str(message) for message in page.context["messages"]] == ["2 API keys revoked."]
    left = ApiKey.objects.filter(revoked_at=None)
    assert list(left) == [other]
    events = AuditEvent.objects.filter(action=Action.KEY_REVOKED, actor_id=user.pk).order_by("id")
    assert list(events.values_list("subject", "detail")) == [
        (str(key), {"owner": key.owner.username}) for key in chosen
    ]


def test_revoke_what_is_revoked(client):
    staff(client, "view", "change")
    key = ApiKeyFactory.create(revoked_at=timezone.now())
    page = revoke(client, key)
    assert [str(message) for message in page.context["messages"]] == ["0 API keys revoked."]


def test_revoke_without_the_right(client):
    staff(client, "view", "add")
    key = ApiKeyFactory.create()
    revoke(client, key)
    key.refresh_from_db()
    assert key.revoked_at is None


@pytest.mark.parametrize("route", [LIST, ADD])
def test_pages_without_rights(client, route):
    staff(client)
    assert client.get(route).status_code == 403
