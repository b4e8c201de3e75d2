"""Nothing of an unpublished item reaches readers: canary words beside published items, asked for everywhere."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField

from catalog.api import filters
from catalog.finding.facets import FACETS
from catalog.models import Item, Production
from catalog.tests.factories import AppearanceFactory, ItemFactory, MediaAssetFactory, ProductionFactory

pytestmark = pytest.mark.django_db

CANARY = "canary"
PASSING = {"X-Request-ID", "RateLimit"}
UNSEEN: list[dict[str, Any]] = [
    {"status": "draft"},
    {"status": "archived", "published_at": datetime(2026, 1, 1, tzinfo=UTC)},
    {"status": "published", "published_at": datetime(9000, 1, 1, tzinfo=UTC)},
]
ADDRESSES = [
    *(f"/v1/{route}/?page_size=100" for route in ("vehicles", "memorabilia", "tools", "items", "media")),
    *(f"/v1/items/?ordering={ordering}" for ordering in filters.ITEM_ORDERS if ordering != "relevance"),
    f"/v1/items/?q={CANARY}&ordering=relevance",
    f"/v1/items/?q={CANARY}",
    *(f"/v1/items/?{name}={CANARY}" for name in ("make", "model", "genres", "genres__all", "vehicle_types")),
    f"/v1/items/?reference={CANARY}-0",
    "/v1/items/?production_years=1888",
    "/v1/items/?production_years__max=1900",
    "/v1/items/?price__min=777777",
    "/v1/items/?production=shared-1964",
    "/v1/items/?genres__none=Action&count=exact",
    "/v1/items/?updated_since=2000-01-01&count=exact",
    f"/v1/items/?facets={','.join(FACETS)}",
    f"/v1/vehicles/?facets={','.join(FACETS)}&q={CANARY}&highlight=true",
    "/v1/items/?q=canari",
    f"/v1/suggest/?q={CANARY}",
    "/v1/productions/",
    "/v1/productions/shared-1964/",
]


@pytest.fixture
def answers(client):
    """Return a function that gives the status and body of every address."""
    ItemFactory.create_batch(3, published=True, genres=["Action"])
    production = ProductionFactory.create(slug="shared-1964")
    AppearanceFactory.create(production=production, item=ItemFactory.create(published=True))
    return lambda: {
        address: (answer.status_code, answer.content)
        for address, answer in ((address, client.get(address)) for address in ADDRESSES)
    }


def add_unseen_items() -> list[Item]:
    """Add one item of each unseen kind, a canary in every text of it, to the production and with an image."""
    columns = Item._meta.concrete_fields
    words: dict[str, Any] = {
        field.name: CANARY
        for field in columns
        if field.get_internal_type() in {"CharField", "TextField"} and not field.choices
    }
    words |= {field.name: [CANARY] for field in columns if isinstance(field, ArrayField)}
    words |= {"production_years": [1888], "categories": [], "currency": "EUR", "price": 777777}
    items = []
    for number, state in enumerate(UNSEEN):
        words |= {"reference": f"{CANARY}-{number}", "slug": f"{CANARY}-{number}"}
        item = ItemFactory.create(**(words | {"published_at": None} | state))
        AppearanceFactory.create(item=item, production=Production.objects.get(slug="shared-1964"))
        MediaAssetFactory.create(item=item, key=f"vehicles/{item.slug}/1.jpg", alt_text=CANARY)
        items.append(item)
    return items


def test_readers_see_the_same_with_and_without_unpublished_items(answers):
    before = answers()

    add_unseen_items()

    after = answers()
    assert {address for address in ADDRESSES if after[address] != before[address]} == set()
    assert all(status == 200 for status, _ in after.values())


def headers_of(answer):
    """The answer's headers, but those that differ with each request."""
    return tuple(sorted(item for item in answer.headers.items() if item[0] not in PASSING))


def test_unpublished_detail_is_byte_for_byte_that_of_a_missing_item(client, answers):
    items = add_unseen_items()
    missing = client.get("/v1/items/never-was/")

    found = [client.get(f"/v1/{route}/{item.slug}/") for item in items for route in ("items", "vehicles")]

    assert {(answer.status_code, answer.content) for answer in found} == {(404, missing.content)}
    assert {headers_of(answer) for answer in found} == {headers_of(missing)}
