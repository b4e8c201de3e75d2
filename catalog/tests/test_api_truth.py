"""Every parameter of the item lists, alone and combined, against a table of truth in plain Python.

What each parameter means is written here a second time, over rows as Python holds them.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from catalog.api import filters
from catalog.models import Appearance, Authenticity, Availability, Condition, Item, Kind
from catalog.tests.factories import ProductionFactory

pytestmark = pytest.mark.django_db

SEED = 20_260_101
ITEMS = 200
COMBINATIONS = 600
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
# Values of the columns; few, so that combinations keep some rows. A name holds a comma, one a quote.
WORDS = ["Action", "Spy", "Comedy, black", 'The "Car"', "Über", "Drama"]
MAKES = ["", "Aston Martin", "Bell", "Comédie"]
MODELS = ["", "DB5", "47G"]
YEARS = [1880, 1955, 1963, 1964, 1970, 2100]
PRICES = [None, Decimal("0.00"), Decimal("99.50"), Decimal("500.00"), Decimal("1000.00")]
CURRENCIES = ["USD", "EUR"]
FILMS = ["goldfinger-1964", "thunderball-1965", "bullitt-1968"]
ABSENT = "Nothing"

Row = dict[str, Any]
Meaning = Callable[[Row, Any], bool]


def some(dice: random.Random, values: list[Any], most: int = 3) -> list[Any]:
    """Return up to so many of the values in any order; one may come twice."""
    return dice.choices(values, k=dice.randint(0, most))


def made(dice: random.Random, number: int) -> Row:
    kind = dice.choice(Kind.values)
    words = {"vehicle_types": "vehicle", "categories": "others"}
    arrays = {
        name: some(dice, WORDS) if (kind == Kind.VEHICLE) == (whose == "vehicle") else []
        for name, whose in words.items()
    }
    return arrays | {
        "kind": kind, "reference": f"Ref-{number}", "genres": some(dice, WORDS), "production_years": some(dice, YEARS),
        "make": dice.choice(MAKES), "model": dice.choice(MODELS), "price": dice.choice(PRICES),
        "currency": dice.choice(CURRENCIES), "condition": dice.choice(["", *Condition.values]),
        "authenticity": dice.choice(["", *Authenticity.values]), "availability": dice.choice(Availability.values),
        "updated_at": SINCE + timedelta(days=dice.randint(0, 9)), "films": set(some(dice, FILMS, 2)),
        "name": f"Thing {number}", "description": dice.choice(["", "a needle", "some hay"]),
    }  # fmt: skip


def stored(rows: list[Row]) -> None:
    """Store the rows, published."""
    films = {slug: ProductionFactory.create(slug=slug, title="Film") for slug in FILMS}
    plain = [{name: value for name, value in row.items() if name != "films"} for row in rows]
    items = Item.objects.bulk_create(
        [
            Item(slug=f"thing-{at}", status="published", published_at=SINCE, **row)
            for at, row in enumerate(plain)
        ]
    )
    Appearance.objects.bulk_create(
        [
            Appearance(item=item, production=films[slug])
            for item, row in zip(items, rows, strict=True)
            for slug in row["films"]
        ]
    )


def array_meanings(name: str) -> dict[str, Meaning]:
    return {
        name: lambda row, given: bool({*row[name]} & {*given}),
        f"{name}__all": lambda row, given: {*row[name]} >= {*given},
        f"{name}__none": lambda row, given: not {*row[name]} & {*given},
        f"{name}__exact": lambda row, given: {*row[name]} == {*given},
        f"{name}__empty": lambda row, given: (not row[name]) == given,
        f"{name}__len": lambda row, given: len(row[name]) == given,
    }


def one_of(name: str) -> Meaning:
    return lambda row, given: row[name] in given


MEANINGS: dict[str, Meaning] = {
    **{
        suffixed: meaning
        for name in ("genres", "vehicle_types", "categories", "production_years")
        for suffixed, meaning in array_meanings(name).items()
    },
    "production_years__min": lambda row, given: any(year >= given for year in row["production_years"]),
    "production_years__max": lambda row, given: any(year <= given for year in row["production_years"]),
    "price__min": lambda row, given: row["price"] is not None and row["price"] >= given,
    "price__max": lambda row, given: row["price"] is not None and row["price"] <= given,
    **{
        name: one_of(name)
        for name in ("currency", "make", "model", "condition", "authenticity", "availability", "kind")
    },
    "production": lambda row, given: bool(row["films"] & {*given}),
    "reference": lambda row, given: row["reference"].upper() in {each.upper() for each in given},
    "updated_since": lambda row, given: row["updated_at"] >= given,
    "q": lambda row, given: given in row["description"],
}
ELSEWHERE = {"status": "for staff: test_api_items", "ordering": "keeps every row: test_api_filters"}
BOTH = ("production_years__min", "production_years__max")


def keeps(row: Row, given: dict[str, Any]) -> bool:
    """Return whether the row meets all; two bounds of years mean one and the same year."""
    if given.keys() >= {*BOTH}:
        low, high = (given[name] for name in BOTH)
        if not any(low <= year <= high for year in row["production_years"]):
            return False
    return all(MEANINGS[name](row, value) for name, value in given.items())


def value_for(dice: random.Random, name: str) -> Any:
    """Return a value of the parameter; of lists up to three, at times one that no row has."""
    column, _, suffix = name.partition("__")
    if suffix in {"empty", "len"}:
        return dice.choice([True, False]) if suffix == "empty" else dice.randint(0, 3)
    single: dict[str, Callable[[], Any]] = {
        "price": lambda: dice.choice(PRICES[1:]),
        "updated_since": lambda: SINCE + timedelta(days=dice.randint(0, 10)),
        "q": lambda: dice.choice(["needle", "hay", "nothing"]),
        "production_years": lambda: dice.choice(YEARS),
    }
    if column in single and (column != "production_years" or suffix in {"min", "max"}):
        return single[column]()
    lists: dict[str, list[Any]] = {
        "production_years": [*YEARS, 1999], "currency": CURRENCIES, "make": [*MAKES[1:], ABSENT],
        "model": [*MODELS[1:], ABSENT], "condition": Condition.values, "authenticity": Authenticity.values,
        "availability": Availability.values, "kind": Kind.values, "production": [*FILMS, "never-was"],
        "reference": [f"{word}-{number}" for word in ("ref", "REF") for number in range(ITEMS)],
    }  # fmt: skip
    return [*some(dice, lists.get(column, [*WORDS, ABSENT]), 2), dice.choice(lists.get(column, WORDS))]


def written(value: Any) -> str:
    if isinstance(value, list):
        return ",".join('"' + str(each).replace('"', '""') + '"' for each in value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)


def combinations(dice: random.Random) -> Iterator[dict[str, Any]]:
    """Yield every parameter by itself a few times, then one to four of them together."""
    for name, _ in product(MEANINGS, range(4)):
        yield {name: value_for(dice, name)}
    for _ in range(COMBINATIONS):
        yield {name: value_for(dice, name) for name in dice.sample([*MEANINGS], dice.randint(2, 4))}


def test_every_parameter_has_a_meaning() -> None:
    assert MEANINGS.keys() | ELSEWHERE.keys() == filters.AnyItemFilters.base_filters.keys()


def test_every_combination_keeps_what_it_means(settings: Any) -> None:
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)
    dice = random.Random(SEED)
    rows = [made(dice, number) for number in range(ITEMS)]
    stored(rows)
    client, wrong, kept = Client(), [], 0

    for given in combinations(dice):
        query = urlencode({name: written(value) for name, value in given.items()})
        answer = client.get(
            f"/v1/items/?page_size=100&fields=reference&count=exact&ordering=name&{query}"
        ).json()
        meant = sorted(row["reference"] for row in rows if keeps(row, given))
        found = sorted(row["reference"] for row in answer["results"])
        kept += bool(meant) and len(meant) < ITEMS
        if answer["count"] != len(meant) or (len(meant) <= 100 and found != meant):
            wrong.append((query, found, meant))

    assert wrong == []
    assert kept > COMBINATIONS / 4  # most of them tell rows apart
