"""The statements of a list or a detail, by the shape of the request."""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import isqrt
from time import monotonic
from typing import Any, ClassVar, Protocol

from django.db.models import BooleanField, F, Func, QuerySet, TextField
from django.db.models.functions import Cast

from catalog.api.shapes.cursors import Keys, Window, keys_of, within
from catalog.api.shapes.expressions import Expressions, JsonObject
from catalog.api.shapes.given import Places, Reader, Values, given
from catalog.api.shapes.statements import Statement, compiled

MOST_SHAPES = 1000  # some 10 kB each
MOST_ESTIMATES, ESTIMATE_SECONDS = 10_000, 300
MOST_WALKED = 10_000  # rows of an order that are looked at, some 10 ms
LIMIT, SKIPPED, KEYS, WALKED = "@limit", "@skipped", "@keys", "@walked"  # values of a page's statements


class Source(Protocol):
    """What a statement is made of: a kind of list, as its view describes it."""

    filterset_class: ClassVar[Any]

    @classmethod
    def visible(cls, reader: Reader) -> "QuerySet[Any]":
        """Return the rows that this reader may see, in the list's own order."""

    @classmethod
    def every_field(cls, reader: Reader, values: Values) -> Expressions:
        """Return all that the list or the detail may tell of a row, in this order."""

    @classmethod
    def tag(cls, reader: Reader) -> Any:
        """Return the expression of a detail's entity tag."""


class AnyKey(Func):
    """The key is one of a list."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()
    conditional = True


@dataclass(frozen=True)
class Shape:
    """All that the SQL of a request depends on.

    `names` are the parameters whose values are left open, `fixed` those whose values are written into it;
    `fields` are what is told of each row.
    """

    source: type[Source]
    reader: Reader
    names: tuple[str, ...] = ()
    fixed: tuple[tuple[str, Any], ...] = ()
    fields: tuple[str, ...] = ()
    window: Window = Window.START
    backwards: bool = False

    @property
    def places(self) -> Places:
        return Places(self.names, dict(self.fixed))

    def queryset(self) -> "QuerySet[Any]":
        """Return the rows, with places for the values."""
        narrowed: QuerySet[Any] = self.source.filterset_class.narrow(
            self.source.visible(self.reader), self.places
        )
        return narrowed

    def told(self) -> Cast:
        """Return the JSON of a row, as a text."""
        every = self.source.every_field(self.reader, self.places)
        return Cast(JsonObject({name: every[name] for name in every if name in self.fields}), TextField())

    @property
    def is_plain(self) -> bool:
        """Whether an index has the rows in their order: nothing is filtered, or the filter has ordered them."""
        is_filtered = self.names or any(name != "ordering" for name, _ in self.fixed)
        return not is_filtered or ("ordering", "relevance") in self.fixed

    @property
    def is_whole(self) -> bool:
        """Whether nothing is filtered or ordered otherwise: the index of the list's own order has its rows."""
        return not (self.names or self.fixed)

    def in_window(self, window: Window) -> "Shape":
        return replace(self, window=window)

    def turned(self) -> "Shape":
        """Return the shape of the same list, read from its end."""
        return replace(self, backwards=not self.backwards)

    def counted(self) -> "Shape":
        """Return the shape that counts the same rows, whatever their order."""
        fixed = tuple(each for each in self.fixed if each[0] != "ordering")
        return replace(self, fixed=fixed, window=Window.START, backwards=False)


@lru_cache(MOST_SHAPES)
def order_of(shape: Shape) -> Keys:
    """Return the columns by which the rows of this shape are ordered; the last of them is unique."""
    keys = keys_of(shape.queryset())
    return tuple(key.turned() for key in keys) if shape.backwards else keys


@lru_cache(MOST_SHAPES)
def places_on(shape: Shape) -> Statement:
    """Return the statement that finds the rows of a page: of each its place in the order, which ends in its key."""
    return _page(_within(shape, shape.queryset()), order_of(shape))


@lru_cache(MOST_SHAPES)
def fenced_places_on(shape: Shape) -> Statement:
    """Return the same, but all rows that the filters keep are found before any is put into order."""
    return _page(_within(shape, shape.queryset(), fenced=True), order_of(shape))


@lru_cache(MOST_SHAPES)
def walked_places_on(shape: Shape) -> Statement:
    """Return the same, but only the first `WALKED` rows of the order are looked at."""
    visible = shape.source.visible(shape.reader)
    order = _within(shape, visible)
    kept = shape.source.filterset_class.narrow(visible.model.objects.all(), shape.places)
    kept = kept.order_by(*(key.order for key in order_of(shape)))
    table = f'FROM "{visible.model._meta.db_table}"'
    outer = _page(kept, order_of(shape))
    inner = compiled(order, "%s LIMIT %s", [given(WALKED)], prepared=False)
    head, tail = outer.text.split(table, 1)
    return Statement(
        f"{head}FROM ({inner.text}) AS {table[5:]}{tail}", (*inner.places, *outer.places), prepared=False
    )


