"""Writes that depend on what the client knows: entity tags, and keys that make a repetition harmless."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from accounts.tests.client import at_once
from accounts.tests.people import api, holder
from catalog.api import etags
from catalog.models import AnsweredRequest, Appearance, Item, MediaAsset, Production
from catalog.tasks import nightly_answer_pruning
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    TermFactory,
    VehicleFactory,
)
from catalog.tests.writes import BULK, EVERY_RIGHT, VEHICLES, send, staff_of_all

pytestmark = pytest.mark.django_db
NEW = {"reference": "A-1", "name": "Car"}
DB5 = f"{VEHICLES}db5/"


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Answers of other tests, whose catalogue had come as far."""
    cache.clear()


@pytest.fixture
def staff():
    return staff_of_all()


def test_change_with_the_present_tag_is_done(staff):
    VehicleFactory.create(slug="db5")
    tag = staff.get(DB5)["ETag"]

    first = send(staff, "patch", DB5, {"price": "7"}, If_Match=tag)
    second = send(staff, "patch", DB5, {"price": "8"}, If_Match=f'"other", {first["ETag"]}')

    assert (first.status_code, second.status_code) == (200, 200)
    assert staff.get(DB5)["ETag"] == second["ETag"] != tag


CHANGES = {
    "column": lambda item: Item.objects.update(price=9),
    "appearance": lambda item: Appearance.objects.update(notes="x"),
    "title": lambda item: Production.objects.update(title="x"),
    "picture": lambda item: MediaAsset.objects.update(alt_text="x"),
    "new picture": lambda item: MediaAssetFactory.create(item=item),
    "appearance less": lambda item: Appearance.objects.all().delete(),
}


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("change", CHANGES)
def test_write_with_a_tag_of_before_is_refused(staff, method, change):
    item = VehicleFactory.create(slug="db5")
    AppearanceFactory.create(item=item)
    MediaAssetFactory.create(item=item)
    tag = staff.get(DB5)["ETag"]
    CHANGES[change](item)

    answer = send(staff, method, DB5, NEW, If_Match=tag)

    item.refresh_from_db()
    assert (answer.status_code, answer["Content-Type"]) == (412, "application/problem+json")
    assert item.reference != "A-1"


def test_tag_stays_while_nothing_changes(staff):
    VehicleFactory.create(slug="db5", price=7)
    tag = staff.get(DB5)["ETag"]
    VehicleFactory.create(slug="other")

    answer = send(staff, "patch", DB5, {"price": "7"}, If_Match=tag)

    assert (answer.status_code, answer["ETag"]) == (200, tag)


@pytest.mark.parametrize(("condition", "status"), [("*", 200), ('"none"', 412), ("nonsense", 412), ("", 412)])
def test_other_conditions(staff, condition, status):
    VehicleFactory.create(slug="db5")

    assert send(staff, "patch", DB5, {"price": "7"}, If_Match=condition).status_code == status


def test_weak_tag_never_matches(staff):
    VehicleFactory.create(slug="db5")

    answer = send(staff, "patch", DB5, {"price": "7"}, If_Match=f"W/{staff.get(DB5)['ETag']}")

    assert (answer.status_code, answer.json()["detail"]) == (412, etags.WEAK)


def test_condition_by_time_is_refused_rather_than_passed_over(staff):
    item = VehicleFactory.create(slug="db5", price=5)
    since = staff.get(DB5)["Last-Modified"]

    answer = send(staff, "patch", DB5, {"price": "7"}, If_Unmodified_Since=since)

    item.refresh_from_db()
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "If-Unmodified-Since")
    assert item.version == 1


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_write_without_a_condition_where_one_is_required(staff, settings, method):
    settings.REQUIRE_IF_MATCH = True
    VehicleFactory.create(slug="db5")

    answer = send(staff, method, DB5, NEW)

    assert (answer.status_code, answer["Content-Type"]) == (428, "application/problem+json")
    assert send(staff, method, DB5, NEW, If_Match="*").status_code in {200, 204}


def test_condition_of_many_is_refused(staff):
    answers = [send(staff, "post", address, NEW, If_Match="*") for address in (VEHICLES, BULK)]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert not Item.objects.exists()


@pytest.mark.parametrize("address", ["/v1/productions/film/", "/v1/terms/genre/spy/"])
def test_productions_and_terms_have_tags_too(staff, address):
    AppearanceFactory.create(production__slug="film")
    TermFactory.create(slug="spy")
    tag = staff.get(address)["ETag"]
    change = {"franchise": "x"} if "productions" in address else {"aliases": ["x"]}

    answers = [send(staff, "patch", address, change, If_Match=tag) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 412]


# Keys


@pytest.mark.parametrize(
    ("address", "body"),
    [(VEHICLES, NEW), (BULK, [NEW]), ("/v1/terms/", {"vocabulary": "genre", "name": "Spy"})],
)
def test_same_request_again_gets_the_same_answer(staff, address, body):
    first, second = (send(staff, "post", address, body, Idempotency_Key="k-1") for _ in range(2))

    assert first.status_code == second.status_code < 300
    assert first.content == second.content
    assert [first.get(name) for name in ("Location", "ETag")] == [
        second.get(name) for name in ("Location", "ETag")
    ]
    assert ("Idempotency-Replayed" in first, second["Idempotency-Replayed"]) == (False, "true")
    assert AnsweredRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("address", "body"),
    [
        (VEHICLES, NEW | {"price": "1"}),
        (f"{VEHICLES}?reason=x", NEW),
        ("/v1/items/", NEW | {"kind": "vehicle"}),
    ],
)
def test_key_of_another_request_is_refused(staff, address, body):
    send(staff, "post", VEHICLES, NEW, Idempotency_Key="k-1")

    answer = send(staff, "post", address, body, Idempotency_Key="k-1")

    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert Item.objects.count() == 1


