"""The requests that `python -m benchmarks` measures, line by line."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg

from benchmarks import load

LIST = "/v1/vehicles/?count=none"
FIRST = (LIST,)
# Common and rare values together: the planner must not take one plan for all of them.
PAIRS = ((1, 2), (5, 9), (11, 3), (17, 20), (3, 14), (20, 1), (8, 8), (14, 30), (23, 39), (0, 0))
TWO_ARRAYS = tuple(f"&genres=Genre{genre}&vehicle_types__all=Type{kind}" for genre, kind in PAIRS)
FACETS = "&page_size=1&fields=id&facets=genres,vehicle_types,make"


@dataclass(frozen=True)
class Line:
    """Requests of one sort; the limit gets its own if it does not speak ours."""

    name: str
    ours: tuple[str, ...]
    limits: tuple[str, ...]
    has_same_answers: bool = True


def same(name: str, *paths: str) -> Line:
    return Line(name, paths, paths)


def lines(address: str, port: int) -> list[Line]:
    """Return all lines for the catalogue at this address, whose API answers on this port."""
    onward, backward = cursors(port, "first", "next"), cursors(port, "last", "previous")
    details = [f"/v1/vehicles/{slug}/" for slug in slugs(address)]
    words = tuple(f"{LIST}&q=Make{make}+screen&ordering=relevance" for make in (1, 7, 30, 60, 100))
    ranges = (
        f"&make=Make{make}&production_years__min={year}&production_years__max={year + 5}&price__min={price}&price__max={3 * price}"
        for make, year, price in (
            (1, 1940, 50_000),
            (8, 1961, 200_000),
            (40, 1980, 9_000),
            (90, 1999, 600_000),
        )
    )
    return [
        same("first page", LIST),
        same("first page, counted to 10,000", "/v1/vehicles/"),
        same("first page of 50", f"{LIST}&page_size=50"),
        Line("page by cursor", onward, FIRST, has_same_answers=False),
        Line("deepest page by cursor", backward, FIRST, has_same_answers=False),
        same("detail", *details),
        same("two arrays by price", *(f"{LIST}{pair}&ordering=-price" for pair in TWO_ARRAYS)),
        same("make, years and price", *(f"{LIST}{each}" for each in ranges)),
        same("facets under two filters", *(f"{LIST}{FACETS}{pair}" for pair in TWO_ARRAYS)),
        same("exact count under two filters", *(f"/v1/vehicles/?page_size=1&fields=id&count=exact{pair}" for pair in TWO_ARRAYS)),
        Line("two words by relevance", words, words, has_same_answers=False),
    ]  # fmt: skip


def slugs(address: str) -> list[str]:
    """Return slugs of public items, some from everywhere."""
    chosen = "SELECT slug FROM catalog_item WHERE status = 'published' ORDER BY md5(slug) LIMIT 64"
    with psycopg.connect(address) as connection:
        return [slug for (slug,) in connection.execute(chosen)]


def cursors(port: int, begin: str, way: str) -> tuple[str, ...]:
    """Return the addresses of some pages that `next` or `previous` lead to from one end of the list."""
    paths = [f"/v1/vehicles/?cursor={begin}"]
    for _ in range(7):
        parts = urlsplit(json.loads(load.fetch(port, paths[-1]))[way])
        paths.append(f"{parts.path}?{parts.query}")
    return tuple(paths)
