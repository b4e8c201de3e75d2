"""Runs that came by an API key: what the key and its owner may do counts again whenever a worker goes on with them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey, User
from accounts.tests.factories import ApiKeyFactory, text_of
from accounts.tests.people import api, browser, holder, permissions
from catalog.imports.life import work
from catalog.models import ImportRun, Item
from catalog.tests.api_imports import IMPORTS, RIGHTS, VEHICLES, landed, post, read, upload
from catalog.tests.import_screens import address as page_address

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]
IMPORTING = ["catalog.add_importrun", "catalog.preview_importrun", "catalog.confirm_importrun"]
OVER = "The API key by which this was asked for is revoked or has expired; nothing was written."
NO_MORE = "The account that asked for this may not do so any more; nothing was written."


def owner():
    return holder(*RIGHTS, *VEHICLES)


def client_of(user, *scopes):
    key = ApiKeyFactory.create(owner=user, scopes=list(scopes) or ["write"])
    return Client(headers={"authorization": f"Api-Key {text_of(key)}"})


def ends():
    return ImportRun.objects.values_list("state", "message").get()


def revoke():
    key = ApiKey.objects.select_related("owner").get()
    keys.revoke(keys=ApiKey.objects.all(), by=key.owner)


ENDINGS = [
    pytest.param(revoke, OVER, id="revoked"),
    pytest.param(lambda: ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1)), OVER, id="expired"),
    pytest.param(lambda: ApiKey.objects.all().delete(), OVER, id="deleted"),
    pytest.param(lambda: User.objects.update(is_active=False), NO_MORE, id="account inactive"),
    pytest.param(lambda: User.objects.update(is_staff=False), NO_MORE, id="account no staff"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sentence"), ENDINGS)
def test_upload_that_lands_at_once_does_not_once_key_or_account_are_over(change, sentence):
    read(client_of(owner()), land="at_once")
    change()

    work.land_now(ImportRun.objects.get().pk)

    assert (ends(), Item.objects.count()) == (("failed", sentence), 0)


@pytest.mark.parametrize(("change", "sentence"), ENDINGS)
def test_upload_is_not_even_read_once_key_or_account_are_over(change, sentence):
    answer = upload(client_of(owner()), land="at_once")
    change()

    work.read_now(answer.json()["id"])

    assert (ends(), Item.objects.count()) == (("failed", sentence), 0)


@pytest.mark.parametrize("scopes", [["read"], IMPORTING[:2], ["catalog.view_vehicle"]], ids=str)
def test_upload_that_lands_at_once_does_not_once_the_scopes_do_not_suffice(scopes):
    read(client_of(owner()), land="at_once")
    ApiKey.objects.update(scopes=scopes)

    work.land_now(ImportRun.objects.get().pk)

    sentence = "The account that confirmed this import may not do so any more; nothing landed."
    assert (ends(), Item.objects.count()) == (("failed", sentence), 0)


@pytest.mark.parametrize("lost", ["catalog.change_vehicle", "catalog.add_vehicle"])
@pytest.mark.parametrize("whose", ["key", "account"])
def test_upload_that_lands_at_once_is_judged_again_once_rights_to_items_are_gone(whose, lost):
    user = owner()
    read(client_of(user, *IMPORTING, *VEHICLES), land="at_once")
    if whose == "key":
        ApiKey.objects.update(scopes=[*IMPORTING, *(name for name in VEHICLES if name != lost)])
    else:
        user.user_permissions.remove(*permissions(lost))

    work.land_now(ImportRun.objects.get().pk)

    assert ends() == (
        "queued",
        "The catalogue has moved on since this was previewed: your rights have changed. Nothing landed; look at it again.",
    )
    assert not Item.objects.exists()


def test_upload_by_a_key_that_lives_lands():
    landed(client_of(owner(), *IMPORTING, *VEHICLES))

    run = ImportRun.objects.get()
    assert (run.state, run.started_key, run.confirmed_key) == ("done", *[ApiKey.objects.get()] * 2)


def test_confirmation_by_a_key_that_is_revoked_since_does_not_land():
    user = owner()
    address = read(api(user))
    post(client_of(user), f"{address}confirm/")
    revoke()

    work.land_now(ImportRun.objects.get().pk)

    assert (ends(), Item.objects.count()) == (("failed", OVER), 0)


def test_run_of_a_revoked_key_is_confirmed_by_nobody():
    user = owner()
    address = read(client_of(user))
    revoke()

    answer = post(api(user), f"{address}confirm/")

    assert (answer.status_code, answer.json()["detail"]) == (409, OVER)
    assert post(api(user), f"{address}cancel/").status_code == 202


def test_page_of_a_run_whose_key_is_revoked_opens_still():
    user = owner()
    landed(client_of(user))
    revoke()
    run = ImportRun.objects.get()

    shown = browser(user).get(page_address(run))

    assert shown.status_code == 200
    assert "Aston Martin DB5" in shown.content.decode()
    assert api(user).get(f"{IMPORTS}{run.pk}/rows/").json()["count"] == 2


@pytest.mark.parametrize(("change", "sentence"), ENDINGS)
def test_undo_by_a_key_does_nothing_once_key_or_account_are_over(change, sentence):
    user = owner()
    address = landed(api(user))
    answer = post(client_of(user), f"{address}undo/")
    change()

    work.undo_now(answer.json()["id"])

    assert (ends(), Item.objects.count()) == (("done", sentence), 2)


def test_same_file_by_another_key_is_another_import():
    user = owner()
    one, other = (client_of(user) for _ in range(2))

    found = [upload(client).json()["id"] for client in (one, one, other)]

    assert (found[0] == found[1], found[0] == found[2]) == (True, False)
