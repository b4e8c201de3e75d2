"""A dealer's spreadsheet in a real browser: upload, match, look, leave out, land, undo."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from catalog.models import ImportRun, Item
from catalog.tests.factories import VehicleFactory
from catalog.tests.import_screens import BY_STATE, newest, worked
from marketplace.tests.stack import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.usefixtures("bucket", "empty_queue"),
    pytest.mark.django_db(transaction=True),
]

CHANGED, NEW = re.compile("^Changed"), re.compile("^New")
DEALER = (
    "Stock No.;Car;Baujahr;Colour\n"
    "D-1;Aston Martin DB5;1964;silver\n"
    "D-2;Lotus Esprit;1976;white\n"
    "D-3;DMC DeLorean;1981;steel\n"
)


@pytest.fixture
def dealer(tmp_path: Path) -> Path:
    file = tmp_path / "dealer.csv"
    file.write_text(DEALER, encoding="utf-8")
    return file


def upload(page: Page, file: Path) -> None:
    page.goto("/admin/catalog/vehicle/")
    page.locator("a[href$='/vehicle/import/']").click()
    page.locator("#id_import_file").set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()
    page.wait_for_url("**/change/")


def work() -> ImportRun:
    """Do what a worker does, once the browser's form has arrived; return the run."""
    wait_until(lambda: newest().state in BY_STATE)
    return worked()


def stands(page: Page, state: str) -> None:
    """Wait until the page, which looks after its run by itself, shows the state."""
    expect(page.locator("#progress")).to_contain_text(state)


def test_dealers_file_from_upload_to_undo(staff_page: Page, dealer: Path) -> None:
    VehicleFactory.create(reference="D-2", name="Lotus")
    upload(staff_page, dealer)
    stands(staff_page, "Waiting to be read")
    work()
    stands(staff_page, "Waiting for its columns")
    staff_page.get_by_label("Colour: goes to").select_option("an entry in specs")
    staff_page.get_by_role("button", name="Go on to the preview").click()
    work()
    stands(staff_page, "Waiting for confirmation")

    staff_page.get_by_role("link", name=CHANGED).click()
    expect(staff_page.locator("#rows del").first).to_have_text("Lotus")
    expect(staff_page.locator("#rows ins").first).to_have_text("Lotus Esprit")
    staff_page.get_by_role("link", name=NEW).click()
    staff_page.get_by_label("Line 4").check()
    staff_page.get_by_role("button", name="Leave the ticked rows out").click()
    work()
    staff_page.get_by_role("button", name="Land 2 rows").click()
    work()
    stands(staff_page, "It has landed.")
    landed = dict(Item.objects.values_list("reference", "name"))

    staff_page.get_by_role("link", name="Undo this import").click()
    staff_page.get_by_role("button", name="Undo the import").click()
    work()
    stands(staff_page, "What it did was taken back.")

    assert landed == {"D-1": "Aston Martin DB5", "D-2": "Lotus Esprit"}
    assert dict(Item.objects.values_list("reference", "name")) == {"D-2": "Lotus"}


def test_two_clicks_on_confirm_land_once(staff_page: Page, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("reference,name\nA-1,DB5\n", encoding="utf-8")
    upload(staff_page, file)
    work()
    stands(staff_page, "Waiting for confirmation")

    staff_page.get_by_role("button", name="Land 1 row").dblclick()
    run = work()

    stands(staff_page, "It has landed.")
    assert (run.state, run.created, Item.objects.count()) == ("done", 1, 1)


def test_import_is_cancelled_by_keyboard_alone(staff_page: Page, dealer: Path) -> None:
    upload(staff_page, dealer)
    staff_page.get_by_role("button", name="Cancel the import").focus()

    staff_page.keyboard.press("Enter")

    stands(staff_page, "Cancelled")


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_the_screen(staff_page: Page, dealer: Path, width: int) -> None:
    staff_page.set_viewport_size({"width": width, "height": 900})
    VehicleFactory.create(reference="D-2", name="Lotus", description="x" * 400)
    wide = []

    def look(what: str) -> None:
        if staff_page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(what)

    staff_page.goto("/admin/catalog/vehicle/import/")
    look("upload")
    staff_page.locator("#id_import_file").set_input_files(dealer)
    staff_page.get_by_role("button", name="Upload", exact=True).click()
    stands(staff_page, "Waiting to be read")
    look("progress")
    work()
    stands(staff_page, "Waiting for its columns")
    look("columns")
    staff_page.get_by_role("button", name="Go on to the preview").click()
    work()
    stands(staff_page, "Waiting for confirmation")
    look("preview")
    staff_page.get_by_role("link", name=CHANGED).click()
    look("changed rows")

    assert wide == []


def test_every_input_of_the_screens_has_a_name(staff_page: Page, dealer: Path) -> None:
    nameless = (
        "Array.from(document.querySelectorAll('#content input:not([type=hidden]), #content select, #content textarea'))"
        ".filter(e => !e.labels?.length && !e.getAttribute('aria-label')).map(e => e.name)"
    )
    upload_page, found = "/admin/catalog/vehicle/import/", []
    staff_page.goto(upload_page)
    found += staff_page.evaluate(nameless)
    upload(staff_page, dealer)
    work()
    stands(staff_page, "Waiting for its columns")
    found += staff_page.evaluate(nameless)
    staff_page.get_by_role("button", name="Go on to the preview").click()
    work()
    stands(staff_page, "Waiting for confirmation")
    found += staff_page.evaluate(nameless)

    assert found == []
