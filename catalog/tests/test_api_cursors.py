"""Keyset cursors: every ordering, both directions, while others write."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from catalog.api import filters
from catalog.models import Item
from catalog.tests.api import listed_slugs, staff_client
from catalog.tests.factories import ItemFactory, MediaAssetFactory, ProductionFactory, TermFactory

DAY = datetime(2026, 1, 1, tzinfo=UTC)
PRICES = [Decimal(5), None, Decimal(5), Decimal("0.01"), None, Decimal(7), Decimal(5)]


@pytest.fixture
def seven(db):
    """Seven items with equal names, prices, times and prices on request among them."""
    for number, price in enumerate(PRICES):
        ItemFactory.create(
            slug=f"i-{number}", name=f"Item {number % 3}", price=price, status="published",
            published_at=DAY + timedelta(days=number % 2),
        )  # fmt: skip


def walk(client, address, way="next"):
    """Return the slugs of each page from this address on, following the links of one direction."""
    pages = []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        pages.append([row["slug"] for row in answer.json()["results"]])
        address = answer.json()[way]
    return pages


def joined(pages):
    return [slug for page in pages for slug in page]


ORDERINGS = [f"ordering={name}" for name in filters.ITEM_ORDERS if name != "relevance"]
ORDERINGS += ["", "q=item&ordering=relevance", "price__min=5&ordering=-price"]


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("query", ORDERINGS, ids=[query or "default" for query in ORDERINGS])
def test_cursor_leads_through_the_list_both_ways(client, query, size):
    everything = listed_slugs(client, f"/v1/items/?{query}")

    forwards = walk(client, f"/v1/items/?{query}&page_size={size}&cursor=first")
    backwards = walk(client, f"/v1/items/?{query}&page_size={size}&cursor=last", "previous")

    assert joined(forwards) == everything
    assert joined(reversed(backwards)) == everything
    assert {len(page) for page in (forwards[:-1] + backwards[:-1])} <= {size}


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize("ordering", ["published_at", "-published_at"])
def test_cursor_meets_drafts_without_a_time(ordering):
    for number in range(3):
        ItemFactory.create(slug=f"draft-{number}")
    staff = staff_client("view_item")
    everything = listed_slugs(staff, f"/v1/items/?ordering={ordering}")

    address = f"http://testserver/v1/items/?ordering={ordering}&page_size=2"

    assert joined(walk(staff, f"{address}&cursor=first")) == everything
    assert joined(reversed(walk(staff, f"{address}&cursor=last", "previous"))) == everything


@pytest.mark.usefixtures("seven")
def test_cursor_leads_back_to_where_it_came_from(client):
    first = client.get("/v1/items/?cursor=first&page_size=3").json()
    second = client.get(first["next"]).json()

    again = client.get(second["previous"]).json()

    assert again["results"] == first["results"]
    assert (first["previous"], again["previous"]) == (None, None)
    assert client.get(again["next"]).json()["results"] == second["results"]


@pytest.mark.parametrize("route", ["productions", "terms", "media"])
def test_cursor_leads_through_the_other_lists(client, db, route):
    item = ItemFactory.create(published=True)
    for number in range(5):
        MediaAssetFactory.create(item=item, position=number // 2)
        ProductionFactory.create()
        TermFactory.create()
    everything = [row["id"] for row in client.get(f"/v1/{route}/").json()["results"]]

    address, found = f"/v1/{route}/?cursor=first&page_size=2", []
    while address:
        answer = client.get(address).json()
        found += [row["id"] for row in answer["results"]]
        address = answer["next"]

    assert found == everything
    assert len(found) >= 5


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize(
    ("query", "count"),
    [("", None), ("&count=none", None), ("&count=exact", 7), ("&count=capped", 7)],
)
def test_cursor_counts_when_asked(client, query, count):
    assert client.get(f"/v1/items/?cursor=first&page_size=2{query}").json()["count"] == count


@pytest.mark.usefixtures("seven")
def test_cursor_of_a_page_that_is_empty_by_now(client):
    following = client.get("/v1/items/?cursor=first&page_size=6").json()["next"]
    Item.objects.filter(pk=Item.objects.order_by("published_at", "pk").values("pk")[:1]).delete()

    answer = client.get(following).json()

    assert (answer["results"], answer["next"]) == ([], None)
    assert listed_slugs(client, answer["previous"]) == listed_slugs(client, "/v1/items/?page_size=6")


def refused(client, query, route="items"):
    answer = client.get(f"/v1/{route}/?{query}")
    assert answer.status_code == 400, answer.content
    return [(each["parameter"], each["code"]) for each in answer.json()["errors"]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["x", "first ly", "AAAA", "%00", "last,", "é", "%ED%A0%80", "-" * 400, "WyJhIl0", "=", "////"]
)
def test_cursor_that_is_none(client, text):
    assert refused(client, f"cursor={text}")[0][0] == "cursor"


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize(
    ("route", "query"),
    [
        pytest.param("items", "ordering=-price", id="another ordering"),
        pytest.param("items", "ordering=price&price__min=1", id="another filter"),
        pytest.param("items", "", id="no ordering"),
        pytest.param("vehicles", "ordering=price", id="another list"),
    ],
)
def test_cursor_of_another_list(client, route, query):
    following = client.get("/v1/items/?ordering=price&cursor=first&page_size=2").json()["next"]
    cursor = following.partition("cursor=")[2].partition("&")[0]

    assert refused(client, f"{query}&cursor={cursor}", route) == [("cursor", "invalid")]


@pytest.mark.usefixtures("seven")
def test_cursor_with_a_letter_changed(client):
    following = client.get("/v1/items/?cursor=first&page_size=2").json()["next"]
    cursor = following.partition("cursor=")[2].partition("&")[0]

    for place in range(len(cursor) - 1):  # the last letter may hold spare bits
        other = "A" if cursor[place] != "A" else "B"
        changed = f"{cursor[:place]}{other}{cursor[place + 1 :]}"
        assert refused(client, f"cursor={changed}") == [("cursor", "invalid")]


@pytest.mark.django_db
def test_cursor_and_page_exclude_each_other(client):
    assert refused(client, "cursor=first&page=1") == [("cursor", "with_page")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ordering", ["price", "-price", "-published_at", "name"])
def test_cursor_skips_and_repeats_nothing_while_others_write(client, ordering):
    """The rows that are there all the time are met once each, whatever comes and goes between them."""
    lasting = {
        ItemFactory.create(slug=f"stays-{number}", published=True, price=number % 5 or None).slug
        for number in range(30)
    }
    is_over = threading.Event()

    def write():
        number = 0
        try:
            while not is_over.is_set():
                number += 1
                ItemFactory.create(slug=f"goes-{number}", published=True, price=number % 7 or None)
                Item.objects.filter(slug=f"goes-{number - 3}").delete()
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        forwards = joined(walk(client, f"/v1/items/?ordering={ordering}&page_size=3&cursor=first"))
        backwards = joined(
            walk(client, f"/v1/items/?ordering={ordering}&page_size=3&cursor=last", "previous")
        )
    finally:
        is_over.set()
        writer.join()

    for met in (forwards, backwards):
        assert sorted(slug for slug in met if slug in lasting) == sorted(lasting)
