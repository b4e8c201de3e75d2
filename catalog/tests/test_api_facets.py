"""Facets: counts under the other filters, from bitmaps and by looking at every item, which must agree."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from catalog import upkeep
from catalog.api.filters import AnyItemFilters
from catalog.finding import facets, samples
from catalog.models import FacetSlot, Item, ItemChange
from catalog.tests.api import staff_client
from catalog.tests.factories import ItemFactory

pytestmark = pytest.mark.django_db

GENRES, TYPES, MAKES = ["Action", "Spy", "War"], ["Car", "Boat"], ["Ford", "Bell", ""]


@pytest.fixture
def mixed(db):
    """Thirty items of all sorts, a fifth of them unseen: drafts, archived, and scheduled."""
    states = ["published", "published", "published", "published", "draft", "archived", "scheduled"]
    for number in range(30):
        state = states[number % 7]
        is_tool = number % 5 == 0
        ItemFactory.create(
            kind="tool" if is_tool else "vehicle",
            status="published" if state == "scheduled" else state,
            published_at=datetime(2999 if state == "scheduled" else 2026, 1, 1, tzinfo=UTC),
            genres=[GENRES[n % 3] for n in range(number % 3, number % 3 + number % 2 + 1)],
            vehicle_types=[] if is_tool else [TYPES[number % 2], TYPES[number % 2]],
            make=MAKES[number % 3],
            model=f"M{number % 4}",
            production_years=[1959 + number, 1969 + number],
            price=None if number % 6 == 0 else 10 ** (number % 5) * (number % 4) + Decimal(number % 2) / 100,
            condition=["good", "fair", ""][number % 3],
        )


def counts(names, filters, *, sees_all=False, kind="", plain=False):
    """Return the facets; `plain`: by looking at every item."""
    items = Item.objects.all() if sees_all else Item.objects.published()
    items = items.of_kind(kind) if kind else items
    quick = None if plain else sees_all
    told, is_sampled = facets.facets(names, items, filters, AnyItemFilters.narrow, sees_all=quick, kind=kind)
    assert not is_sampled
    return told


QUERIES: list[dict[str, Any]] = [
    {},
    {"genres": ["Action"]},
    {"genres": ["Action", "Spy"], "vehicle_types__all": ["Car"]},
    {"genres__all": ["Action", "Spy"]},
    {"genres__all": ["Spy", "Spy"]},
    {"genres__none": ["War"], "make": ["Ford", "Bell"]},
    {"production_years__min": 1965, "production_years__max": 1972},
    {"production_years__min": 1990},
    {"condition": ["good"], "kind": ["vehicle"]},
    {"genres": ["Unknown"]},
    {"price__min": 5, "price__max": 2000, "genres": ["Spy", "War"]},
    {"price__min": Decimal("19.995")},
    {"price__max": Decimal("100.004"), "make": ["Bell"]},
    {"price__min": 0, "price__max": 0},
    {"price__min": 20, "price__max": 10},
    {"price__max": Decimal("-1")},
    {"price__min": Decimal("1e40")},
    {"genres__len": 2, "genres__empty": False},
    {"genres__exact": ["Action", "Spy"]},
    {"vehicle_types__exact": ["Car"]},
    {"vehicle_types__empty": True},
    {"vehicle_types__len": 2},
    {"q": "ford or bell", "reference": ["none"]},
    {"q": "ford or bell"},
]


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("state", ["fresh", "taken in", "changed since", "made anew"])
@pytest.mark.parametrize("sees_all", [False, True], ids=["public", "all"])
def test_bitmaps_tell_what_a_look_at_every_item_tells(state, sees_all):
    if state != "fresh":
        upkeep.take_in_changes()
    if state != "taken in":
        Item.objects.filter(make="Ford").update(genres=["War", "New"], status="published")
        Item.objects.filter(make="Bell", model="M1").delete()
        ItemFactory.create(published=True, genres=["New"], make="Late")
    if state == "made anew":
        upkeep.make_anew()

    for filters, kind in itertools.product(QUERIES, ["", "tool"]):
        told = counts(facets.FACETS, filters, sees_all=sees_all, kind=kind)
        assert told == counts(facets.FACETS, filters, sees_all=sees_all, kind=kind, plain=True), (
            filters,
            kind,
        )


@pytest.mark.usefixtures("mixed")
def test_exact_count_from_bitmaps_is_the_number_of_rows():
    upkeep.take_in_changes()
    Item.objects.filter(make="Ford").update(status="draft")
    items = Item.objects.published()

    told = [
        facets.exact_count(items, each, AnyItemFilters.narrow, sees_all=False, kind="") for each in QUERIES
    ]

    counted = [AnyItemFilters.narrow(items, each).count() for each in QUERIES]
    assert told == counted[:-2] + [None] * 2


NOT_COVERED: list[dict[str, Any]] = [
    {"q": "ford"},
    {"updated_since": datetime(2001, 1, 1, tzinfo=UTC)},
    {"reference": ["R-1"]},
    {"production": ["goldfinger"]},
]


@pytest.mark.parametrize("filters", NOT_COVERED, ids=[next(iter(each)) for each in NOT_COVERED])
def test_filter_that_bitmaps_cannot_say_is_counted_by_itself(filters):
    assert (
        facets.exact_count(Item.objects.all(), filters, AnyItemFilters.narrow, sees_all=True, kind="") is None
    )


def test_item_whose_time_comes_is_counted_without_a_write(mixed):
    soon = timezone.now() + timedelta(days=1)
    ItemFactory.create(status="published", published_at=soon, genres=["Soon"])
    upkeep.take_in_changes()
    before = counts(["genres"], {})["genres"]

    Item.objects.filter(published_at=soon).update(published_at=soon - timedelta(days=2))

    assert {"value": "Soon", "count": 1} not in before
    assert {"value": "Soon", "count": 1} in counts(["genres"], {})["genres"]


def test_upkeep_takes_in_all_changes_and_forgets_items_that_are_gone(mixed):
    upkeep.take_in_changes()
    Item.objects.filter(kind="tool").delete()

    taken = upkeep.take_in_changes()

    assert (taken, ItemChange.objects.count(), FacetSlot.objects.count()) == (6, 0, Item.objects.count())


def test_tidying_leaves_what_lies_together():
    ItemFactory.create(make="Ford")
    upkeep.take_in_changes()

    assert upkeep.tidy() == 0


def test_facets_of_a_list(client):
    ItemFactory.create(published=True, genres=["Spy", "Spy"], price=1500, production_years=[1964, 1965, 1971])
    ItemFactory.create(published=True, genres=["Spy", "War"], price=99)
    ItemFactory.create(genres=["Canary"], make="Canary")

    answer = client.get("/v1/vehicles/?genres=War&facets=genres,price,decades,make").json()

    assert answer["facets"] == {
        "genres": [{"value": "Spy", "count": 2}, {"value": "War", "count": 1}],
        "price": [{"min": "50", "max": "100", "count": 1}],
        "decades": [],
        "make": [],
    }


@pytest.fixture
def many(monkeypatch):
    """Forty published items, of which so few may be looked at that ten stand for them."""
    monkeypatch.setattr(samples, "MOST", 0)
    monkeypatch.setattr(samples, "SIZE", 10)
    Item.objects.bulk_create(
        ItemFactory.build(published=True, slug=f"i{number}", make="Ford", genres=["Spy"], model="T")
        for number in range(40)
    )
    upkeep.take_in_changes()


SAMPLED = ["q=ford&facets=genres", "q=ford&make=Ford&facets=genres", "facets=model"]


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("query", SAMPLED)
def test_facets_of_many_items_that_must_be_looked_at_are_estimated(client, query):
    answer = client.get(f"/v1/items/?{query}").json()

    value = "T" if "model" in query else "Spy"
    assert answer["approximate"] is True
    assert list(answer["facets"].values()) == [[{"value": value, "count": 40}]]


@pytest.mark.usefixtures("many")
def test_facets_of_many_items_that_bitmaps_tell_are_exact(client):
    Item.objects.filter(slug="i0").update(genres=["War"])

    answer = client.get("/v1/items/?genres__len=1&genres__exact=Spy&make=Ford&facets=make").json()

    assert "approximate" not in answer
    assert answer["facets"] == {"make": [{"value": "Ford", "count": 39}]}


def test_facets_of_staff_count_the_drafts_of_kinds_that_they_see():
    ItemFactory.create(genres=["Spy"])
    ItemFactory.create(kind="tool", genres=["Spy"])

    answer = staff_client("view_vehicle").get("/v1/items/?facets=genres").json()

    assert answer["facets"] == {"genres": [{"value": "Spy", "count": 1}]}


def test_facet_that_is_not_offered_is_refused(client):
    answer = client.get("/v1/items/?facets=genres,chassis_number")

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "facets")