def test_request_that_was_refused_is_judged_anew(staff):
    refused = send(staff, "post", VEHICLES, NEW | {"genres": ["Spy"]}, Idempotency_Key="k-1")
    TermFactory.create(name="Spy", slug="spy")

    answer = send(staff, "post", VEHICLES, NEW | {"genres": ["Spy"]}, Idempotency_Key="k-1")

    assert (refused.status_code, answer.status_code) == (400, 201)


def test_dry_run_uses_up_no_key(staff):
    send(staff, "post", f"{VEHICLES}?dry_run=true", NEW, Idempotency_Key="k-1")

    assert send(staff, "post", VEHICLES, NEW, Idempotency_Key="k-1").status_code == 201


def test_key_is_its_owners(staff):
    send(staff, "post", VEHICLES, NEW, Idempotency_Key="k-1")

    answer = send(staff_of_all(), "post", VEHICLES, NEW | {"reference": "B-1"}, Idempotency_Key="k-1")

    assert answer.status_code == 201


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "\u00d7"])
def test_key_that_cannot_be(staff, key, query):
    answer = send(staff, "post", VEHICLES + query, NEW, Idempotency_Key=key)

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "Idempotency-Key")


def test_answers_are_kept_for_a_day(staff):
    send(staff, "post", VEHICLES, NEW, Idempotency_Key="old")
    send(staff, "post", VEHICLES, NEW | {"reference": "B-1"}, Idempotency_Key="new")
    AnsweredRequest.objects.filter(key="old").update(created_at=timezone.now() - timedelta(hours=25))

    again = send(staff, "post", VEHICLES, NEW | {"reference": "C-1"}, Idempotency_Key="old")
    AnsweredRequest.objects.filter(key="old").update(created_at=timezone.now() - timedelta(hours=25))
    nightly_answer_pruning(0)

    assert again.status_code == 201
    assert [each.key for each in AnsweredRequest.objects.all()] == ["new"]


def test_answer_and_write_stand_or_fall_together(staff, monkeypatch):
    """A process that is killed before the commit leaves neither; after it, both."""

    def broken(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("catalog.api.writing.idempotency._keep", broken)
        with pytest.raises(KeyboardInterrupt):
            send(staff, "post", VEHICLES, NEW, Idempotency_Key="k-1")

    assert (Item.objects.count(), AnsweredRequest.objects.count()) == (0, 0)
    assert send(staff, "post", VEHICLES, NEW, Idempotency_Key="k-1").status_code == 201


# At the same moment

MANY = 20


@pytest.fixture
def person():
    return holder(*[f"catalog.{name}" for name in EVERY_RIGHT])


@pytest.mark.django_db(transaction=True)
def test_of_many_changes_with_one_tag_one_is_done(person):
    item = VehicleFactory.create(slug="db5", price=1)
    clients = [api(person) for _ in range(MANY)]
    tag = clients[0].get(DB5)["ETag"]

    answers = at_once([
        partial(send, client, "patch", DB5, {"price": str(price)}, If_Match=tag)
        for price, client in enumerate(clients, start=2)
    ])  # fmt: skip

    item.refresh_from_db()
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: MANY - 1}
    assert item.version == 2


@pytest.mark.django_db(transaction=True)
def test_of_many_requests_with_one_key_one_is_done(person):
    clients = [api(person) for _ in range(MANY)]

    answers = at_once(
        [partial(send, client, "post", VEHICLES, NEW, Idempotency_Key="k-1") for client in clients]
    )

    done = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert (Item.objects.count(), len({answer.content for answer in done})) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_many_new_items_with_one_reference_one_is_made(person):
    clients = [api(person) for _ in range(MANY)]

    answers = at_once([partial(send, client, "post", VEHICLES, NEW) for client in clients])

    assert Counter(answer.status_code for answer in answers) == {201: 1, 400: MANY - 1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("present", [0, 20])
def test_upserts_of_the_same_rows_in_other_orders_are_all_done(person, present):
    references = [f"A-{number}" for number in range(20)]
    for reference in references[:present:2]:
        ItemFactory.create(reference=reference)
    clients = [api(person) for _ in range(6)]

    def rows(turn):
        ordered = references if turn % 2 else references[::-1]
        return [{"reference": reference, "name": "Car", "price": str(turn)} for reference in ordered]

    answers = at_once([
        partial(send, client, "post", f"{BULK}?upsert=true", rows(turn))
        for turn, client in enumerate(clients)
    ])  # fmt: skip

    prices = set(Item.objects.values_list("price", flat=True))
    assert {answer.status_code for answer in answers} == {200}
    assert (Item.objects.count(), len(prices)) == (20, 1)


@pytest.mark.django_db(transaction=True)
def test_request_whose_key_is_being_answered_waits_for_nobody(person):
    client = api(person)
    with connection.cursor() as cursor:
        # As the first request does, in a session of its own.
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"answer {person.pk} k-1"])
        [answer] = at_once([lambda: send(client, "post", VEHICLES, NEW, Idempotency_Key="k-1")])
        cursor.execute("SELECT pg_advisory_unlock_all()")

    assert (answer.status_code, Item.objects.count()) == (409, 0)
