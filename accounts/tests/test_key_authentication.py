"""ApiKeyAuthentication: what a key opens, and everything that must not."""

from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_network

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from accounts import keys, scopes
from accounts.authentication_keys import MALFORMED, REFUSED, ApiKeyAuthentication
from accounts.models import ApiKey, User
from accounts.tests.client import ME, TOKEN, assert_refused, at_once
from accounts.tests.factories import KEY_SECRET, PASSWORD, ApiKeyFactory, UserFactory, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def user():
    return UserFactory.create(username="ada", is_staff=True)


@pytest.fixture
def key(user):
    return ApiKeyFactory.create(owner=user)


def get(header, **environment):
    return APIClient().get(ME, headers={"Authorization": header}, **environment)


def opens(key, **environment):
    """Return whether the key opens its owner's page; a refusal is always the same."""
    answer = get(f"Api-Key {text_of(key)}", **environment)
    if answer.status_code != 200:
        assert_refused(answer, REFUSED)
    return answer.status_code == 200


def permissions_of(key):
    return set(get(f"Api-Key {text_of(key)}").json()["permissions"])


def give(user, *names):
    for name in names:
        app, _, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(codename=codename, content_type__app_label=app))


@pytest.mark.parametrize("scheme", ["Api-Key", "api-key", "API-KEY", "Api-Key "])
def test_key_opens(key, scheme):
    answer = get(f"{scheme} {text_of(key)}")
    assert (answer.status_code, answer.json()["username"]) == (200, "ada")


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Token abc", "Api-Keyabc", "ApiKey abc", "Bearer abc"])
def test_other_header_is_anonymous(header, django_assert_num_queries):
    request = APIView().initialize_request(APIRequestFactory().get("/", headers={"Authorization": header}))
    with django_assert_num_queries(0):
        assert ApiKeyAuthentication().authenticate(request) is None


def test_authentication_costs_one_query(key, django_assert_num_queries):
    ApiKey.objects.update(last_used_at=timezone.now())
    request = APIRequestFactory().get("/", headers={"Authorization": f"Api-Key {text_of(key)}"})
    with django_assert_num_queries(1):
        opened = ApiKeyAuthentication().authenticate(APIView().initialize_request(request))
    assert opened == (key.owner, key)


def altered(text):
    return text[:-1] + ("a" if text[-1] != "a" else "b")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        pytest.param({}, altered, id="wrong secret"),
        pytest.param({}, lambda text: f"cat_{'0' * 12}_{KEY_SECRET}", id="unknown prefix"),
        pytest.param({}, lambda text: text[4:], id="no mark"),
        pytest.param({}, lambda text: text.upper(), id="capitals"),
        pytest.param({}, lambda text: f"{text}a", id="too long"),
        pytest.param({"expires_at": NOW}, str, id="expired"),
        pytest.param({"revoked_at": NOW}, str, id="revoked"),
        pytest.param({"networks": ["203.0.113.0/24"]}, str, id="another network"),
        pytest.param({"owner__is_active": False}, str, id="inactive owner"),
    ],
)
def test_refused_key_is_told_nothing(change, text):
    key = ApiKeyFactory.create(**change)
    assert_refused(get(f"Api-Key {text(text_of(key))}"), REFUSED)


def test_unknown_prefix_costs_as_much_as_a_wrong_secret(key, django_assert_num_queries):
    for text in (altered(text_of(key)), f"cat_{'0' * 12}_{KEY_SECRET}"):
        with django_assert_num_queries(1):
            get(f"Api-Key {text}")


def test_refused_key_is_logged_without_its_secret(caplog):
    key = ApiKeyFactory.create(networks=["203.0.113.0/24"])
    get(f"Api-Key {text_of(key)}")
    messages = [record.message for record in caplog.records if record.name == "accounts.authentication_keys"]
    assert messages == [f"An API key was refused ({key.prefix}: not from 127.0.0.1)."]


@pytest.mark.parametrize("rest", ["", " ", " a b", " a,Api-Key b", " a\tb", " a\xa0b"])
def test_malformed_header(rest):
    assert_refused(get(f"Api-Key{rest}"), MALFORMED)


