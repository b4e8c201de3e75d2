"""The page of an item's history: every change by every door, with who, when, why, and what it was before."""

from typing import Any

import pghistory
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.people import browser, holder, member
from catalog import past
from catalog.models import Appearance, Item, MediaAsset
from catalog.tests.factories import (
    AppearanceFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
    VehicleFactory,
)
from catalog.tests.imports import run, table
from catalog.tests.test_admin_forms import posted_back
from catalog.tests.writes import send, staff_of_all

pytestmark = pytest.mark.django_db(transaction=True)  # history tells transactions apart


def history(item: Item, query: str = "") -> str:
    return f"/admin/catalog/{item.kind}/{item.pk}/history/{query}"


def told(answer: Any) -> list[tuple[str, str, str, list[tuple[str, Any, Any]]]]:
    """Return what the page tells: done, by, door and the fields."""
    return [
        (
            each["done"],
            each["change"].by,
            each["door"],
            [(f.name, f.before, f.after) for f in each["change"].fields],
        )
        for each in answer.context["changes"]
    ]


@pytest.fixture
def curator() -> Client:
    return browser(member("Curator", username="anna"))


def test_changes_by_every_door_are_told(curator: Client, tmp_path: Any) -> None:
    TermFactory.create(name="Spy", slug="spy")
    car = VehicleFactory.create(name="Car", reference="V-1", slug="v-1")
    address = f"/admin/catalog/vehicle/{car.pk}/change/"
    curator.post(address, posted_back(curator, address) | {"location": "Rome"})
    writer = staff_of_all()
    send(writer, "patch", "/v1/vehicles/v-1/?reason=Sold%20it", {"availability": "sold"})
    run(table(tmp_path / "t.csv", "reference,make", ["V-1", "Fiat"]))
    Item.objects.update(model="500")
    with pghistory.context(action="set status draft"):
        Item.objects.update(price=5)

    found = told(curator.get(history(car)))

    assert [(done, door.partition(" number")[0], fields) for done, _, door, fields in found[:5]] == [
        ("Changed", "Set status draft", [("price", None, 5.0)]),
        ("Changed", "A command or another program", [("model", "", "500")]),
        ("Changed", "Import", [("make", "", "Fiat")]),
        ("Changed", "API", [("availability", "available", "sold")]),
        ("Changed", "Admin", [("location", "", "Rome")]),
    ]
    assert (found[4][1], found[5][0], len(found)) == ("anna", "Added", 6)
    assert "Sold it" in curator.get(history(car)).content.decode()


def test_appearances_and_files_are_told_with_their_names(curator: Client) -> None:
    car = VehicleFactory.create()
    film = ProductionFactory.create(title="Ronin", years=[1998])
    AppearanceFactory.create(item=car, production=film)
    asset = MediaAssetFactory.create(key="cars/1.jpg")
    MediaAsset.objects.update(item=car)
    Appearance.objects.update(role="stunt")
    MediaAsset.objects.filter(pk=asset.pk).update(item=None)
    Appearance.objects.all().delete()

    found = curator.get(history(car)).context["changes"]

    assert [(each["done"], each["change"].title) for each in found] == [
        ("Deleted", "Appearance in Ronin (1998)"),
        ("Changed", "File cars/1.jpg"),
        ("Changed", "Appearance in Ronin (1998)"),
        ("Changed", "File cars/1.jpg"),
        ("Added", "Appearance in Ronin (1998)"),
        ("Added", ""),
    ]


def test_update_that_changes_nothing_and_a_workers_findings_are_left_out(curator: Client) -> None:
    car = VehicleFactory.create()
    asset = MediaAssetFactory.create(item=car)
    Item.objects.update(name=car.name)
    MediaAsset.objects.filter(pk=asset.pk).update(processing="ready", width=640)

    assert len(curator.get(history(car)).context["changes"]) == 2


def test_long_history_is_read_in_pages_of_few_queries(curator: Client) -> None:
    car = VehicleFactory.create()
    AppearanceFactory.create_batch(30, item=car)
    for number in range(40):
        Item.objects.update(price=number)
    curator.get(history(car))
    seen, address, queries = [], history(car), []
    while address:
        with CaptureQueriesContext(connection) as asked:
            answer = curator.get(address)
        queries.append(len(asked))
        seen += [each["change"].place for each in answer.context["changes"]]
        following = answer.context["following"]
        address = following and history(car, f"?after={following.replace('+', '%2B').replace(' ', '%20')}")

    assert (len(seen), len(set(seen)), seen) == (71, 71, sorted(seen, reverse=True))
    assert max(queries) <= 12


def test_another_item_is_not_in_it(curator: Client) -> None:
    car = VehicleFactory.create()
    AppearanceFactory.create(item=VehicleFactory.create())
    MediaAssetFactory.create()

    assert len(past.changes(car.pk)[0]) == 1
    assert len(curator.get(history(car)).context["changes"]) == 1


@pytest.mark.parametrize(
    "after", ["x", "2026-01-01 item 1", "2026-01-01T00:00:00 item 1", "2026-01-01T00:00:00Z film 1",
              "2026-13-01T00:00:00Z item 1", "2026-01-01T00:00:00Z item 99999999999999999999", "%00"],
)  # fmt: skip
def test_place_that_is_none_is_not_found(after: str, curator: Client) -> None:
    car = VehicleFactory.create()

    assert curator.get(history(car, f"?after={after}")).status_code == 404


def test_history_opens_to_those_who_may_view_the_kind() -> None:
    someone = browser(holder("catalog.view_vehicle"))
    car, tool = VehicleFactory.create(), ToolFactory.create()

    assert [someone.get(history(item)).status_code for item in (car, tool)] == [200, 403]
