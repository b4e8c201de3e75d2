"""Where the admin's sessions are kept: Django's behaviour, without a usable key in the database."""

from datetime import timedelta
from functools import partial

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DjangoSessionStore
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from accounts.browser_sessions import SessionStore, hashed
from accounts.tests.client import at_once
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
LOGIN, LOGOUT = "admin:login", "admin:logout"


def stored(**values):
    store = SessionStore()
    store.update(values)
    store.save()
    return store


def keys():
    return set(Session.objects.values_list("session_key", flat=True))


@pytest.fixture
def chief():
    return UserFactory.create(username="chief", superuser=True)


def log_in(client):
    return client.post(reverse(LOGIN), {"username": "chief", "password": PASSWORD})


def test_session_is_found_by_its_key():
    key = stored(colour="silver").session_key
    assert dict(SessionStore(key).items()) == {"colour": "silver"}


def test_key_is_kept_as_a_hash():
    key = stored().session_key
    assert keys() == {hashed(key)}
    assert key not in str(list(Session.objects.values()))


def test_what_is_stored_opens_nothing():
    stored(colour="silver")
    (kept,) = keys()
    assert dict(SessionStore(kept).items()) == {}


def test_row_that_the_stock_store_wrote_opens_nothing():
    old = DjangoSessionStore()
    old["colour"] = "silver"
    old.save()
    assert dict(SessionStore(old.session_key).items()) == {}


def test_unknown_key_is_not_taken_over():
    store = SessionStore("a" * 32)
    store["colour"] = "silver"
    store.save()
    assert store.session_key != "a" * 32


@pytest.mark.parametrize("key", ["\x00" * 32, "é" * 32, "a" * 10_000, "%s'\\", ""])
def test_odd_key_is_no_session(key):
    assert dict(SessionStore(key).items()) == {}


def test_expired_session_is_none():
    key = stored(colour="silver").session_key
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert dict(SessionStore(key).items()) == {}


def test_clear_expired_leaves_the_live():
    stored()
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    live = stored()

    SessionStore.clear_expired()

    assert keys() == {hashed(live.session_key)}


def test_exists():
    store = stored()
    assert (store.exists(store.session_key), store.exists(hashed(store.session_key))) == (True, False)


def test_saved_again_is_one_row():
    store = stored(colour="silver")
    store["colour"] = "red"
    store.save()
    assert (len(keys()), SessionStore(store.session_key)["colour"]) == (1, "red")


def test_cycle_key_moves_the_values():
    store = stored(colour="silver")
    before = store.session_key

    store.cycle_key()

    assert (keys(), store["colour"]) == ({hashed(store.session_key)}, "silver")
    assert store.session_key != before


def test_flush_leaves_nothing():
    store = stored(colour="silver")
    store.flush()
    assert (keys(), store.session_key) == (set(), None)


def test_delete_by_key_and_of_none():
    key = stored().session_key
    SessionStore().delete()
    SessionStore().delete(key)
    assert keys() == set()


def test_save_of_a_deleted_session_brings_it_not_back():
    store = stored(colour="silver")
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        store.save()
    assert keys() == set()


@pytest.mark.django_db(transaction=True)
def test_asynchronous_methods_keep_the_same_rows():
    async def use():
        store = SessionStore()
        await store.aset("colour", "silver")
        await store.asave()
        key = str(store.session_key)
        found = await SessionStore(key).aget("colour")
        exists = [await store.aexists(key), await store.aexists(hashed(key))]
        await store.acycle_key()
        gone = await SessionStore(key).aget("colour")
        await store.adelete()
        await SessionStore().adelete()
        return found, exists, gone

    assert async_to_sync(use)() == ("silver", [True, False], None)
    assert keys() == set()


def test_sign_in_changes_the_key(client, chief):
    early = stored(colour="silver")
    client.cookies[settings.SESSION_COOKIE_NAME] = early.session_key

    answer = log_in(client)

    given = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert (answer.status_code, given != early.session_key, keys()) == (302, True, {hashed(given)})


def test_sign_out_ends_the_session(client, chief):
    log_in(client)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value

    client.post(reverse(LOGOUT))

    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert client.get(reverse("admin:index")).status_code == 302


def test_cookie_made_of_the_stored_key_signs_nobody_in(client, chief):
    log_in(client)
    client.cookies[settings.SESSION_COOKIE_NAME] = next(iter(keys()))
    assert client.get(reverse("admin:index")).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_one_session_used_at_once_stays_one():
    key = stored(count=0).session_key

    def write(number):
        store = SessionStore(key)
        store[f"seen_{number}"] = number
        store.save()
        return store.session_key

    assert set(at_once([partial(write, number) for number in range(8)])) == {key}
    assert keys() == {hashed(key)}
