"""Facets and exact counts under filters drawn at random, against a count in Python that knows no SQL."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import connection

from catalog import upkeep
from catalog.api.filters import AnyItemFilters
from catalog.finding import facets
from catalog.models import Item
from catalog.tests.factories import ItemFactory

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

ITEMS, QUERIES = 1_500, 50
GENRES = ["Action", "Crime", "Drama", "Spy", "War"]
TYPES = ["Boat", "Car", "Plane"]
MAKES = ["", "Bell", "Ford", "Opel"]
CONDITIONS = ["", "fair", "good"]
COUNTED = ("genres", "vehicle_types", "production_years", "make", "condition", "model")
PAST, AHEAD = datetime(2026, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
Values = dict[str, Any]


def some(drawn: Random, values: list[Any], most: int = 3) -> list[Any]:
    return [drawn.choice(values) for _ in range(drawn.randint(0, most))]


def fill(drawn: Random) -> None:
    """Add items of all sorts, some of them unseen, and some with a value twice."""
    kinds = drawn.choices(["tool", "vehicle", "vehicle"], k=ITEMS)
    Item.objects.bulk_create(
        ItemFactory.build(
            kind=kind,
            status=drawn.choice(["draft", "published", "published", "published"]),
            published_at=drawn.choice([PAST, PAST, AHEAD]),
            genres=some(drawn, GENRES),
            vehicle_types=some(drawn, TYPES) if kind == "vehicle" else [],
            production_years=some(drawn, list(range(1960, 1972))),
            make=drawn.choice(MAKES),
            model=drawn.choice("ABC"),
            condition=drawn.choice(CONDITIONS),
            price=drawn.choice([None, Decimal(drawn.randint(0, 30_000)) / 100]),
        )
        for kind in kinds
    )


def filters(drawn: Random) -> Values:
    """Return up to three filters."""
    genres, types = (some(drawn, each) or each[:1] for each in (GENRES, TYPES))
    low = drawn.randint(1958, 1973)
    offered: list[Values] = [
        {"genres": genres},
        {"genres__all": genres},
        {"genres__none": genres},
        {"genres__exact": genres},
        {"genres__len": drawn.randint(0, 4)},
        {"vehicle_types": types},
        {"vehicle_types__exact": types},
        {"vehicle_types__empty": drawn.choice([True, False])},
        {"production_years__min": low},
        {"production_years__max": low},
        {"production_years__min": low, "production_years__max": low + drawn.randint(0, 5)},
        {"price__min": Decimal(drawn.randint(0, 31_000)) / 100},
        {"price__max": Decimal(drawn.randint(0, 310_000)) / 1000},
        {"make": some(drawn, MAKES[1:]) or ["Ford"]},
        {"model": some(drawn, list("ABCD")) or ["D"]},
        {"condition": ["good"]},
        {"kind": ["tool"]},
    ]
    return {
        name: value for each in drawn.sample(offered, drawn.randint(0, 3)) for name, value in each.items()
    }


def is_kept(item: Item, wanted: Values) -> bool:
    return all(_meets(item, name, value, wanted) for name, value in wanted.items())


def _meets(item: Item, name: str, value: Any, wanted: Values) -> bool:
    column, _, suffix = name.partition("__")
    held = getattr(item, column)
    if column == "price":
        return held is not None and (held >= value if suffix == "min" else held <= value)
    if not isinstance(held, list):
        return held in value
    low, high = (wanted.get(f"{column}__{end}", other) for end, other in (("min", 0), ("max", 9999)))
    found: dict[str, bool] = {
        "min": any(low <= each <= high for each in held if isinstance(each, int)),
        "empty": value is (not held),
        "len": len(held) == value,
    }
    found["max"] = found["min"]
    if suffix in found:
        return found[suffix]
    given, own = set(value), set(held)
    return {"": bool(given & own), "all": given <= own, "none": not given & own, "exact": given == own}[
        suffix
    ]


def counted(items: list[Item], name: str, wanted: Values) -> list[Values]:
    others = {key: value for key, value in wanted.items() if key.partition("__")[0] != name}
    held = (getattr(item, name) for item in items if is_kept(item, others))
    counts = Counter(value for each in held for value in (set(each) if isinstance(each, list) else {each}))
    del counts[""]
    by_value = name == "production_years"
    order = sorted(counts.items(), key=lambda each: each if by_value else (-each[1], each[0]))
    return [{"value": value, "count": count} for value, count in order]


def agree(seed: int) -> None:
    """Compare what the API tells with what Python counts, for the public and for who sees everything."""
    drawn, every = Random(seed), list(Item.objects.all())
    public = [each for each in every if each.status == "published" and each.published_at == PAST]
    for number in range(QUERIES):
        wanted, sees_all = filters(drawn), number % 2 == 0
        seen, items = (every, Item.objects.all()) if sees_all else (public, Item.objects.published())
        names = drawn.sample(COUNTED, 2)

        told = facets.facets(names, items, wanted, AnyItemFilters.narrow, sees_all=sees_all)
        total = facets.exact_count(items, wanted, AnyItemFilters.narrow, sees_all=sees_all, kind="")

        assert told == ({name: counted(seen, name, wanted) for name in names}, False), (wanted, sees_all)
        assert total in {None, sum(is_kept(each, wanted) for each in seen)}, (wanted, sees_all)


def test_counts_are_those_of_a_count_by_hand_through_all_that_items_go_through():
    fill(Random(1))
    upkeep.take_in_changes()
    agree(2)

    Item.objects.filter(make="Ford").update(genres=["New", "New"], vehicle_types=[], status="published")
    Item.objects.filter(make="Bell", condition="good").delete()
    agree(3)

    upkeep.take_in_changes()
    agree(4)

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE catalog_item CASCADE")
    fill(Random(5))
    upkeep.make_anew()
    agree(6)
