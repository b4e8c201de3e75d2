"""Publishing as a person does it, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from catalog.models import Item
from catalog.tests.factories import MediaAssetFactory, VehicleFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/admin/catalog/vehicle/"


def test_draft_is_finished_previewed_published_and_withdrawn(staff_page: Page) -> None:
    car = VehicleFactory.create(description="Seen.", no_production_reason="Built for the museum.")
    MediaAssetFactory.create(item=car, rendered=True, alt_text="A silver car")
    staff_page.goto(f"{LIST}{car.pk}/change/")
    expect(staff_page.locator("#missing li")).to_have_text(['It needs a price, or "on request" ticked.'])

    staff_page.get_by_label("On request").check()
    staff_page.get_by_role("button", name="Save and continue editing").click()
    expect(staff_page.locator("#ready")).to_be_visible()
    staff_page.get_by_role("link", name="Preview").click()
    expect(staff_page.locator("#answer")).to_contain_text('"status": "published"')
    staff_page.get_by_role("link", name="Back", exact=True).click()
    staff_page.get_by_role("link", name="Publish or schedule").click()
    staff_page.get_by_role("button", name="Publish", exact=True).click()

    expect(staff_page.get_by_text("It is public now.")).to_be_visible()
    assert Item.objects.published().count() == 1
    staff_page.get_by_role("link", name="Withdraw").click()
    staff_page.get_by_role("button", name="Withdraw to draft").click()
    expect(staff_page.get_by_text("It is a draft again.")).to_be_visible()
    assert Item.objects.published().count() == 0


def test_ticked_vehicles_are_scheduled_and_those_not_ready_are_named(staff_page: Page) -> None:
    VehicleFactory.create_batch(2, ready=True)
    VehicleFactory.create(name="Unfinished", reference="U-1", ready=True, description="")
    staff_page.goto(LIST)
    staff_page.locator("#action-toggle").first.check()
    staff_page.get_by_label("Select action to run").select_option("Publish or schedule")
    staff_page.get_by_role("button", name="Run").click()

    expect(staff_page.locator("#unready li")).to_have_text(["Unfinished (U-1): It needs a description."])
    staff_page.get_by_label("From this time on").fill("2099-01-01T18:30")
    staff_page.get_by_role("button", name="Publish", exact=True).click()

    expect(staff_page.get_by_role("status")).to_contain_text("2 items changed; 1 not ready")
    assert Item.objects.filter(status="published", published_at__year=2099).count() == 2
    staff_page.get_by_role("button", name="Undo").click()
    expect(staff_page.get_by_role("status")).to_contain_text("2 items as before.")
    assert not Item.objects.exclude(status="draft").exists()


def test_question_fits_a_telephone(staff_page: Page) -> None:
    car = VehicleFactory.create(name="W" * 180)
    staff_page.set_viewport_size({"width": 390, "height": 844})

    for address in ("change/", "publication/publish/", "preview/"):
        staff_page.goto(f"{LIST}{car.pk}/{address}")
        assert staff_page.evaluate("document.documentElement.scrollWidth") == 390