def _within(shape: Shape, rows: "QuerySet[Any]", *, fenced: bool = False) -> "QuerySet[Any]":
    return within(rows, order_of(shape), shape.window, fenced=fenced)


def _page(rows: "QuerySet[Any]", keys: Keys) -> Statement:
    """Return the statement of a page of these rows. Each request is planned by its own values."""
    places = rows.values_list(*(F(key.name) for key in keys))
    return compiled(places, "%s LIMIT %s OFFSET %s", [given(LIMIT), given(SKIPPED)], prepared=False)


@lru_cache(MOST_SHAPES)
def _estimate(shape: Shape) -> Statement:
    return compiled(shape.queryset().order_by().values("pk"), "EXPLAIN (FORMAT JSON) %s", prepared=False)


@lru_cache(MOST_ESTIMATES)
def _estimated(shape: Shape, values: tuple[tuple[str, Any], ...], era: int) -> int:
    read = {name: list(value) if isinstance(value, tuple) else value for name, value in values}
    ((plan,),) = _estimate(shape).rows(read)
    return int(plan[0]["Plan"]["Plan Rows"])


def estimated(shape: Shape, values: Values) -> int:
    """Return how many rows the filters keep, as far as PostgreSQL can tell; it is asked again now and then."""
    own = tuple((name, _hashable(values[name])) for name in sorted(values) if name in shape.places)
    return _estimated(shape.counted(), own, int(monotonic() // ESTIMATE_SECONDS))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def most_fenced(whole: int, page: int) -> int:
    """Return how many rows to put into order at most: for more, fewer have to be looked at along the order."""
    return isqrt(whole * page)


def ways_to(shape: Shape, values: Values) -> list[Statement]:
    """Return the statements that find the rows of a page; a further one if the one before has found too few.

    PostgreSQL believes that what a filter keeps lies evenly along every order. It would look for the first
    rows of a rare value along the index of the order, and meet half the table where they all lie at its
    end. So few rows are found first and then put into order; for many, it looks along the order, though
    not without end.
    """
    if shape.is_plain:
        return [places_on(shape)]
    whole = replace(shape.counted(), names=(), fixed=())
    if estimated(shape, values) > most_fenced(estimated(whole, {}), values[LIMIT]):
        return [walked_places_on(shape), fenced_places_on(shape)]
    return [fenced_places_on(shape)]


def page_of(shape: Shape, values: Values) -> list[tuple[Any, ...]]:
    """Return the places of the rows of a page; `values` has its LIMIT and how many are SKIPPED before."""
    found: list[tuple[Any, ...]] = []
    for way in ways_to(shape, values):
        found = way.rows({**values, WALKED: MOST_WALKED})
        if len(found) == values[LIMIT]:
            break
    return found


@lru_cache(MOST_SHAPES)
def number_of(shape: Shape, *, capped: bool) -> Statement:
    """Return the statement that counts the rows, the capped one up to `LIMIT` of them."""
    rows = shape.queryset().order_by().values("pk")
    if capped:
        return compiled(rows, "SELECT count(*) FROM (%s LIMIT %s) AS met", [given(LIMIT)], prepared=False)
    return compiled(rows, "SELECT count(*) FROM (%s) AS met", prepared=False)


@lru_cache(MOST_SHAPES)
def told_by_key(shape: Shape) -> Statement:
    """Return the statement that tells the rows with the keys `KEYS`: of each its key and its JSON."""
    keys = given(KEYS, cast="bigint[]")
    rows = shape.source.visible(shape.reader).order_by().filter(AnyKey(F("pk"), keys))
    return compiled(rows.values_list("pk", shape.told()), prepared=not shape.names)


@lru_cache(MOST_SHAPES)
def told_page_of(shape: Shape, telling: Shape, most: int) -> Statement:
    """Return the statement of a page of a whole list: of each row its place, and its JSON.

    `most`, the number of its rows, is written into it: PostgreSQL, which plans it once, is to know how few they are.
    """
    rows = _within(shape, shape.queryset())
    places = (F(key.name) for key in order_of(shape))
    return compiled(rows.values_list(*places, telling.told()), f"%s LIMIT {most}", prepared=True)


@lru_cache(MOST_SHAPES)
def told_by(shape: Shape, *columns: str) -> Statement:
    """Return the statement of a detail: the JSON and the tag of the row with the given values in these columns."""
    rows = shape.source.visible(shape.reader).order_by().filter(**{name: given(name) for name in columns})
    tag = shape.source.tag(shape.reader)
    return compiled(rows.values_list(shape.told(), tag), prepared=True)