@pytest.mark.parametrize(
    "text",
    [
        "\0", "cat_", "cat__", "_", "é", "ключ".encode().decode("latin-1"), "\ud800", "null", "A" * 1_000_000,
        f"cat_{'a' * 12}_{'A' * 1_000_000}", f"cat_{'a' * 12}_{'A' * 42}\0", "cat_%00", "cat_" + "\u0661" * 12 + f"_{KEY_SECRET}",
        f"cat_{'a' * 12}_{'A' * 42}é", "'OR'1'='1", f"cat_{'a' * 11}%_{KEY_SECRET}",
    ],
)  # fmt: skip
def test_odd_key(text, django_assert_num_queries):
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Api-Key {text}")
    with django_assert_num_queries(0), pytest.raises(keys.KeyRefused):
        keys.opened_by(text)
    with pytest.raises(AuthenticationFailed, match="opens nothing"):
        ApiKeyAuthentication().authenticate(APIView().initialize_request(request))


def test_key_sent_as_a_token_says_what_to_do(key):
    assert_refused(get(f"Bearer {text_of(key)}"), "An API key is sent as: Authorization: Api-Key <key>.")


def test_key_beside_credentials_is_ignored(key):
    answer = APIClient().post(
        TOKEN,
        {"username": "ada", "password": PASSWORD},
        format="json",
        headers={"Authorization": f"Api-Key {altered(text_of(key))}"},
    )
    assert answer.status_code == 200


def test_key_expires_to_the_microsecond(user, time_machine):
    key = ApiKeyFactory.create(owner=user, expires_at=NOW)
    opened = []
    for moment in (NOW - timedelta(microseconds=1), NOW):
        time_machine.move_to(moment, tick=False)
        opened.append(opens(key))
    assert opened == [True, False]


@pytest.mark.parametrize(
    ("networks", "address", "opened"),
    [
        pytest.param([], "198.51.100.7", True, id="anywhere"),
        pytest.param([], "", True, id="anywhere, by a socket"),
        pytest.param(["203.0.113.0/24"], "203.0.113.255", True, id="last of it"),
        pytest.param(["203.0.113.0/24"], "203.0.114.0", False, id="next to it"),
        pytest.param(["203.0.113.0/24"], "::ffff:203.0.113.5", True, id="IPv4 as IPv6"),
        pytest.param(["203.0.113.0/24"], "2001:db8::1", False, id="IPv6"),
        pytest.param(["203.0.113.0/24"], "", False, id="by a socket"),
        pytest.param(["10.0.0.0/8", "2001:db8::/32"], "2001:db8:1::1", True, id="the second one"),
        pytest.param(["::/0"], "203.0.113.5", False, id="IPv6 only"),
        pytest.param(["0.0.0.0/0"], "203.0.113.5", True, id="IPv4 only"),
    ],
)
def test_networks(user, networks, address, opened):
    key = ApiKeyFactory.create(owner=user, networks=networks)
    assert opens(key, REMOTE_ADDR=address) == opened


def test_network_is_not_proved_by_a_header(user):
    key = ApiKeyFactory.create(owner=user, networks=["203.0.113.0/24"])
    assert not opens(key, HTTP_X_FORWARDED_FOR="203.0.113.5")


def test_network_behind_a_trusted_proxy(user, settings):
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1")]
    key = ApiKeyFactory.create(owner=user, networks=["203.0.113.0/24"])
    assert opens(key, HTTP_X_FORWARDED_FOR="203.0.113.5")


HELD = (
    "catalog.view_item",
    "catalog.export_vehicle",
    "catalog.change_vehicle",
    "media_sync.add_syncrun",
    "media_sync.view_syncrun",
    "accounts.view_user",
    "accounts.change_apikey",
    "auth.view_group",
)
VIEWS = {"catalog.view_item", "catalog.export_vehicle", "media_sync.view_syncrun"}
WRITES = VIEWS | {"catalog.change_vehicle", "media_sync.add_syncrun"}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        pytest.param(["read"], VIEWS, id="read"),
        pytest.param(["write"], WRITES, id="write"),
        pytest.param(["catalog.change_vehicle"], {"catalog.change_vehicle"}, id="by name"),
        pytest.param(["read", "auth.view_group"], VIEWS | {"auth.view_group"}, id="word and name"),
        pytest.param(["catalog.delete_vehicle"], set(), id="none of the owner's"),
        pytest.param([], set(), id="nothing"),
    ],
)
def test_scopes(user, given, left):
    give(user, *HELD)
    assert permissions_of(ApiKeyFactory.create(owner=user, scopes=given)) == left


