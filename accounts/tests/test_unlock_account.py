"""`manage.py unlock_account`."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.models import AttemptCount
from accounts.tests.client import TOKEN
from accounts.tests.factories import PASSWORD, UserFactory
from marketplace.commands import CannotRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_hashes")]
HERE, THERE = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def ada():
    return UserFactory.create(username="ada")


def status_of(password=PASSWORD, address=HERE, username="ada"):
    body = {"username": username, "password": password}
    return APIClient().post(TOKEN, body, format="json", REMOTE_ADDR=address).status_code


def attack(address=THERE):
    return [status_of("wrong", address) for _ in range(6)]


def unlock(*words):
    out = StringIO()
    call_command("unlock_account", *words, stdout=out)
    return out.getvalue()


def test_unlock_opens_the_account(ada):
    attack()
    assert unlock("ada") == "The attempts to sign in as 'ada' are forgotten (counts: 1).\n"
    assert status_of() == 200


def test_unlock_opens_the_account_at_addresses_where_it_signed_in(ada):
    status_of()
    attack(HERE)
    unlock("ada")
    assert status_of() == 200


def test_unlock_leaves_other_accounts(ada):
    UserFactory.create(username="ben")
    attack()
    unlock("ben")
    assert status_of() == 429


def test_unlock_with_an_address_lets_its_owner_in_while_strangers_guess(ada):
    attack()
    unlock("ada", "--address", HERE)
    assert attack() == [401] * 5 + [429]
    assert status_of() == 200


def test_unlock_with_an_address_forgets_what_came_from_there(ada):
    for number in range(61):
        status_of(username=f"person-{number}")
    unlock("ada", "--address", HERE)
    assert status_of() == 200


def test_unlock_twice(ada):
    for _ in range(2):
        unlock("ada", "--address", HERE)
    assert AttemptCount.objects.count() == 1


def test_unlock_as_json(ada):
    assert json.loads(unlock("ada", "--json")) == {
        "username": "ada",
        "counts": 0,
        "address": None,
        "dry_run": False,
    }


def test_unlock_dry_run_forgets_nothing(ada):
    attack()

    said = unlock("ada", "--address", HERE, "--dry-run")

    assert said == (
        "The attempts to sign in as 'ada' would be forgotten (counts: 1).\n"
        "From 198.51.100.7 they would be counted by themselves until the next sign-in there.\n"
    )
    assert status_of() == 429


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(("nobody",), "There is no account named 'nobody'.", id="name"),
        pytest.param(
            ("ada", "--address", "10.0.0.0/8"),
            "--address must be one address like 203.0.113.7, not '10.0.0.0/8'.",
            id="network",
        ),
    ],
)
def test_unlock_refused(ada, words, sentence):
    with pytest.raises(CannotRun) as refusal:
        call_command("unlock_account", *words)
    assert str(refusal.value) == sentence
