"""API keys over HTTP: what a person does with his own."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import keys
from accounts.api.views import AccountView, MeView
from accounts.models import Action, ApiKey, AuditEvent, User
from accounts.tests.client import ME, assert_refused, at_once, sign_in
from accounts.tests.factories import ApiKeyFactory, UserFactory, text_of
from accounts.urls import urlpatterns

pytestmark = pytest.mark.django_db
KEYS = "/v1/auth/keys/"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def user():
    return UserFactory.create(username="ada", is_staff=True)


@pytest.fixture
def api(user):
    """A client that sends Ada's access token."""
    return signed_in("ada")


def signed_in(username):
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in(APIClient(), username)['access']}")
    return api


def create(api, **body):
    # By json itself, which writes lone surrogates as well.
    text = json.dumps({"name": "Export", "scopes": ["read"]} | body)
    return api.post(KEYS, text, content_type="application/json")


def with_key(text):
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Api-Key {text}")
    return api


def test_create_answers_with_the_key(user, time_machine):
    time_machine.move_to(NOW, tick=False)
    answer = create(signed_in("ada"), networks=["203.0.113.0/24"], expires_in_days=30)

    text = answer.json()["key"]
    row = ApiKey.objects.get()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert answer.json() == {
        "key": text,
        "prefix": row.prefix,
        "name": "Export",
        "state": "live",
        "scopes": ["read"],
        "networks": ["203.0.113.0/24"],
        "created_at": "2026-03-01T12:00:00Z",
        "expires_at": "2026-03-31T12:00:00Z",
        "revoked_at": None,
        "last_used_at": None,
        "last_used_address": None,
    }
    assert keys.FORM.fullmatch(text)
    assert row.owner == user


def test_create_keeps_a_hash_of_the_secret_alone(api):
    _, prefix, secret = create(api).json()["key"].split("_")

    row = ApiKey.objects.values().get()
    assert (row["prefix"], bytes(row["secret_hash"])) == (prefix, hashlib.sha256(secret.encode()).digest())
    assert secret not in repr(row)
    assert secret not in repr(list(AuditEvent.objects.values()))


def test_create_gives_ninety_days_and_every_network_unless_told(api):
    given = create(api).json()
    assert given["networks"] == []
    assert datetime.fromisoformat(given["expires_at"]) - datetime.fromisoformat(
        given["created_at"]
    ) == timedelta(90)


def test_create_is_recorded(user, time_machine):
    time_machine.move_to(NOW, tick=False)
    given = create(signed_in("ada"), networks=["::1"], expires_in_days=1).json()

    event = AuditEvent.objects.get(action=Action.KEY_CREATED)
    assert (event.actor_id, event.subject) == (user.pk, f"{given['prefix']} (Export)")
    assert event.detail == {
        "scopes": ["read"],
        "networks": ["::1/128"],
        "expires_at": "2026-03-02T12:00:00Z",
    }


def test_create_makes_different_keys(api):
    made = [create(api).json()["key"].split("_") for _ in range(5)]
    assert [len({key[part] for key in made}) for part in (1, 2)] == [5, 5]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param(["10.0.0.1", "10.0.0.1/32"], ["10.0.0.1/32"], id="once"),
        pytest.param(["10.0.0.0/255.0.0.0"], ["10.0.0.0/8"], id="mask"),
        pytest.param(["2001:DB8:0::/32"], ["2001:db8::/32"], id="IPv6"),
        pytest.param(["::ffff:10.0.0.0/104"], ["10.0.0.0/8"], id="IPv4 as IPv6"),
        pytest.param(["::/0"], ["::/0"], id="all of IPv6"),
        pytest.param([" 10.0.0.1 "], ["10.0.0.1/32"], id="blanks"),
    ],
)
def test_create_writes_networks_plainly(api, given, kept):
    assert create(api, networks=given).json()["networks"] == kept


