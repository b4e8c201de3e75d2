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


@pytest.mark.usefixtures("garage")
def test_genre_chosen_by_its_count(staff_page: Page) -> None:
    staff_page.goto(LIST)
    staff_page.locator("#changelist a", has_text="Filters").click()
    counts = staff_page.get_by_role("group", name="Commonest genres")
    expect(counts).to_contain_text("Comedy 2")

    counts.get_by_role("link", name="Spy 1").click()

    expect(staff_page.locator("#result_list tbody tr")).to_have_count(1)
    assert rows(staff_page) == ["Aston Martin DB5"]


@pytest.mark.usefixtures("garage")
def test_columns_chosen_ordered_and_kept_in_a_view(staff_page: Page) -> None:
    staff_page.goto(f"{LIST}?genres=Comedy")
    staff_page.get_by_text("Columns", exact=True).click()
    staff_page.get_by_label("Genres", exact=True).check()
    staff_page.get_by_label("Built", exact=True).uncheck()
    for _ in range(2):
        staff_page.get_by_role("button", name="Price further up").press("Enter")
    staff_page.get_by_role("button", name="Show these").click()
    head = staff_page.locator("#result_list thead th .text")
    expect(head.filter(has_text="Genres")).to_be_visible()
    expect(head.filter(has_text="Built")).to_have_count(0)
    texts = [text.strip().lower() for text in head.all_inner_texts()]
    assert texts.index("price") < texts.index("make and model")
    staff_page.get_by_text("Save view", exact=True).click()
    staff_page.get_by_label("Name of the view").fill("Funny ones")
    staff_page.get_by_role("button", name="Keep it").click()
    staff_page.get_by_role("link", name="All", exact=True).click()
    expect(staff_page.locator("#result_list tbody tr")).to_have_count(3)

    staff_page.get_by_role("link", name="Funny ones").click()

    expect(staff_page.locator("#result_list tbody tr")).to_have_count(2)
    assert set(rows(staff_page)) == {"DMC DeLorean", "Fiat 500"}


@pytest.mark.usefixtures("garage")
def test_menus_of_a_list_fit_a_telephone_and_close_by_escape(staff_page: Page) -> None:
    staff_page.set_viewport_size({"width": 390, "height": 844})
    staff_page.goto(LIST)
    staff_page.get_by_text("Columns", exact=True).press("Enter")
    expect(staff_page.get_by_role("button", name="Show these")).to_be_visible()
    assert staff_page.evaluate("document.documentElement.scrollWidth") == 390

    staff_page.keyboard.press("Escape")

    expect(staff_page.get_by_role("button", name="Show these")).to_be_hidden()
