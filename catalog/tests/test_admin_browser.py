"""A curator's work in the admin, done in a real browser."""

from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image
from playwright.sync_api import Page, expect

from catalog.models import Vehicle, Vocabulary
from catalog.tests.factories import MediaAssetFactory, TermFactory, VehicleFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/admin/catalog/vehicle/"


@pytest.fixture
def garage(bucket: str) -> None:
    """Two cars, one with a picture in the bucket, and the words that they use."""
    for name in ("Action", "Spy", "Comedy"):
        TermFactory.create(name=name)
    TermFactory.create(name="Sports Car", vocabulary=Vocabulary.VEHICLE_TYPE)
    first = VehicleFactory.create(
        name="Aston Martin DB5", reference="V-1", slug="db5", genres=["Action", "Spy"], price=6_400_000
    )
    VehicleFactory.create(name="DMC DeLorean", reference="V-2", slug="delorean", genres=["Action", "Comedy"])
    picture = BytesIO()
    Image.new("RGB", (640, 480), "silver").save(picture, "JPEG")
    default_storage.save("vehicles/db5/1.jpg", ContentFile(picture.getvalue()))
    MediaAssetFactory.create(item=first, key="vehicles/db5/1.jpg", alt_text="A silver car")


def choose(page: Page, label: str, word: str) -> None:
    """Find a word by typing in the field of that label, and take it."""
    box = page.locator(".group", has=page.locator(f"label:text-is('{label}')")).last
    box.get_by_role("searchbox").click()
    page.keyboard.type(word[:3])
    page.get_by_role("option", name=word, exact=True).click()


def rows(page: Page) -> list[str]:
    return page.locator("#result_list tbody tr th strong").all_inner_texts()


@pytest.mark.usefixtures("garage")
def test_vehicle_list_shows_the_picture(staff_page: Page) -> None:
    staff_page.goto(LIST)

    picture = staff_page.get_by_alt_text("A silver car")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 640


@pytest.mark.usefixtures("garage")
def test_vehicle_list_filtered_by_two_genres(staff_page: Page) -> None:
    staff_page.goto(LIST)
    staff_page.locator("#changelist a", has_text="Filters").click()
    choose(staff_page, "By genres", "Action")
    choose(staff_page, "By genres", "Spy")
    staff_page.get_by_label("Genres: match").select_option("all of these")

    staff_page.get_by_role("button", name="Apply Filters").click()

    expect(staff_page.locator("#result_list tbody tr")).to_have_count(1)
    assert rows(staff_page) == ["Aston Martin DB5"]


@pytest.mark.usefixtures("garage")
def test_vehicle_found_by_search_gets_another_price(staff_page: Page) -> None:
    staff_page.goto(LIST)
    staff_page.locator("#searchbar").fill("aston mar")
    staff_page.keyboard.press("Enter")
    expect(staff_page.locator("#result_list tbody tr")).to_have_count(1)
    staff_page.get_by_role("link", name="Aston Martin DB5").click()
    staff_page.get_by_label("Price").fill("6500000")

    staff_page.get_by_role("button", name="Save", exact=True).click()

    expect(staff_page.get_by_text("was changed successfully")).to_be_visible()
    expect(staff_page.get_by_text("6,500,000 USD")).to_be_visible()


@pytest.mark.usefixtures("garage")
def test_vehicle_added_with_its_words(staff_page: Page) -> None:
    staff_page.goto(f"{LIST}add/")
    staff_page.get_by_label("Name").fill("Lotus Esprit S1")
    staff_page.get_by_label("Reference").fill("V-3")
    staff_page.get_by_label("Production years").fill("1976-1978")
    choose(staff_page, "Vehicle types", "Sports Car")
    choose(staff_page, "Genres", "Spy")
    choose(staff_page, "Genres", "Action")

    staff_page.get_by_role("button", name="Save", exact=True).click()

    expect(staff_page.get_by_text("was added successfully")).to_be_visible()
    lotus = Vehicle.objects.get(reference="V-3")
    assert (lotus.slug, lotus.production_years) == ("lotus-esprit-s1-v-3", [1976, 1977, 1978])
    assert (lotus.vehicle_types, set(lotus.genres)) == (["Sports Car"], {"Spy", "Action"})


@pytest.mark.usefixtures("garage")
def test_vehicle_with_a_taken_reference_is_refused(staff_page: Page) -> None:
    staff_page.goto(f"{LIST}add/")
    staff_page.get_by_label("Name").fill("Another car")
    staff_page.get_by_label("Reference").fill("v-1")

    staff_page.get_by_role("button", name="Save", exact=True).click()

    expect(staff_page.get_by_text("Another item has this reference.")).to_be_visible()


@pytest.mark.usefixtures("garage")
def test_page_of_a_file_fits_a_telephone_and_shows_the_whole_picture(staff_page: Page) -> None:
    asset = MediaAssetFactory.create(
        item=None, key=f"loose/{'k' * 200}.jpg", sha256="f" * 64, alt_text="A tall one"
    )
    staff_page.set_viewport_size({"width": 390, "height": 844})
    with default_storage.open("vehicles/db5/1.jpg") as picture_file:
        default_storage.save(asset.key, ContentFile(picture_file.read()))

    staff_page.goto(f"/admin/catalog/mediaasset/{asset.pk}/change/")

    picture = staff_page.get_by_alt_text("A tall one")
    expect(picture).to_have_css("object-fit", "contain")
    assert staff_page.evaluate("document.documentElement.scrollWidth") == 390
