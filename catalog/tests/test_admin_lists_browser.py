"""Lists as a person uses them in a browser: editing many at once, views, columns, counts."""

import pytest
from playwright.sync_api import Page, expect

from catalog.models import Vehicle
from catalog.tests.factories import TermFactory, VehicleFactory
from catalog.tests.test_admin_browser import choose, rows

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/admin/catalog/vehicle/"


@pytest.fixture
def garage() -> None:
    for name in ("Action", "Spy", "Comedy"):
        TermFactory.create(name=name)
    VehicleFactory.create(name="Aston Martin DB5", genres=["Action", "Spy"], price=6_400_000)
    VehicleFactory.create(name="DMC DeLorean", genres=["Action", "Comedy"], price=90_000)
    VehicleFactory.create(name="Fiat 500", genres=["Comedy"])


def prices() -> dict[str, tuple[str, list[str]]]:
    cars = Vehicle.objects.order_by("name")
    return {car.name: ("" if car.price is None else str(car.price), car.genres) for car in cars}


@pytest.mark.usefixtures("garage")
def test_filtered_list_edited_and_taken_back(staff_page: Page) -> None:
    before = prices()
    staff_page.goto(f"{LIST}?genres=Action")
    staff_page.locator("#action-toggle").first.check()
    staff_page.get_by_label("Select action to run").select_option("Edit many")
    staff_page.get_by_role("button", name="Run").click()
    staff_page.get_by_label("Price", exact=True).select_option("Set to")
    staff_page.get_by_label("New price").fill("125000")
    staff_page.get_by_label("Genres", exact=True).select_option("Add")
    choose(staff_page, "These genres", "Comedy")
    staff_page.get_by_role("button", name="Preview").click()
    expect(staff_page.locator("#preview")).to_contain_text("Would change")
    staff_page.get_by_role("button", name="Change 2 items").click()
    expect(staff_page.get_by_text("2 items changed")).to_be_visible()
    assert prices() == {
        "Aston Martin DB5": ("125000.00", ["Action", "Spy", "Comedy"]),
        "DMC DeLorean": ("125000.00", ["Action", "Comedy"]),
        "Fiat 500": ("", ["Comedy"]),
    }

    staff_page.get_by_role("button", name="Undo").click()

    expect(staff_page.get_by_text("2 items as before.")).to_be_visible()
    assert prices() == before
    staff_page.get_by_role("link", name="Back to the list").click()
    expect(staff_page.locator("#result_list tbody tr")).to_have_count(2)
    assert set(rows(staff_page)) == {"Aston Martin DB5", "DMC DeLorean"}