def test_create_with_a_permission_by_name(api, user):
    user.user_permissions.add(Permission.objects.get(codename="view_group"))
    answer = create(signed_in("ada"), scopes=["read", "auth.view_group", "read"])
    assert answer.json()["scopes"] == ["auth.view_group", "read"]


@pytest.mark.parametrize(
    ("body", "pointer", "sentence"),
    [
        ({"scopes": ["read", "fly"]}, "/scopes", "'fly' is not read, write, or a permission that you have, such"),
        ({"scopes": ["auth.add_group"]}, "/scopes", "'auth.add_group' is not read, write, or a permission that you"),
        ({"scopes": ["READ"]}, "/scopes", "'READ' is not read, write, or a permission that you have"),
        ({"scopes": ["catalog.*"]}, "/scopes", "'catalog.*' is not read, write, or a permission that you have"),
        ({"scopes": []}, "/scopes", "Ensure this field has at least 1 elements"),
        ({"scopes": "read"}, "/scopes", "Expected a list of items but got type"),
        ({"scopes": None}, "/scopes", "This field may not be null"),
        ({"scopes": ["read"] * 101}, "/scopes", "Ensure this field has no more than 100 elements"),
        ({"scopes": ["\0"]}, "/scopes/0", "Null characters are not allowed"),
        ({"scopes": [["read"]]}, "/scopes/0", "Not a valid string"),
        ({"networks": ["10.0.0.1/8"]}, "/networks", "'10.0.0.1/8' is not an address or a network such as 203.0"),
        ({"networks": ["example.com"]}, "/networks", "'example.com' is not an address or a network such as"),
        ({"networks": ["::1", "fe80::1%eth0"]}, "/networks", "'fe80::1%eth0' is not an address or a network"),
        ({"networks": ["10.0.0.0/33"]}, "/networks", "'10.0.0.0/33' is not an address or a network"),
        ({"networks": [5]}, "/networks", "'5' is not an address or a network"),
        ({"networks": ["\uff11.2.3.4"]}, "/networks", "'\uff11.2.3.4' is not an address or a network"),
        ({"networks": ["1.2.3.4"] * 51}, "/networks", "Ensure this field has no more than 50 elements"),
        ({"networks": "1.2.3.4"}, "/networks", "Expected a list of items but got type"),
        ({"expires_in_days": 0}, "/expires_in_days", "Ensure this value is greater than or equal to 1."),
        ({"expires_in_days": 367}, "/expires_in_days", "Ensure this value is less than or equal to 366."),
        ({"expires_in_days": "soon"}, "/expires_in_days", "A valid integer is required."),
        ({"expires_in_days": 1.5}, "/expires_in_days", "A valid integer is required."),
        ({"expires_in_days": 1e300}, "/expires_in_days", "A valid integer is required."),
        ({"expires_in_days": None}, "/expires_in_days", "This field may not be null."),
        ({"expires_in_days": []}, "/expires_in_days", "A valid integer is required."),
        ({"name": " "}, "/name", "This field may not be blank."),
        ({"name": "x" * 101}, "/name", "Ensure this field has no more than 100 characters."),
        ({"name": "a\0b"}, "/name", "Null characters are not allowed."),
        ({"name": "\ud800"}, "/name", "Surrogate"),
        ({"scopes": ["\ud800"]}, "/scopes/0", "Surrogate"),
        ({"networks": ["\ud800"]}, "/networks/0", "Surrogate"),
        ({"\ud800": 1}, "/?", "'\\ud800' is not a field of a key."),
        ({"network": ["::1"]}, "/network", "'network' is not a field of a key."),
        ({"owner": 1}, "/owner", "'owner' is not a field of a key."),
    ],
)  # fmt: skip
def test_create_refused(api, body, pointer, sentence):
    answer = create(api, **body)

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert sentence in answer.json()["detail"]
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("body", [[], "text", 5, None, [{}]])
def test_create_with_a_body_that_is_no_object(api, body):
    assert api.post(KEYS, body, format="json").status_code == 400


