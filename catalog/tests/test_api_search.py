"""`q`: where words are looked for, how a query is written, what is meant by words that nothing has."""

import pytest
from django.db import connection

from accounts.tests.client import at_once
from catalog.api.finding import spelling, text
from catalog.models import Appearance, Item, ItemSearch, Production
from catalog.tests.api import listed_slugs, staff_client
from catalog.tests.factories import AppearanceFactory, ItemFactory, ProductionFactory
from catalog.upkeep import take_in_changes

pytestmark = pytest.mark.django_db


@pytest.fixture
def garage(db):
    """Three published items: a film's car, a like-named one of no film, and one that only speaks of both."""
    film = ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964", franchise="James Bond")
    car = ItemFactory.create(
        slug="db5", name="DB5", make="Aston Martin", published=True, description="Ejector seat & more"
    )
    AppearanceFactory.create(item=car, production=film)
    ItemFactory.create(slug="db6", name="DB6", make="Aston Martin", genres=["Spy"], published=True)
    ItemFactory.create(slug="poster", name="Poster", description="Aston Martin of Citroën", published=True)
    return film


def found(words):
    return sorted(text.matching(Item.objects.published(), words).values_list("slug", flat=True))


QUERIES = [
    ("goldfinger", "db5"),
    ("goldfinger aston", "db5"),
    ('"aston martin"', "db5 db6 poster"),
    ('"martin aston"', ""),
    ("aston -goldfinger", "db6 poster"),
    ("bond", "db5"),
    ("spy", "db6"),
    ("gold*", "db5"),
    ("aston mart* -db6", "db5 poster"),
    ("citroen", "poster"),
    ("goldfinger or citroën", "db5 poster"),
    ("gold", ""),
    ("*", ""),
    ("'", ""),
    ("\\ ' :* & | ! <->", ""),
    # where the parser of texts cuts between what begins and its star
    ("_*", ""),
    ("aston_*", "db5 db6 poster"),
    ("1.5*", ""),
    ("aston 1964-0*", ""),
    ("zqprefixqz", ""),
    # more of what negates than a query can hold
    ("-" * 400 + "goldfinger aston", "db5"),
    ("aston" + " -" * 200, "db5 db6 poster"),
    ('-"' * 200 + "a", ""),
]


@pytest.mark.usefixtures("garage")
@pytest.mark.parametrize(("words", "slugs"), QUERIES, ids=[words for words, _ in QUERIES])
def test_query_finds(words, slugs):
    assert found(words) == slugs.split()


@pytest.mark.usefixtures("garage")
def test_relevance_puts_names_before_films_before_vocabularies_before_descriptions(client):
    ItemFactory.create(slug="name", name="Bullitt", published=True)
    AppearanceFactory.create(
        item=ItemFactory.create(slug="film", published=True),
        production=ProductionFactory.create(title="Bullitt"),
    )
    ItemFactory.create(slug="genre", genres=["Bullitt"], published=True)
    ItemFactory.create(slug="text", description="Bullitt", published=True)

    assert listed_slugs(client, "/v1/items/?q=bullitt&ordering=relevance") == [
        "name",
        "film",
        "genre",
        "text",
    ]


def test_words_follow_a_film_that_is_renamed(garage):
    garage.title = "Goldeneye"
    garage.save()

    assert (found("goldfinger"), found("goldeneye")) == ([], ["db5"])


@pytest.mark.usefixtures("garage")
def test_words_follow_an_appearance_that_moves_and_ends():
    appearance = Appearance.objects.get()
    appearance.item = Item.objects.get(slug="db6")
    appearance.save()
    moved = found("goldfinger")
    Appearance.objects.all().delete()

    assert (moved, found("goldfinger")) == (["db6"], [])


@pytest.mark.usefixtures("garage")
def test_words_follow_an_item_that_is_renamed_and_keep_its_films():
    Item.objects.filter(slug="db5").update(name="Silver Birch")

    assert (found("silver goldfinger"), found("db5")) == (["db5"], [])


