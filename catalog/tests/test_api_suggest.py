"""`/v1/suggest/`: how words that are being typed may go on."""

import pytest

from catalog.models import Item
from catalog.tests.api import staff_client
from catalog.tests.factories import AppearanceFactory, ItemFactory, ProductionFactory
from catalog.upkeep import take_in_changes

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(db):
    """Published and unseen items, each with a film."""
    for name, make, title, published in (
        ("DB5 Silver", "Aston Martin", "Asteroid City", True),
        ("Astra", "Opel", "The Astronaut", True),
        ("Astounding draft", "Astcanary", "Astcanary film", False),
    ):
        item = ItemFactory.create(name=name, make=make, published=published)
        AppearanceFactory.create(
            item=item, production=ProductionFactory.create(title=title, slug=f"film-{item.pk}")
        )
    take_in_changes()


def suggested(client, typed):
    answer = client.get("/v1/suggest/", {"q": typed}).json()
    return answer["names"], answer["makes"], [film["title"] for film in answer["productions"]]


TYPED = [
    ("ast", ["Astra", "DB5 Silver"], ["Aston Martin"], ["Asteroid City", "The Astronaut"]),
    ("AST", ["Astra", "DB5 Silver"], ["Aston Martin"], ["Asteroid City", "The Astronaut"]),
    ("mart", ["DB5 Silver"], ["Aston Martin"], []),
    ("aston db", ["DB5 Silver"], [], []),
    ("õp", ["Astra"], ["Opel"], []),
    ("nothing", [], [], []),
    ("%", [], [], []),
    ("'", [], [], []),
]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(("typed", "names", "makes", "films"), TYPED, ids=[row[0] for row in TYPED])
def test_suggestions(client, typed, names, makes, films):
    assert suggested(client, typed) == (names, makes, films)


@pytest.mark.usefixtures("known")
def test_suggestions_of_staff_hold_drafts():
    assert suggested(staff_client("view_item", "view_production"), "ast") == (
        ["Astounding draft", "Astra", "DB5 Silver"],
        ["Astcanary", "Aston Martin"],
        ["Astcanary film", "Asteroid City", "The Astronaut"],
    )


@pytest.mark.usefixtures("known")
def test_make_of_which_all_items_are_withdrawn_is_suggested_no_longer(client):
    Item.objects.filter(make="Opel").update(status="draft")

    assert suggested(client, "opel") == ([], [], [])


@pytest.mark.parametrize("typed", ["amelie", "Amélie", "destin AMEL", "poulain d'am"])
def test_accents_of_a_film_do_not_count(client, typed):
    title = "Le Fabuleux Destin d'Amélie Poulain"
    AppearanceFactory.create(
        item=ItemFactory.create(published=True), production=ProductionFactory.create(title=title)
    )

    assert suggested(client, typed)[2] == [title]


REFUSED = [
    ("", "required"),
    ("q=", "blank"),
    ("q=a&q=b", "repeated"),
    ("q=a&w=1", "unknown"),
    ("q=%00", "nul"),
]


@pytest.mark.parametrize(("query", "code"), REFUSED, ids=[row[1] for row in REFUSED])
def test_suggest_refuses(client, query, code):
    answer = client.get(f"/v1/suggest/?{query}")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)