def test_create_beyond_fifty_live_keys(api, user):
    ApiKeyFactory.create_batch(50, owner=user)
    answer = create(api)
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "An account has up to 50 live keys; revoke one that is no longer used.",
    )


def test_create_counts_live_keys_only(api, user):
    ApiKeyFactory.create_batch(50, owner=user)
    some, others = ApiKey.objects.all()[:1], ApiKey.objects.all()[1:2]
    ApiKey.objects.filter(pk__in=some.values("pk")).update(revoked_at=timezone.now())
    ApiKey.objects.filter(pk__in=others.values("pk")).update(expires_at=timezone.now())
    assert [create(api).status_code for _ in range(3)] == [201, 201, 400]


@pytest.mark.django_db(transaction=True)
def test_create_by_six_at_once_keeps_the_limit():
    user = UserFactory.create(username="ada")
    ApiKeyFactory.create_batch(48, owner=user)
    clients = [signed_in("ada") for _ in range(6)]

    answers = at_once([partial(create, client) for client in clients])

    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [400] * 4
    assert ApiKey.objects.count() == 50


@pytest.mark.parametrize(
    ("change", "days", "field"),
    [
        pytest.param({}, 0, "expires_in_days", id="no day"),
        pytest.param({}, 367, "expires_in_days", id="too many days"),
        pytest.param({"scopes": []}, 1, "scopes", id="no scope"),
        pytest.param({"networks": [f"10.0.0.{n}" for n in range(51)]}, 1, "networks", id="too many networks"),
    ],
)
def test_issue_refuses_by_itself(user, change, days, field):
    key = ApiKeyFactory.build(owner=user, **change)
    with pytest.raises(ValidationError) as refusal:
        keys.issue(key, days=days)
    assert list(refusal.value.message_dict) == [field]
    assert not ApiKey.objects.exists()


def test_list_shows_own_keys_newest_first(api, user):
    old, new = ApiKeyFactory.create(owner=user), ApiKeyFactory.create(owner=user)
    ApiKeyFactory.create()

    answer = api.get(KEYS)

    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in ("count", "next", "previous")} == {
        "count": 2,
        "next": None,
        "previous": None,
    }
    assert [row["prefix"] for row in answer.json()["results"]] == [new.prefix, old.prefix]
    assert answer.json()["results"][0] == api.get(f"{KEYS}{new.prefix}/").json()


def test_list_tells_the_state(api, user):
    live, expired, revoked = ApiKeyFactory.create_batch(3, owner=user)
    ApiKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    api.delete(f"{KEYS}{revoked.prefix}/")

    states = {row["prefix"]: row["state"] for row in api.get(KEYS).json()["results"]}

    assert states == {live.prefix: "live", expired.prefix: "expired", revoked.prefix: "revoked"}


def test_list_comes_in_pages(api, user):
    ApiKeyFactory.create_batch(3, owner=user)
    answer = api.get(KEYS, {"page": 2, "page_size": 2}).json()
    assert (answer["count"], answer["next"], len(answer["results"])) == (3, None, 1)


def test_list_with_an_unknown_parameter(api):
    answer = api.get(KEYS, {"owner": "1"})
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "'owner' is not a parameter of this address.",
    )


@pytest.mark.parametrize(
    ("method", "route"), [("post", KEYS), ("get", f"{KEYS}abc/"), ("delete", f"{KEYS}abc/")]
)
def test_other_routes_take_no_parameter(api, method, route):
    assert getattr(api, method)(f"{route}?page=1").status_code == 400


def test_list_number_of_queries_does_not_grow(api, user, django_assert_num_queries):
    ApiKeyFactory.create_batch(30, owner=user)
    with django_assert_num_queries(3):  # the session with its account, the page, the count
        api.get(KEYS)


def test_no_later_answer_holds_the_secret(api, user):
    made = create(api).json()
    secret = made["key"].split("_")[2]
    for route in (KEYS, f"{KEYS}{made['prefix']}/"):
        assert secret not in api.get(route).content.decode()