@pytest.mark.usefixtures("garage")
def test_words_of_an_item_end_with_it():
    Item.objects.filter(slug="db6").delete()

    assert ItemSearch.objects.count() == 2


@pytest.mark.usefixtures("garage")
def test_change_of_price_writes_no_words():
    before = places()

    Item.objects.update(price=5)

    assert places() == before


def places():
    """Return where the rows of words lie; one that is written moves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT item_id, ctid FROM catalog_itemsearch ORDER BY item_id")
        return cursor.fetchall()


@pytest.mark.django_db(transaction=True)
def test_film_renamed_while_it_gets_an_item_leaves_the_new_title_with_the_item():
    film, item = ProductionFactory.create(title="Before"), ItemFactory.create(slug="car", published=True)

    at_once(
        [
            lambda: Production.objects.filter(pk=film.pk).update(title="After"),
            lambda: Appearance.objects.create(item=item, production=film),
        ]
    )

    assert (found("after"), found("before")) == (["car"], [])


MEANT = [
    ("astn", "aston"),
    ("asotn martin", "aston martin"),
    ('"astn martin" -db6', '"aston martin" -db6'),
    ("goldfnger", "goldfinger"),
    ("Goldfingér astno", None),
    ("aston", None),
    ("aston -xyzzyx", None),
    ("xyzzyx", None),
    ("x" * 400, None),
]


@pytest.mark.usefixtures("garage")
@pytest.mark.parametrize(("words", "meant"), MEANT, ids=[words[:20] for words, _ in MEANT])
def test_meant(words, meant):
    take_in_changes()

    answer = spelling.meant(words, Item.objects.published())

    assert answer == (meant if words != "Goldfingér astno" else "Goldfingér aston")


@pytest.mark.usefixtures("garage")
def test_nearest_spelling_is_listed_and_told(client):
    take_in_changes()

    answer = client.get("/v1/vehicles/?q=goldfnger&page_size=1").json()

    assert answer["did_you_mean"] == "goldfinger"
    assert [row["slug"] for row in answer["results"]] == ["db5"]


@pytest.mark.usefixtures("garage")
def test_words_of_unseen_items_are_never_meant(client):
    for status, published_at in (("draft", None), ("published", "2999-01-01T00:00Z"), ("archived", None)):
        ItemFactory.create(name=f"Canary{status}", status=status, published_at=published_at)
    take_in_changes()

    public = [
        client.get(f"/v1/items/?q=canari{status}").json() for status in ("draft", "published", "archived")
    ]
    staff = staff_client("view_item").get("/v1/items/?q=canaridraft").json()

    assert ["did_you_mean" in answer for answer in public] == [False] * 3
    assert staff["did_you_mean"] == "canarydraft"


@pytest.mark.usefixtures("garage")
def test_highlight_marks_words_and_makes_the_rest_safe(client):
    answer = client.get("/v1/items/?q=ejector or db6&highlight=true&ordering=name").json()

    assert [row["highlight"] for row in answer["results"]] == [
        {"description": "<mark>Ejector</mark> seat &amp; more"},
        {"name": "<mark>DB6</mark>"},
    ]


def test_rows_with_the_words_in_their_names_are_ranked_before_the_number_ends(monkeypatch):
    monkeypatch.setattr(text, "RANKED", 1)
    ItemFactory.create(name="Crate", description="A silver arrow.")
    ItemFactory.create(name="Silver Arrow", description="")
    ItemFactory.create(name="Box", description="The silver arrow.")

    ranked = text.by_relevance(text.matching(Item.objects.all(), "silver arrow"), "silver arrow")

    names = Item.objects.filter(pk__in=list(ranked.values_list("pk", flat=True)))
    assert [item.name for item in names] == ["Silver Arrow"]
