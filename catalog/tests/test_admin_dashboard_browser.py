"""The first page and the palette as a person uses them in a browser."""

import pytest
from playwright.sync_api import Page, expect

from catalog.tests.factories import MediaAssetFactory, ProductionFactory, VehicleFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def garage() -> None:
    VehicleFactory.create(name="Aston Martin DB5", reference="V-1", genres=["Spy"], price=1_500)
    VehicleFactory.create(name="DMC DeLorean", reference="V-2", genres=["Comedy"], published=True)
    ProductionFactory.create(title="Goldfinger")
    MediaAssetFactory.create()


@pytest.mark.usefixtures("garage")
def test_first_page_leads_to_what_waits(staff_page: Page) -> None:
    waiting = staff_page.get_by_role("region", name="What waits for somebody")
    expect(waiting.get_by_role("link", name="Unassigned media 1")).to_be_visible()

    waiting.get_by_role("link", name="Drafts 1", exact=True).click()

    expect(staff_page.locator("#result_list tbody tr")).to_have_count(1)
    expect(staff_page.get_by_role("link", name="Aston Martin DB5")).to_be_visible()


@pytest.mark.usefixtures("garage")
def test_bar_of_a_chart_leads_to_its_items(staff_page: Page) -> None:
    staff_page.get_by_role("region", name="Items by genre").get_by_role("link", name="Comedy 1").click()

    expect(staff_page.locator("#result_list tbody tr")).to_have_count(1)
    expect(staff_page.get_by_role("link", name="DMC DeLorean")).to_be_visible()


@pytest.mark.usefixtures("garage")
def test_item_found_and_opened_by_the_keyboard_alone(staff_page: Page) -> None:
    staff_page.keyboard.press("Control+k")
    expect(staff_page.locator("#search-input-command")).to_be_focused()
    staff_page.keyboard.type("aston")
    expect(staff_page.locator("#command-results-list")).to_contain_text("Aston Martin DB5")
    staff_page.keyboard.press("ArrowDown")

    staff_page.keyboard.press("Enter")

    staff_page.wait_for_url("**/admin/catalog/vehicle/*/change/")
    expect(staff_page.locator("#id_name")).to_have_value("Aston Martin DB5")


@pytest.mark.usefixtures("garage")
def test_palette_opened_by_its_button_finds_a_film_and_closes(staff_page: Page) -> None:
    staff_page.get_by_role("button", name="Find an item, a film or a page").click()
    expect(staff_page.locator("#search-input-command")).to_be_focused()
    staff_page.keyboard.type("goldf")
    expect(staff_page.locator("#command-results-list")).to_contain_text("Goldfinger (1964)")

    for _ in range(2):
        staff_page.keyboard.press("Escape")

    expect(staff_page.locator("#search-input-command")).to_be_hidden()


@pytest.mark.usefixtures("garage")
def test_first_page_fits_a_telephone(staff_page: Page) -> None:
    staff_page.set_viewport_size({"width": 390, "height": 844})
    staff_page.goto("/admin/")

    assert staff_page.evaluate("document.documentElement.scrollWidth") == 390
