"""Nobody overwrites anybody: a form that is out of date is asked about, and rows that its user cannot see stay."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.tests.client import at_once
from accounts.tests.people import browser, holder, member
from catalog.models import Appearance, Item, Production, Term
from catalog.tests.factories import (
    AppearanceFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
    VehicleFactory,
)
from catalog.tests.test_admin_forms import form_data, posted_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def curator() -> Client:
    return browser(member("Curator"))


@pytest.fixture
def other() -> Client:
    return browser(member("Curator", username="other"))


def page_of(item: Item) -> str:
    return f"/admin/catalog/{item.kind}/{item.pk}/change/"


def opened(client: Client, address: str) -> dict[str, Any]:
    """Open the page and return what its form would send."""
    return posted_back(client, address) | marks(client.get(address))


def marks(answer: Any) -> dict[str, str]:
    """Return what the page carries to know whether it is out of date."""
    return dict(re.findall(r'name="(seen_\w+)" value="([^"]*)"', answer.content.decode()))


def choices(answer: Any) -> dict[str, str]:
    """Return what the page asks and offers, as the browser would send it at once."""
    found = dict(re.findall(r'name="(keep[-_]\w+)" value="(\w+)" checked', answer.content.decode()))
    return found | marks(answer)


def test_form_that_nobody_else_has_changed_is_saved(curator: Client) -> None:
    car = VehicleFactory.create()
    body = opened(curator, page_of(car))

    answer = curator.post(page_of(car), body | {"name": "Mine"})

    car.refresh_from_db()
    assert (answer.status_code, car.name) == (302, "Mine")


def test_change_of_somebody_else_is_shown_field_by_field_and_nothing_is_saved(
    curator: Client, other: Client
) -> None:
    car = VehicleFactory.create(name="Before", location="Rome", make="Fiat")
    body, theirs = opened(curator, page_of(car)), opened(other, page_of(car))
    other.post(page_of(car), theirs | {"name": "Theirs", "location": "Oslo"})

    answer = curator.post(page_of(car), body | {"name": "Mine", "make": "Lancia"})

    car.refresh_from_db()
    clash = answer.context["clash"]
    assert (answer.status_code, car.name, car.location, car.make) == (200, "Theirs", "Oslo", "Fiat")
    assert clash.by == "other"
    assert [(each.name, each.before, each.theirs, each.mine, each.is_mine) for each in clash.fields] == [
        ("name", "Before", "Theirs", "Mine", True),
        ("location", "Rome", "Oslo", "Rome", False),
    ]
    assert choices(answer).items() >= {"keep-name": "mine", "keep-location": "theirs"}.items()


@pytest.mark.parametrize(("pick", "name"), [("mine", "Mine"), ("theirs", "Theirs")])
def test_what_was_chosen_is_saved(pick: str, name: str, curator: Client, other: Client) -> None:
    car = VehicleFactory.create(name="Before", location="Rome")
    body, theirs = opened(curator, page_of(car)), opened(other, page_of(car))
    other.post(page_of(car), theirs | {"name": "Theirs", "location": "Oslo"})
    mine = body | {"name": "Mine", "make": "Lancia"}
    asked = curator.post(page_of(car), mine)

    answer = curator.post(page_of(car), mine | choices(asked) | {"keep-name": pick})

    car.refresh_from_db()
    assert (answer.status_code, car.name, car.location, car.make) == (302, name, "Oslo", "Lancia")


def test_change_after_the_question_is_asked_about_again(curator: Client) -> None:
    car = VehicleFactory.create(name="Before")
    body = opened(curator, page_of(car))
    Item.objects.filter(pk=car.pk).update(name="First")
    asked = curator.post(page_of(car), body | {"name": "Mine"})
    Item.objects.filter(pk=car.pk).update(name="Second")

    again = curator.post(page_of(car), body | {"name": "Mine"} | choices(asked))

    (difference,) = again.context["clash"].fields
    assert (difference.before, difference.theirs) == ("First", "Second")
    assert Item.objects.get().name == "Second"


def test_change_of_what_the_form_does_not_have_is_none_of_its_business(curator: Client) -> None:
    car = VehicleFactory.create()
    body = opened(curator, page_of(car))
    Item.objects.filter(pk=car.pk).update(status="archived")

    answer = curator.post(page_of(car), body | {"name": "Mine"})

    car.refresh_from_db()
    assert (answer.status_code, car.name, car.status) == (302, "Mine", "archived")


def test_item_that_was_deleted_meanwhile_leads_away(curator: Client) -> None:
    car = VehicleFactory.create()
    body = opened(curator, page_of(car))
    Item.objects.all().delete()

    answer = curator.post(page_of(car), body | {"name": "Mine"})

    assert (answer.status_code, Item.objects.exists()) == (302, False)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_one_is_asked(curator: Client, other: Client) -> None:
    car = VehicleFactory.create()
    bodies = [(client, opened(client, page_of(car))) for client in (curator, other)]

    answers = at_once(
        [
            lambda client=client, body=body, name=name: client.post(page_of(car), body | {"name": name})  # type: ignore[misc]
            for (client, body), name in zip(bodies, ["One", "Two"], strict=True)
        ]
    )

    assert sorted(answer.status_code for answer in answers) == [200, 302]


@pytest.mark.parametrize(("pick", "notes"), [("theirs", "Theirs"), ("mine", "Mine")])
def test_rows_that_somebody_else_has_changed_are_asked_about(pick: str, notes: str, curator: Client) -> None:
    seen = AppearanceFactory.create(item=VehicleFactory.create(), notes="Before")
    body = opened(curator, page_of(seen.item)) | {"appearances-0-notes": "Mine", "name": "Mine"}
    Appearance.objects.update(notes="Theirs")

    asked = curator.post(page_of(seen.item), body)
    unsaved = Appearance.objects.get().notes
    curator.post(page_of(seen.item), body | choices(asked) | {"keep_rows": pick})

    assert (asked.context["clash"].rows, unsaved) == (["appearances in films and series"], "Theirs")
    assert (Appearance.objects.get().notes, Item.objects.get().name) == (notes, "Mine")


def test_other_pages_ask_too(curator: Client) -> None:
    film, word, asset = ProductionFactory.create(), TermFactory.create(), MediaAssetFactory.create()
    pages = {
        f"/admin/catalog/production/{film.pk}/change/": ({"title": "Mine"}, lambda: Production.objects.update(title="Theirs")),
        f"/admin/catalog/term/{word.pk}/change/": ({"name": "Mine"}, lambda: Term.objects.update(name="Theirs")),
        f"/admin/catalog/mediaasset/{asset.pk}/change/": (
            {"caption": "Mine"}, lambda: type(asset).objects.update(caption="Theirs")
        ),
    }  # fmt: skip
    answers = []
    for address, (mine, theirs) in pages.items():
        body = opened(curator, address)
        theirs()
        answers.append(curator.post(address, body | mine))

    assert [[each.theirs for each in answer.context["clash"].fields] for answer in answers] == [
        ["Theirs"]
    ] * 3


@pytest.mark.parametrize("forged", ["", "x", "-1", "9" * 30, "\x00", "0"])
def test_odd_number_of_an_event_breaks_nothing(forged: str, curator: Client) -> None:
    car = VehicleFactory.create()

    answer = curator.post(
        page_of(car), form_data(reference=car.reference) | {"seen_event": forged, "seen_rows": forged}
    )

    assert answer.status_code in {200, 302}


def test_saving_a_film_keeps_the_items_that_its_user_cannot_see() -> None:
    film = ProductionFactory.create()
    seen = AppearanceFactory.create(production=film, item=VehicleFactory.create())
    unseen = AppearanceFactory.create(production=film, item=ToolFactory.create(), notes="Unseen")
    someone = browser(
        holder(
            "catalog.view_vehicle", "catalog.view_production", "catalog.change_production",
            *(f"catalog.{verb}_appearance" for verb in ("view", "add", "change", "delete")),
        )
    )  # fmt: skip
    address = f"/admin/catalog/production/{film.pk}/change/"
    body = opened(someone, address)

    answer = someone.post(address, body | {"title": "Mine", "appearances-0-DELETE": "on"})

    assert (answer.status_code, Production.objects.get().title) == (302, "Mine")
    assert list(Appearance.objects.all()) == [unseen]
    assert not Appearance.objects.filter(pk=seen.pk).exists()


def test_saving_an_item_keeps_the_rows_of_other_pages(curator: Client) -> None:
    car = VehicleFactory.create()
    AppearanceFactory.create_batch(30, item=car)  # 25 are on the first page
    MediaAssetFactory.create_batch(30, item=car)
    body = opened(curator, page_of(car))

    answer = curator.post(page_of(car), body | {"name": "Mine"})

    assert answer.status_code == 302
    assert (car.appearances.count(), car.media.count()) == (30, 30)
