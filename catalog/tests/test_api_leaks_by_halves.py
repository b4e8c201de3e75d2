"""A number of an unpublished item, looked for by halves through filters, searches, facets and suggestions."""

from typing import Any

import pytest
from django.test import Client

from catalog.tests.leaks import FEW, add_canaries, add_shown

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_limits(settings: Any) -> None:
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)


# One item of the canaries, of which one number is unknown, and every parameter that could narrow it down
PRICES, YEARS, LENGTHS = (0, 2**20), (1890, 2018), (0, 64)
BOUNDS = {
    "price__min": PRICES,
    "price__max": PRICES,
    "production_years__min": YEARS,
    "production_years__len": LENGTHS,
}
SEARCHES = {
    f"/v1/items/?{one}&count=exact&{bound}={{}}": between
    for one in ("reference=canary-1", "q=canary&highlight=true", "genres=canary&facets=price,make,decades")
    for bound, between in BOUNDS.items()
} | {"/v1/productions/?q=canary&years__min={}": YEARS, "/v1/suggest/?q=canary%20{}": PRICES}


def digest(answer: Any) -> tuple[int, Any]:
    """Return what an answer tells beside the question itself; of a refusal, that it is one."""
    told = answer.json() if answer.status_code == 200 else {}
    return answer.status_code, {name: told[name] for name in told if name not in ("next", "previous")}


def told_by_halves(search: str, low: int, high: int) -> list[tuple[int, Any]]:
    """Look for the number that the answers of a search give away; return these answers."""
    client, told = Client(), []
    while high - low > 1:
        middle = (low + high) // 2
        told.append(digest(client.get(search.format(middle))))
        low, high = (middle, high) if told[-1][1].get("count") else (low, middle)
    return told


def test_search_by_halves_recovers_nothing() -> None:
    add_shown(FEW)
    add_canaries(FEW)

    for search, between in SEARCHES.items():
        told = told_by_halves(search, *between)
        assert len(told) > 5, search
        assert all(each == told[0] for each in told), search
        assert (told[0][0], told[0][1].get("count", 0)) == (200, 0), search
