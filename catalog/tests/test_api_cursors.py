"""Keyset cursors: every ordering, both directions, while others write."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from django.db import connection

from catalog.api import filters
from catalog.models import Item
from catalog.tests.api import listed_slugs, staff_client, view_of
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
)

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
    cursor = cursor_in(following)

    assert refused(client, f"{query}&cursor={cursor}", route) == [("cursor", "invalid")]


@pytest.mark.usefixtures("seven")
def test_cursor_with_a_letter_changed(client):
    following = client.get("/v1/items/?cursor=first&page_size=2").json()["next"]
    cursor = cursor_in(following)

    for place in range(len(cursor) - 1):  # the last letter may hold spare bits
        other = "A" if cursor[place] != "A" else "B"
        changed = f"{cursor[:place]}{other}{cursor[place + 1 :]}"
        assert refused(client, f"cursor={changed}") == [("cursor", "invalid")]


@pytest.mark.django_db
def test_cursor_and_page_exclude_each_other(client):
    assert refused(client, "cursor=first&page=1") == [("cursor", "with_page")]


def cursor_in(link):
    return link.partition("cursor=")[2].partition("&")[0]


@pytest.mark.usefixtures("seven")
def test_cursor_of_staff_shows_readers_no_draft(client):
    for number in range(4):
        ItemFactory.create(slug=f"draft-{number}", price=5)
    staff = staff_client("view_item")
    addresses = [staff.get("/v1/items/?ordering=price&cursor=first&page_size=3").json()["next"]]
    addresses.append(staff.get(addresses[0]).json()["previous"])

    found = [joined(walk(client, address, way)) for address in addresses for way in ("next", "previous")]

    assert {slug for slugs in found for slug in slugs if slug.startswith("draft")} == set()
    assert all(found)


@pytest.mark.usefixtures("seven")
def test_cursor_is_signed_by_the_secret_key(client, settings):
    """Whatever process or release has the key takes it; after the key has changed nobody does."""
    cursor = cursor_in(client.get("/v1/items/?cursor=first&page_size=2").json()["next"])
    settings.SECRET_KEY = "another"

    assert refused(client, f"cursor={cursor}") == [("cursor", "invalid")]


LONG = "\u3042" * 200  # three bytes each


@pytest.mark.parametrize("ordering", ["name", "-name"])
def test_cursor_in_long_names(client, db, ordering):
    for number in range(3):
        ItemFactory.create(slug=f"long-{number}", name=LONG, published=True)

    met = joined(walk(client, f"/v1/items/?ordering={ordering}&page_size=1&cursor=first"))

    assert sorted(met) == ["long-0", "long-1", "long-2"]


def test_cursor_in_keys_of_full_length(client, db):
    item = ItemFactory.create(published=True)
    keys = [f"vehicles/{'k' * 1014}{number}" for number in range(3)]
    for key in keys:
        MediaAssetFactory.create(item=item, key=key, position=1)

    found, address = [], "/v1/media/?page_size=1&cursor=first"
    while address:
        answer = client.get(address).json()
        found += [row["key"] for row in answer["results"]]
        address = answer["next"]

    assert found == keys


@pytest.mark.parametrize("route", ["productions", "terms", "media"])
def test_every_ordering_of_the_other_lists_by_cursor(client, db, route):
    ordering = view_of(route).filterset_class.base_filters.get("ordering")
    item = ItemFactory.create(published=True)
    for number in range(5):
        MediaAssetFactory.create(item=item, position=number // 2)
        AppearanceFactory.create(item=item, production=ProductionFactory.create(title=f"Film {number // 2}"))
        TermFactory.create()

    for query in [f"ordering={name}&" for name in ordering.orders] if ordering else [""]:
        everything = ids(client.get(f"/v1/{route}/?{query}page_size=100").json())
        for way, begin in (("next", "first"), ("previous", "last")):
            pages, address = [], f"/v1/{route}/?{query}cursor={begin}&page_size=2"
            while address:
                answer = client.get(address).json()
                pages.append(ids(answer))
                address = answer[way]
            assert joined(pages if way == "next" else reversed(pages)) == everything
        assert len(everything) >= 5


def ids(answer):
    return [row["id"] for row in answer["results"]]


# But by updated_at, which every update changes: what is written to moves there, and may be met again or not at all.
LASTING = [query for query in ORDERINGS if "updated_at" not in query] + ["genres=Spy&ordering=-price"]


@pytest.fixture
def lasting(db):
    """Thirty items that are there all the time, with equal and absent prices among them."""
    return {
        ItemFactory.create(
            slug=f"stays-{number}", name=f"Item {number % 4}", published=True, price=number % 9 or None,
            genres=["Spy"],
        ).slug
        for number in range(30)
    }  # fmt: skip


def write(number):
    """Add an item, change what no order looks at of those that stay, and delete one that came before."""
    price = number % 7 or None
    ItemFactory.create(
        slug=f"goes-{number}", name=f"Item {number % 4}", published=True, price=price, genres=["Spy"]
    )
    Item.objects.filter(slug__endswith=str(number % 10)).update(location=f"Hall {number}")
    Item.objects.filter(slug=f"goes-{number - 3}").delete()


def met_both_ways(client, query, between):
    """Return the slugs that a walk meets, forwards and then backwards; `between` is done after each page."""
    found = []
    for way, begin in (("next", "first"), ("previous", "last")):
        slugs, address = [], f"/v1/items/?{query}&page_size=3&cursor={begin}"
        while address:
            answer = client.get(address).json()
            slugs += [row["slug"] for row in answer["results"]]
            address = answer[way]
            between()
        found.append(slugs)
    return found


def expected_of(query, lasting):
    """Return the slugs that each walk must meet once."""
    priced = Item.objects.filter(slug__in=lasting)
    return sorted(
        (priced.filter(price__gte=5) if "price__min" in query else priced).values_list("slug", flat=True)
    )


@pytest.mark.parametrize("query", LASTING, ids=[query or "default" for query in LASTING])
def test_cursor_skips_and_repeats_nothing_when_rows_change_between_pages(client, lasting, query):
    numbers = count(1)
    expected = expected_of(query, lasting)

    walks = met_both_ways(client, query, lambda: write(next(numbers)))

    for met in walks:
        assert sorted(slug for slug in met if slug in lasting) == expected


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_cursor_skips_and_repeats_nothing_while_others_write(client, lasting):
    """As above, but by transactions that are committed at any moment, also between a page's own statements."""
    is_over = threading.Event()

    def write_on():
        try:
            for number in count(1):
                write(number)
                if is_over.is_set():
                    return
        finally:
            connection.close()

    expected = {query: expected_of(query, lasting) for query in LASTING}
    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        walks = {query: met_both_ways(client, query, lambda: None) for query in LASTING}
    finally:
        is_over.set()
        writer.join()

    for query, both in walks.items():
        for met in both:
            assert sorted(slug for slug in met if slug in lasting) == expected[query], query
