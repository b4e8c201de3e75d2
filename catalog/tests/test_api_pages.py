"""Numbered pages and counts."""

import pytest

from catalog.tests.api import listed_slugs
from catalog.tests.factories import VehicleFactory
from marketplace import rest

pytestmark = pytest.mark.django_db


@pytest.fixture
def five(db):
    """Five published vehicles, v-1 to v-5; each is listed before those made earlier."""
    return [VehicleFactory.create(slug=f"v-{number}", published=True) for number in range(1, 6)]


PAGES = [
    ("page_size=2", "v-5 v-4", None, "page=2"),
    ("page=2&page_size=2", "v-3 v-2", "page=1", "page=3"),
    ("page=3&page_size=2", "v-1", "page=2", None),
    ("page_size=5", "v-5 v-4 v-3 v-2 v-1", None, None),
    ("", "v-5 v-4 v-3 v-2 v-1", None, None),
]


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("query", "slugs", "previous", "following"), PAGES, ids=[row[0] or "all" for row in PAGES]
)
def test_page(client, query, slugs, previous, following):
    answer = client.get(f"/v1/vehicles/?{query}").json()

    assert [row["slug"] for row in answer["results"]] == slugs.split()
    assert answer["count"] == 5
    assert (previous in answer["previous"]) if previous else (answer["previous"] is None)
    assert (following in answer["next"]) if following else (answer["next"] is None)


@pytest.mark.usefixtures("five")
def test_following_next_keeps_the_query_and_meets_every_item_once(client):
    address, seen = "http://testserver/v1/vehicles/?page_size=2&ordering=name&genres__none=Spy", []

    while address:
        answer = client.get(address).json()
        seen += [row["slug"] for row in answer["results"]]
        address = answer["next"]

    assert sorted(seen) == ["v-1", "v-2", "v-3", "v-4", "v-5"]


def test_first_page_of_nothing(client):
    assert client.get("/v1/vehicles/?page=1").json() == {
        "count": 0,
        "next": None,
        "previous": None,
        "results": [],
    }


@pytest.mark.usefixtures("five")
def test_page_beyond_the_end(client):
    answer = client.get("/v1/vehicles/?page=4&page_size=2")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == "page"


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("capped", {"count": 3, "count_relation": "gte"}),
        ("exact", {"count": 5}),
        ("none", {"count": None}),
    ],
)
def test_count_beyond_the_cap(client, monkeypatch, method, expected):
    monkeypatch.setattr(rest, "DEEPEST_ITEM", 3)

    answer = client.get(f"/v1/vehicles/?page_size=1&count={method}").json()

    assert {key: answer[key] for key in answer if key.startswith("count")} == expected


@pytest.mark.usefixtures("five")
def test_last_numbered_page_leads_on_by_cursor(client, monkeypatch):
    monkeypatch.setattr(rest, "DEEPEST_ITEM", 3)

    following = client.get("/v1/vehicles/?page_size=2&page=2").json()["next"]

    assert "page=" not in following
    assert listed_slugs(client, following) == ["v-1"]


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("query", "queries"),
    [("page_size=2", 3), ("page_size=2&count=none", 2), ("page_size=2&page=3", 3), ("", 2)],
)
def test_count_is_asked_only_when_it_is_not_known(client, django_assert_num_queries, query, queries):
    with django_assert_num_queries(queries):
        client.get(f"/v1/vehicles/?{query}")


@pytest.mark.usefixtures("five")
def test_count_under_a_filter_counts_what_is_listed(client):
    assert client.get("/v1/vehicles/?page_size=1&q=item").json()["count"] == 5
    assert listed_slugs(client, "/v1/vehicles/?q=nothing") == []