def test_scopes_limit_a_superuser():
    key = ApiKeyFactory.create(owner=UserFactory.create(superuser=True), scopes=["catalog.view_item"])
    assert permissions_of(key) == {"catalog.view_item"}


def test_words_stand_for_the_rooms_of_the_catalogue_alone():
    superuser = UserFactory.create(superuser=True)
    written = permissions_of(ApiKeyFactory.create(owner=superuser, scopes=["write"]))
    assert {name.partition(".")[0] for name in written} == scopes.ROOMS


def through_group(user):
    group = Group.objects.create(name="Hands")
    group.permissions.add(Permission.objects.get(codename="change_vehicle"))
    user.groups.add(group)


@pytest.mark.parametrize(
    ("give_right", "take_right"),
    [
        pytest.param(
            lambda user: give(user, "catalog.change_vehicle"),
            lambda user: user.user_permissions.clear(),
            id="permission",
        ),
        pytest.param(through_group, lambda user: user.groups.clear(), id="group"),
        pytest.param(
            through_group,
            lambda user: user.groups.get().permissions.clear(),
            id="permission of the group",
        ),
        pytest.param(
            lambda user: User.objects.update(is_superuser=True),
            lambda user: User.objects.update(is_superuser=False),
            id="superuser",
        ),
    ],
)
def test_right_that_the_owner_loses_is_lost_at_once(user, give_right, take_right):
    give_right(user)
    key = ApiKeyFactory.create(owner=user, scopes=["write"])
    before = permissions_of(key)

    take_right(user)

    assert "catalog.change_vehicle" in before
    assert permissions_of(key) == set()


def test_owner_of_a_temporary_password(user, key):
    give(user, *HELD)
    User.objects.update(temporary_password_until=timezone.now() + timedelta(days=1))
    assert permissions_of(key) == set()


def test_owner_who_is_deactivated(key):
    assert opens(key)
    User.objects.update(is_active=False)
    assert not opens(key)


def test_owner_who_is_deleted(user, key):
    user.delete()
    assert not opens(key)


def test_key_outlives_a_new_password(user, key):
    user.set_password("Another 52 gullwing")
    user.save()
    assert opens(key)


def test_use_is_noted(key, time_machine):
    time_machine.move_to(NOW, tick=False)
    opens(key, REMOTE_ADDR="203.0.113.5")
    key.refresh_from_db()
    assert (key.last_used_at, key.last_used_address) == (NOW, "203.0.113.5")


@pytest.mark.parametrize(("later", "noted"), [(59, 0), (60, 60)])
def test_use_is_noted_once_a_minute(key, time_machine, later, noted):
    for seconds in (0, later):
        time_machine.move_to(NOW + timedelta(seconds=seconds), tick=False)
        opens(key)
    key.refresh_from_db()
    assert key.last_used_at == NOW + timedelta(seconds=noted)


def test_use_by_two_at_once_is_noted_once(key, time_machine):
    readers = [ApiKey.objects.get(), ApiKey.objects.get()]  # both read before either writes
    for seconds, reader in enumerate(readers):
        time_machine.move_to(NOW + timedelta(seconds=seconds), tick=False)
        keys.note_use(reader)
    key.refresh_from_db()
    assert key.last_used_at == NOW


def test_use_that_is_refused_is_not_noted(key):
    get(f"Api-Key {altered(text_of(key))}")
    key.refresh_from_db()
    assert key.last_used_at is None


@pytest.mark.django_db(transaction=True)
def test_revocation_amid_use_ends_it():
    key = ApiKeyFactory.create()
    uses = [partial(get, f"Api-Key {text_of(key)}")] * 8
    revoke = partial(keys.revoke, keys=ApiKey.objects.all(), by=key.owner)

    answers = at_once([*uses[:4], revoke, *uses[4:]])

    assert answers.pop(4) == 1
    assert {answer.status_code for answer in answers} <= {200, 401}
    assert not opens(key)