def test_key_of_somebody_else_is_as_good_as_missing(api):
    theirs = ApiKeyFactory.create()
    for method in (api.get, api.delete):
        foreign, missing = method(f"{KEYS}{theirs.prefix}/"), method(f"{KEYS}{'0' * 12}/")
        assert (foreign.status_code, foreign.content) == (404, missing.content)
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


@pytest.mark.parametrize("prefix", ["%00", "a%20b", "x" * 500, "%ff", "..", "é", "' OR 1=1 --"])
def test_key_of_an_odd_prefix(api, prefix):
    assert api.get(f"{KEYS}{prefix}/").status_code == 404


def test_delete_revokes_and_keeps_the_row(api, user):
    key = ApiKeyFactory.create(owner=user)

    answer = api.delete(f"{KEYS}{key.prefix}/")

    assert (answer.status_code, answer.content) == (204, b"")
    assert with_key(text_of(key)).get(ME).status_code == 401
    assert api.get(f"{KEYS}{key.prefix}/").json()["state"] == "revoked"


def test_delete_twice_is_one_event(api, user):
    key = ApiKeyFactory.create(owner=user, name="Export")
    statuses = [api.delete(f"{KEYS}{key.prefix}/").status_code for _ in range(2)]

    assert statuses == [204, 204]
    event = AuditEvent.objects.get(action=Action.KEY_REVOKED)
    assert (event.actor_id, event.subject, event.detail) == (user.pk, str(key), {"owner": "ada"})


@pytest.mark.django_db(transaction=True)
def test_delete_by_six_at_once_is_one_event():
    key = ApiKeyFactory.create(owner=UserFactory.create(username="ada"))
    clients = [signed_in("ada") for _ in range(6)]

    answers = at_once([partial(client.delete, f"{KEYS}{key.prefix}/") for client in clients])

    assert [answer.status_code for answer in answers] == [204] * 6
    assert AuditEvent.objects.filter(action=Action.KEY_REVOKED).count() == 1


def routes_of_the_account():
    """Every route on which somebody looks after his own account; `me` is open to keys."""
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "view_class", None)
        if view and issubclass(view, AccountView) and view is not MeView:
            for method in sorted({"get", "post", "put", "patch", "delete"} & set(dir(view))):
                yield pytest.param(
                    method, "/v1/auth/" + str(pattern.pattern), id=f"{method} {pattern.pattern}"
                )


@pytest.mark.parametrize(("method", "route"), list(routes_of_the_account()))
def test_a_key_does_not_look_after_its_account(user, method, route):
    key = ApiKeyFactory.create(owner=user, scopes=["write"])
    address = re.sub("<uuid:.*>", str(uuid4()), route.replace("<slug:prefix>", key.prefix))

    answer = getattr(with_key(text_of(key)), method)(address, {}, format="json")

    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "An API key opens nothing here; sign in, and send the access token.",
    )


@pytest.mark.parametrize("route", [KEYS, f"{KEYS}abc/"])
def test_keys_anonymous(route):
    assert_refused(APIClient().get(route), "Authentication credentials were not provided.")


LIMITED = "This sign-in is limited: change the temporary password, or sign in with the second factor."


def test_keys_under_a_temporary_password(api):
    User.objects.update(temporary_password_until=timezone.now() + timedelta(days=1))
    answer = create(api)
    assert (answer.status_code, answer.json()["detail"]) == (403, LIMITED)


def test_keys_without_a_second_factor_that_is_required(api, settings):
    settings.REQUIRE_SECOND_FACTOR = True
    answer = create(api)
    assert (answer.status_code, answer.json()["detail"]) == (403, LIMITED)


@pytest.mark.parametrize(("method", "route"), [("put", KEYS), ("delete", KEYS), ("put", f"{KEYS}abc/")])
def test_keys_by_another_method(api, method, route):
    assert getattr(api, method)(route).status_code == 405
