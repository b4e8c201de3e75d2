"""The admin's first page, and the palette: what they tell, to whom, and where their links lead."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from accounts.tests.people import STAFF, account, browser, holder
from catalog import upkeep
from catalog.models import ImportRun, ImportState, Kind, MediaState, Status
from catalog.tests.factories import (
    ItemFactory,
    MediaAssetFactory,
    MemorabiliaFactory,
    ProductionFactory,
    VehicleFactory,
)

pytestmark = pytest.mark.django_db

INDEX = "/admin/"
SEARCH = "/admin/search/"


def failed_job() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (task_name, queue_name, status) VALUES ('t', 'q', 'failed')"
        )


@pytest.fixture
def catalogue() -> None:
    VehicleFactory.create_batch(3, genres=["Spy", "Action"], production_years=[1964, 1965, 1971], price=1_500)
    VehicleFactory.create_batch(2, genres=["Spy"], price=2_000, published=True)
    VehicleFactory.create(
        status=Status.PUBLISHED, published_at=now() + timedelta(days=2), price=900, currency="EUR"
    )
    VehicleFactory.create(status=Status.PUBLISHED, published_at=now() + timedelta(days=20))
    MemorabiliaFactory.create(status=Status.ARCHIVED)
    ProductionFactory.create_batch(2)
    MediaAssetFactory.create_batch(2)
    MediaAssetFactory.create(item=ItemFactory.create(published=True), state=MediaState.MISSING)
    ImportRun.objects.create(
        target="vehicle", file_name="cars.csv", state=ImportState.DONE, rows=9, rejected=4
    )
    failed_job()


def tasks(answer: Any) -> dict[str, str]:
    return {task.title: task.count_text for task in answer.context["dashboard"]["tasks"]}


def bars(answer: Any) -> dict[str, dict[str, str]]:
    charts = answer.context["dashboard"]["charts"]
    return {chart.title: {bar.label: bar.count_text for bar in chart.bars} for chart in charts}


@pytest.mark.parametrize("taken_in", [True, False])
@pytest.mark.usefixtures("catalogue")
def test_first_page_tells_what_waits_and_what_there_is(admin_client: Client, *, taken_in: bool) -> None:
    if taken_in:
        upkeep.take_in_changes()

    answer = admin_client.get(INDEX)

    assert tasks(answer) == {
        "Unfinished drafts": "3", "Drafts": "3", "Scheduled for this week": "1", "Refused rows": "4", "Unassigned media": "2",
        "Missing media": "1", "Failed jobs": "1",
    }  # fmt: skip
    assert [(name, number) for name, number, _ in answer.context["dashboard"]["totals"]] == [
        ("Vehicles", "8"), ("Memorabilia", "1"), ("Tools", "0"), ("Films and series", "2"), ("Media", "3"),
    ]  # fmt: skip
    assert bars(answer) == {
        "Items by status": {"Draft": "3", "Published": "5", "Archived": "1"},
        "Items by decade": {"1960s": "3", "1970s": "3"},
        "Items by genre": {"Spy": "5", "Action": "3"},
        "Prices in USD": {"1,000 to 2,000": "3", "2,000 to 5,000": "2"},
    }


@pytest.mark.usefixtures("catalogue")
def test_every_number_leads_to_a_list_of_as_many(admin_client: Client) -> None:
    upkeep.take_in_changes()
    shown = admin_client.get(INDEX).context["dashboard"]
    told = [(task.address, task.count_text) for task in shown["tasks"] if task.title != "Refused rows"]
    told += [(address, number) for _, number, address in shown["totals"]]
    told += [(bar.address, bar.count_text) for chart in shown["charts"] for bar in chart.bars]

    found = [(address, f"{admin_client.get(address).context['cl'].result_count:,}") for address, _ in told]

    assert found == told


@pytest.mark.usefixtures("catalogue")
def test_rows_named_on_the_first_page_open(admin_client: Client) -> None:
    shown = admin_client.get(INDEX).context["dashboard"]
    rows = [address for task in shown["tasks"] for _, address in task.rows]

    assert len(rows) == 2
    assert {admin_client.get(address, follow=True).status_code for address in rows} == {200}


@pytest.mark.usefixtures("catalogue")
def test_first_page_takes_few_queries(
    admin_client: Client, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    admin_client.get(INDEX)

    with django_assert_max_num_queries(20):
        admin_client.get(INDEX)


def test_first_page_of_an_empty_catalogue(admin_client: Client) -> None:
    page = admin_client.get(INDEX).content.decode()

    assert "Nothing. All is done." in page
    assert "No items yet." in page


@pytest.mark.parametrize("who", STAFF)
@pytest.mark.usefixtures("catalogue")
def test_first_page_and_palette_lead_nobody_to_a_refusal(who: str) -> None:
    client = browser(account(who))
    shown = client.get(INDEX).context["dashboard"]
    addresses = [task.address for task in shown["tasks"]] + [address for *_, address in shown["totals"]]
    addresses += [bar.address for chart in shown["charts"] for bar in chart.bars]
    addresses += [address for task in shown["tasks"] for _, address in task.rows]
    for text in ("item", "film", "a"):
        addresses += [found.link for found in palette(client, text)]

    refused = [each for each in set(addresses) if client.get(each, follow=True).status_code != 200]

    assert refused == []
    assert bool(addresses) == (who != "stranger") or "/admin/password_change/" in addresses


@pytest.mark.usefixtures("catalogue")
def test_first_page_counts_the_kinds_that_its_reader_sees() -> None:
    client = browser(holder("catalog.view_memorabilia"))

    answer = client.get(INDEX)

    assert tasks(answer) == {}
    assert bars(answer)["Items by status"] == {"Draft": "0", "Published": "0", "Archived": "1"}
    assert [name for name, *_ in answer.context["dashboard"]["totals"]] == ["Memorabilia"]


def palette(client: Client, text: str) -> list[Any]:
    answer = client.get(SEARCH, {"s": text, "extended": "1"})
    return list(answer.context["results"]) if answer.context else []


def test_palette_finds_items_productions_and_pages(admin_client: Client) -> None:
    car = VehicleFactory.create(name="Aston Martin DB5", reference="V-007")
    film = ProductionFactory.create(title="Aston's last drive", years=[1964])

    by_word = [(found.title, found.link) for found in palette(admin_client, "aston")]
    by_reference = [(found.title, found.description) for found in palette(admin_client, "v-00")]
    pages = [(found.title, found.link) for found in palette(admin_client, "vehicle")]

    assert by_word == [
        ("Aston Martin DB5", f"/admin/catalog/vehicle/{car.pk}/change/"),
        ("Aston's last drive (1964)", f"/admin/catalog/production/{film.pk}/change/"),
    ]
    assert by_reference == [("Aston Martin DB5", "V-007 · Vehicle · Draft")]
    assert ("Vehicles", "/admin/catalog/vehicle/") in pages
    assert ("Add vehicle", "/admin/catalog/vehicle/add/") in pages


def test_palette_finds_what_is_new_at_once(admin_client: Client) -> None:
    assert palette(admin_client, "delorean") == []
    VehicleFactory.create(name="DMC DeLorean")

    assert [found.title for found in palette(admin_client, "delorean")] == ["DMC DeLorean"]


def test_palette_finds_only_kinds_that_one_sees() -> None:
    VehicleFactory.create(name="Aston Martin")
    MemorabiliaFactory.create(name="Aston's cap", kind=Kind.MEMORABILIA)
    ProductionFactory.create(title="Aston")

    found = palette(browser(holder("catalog.view_memorabilia")), "aston")

    assert [each.title for each in found] == ["Aston's cap"]


@pytest.mark.parametrize("text", ["", " ", "\x00", "'; --", "x" * 5_000, "%_\\", "a & b | !c:*", "<b>"])
def test_palette_takes_any_text(admin_client: Client, text: str) -> None:
    assert admin_client.get(SEARCH, {"s": text, "extended": "1"}).status_code == 200


def test_palette_takes_few_queries(
    admin_client: Client, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    VehicleFactory.create_batch(20, name="Aston Martin")
    ProductionFactory.create_batch(20, title="Aston")
    admin_client.get(INDEX)

    with django_assert_max_num_queries(6):  # four of them are the sign-in's
        found = palette(admin_client, "aston")

    assert len(found) == 16
