"""Many rows in one request: each with its result, all or those that are right."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Action, AuditEvent
from catalog.models import Appearance, Item, Production, Term
from catalog.tests.api import staff_client
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    ProductionFactory,
    TermFactory,
    VehicleFactory,
)
from catalog.tests.writes import BULK, EVERY_RIGHT, faults, send, staff_of_all

pytestmark = pytest.mark.django_db
NOTHING = {"created": 0, "changed": 0, "unchanged": 0, "deleted": 0, "failed": 0, "dry_run": False}


@pytest.fixture
def staff():
    return staff_of_all()


def summary(answer):
    assert answer.status_code == 200, answer.content
    return {name: value for name, value in answer.json().items() if name != "results"}


def test_many_are_added(staff):
    rows = [{"reference": f"A-{number}", "name": "Car"} for number in range(3)]

    answer = send(staff, "post", BULK, rows)

    assert summary(answer) == NOTHING | {"created": 3}
    first = answer.json()["results"][0]
    item = Item.objects.get(reference="A-0")
    assert first == {
        "row": 0, "outcome": "created", "id": item.pk, "reference": "A-0", "slug": "car-a-0", "version": 1,
        "url": "http://testserver/v1/vehicles/car-a-0/", "errors": [],
    }  # fmt: skip


def test_one_at_fault_keeps_all_others_out(staff):
    rows = [{"reference": "A", "name": "Car"}, {"reference": "B", "name": "", "price": "x"}, {"name": "C"}]

    answer = send(staff, "post", BULK, rows)

    assert [(pointer, code) for pointer, code, _ in faults(answer)] == [
        ("/1/name", "blank"),
        ("/1/price", "invalid"),
        ("/2/reference", "required"),
    ]
    assert not Item.objects.exists()


def test_one_at_fault_is_left_out(staff):
    rows = [{"reference": "A", "name": "Car"}, {"reference": "B", "name": "Car", "price": "-1"}, 5]

    answer = send(staff, "post", f"{BULK}?on_error=skip_failed", rows)

    assert summary(answer) == NOTHING | {"created": 1, "failed": 2}
    _, negative, number = answer.json()["results"]
    assert negative.pop("errors") == [
        {"pointer": "/price", "code": "rule", "detail": "A price cannot be negative."}
    ]
    nothing = {"id": None, "slug": None, "version": None, "url": None}
    assert negative.items() >= (nothing | {"reference": "B"}).items()
    assert number.items() >= (nothing | {"reference": None}).items()
    assert [item.reference for item in Item.objects.all()] == ["A"]


def test_dry_run_of_many_writes_nothing(staff):
    ItemFactory.create(reference="B", price=5)
    rows = [{"reference": "A", "name": "Car"}, {"reference": "B", "price": "7"}]

    answer = send(staff, "post", f"{BULK}?upsert=true&dry_run=true", rows)

    assert summary(answer) == NOTHING | {"created": 1, "changed": 1, "dry_run": True}
    assert list(Item.objects.values_list("reference", "price", "version")) == [("B", Decimal(5), 1)]


def test_upsert_adds_changes_and_leaves_alone(staff):
    ItemFactory.create(reference="A", name="Car", price=5)
    ItemFactory.create(reference="B", name="Car", price=5)
    rows = [
        {"reference": "a", "price": "7"},
        {"reference": "B", "price": "5"},
        {"reference": "C", "name": "Car"},
    ]

    answer = send(staff, "post", f"{BULK}?upsert=true", rows)

    assert [each["outcome"] for each in answer.json()["results"]] == ["changed", "unchanged", "created"]
    found = Item.objects.order_by("reference").values_list("reference", "price", "version")
    assert list(found) == [("A", 7, 2), ("B", 5, 1), ("C", None, 1)]


def test_upsert_of_something_new_needs_all_that_is_needed(staff):
    answer = send(staff, "post", f"{BULK}?upsert=true", [{"reference": "A", "price": "7"}])

    assert faults(answer) == [("/0/name", "required", "This field is required.")]


def test_many_are_changed_each_by_its_own_fields(staff):
    one, two = (ItemFactory.create(reference=name, price=5, location="Rome") for name in "AB")

    answer = send(
        staff, "patch", BULK, [{"reference": "A", "price": "7"}, {"reference": "B", "location": "Bonn"}]
    )

    one.refresh_from_db()
    two.refresh_from_db()
    assert summary(answer) == NOTHING | {"changed": 2}
    assert [(each.price, each.location) for each in (one, two)] == [
        (Decimal(7), "Rome"),
        (Decimal(5), "Bonn"),
    ]


def test_change_of_what_is_not_there(staff):
    answer = send(staff, "patch", BULK, [{"reference": "A", "price": "7"}])

    assert faults(answer) == [("/0", "not_found", "There is nothing here with the reference A.")]


def test_row_that_names_another_version_is_left_alone(staff):
    item = ItemFactory.create(reference="A", price=5)
    Item.objects.update(price=6)

    answer = send(staff, "patch", BULK, [{"reference": "A", "price": "7", "version": 1}])

    item.refresh_from_db()
    sentence = "It was changed since you read it: it has the version 2 by now."
    assert (faults(answer), item.price) == ([("/0/version", "changed", sentence)], Decimal(6))


def test_row_that_comes_twice(staff):
    rows = [{"reference": "A-ß", "name": "Car"}, {"reference": "a-ß", "name": "Car"}]

    answers = [send(staff, "post", f"{BULK}?upsert={flag}", rows) for flag in ("true", "false")]

    sentence = "Row 0 of this request (from 0) has the same reference."
    assert [faults(answer) for answer in answers] == [[("/1/reference", "repeated", sentence)]] * 2


def test_many_are_deleted_and_told_once(staff):
    for name in "ABC":
        AppearanceFactory.create(item=ItemFactory.create(reference=name))

    answer = send(staff, "delete", BULK, [{"reference": "A"}, {"reference": "b", "version": 1}])

    assert summary(answer) == NOTHING | {"deleted": 2}
    assert [item.reference for item in Item.objects.all()] == ["C"]
    assert (Appearance.objects.count(), AuditEvent.objects.get(action=Action.DELETED).subject) == (
        1,
        "2 items: A, B",
    )


def test_deletion_takes_keys_alone(staff):
    ItemFactory.create(reference="A")

    answer = send(staff, "delete", BULK, [{"reference": "A", "name": "Car"}])

    assert faults(answer) == [("/0/name", "unknown", "'name' is not a field of this body.")]


def test_appearances_of_many(staff):
    ProductionFactory.create(slug="ronin")
    kept = AppearanceFactory.create(item__reference="A", production__slug="goldfinger")
    rows = [
        {
            "reference": "A",
            "appearances": [{"production": "goldfinger"}, {"production": "ronin", "role": "stunt"}],
        },
        {"reference": "B", "name": "Car", "appearances": [{"production": "ronin"}]},
    ]

    answer = send(staff, "post", f"{BULK}?upsert=true", rows)

    found = Appearance.objects.order_by("item__reference", "production__slug")
    assert summary(answer) == NOTHING | {"created": 1, "changed": 1}
    assert list(found.values_list("item__reference", "production__slug", "role")) == [
        ("A", "goldfinger", "hero"), ("A", "ronin", "stunt"), ("B", "ronin", "hero"),
    ]  # fmt: skip
    assert found.filter(pk=kept.pk).exists()


def test_number_of_statements_does_not_grow_with_the_rows(staff, django_assert_max_num_queries):
    TermFactory.create(name="Spy", slug="spy")
    ProductionFactory.create(slug="ronin")

    def rows(number, start):
        return [
            {"reference": f"{start}-{each}", "name": "Car", "genres": ["spy"], "price": str(each),
             "appearances": [{"production": "ronin"}]}
            for each in range(number)
        ]  # fmt: skip

    with django_assert_max_num_queries(40):
        send(staff, "post", f"{BULK}?upsert=true", rows(2, "A") + rows(2, "B"))
    with django_assert_max_num_queries(40):
        answer = send(staff, "post", f"{BULK}?upsert=true", rows(150, "A") + rows(150, "C"))

    assert summary(answer) == NOTHING | {"created": 298, "unchanged": 2}


@pytest.mark.parametrize(
    "body", [[], {}, "x", [{"reference": "A", "name": "x"}] * 1001], ids=["none", "object", "text", "1,001"]
)
def test_body_that_is_no_list_of_rows(staff, body):
    answer = send(staff, "post", BULK, body if body != "x" else '"x"')

    assert faults(answer) == [("", "invalid", "The body is a list of 1 to 1,000 rows.")]


@pytest.mark.parametrize("query", ["upsert=perhaps", "on_error=ignore", "reason=", "fields=name"])
def test_parameter_that_is_not_offered(staff, query):
    answer = send(staff, "post", f"{BULK}?{query}", [{"reference": "A", "name": "x"}])

    assert answer.status_code == 400
    assert not Item.objects.exists()


def test_rows_of_kinds_that_one_may_not_write_fail_alone():
    client = staff_client(*[right for right in EVERY_RIGHT if not right.endswith("tool")])
    ItemFactory.create(kind="tool", reference="T", published=True)
    ItemFactory.create(kind="tool", reference="D")
    rows = [
        {"kind": "vehicle", "reference": "A", "name": "Car"}, {"kind": "tool", "reference": "B", "name": "Tool"},
        {"reference": "T", "price": "1"}, {"reference": "D", "price": "1"},
    ]  # fmt: skip

    answer = send(client, "post", "/v1/items/bulk/?upsert=true&on_error=skip_failed", rows)

    told = [[(each["code"], each["detail"]) for each in row["errors"]] for row in answer.json()["results"]]
    assert told == [
        [],
        [("permission_denied", "It takes the right catalog.add_tool.")],
        [("permission_denied", "It takes the right catalog.change_tool.")],
        [("required", "This field is required."), ("required", "This field is required.")][
            :1
        ],  # a draft is not there
    ]
    assert Item.objects.filter(reference="A").exists()


def test_many_productions_and_terms(staff):
    films = send(
        staff, "post", "/v1/productions/bulk/", [{"title": "Ronin", "years": [1998]}, {"title": "Heat"}]
    )
    more = send(staff, "post", "/v1/productions/bulk/?upsert=true", [{"slug": "heat", "kind": "series"}])
    words = send(
        staff, "post", "/v1/terms/bulk/", [{"vocabulary": "genre", "name": name} for name in ("Spy", "Heist")]
    )
    renamed = send(
        staff, "patch", "/v1/terms/bulk/", [{"vocabulary": "genre", "slug": "spy", "name": "Agents"}]
    )
    gone = send(staff, "delete", "/v1/terms/bulk/", [{"vocabulary": "genre", "slug": "heist"}])

    assert [summary(answer)["created"] for answer in (films, words)] == [2, 2]
    assert [summary(answer)["changed"] for answer in (more, renamed)] == [1, 1]
    assert summary(gone)["deleted"] == 1
    assert set(Production.objects.values_list("slug", "kind")) == {("ronin-1998", "film"), ("heat", "series")}
    assert set(Term.objects.values_list("name", "slug")) == {("Agents", "spy")}


def test_production_in_use_keeps_the_others(staff):
    AppearanceFactory.create(production__slug="ronin")
    ProductionFactory.create(slug="heat")
    rows = [{"slug": "ronin"}, {"slug": "heat"}]

    answers = [
        send(staff, "delete", f"/v1/productions/bulk/?on_error={mode}", rows)
        for mode in ("reject_all", "skip_failed")
    ]

    assert faults(answers[0]) == [("/0", "conflict", "Appearances of items: 1. Take them away first.")]
    assert summary(answers[1]) == NOTHING | {"deleted": 1, "failed": 1}


def test_vehicle_is_found_under_its_own_kind_alone(staff):
    ItemFactory.create(kind="tool", reference="T")
    VehicleFactory.create(reference="V")

    answer = send(staff, "delete", f"{BULK}?on_error=skip_failed", [{"reference": "T"}, {"reference": "V"}])

    assert summary(answer) == NOTHING | {"deleted": 1, "failed": 1}


KEYS: dict[str, dict[str, Any]] = {
    "productions": {"slug": "ronin"},
    "terms": {"vocabulary": "genre", "slug": "spy"},
}
CHANGES: dict[str, dict[str, Any]] = {"productions": {"franchise": "x"}, "terms": {"aliases": ["x"]}}


@pytest.fixture
def ronin_and_spy(db):
    AppearanceFactory.create(production__slug="ronin")
    TermFactory.create(name="Spy", slug="spy")


@pytest.mark.usefixtures("ronin_and_spy")
@pytest.mark.parametrize("name", KEYS)
def test_row_that_names_another_tag_is_left_alone(staff, name):
    tag = staff.get(f"/v1/{name}/{'/'.join(KEYS[name].values())}/")["ETag"]
    row = KEYS[name] | {"etag": tag}

    answers = [send(staff, "patch", f"/v1/{name}/bulk/", [row | CHANGES[name]]) for _ in range(2)]
    deletion = send(staff, "delete", f"/v1/{name}/bulk/", [row])

    assert summary(answers[0])["changed"] == 1
    assert [faults(answer)[0][:2] for answer in (answers[1], deletion)] == [("/0/etag", "changed")] * 2


@pytest.mark.usefixtures("ronin_and_spy")
@pytest.mark.parametrize("name", [*KEYS, "vehicles"])
def test_rows_name_what_was_read_where_that_is_required(staff, settings, name):
    settings.REQUIRE_IF_MATCH = True
    ItemFactory.create(reference="A")
    row = KEYS.get(name, {"reference": "A"})
    state = "version" if name == "vehicles" else "etag"

    answers = [
        send(staff, method, f"/v1/{name}/bulk/{query}", [row])
        for method, query in (("patch", ""), ("delete", ""), ("post", "?upsert=true"))
    ]

    sentence = f"This service changes only what names the {state} that was read."
    assert [faults(answer) for answer in answers] == [[(f"/0/{state}", "required", sentence)]] * 3


def test_upsert_changes_nothing_where_a_condition_is_required(staff, settings):
    settings.REQUIRE_IF_MATCH = True
    item = ItemFactory.create(reference="A", price=5)

    answer = send(staff, "post", "/v1/vehicles/?upsert=true", {"reference": "A", "name": "x", "price": "7"})

    item.refresh_from_db()
    assert (answer.status_code, item.price) == (428, Decimal(5))
