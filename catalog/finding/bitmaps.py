"""Counts from bitmaps: a bit for each item, a bitmap for each value and chunk of items, combined in PostgreSQL.

Conditions on the values that bitmaps exist for (`conditions`) need no look at any item; what other conditions
keep is first made a bitmap (`Kept`). What was written since the bitmaps were made, and what is published with a
time that lies ahead, is left out of them here and counted by itself (`unsettled`), so the numbers are those that a
look at every item would give.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, cast

from django.db import connection

from catalog.models import FIRST_YEAR, LAST_YEAR, PRICE_BIT, ItemChange
from catalog.upkeep import ARRAYS, NONE, PRICE_BITS, SCALARS, bitmaps_of

MOST_UNSETTLED = 5_000  # items; above that a plain count is as quick

YEARS = ("production_years__min", "production_years__max")
PRICES = ("price__min", "price__max")
PRICED = 1 << PRICE_BIT
HIGHEST = PRICED - 2  # cents; no price is as high

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """Items that hold any of the values of a column, or (`besides`) any other; `excluded`: items that do not."""

    facet: str
    values: tuple[str, ...]
    excluded: bool = False
    besides: bool = False


@dataclass(frozen=True)
class Prices:
    """Items with a price from `least` to `most` cents."""

    least: int
    most: int


@dataclass(frozen=True)
class Kept:
    """Items that a statement returns the keys of; within one request the names of its filters tell it from others."""

    filters: frozenset[str]
    statement: str = field(compare=False)
    params: tuple[Any, ...] = field(compare=False)


Term = Condition | Prices | Kept
Terms = Sequence[Term]


def conditions(filters: Values) -> tuple[list[Term], dict[str, Any]]:
    """Return what the filters say in terms of bitmaps, and the filters that cannot be said so."""
    found, others = [*_years(filters), *_prices(filters)], {}
    for name, value in filters.items():
        if name in YEARS + PRICES:
            continue
        if terms := _said(name, value):
            found += terms
        else:
            others[name] = value
    return found, others


def _said(name: str, value: Any) -> list[Term]:
    """Return what a filter says, other than the ends of ranges; nothing, if bitmaps cannot say it."""
    facet, _, suffix = name.partition("__")
    if suffix == "len" and facet in ARRAYS:
        return [Condition(name, (str(value),))]
    if suffix == "empty" and facet in ARRAYS:
        return [Condition(f"{facet}__len", ("0",), excluded=not value)]
    texts = tuple(str(each) for each in value) if isinstance(value, list) else ()
    if facet not in (*ARRAYS, *SCALARS) or not texts:
        return []
    return _listed(facet, suffix, texts)


def _listed(facet: str, suffix: str, texts: tuple[str, ...]) -> list[Term]:
    each: list[Term] = [Condition(facet, (text,)) for text in texts]
    said: dict[str, list[Term]] = {
        "": [Condition(facet, texts)],
        "none": [Condition(facet, texts, excluded=True)],
        "all": each,
        "exact": [*each, Condition(facet, texts, excluded=True, besides=True)],
    }
    return said.get(suffix, [])


def _years(filters: Values) -> list[Term]:
    low, high = (filters.get(name) for name in YEARS)
    if low is None and high is None:
        return []
    years = range(low or FIRST_YEAR, (high or LAST_YEAR) + 1)
    return [Condition("production_years", tuple(map(str, years)))]


def _prices(filters: Values) -> list[Term]:
    low, high = (filters.get(name) for name in PRICES)
    if low is None and high is None:
        return []
    least = 0 if low is None else _cents(low, ROUND_CEILING)
    return [Prices(least, HIGHEST if high is None else _cents(high, ROUND_FLOOR))]


def _cents(amount: Decimal | int, rounding: str) -> int:
    """Return the amount in cents, from -1, below all prices, to `HIGHEST`."""
    return min(max(int((Decimal(amount) * 100).to_integral_value(rounding)), -1), HIGHEST)


def unsettled() -> list[int] | None:
    """Return the ids of items that the bitmaps may be wrong about; None if there are too many."""
    ids = list(ItemChange.objects.values_list("item_id", flat=True)[: MOST_UNSETTLED + 1])
    return None if len(ids) > MOST_UNSETTLED else list(set(ids))


@dataclass(frozen=True)
class Counting:
    """Counts among the items that are public (or, `public` false, all), but those `left_out`."""

    public: bool
    left_out: Sequence[int]

    def total(self, where: Terms) -> int:
        """Return the number of items that meet all conditions."""
        parts, params = self._masks([where])
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH {parts} SELECT coalesce(sum(bit_count(bits)), 0)::bigint FROM mask_0", params
            )
            return int(cursor.fetchone()[0])

    def by_value(self, wanted: Iterable[tuple[str, Terms]]) -> dict[str, dict[str, int]]:
        """Return for each facet the number of items with each of its values; a facet comes with its own conditions."""
        groups: dict[tuple[Term, ...], list[str]] = {}
        for facet, where in wanted:
            groups.setdefault(tuple(where), []).append(facet)
        parts, params = self._masks(list(groups))
        counts = " UNION ALL ".join(
            "SELECT facet, value, sum(bit_count(stored.bits & mask.bits))::bigint FROM catalog_facetbits stored"
            f" JOIN mask_{number} mask USING (chunk) WHERE facet = ANY(%s) GROUP BY facet, value"
            for number in range(len(groups))
        )
        found: dict[str, dict[str, int]] = {facet: {} for facets in groups.values() for facet in facets}
        with connection.cursor() as cursor:
            cursor.execute(f"WITH {parts} {counts}", [*params, *groups.values()])
            for facet, value, count in cursor.fetchall():
                found[facet][value] = count
        return found

    def _masks(self, groups: Sequence[Terms]) -> tuple[str, list[Any]]:
        """Return SQL of one mask for each group of conditions, with its parameters."""
        parts, params = [self._left_out(), self._seen()], [cast(Any, list(self.left_out))]
        names: dict[Term, str] = {}
        for each in dict.fromkeys(term for group in groups for term in group):
            names[each] = f"held_{len(names)}"
            text, own = _held(each)
            parts.append(f"{names[each]} AS MATERIALIZED ({text})")
            params += own
        parts += [
            _mask(number, [(names[each], each) for each in dict.fromkeys(group)])
            for number, group in enumerate(groups)
        ]
        return ", ".join(parts), params

    def _left_out(self) -> str:
        slots = "SELECT slot FROM catalog_facetslot WHERE item_id = ANY(%s)"
        if self.public:  # not joined: with false statistics that could mean every slot for each item
            slots += (
                " UNION SELECT slot FROM catalog_facetslot WHERE item_id = ANY(ARRAY("
                "SELECT id FROM catalog_item WHERE status = 'published' AND published_at > statement_timestamp()))"
            )
        return f"hidden AS MATERIALIZED ({bitmaps_of(slots)})"

    def _seen(self) -> str:
        facet = "facet = 'status' AND value = 'published'" if self.public else "facet = 'kind'"
        return (
            "seen AS MATERIALIZED (SELECT chunk, stored.bits & ~coalesce(hidden.bits, "
            f"{NONE}) AS bits FROM (SELECT chunk, bit_or(bits) AS bits FROM catalog_facetbits WHERE {facet}"
            " GROUP BY chunk) AS stored LEFT JOIN hidden USING (chunk))"
        )


def _held(term: Term) -> tuple[str, list[Any]]:
    """Return SQL of the bitmaps of one term, by chunk, with its parameters."""
    if isinstance(term, Kept):
        # Made once: joined in, it may be asked anew for each slot where PostgreSQL does not know how large tables are.
        kept = f"WITH kept (item_id) AS MATERIALIZED ({term.statement})"
        slots = f"{kept} SELECT slot FROM catalog_facetslot JOIN kept USING (item_id)"
        return f"{bitmaps_of(slots)}", list(term.params)
    if isinstance(term, Prices):
        return _priced(term), []
    which = "<> ALL" if term.besides else "= ANY"
    return (
        f"SELECT chunk, bit_or(bits) AS bits FROM catalog_facetbits WHERE facet = %s AND value {which}(%s) GROUP BY chunk",
        [term.facet, list(term.values)],
    )


def _priced(term: Prices) -> str:
    """Return SQL of the bitmaps of a range of prices: those from its least one on, but those above it."""
    digits = ", ".join(
        f"coalesce(bit_or(bits) FILTER (WHERE value = '{digit}'), {NONE}) AS digit_{digit}"
        for digit in range(PRICE_BIT + 1)
    )
    return (
        f"SELECT chunk, {_from(PRICED + max(term.least, 0))} & ~{_from(PRICED + term.most + 1)} AS bits"
        f" FROM (SELECT chunk, {digits} FROM catalog_facetbits WHERE facet = '{PRICE_BITS}' GROUP BY chunk) AS digits"
    )


def _from(number: int) -> str:
    """Return SQL of the bitmap of the numbers that are not below this one, from those of their binary digits.

    Read from the lowest digit that is set: to be as high so far, a number needs that digit; above it, each digit
    that is set here is needed, too, and one that is not makes a number higher whatever follows.
    """
    text = ""
    for digit in range(number.bit_length()):
        if not text:
            text = f"digit_{digit}" if number >> digit & 1 else ""
        else:
            text = f"(digit_{digit} {'&' if number >> digit & 1 else '|'} {text})"
    return text


def _mask(number: int, held: Sequence[tuple[str, Term]]) -> str:
    bits, tables = "seen.bits", "seen"
    for name, term in held:
        if isinstance(term, Condition) and term.excluded:
            bits += f" & ~coalesce({name}.bits, {NONE})"
            tables += f" LEFT JOIN {name} USING (chunk)"
        else:
            bits += f" & {name}.bits"
            tables += f" JOIN {name} USING (chunk)"
    return f"mask_{number} AS MATERIALIZED (SELECT chunk, {bits} AS bits FROM {tables})"
