"""Two people at one item, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from catalog.models import Item
from catalog.tests.factories import VehicleFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("width", [1280, 390])
def test_form_that_is_out_of_date_asks_and_saves_what_was_chosen(width: int, staff_page: Page) -> None:
    car = VehicleFactory.create(name="Before", location="Rome", make="Fiat")
    staff_page.set_viewport_size({"width": width, "height": 900})
    staff_page.goto(f"/admin/catalog/vehicle/{car.pk}/change/")
    staff_page.locator("#id_name").fill("Mine")
    staff_page.locator("#id_make").fill("Lancia")
    Item.objects.filter(pk=car.pk).update(name="Theirs", location="Oslo")

    staff_page.get_by_role("button", name="Save and continue editing").click()

    clash = staff_page.get_by_role("region", name="Changed by somebody else since you opened it")
    expect(clash.get_by_role("rowheader")).to_have_text(["Name", "Location"])
    assert staff_page.evaluate("document.documentElement.scrollWidth") == width
    clash.get_by_role("radio", name="Theirs").check()
    staff_page.get_by_role("button", name="Save and continue editing").click()
    expect(clash).to_have_count(0)
    assert Item.objects.values_list("name", "location", "make").get() == ("Theirs", "Oslo", "Lancia")
