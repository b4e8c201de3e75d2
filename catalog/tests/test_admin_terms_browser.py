"""Vocabularies as a person tends them in a browser."""

import pytest
from playwright.sync_api import Page, expect

from catalog.models import Item, Term, Vocabulary
from catalog.tests.factories import TermFactory, VehicleFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/admin/catalog/term/"


@pytest.fixture
def makes() -> None:
    for name in ("Aston Martin", "Aston-Martin", "Ferrari", "Ferarri"):
        TermFactory.create(name=name, vocabulary=Vocabulary.MAKE)
    VehicleFactory.create_batch(2, make="Aston Martin")
    VehicleFactory.create(make="Aston-Martin")


@pytest.mark.usefixtures("makes")
def test_look_alikes_merged_and_told_apart(staff_page: Page) -> None:
    staff_page.goto(LIST)
    staff_page.get_by_role("link", name="Look-alikes").click()
    staff_page.get_by_role("link", name="Merge Aston Martin and Aston-Martin").click()
    expect(staff_page.locator("#preview")).to_contain_text("Items to change1")
    staff_page.get_by_role("button", name="Merge into Aston Martin").click()
    expect(staff_page.get_by_text("Merged Aston-Martin. Items changed: 1")).to_be_visible()
    assert set(Item.objects.values_list("make", flat=True)) == {"Aston Martin"}
    assert Term.objects.get(name="Aston Martin").aliases == ["Aston-Martin"]

    staff_page.get_by_role("button", name="Ferrari and Ferarri are different").click()

    expect(staff_page.get_by_text("No two terms of this vocabulary look alike.")).to_be_visible()


@pytest.mark.usefixtures("makes")
def test_ticked_terms_merged_into_the_one_that_was_chosen(staff_page: Page) -> None:
    staff_page.goto(f"{LIST}?q=aston")
    staff_page.locator("#action-toggle").first.check()
    staff_page.get_by_label("Select action to run").select_option("Merge into one")
    staff_page.get_by_role("button", name="Run").click()
    staff_page.get_by_role("link", name="Keep Aston-Martin instead").click()
    expect(staff_page.locator("#preview")).to_contain_text("Items to change2")

    staff_page.get_by_role("button", name="Merge into Aston-Martin").click()

    expect(staff_page.get_by_text("Items changed: 2")).to_be_visible()
    assert set(Item.objects.values_list("make", flat=True)) == {"Aston-Martin"}
