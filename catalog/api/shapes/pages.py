"""Pages of a list: by number or by cursor, with or without a count."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any
from urllib.parse import urlencode

import orjson
from django.http import HttpRequest

from catalog.api.shapes import cursors, lists
from catalog.api.shapes.cursors import PLACE, BrokenCursor, Window
from catalog.api.shapes.given import Values
from catalog.api.shapes.lists import KEYS, LIMIT, SKIPPED, Shape
from marketplace import rest
from marketplace.parameters import Fault, Words
from marketplace.problems import BadParameters

FIRST, LAST = "first", "last"
DEFAULT_SIZE = 20
TOO_DEEP = (
    "page reaches beyond {:,} items, where numbered pages end; read on with cursor:"
    " cursor=first begins, and next leads from page to page."
)
BEYOND_END = "page {} is beyond the end of the list; with this page_size its last page is {}."
BROKEN = "cursor must be first, last, or what next or previous held for this list with the same filters and ordering."

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Page:
    """Rows of a list, and the cursors or numbers that lead on from them."""

    rows: list[Row]
    after: Mapping[str, str] | None
    before: Mapping[str, str] | None
    seen: int | None = None  # the number of rows of the whole list, where the page itself shows it


def faults(values: Values) -> Iterable[Fault]:
    """Yield a fault for each parameter of paging that does not fit what else was given."""
    if "cursor" in values and "page" in values:
        yield "cursor", "with_page", "cursor cannot be given together with page; each says where to begin."


@dataclass(frozen=True)
class Place(Words):
    """Where to read on. It holds the texts that the rows are ordered by: keys of files reach 1,024 bytes."""

    longest = 4_000
    expected = "first, last, or what next or previous held"
    schema = Words.schema | {"maxLength": longest}


class Pages(rest.PageNumberPagination):
    """What the OpenAPI document says of pages, and the types of their parameters; `Reading` makes them."""

    types = rest.PageNumberPagination.types | {"cursor": Place()}
    descriptions = rest.PageNumberPagination.descriptions | {
        "cursor": "Reads on from a place in the list, as `next` and `previous` do, however deep; `first` begins, `last`"
        " begins at the end. Rows that come or go do not shift the pages. It is good for the same filters and ordering.",
        "count": f"{rest.PageNumberPagination.descriptions['count']} With a cursor: none unless given.",
    }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [*super().get_schema_operation_parameters(view), *view.documented_parameters(detailed=False)]


class Reading:
    """One reading of a list: the shape by which its rows are found, that by which they are told, and the values."""

    def __init__(self, shape: Shape, telling: Shape, values: Values) -> None:
        self.shape = shape
        self.telling = telling
        self.values = values
        self.size: int = values.get("page_size", DEFAULT_SIZE)
        self.texts: dict[int, str] = {}  # the JSON of rows that were told as they were found

    @property
    def mark(self) -> bytes:
        """What cursors are good for: this list, with these filters and this ordering."""
        filters = self.shape.source.filterset_class.base_filters
        own = {name: value for name, value in self.values.items() if name in filters}
        return orjson.dumps([self.shape.source.__name__, own], default=str, option=orjson.OPT_SORT_KEYS)

    def page(self) -> Page:
        return self.by_cursor(self.values["cursor"]) if "cursor" in self.values else self.by_number()

    def by_number(self) -> Page:
        number = self.values.get("page", 1)
        start = (number - 1) * self.size
        if start >= rest.DEEPEST_ITEM:
            raise BadParameters([("page", "too_deep", TOO_DEEP.format(rest.DEEPEST_ITEM))])
        rows = self.rows(self.shape, Window.START, start=start)
        if not rows and start:
            raise BadParameters([("page", "beyond_end", BEYOND_END.format(number, self.last_page()))])
        before = {"page": str(number - 1)} if number > 1 else None
        if len(rows) <= self.size:
            return Page(rows, None, before, seen=start + len(rows))
        rows = rows[: self.size]
        deeper = start + self.size < rest.DEEPEST_ITEM
        after = {"page": str(number + 1)} if deeper else self.cursor(rows[-1], backwards=False)
        return Page(rows, after, before)

    def last_page(self) -> int:
        statement = lists.number_of(self.shape, capped=True)
        ((number,),) = statement.rows({**self.values, LIMIT: rest.DEEPEST_ITEM})
        return max(1, ceil(int(number) / self.size))

    def by_cursor(self, text: str) -> Page:
        backwards, place = self.place(text)
        shape = self.shape.turned() if backwards else self.shape
        windows = [Window.START] if place is None else cursors.windows_beyond(lists.order_of(shape), place)
        rows: list[Row] = []
        for window in windows:
            if len(rows) <= self.size:
                rows += self.rows(shape, window, place=place)
        has_more, rows = len(rows) > self.size, rows[: self.size]
        came_from = place is not None
        if backwards:
            rows.reverse()
        return Page(
            rows,
            after=self.way(rows, backwards=False) if (came_from if backwards else has_more) else None,
            before=self.way(rows, backwards=True) if (has_more if backwards else came_from) else None,
        )

    def place(self, text: str) -> tuple[bool, list[Any] | None]:
        """Return whether the cursor leads backwards, and from where; None: from the end of the list."""
        if text in {FIRST, LAST}:
            return text == LAST, None
        try:
            return cursors.read(text, lists.order_of(self.shape), of=self.mark)
        except BrokenCursor as error:
            raise BadParameters([("cursor", "invalid", BROKEN)]) from error

    def rows(
        self, shape: Shape, window: Window, *, start: int = 0, place: list[Any] | None = None
    ) -> list[Row]:
        """Return the places of the rows of a page, and one more if there is one."""
        if shape.is_whole and not start:
            statement = lists.told_page_of(shape.in_window(window), self.telling, self.size + 1)
            found = statement.rows({**self.values, PLACE: place})
            self.texts |= {row[-2]: row[-1] for row in found}
            return [row[:-1] for row in found]
        own = {LIMIT: self.size + 1, SKIPPED: start, PLACE: place}
        return lists.page_of(shape.in_window(window), {**self.values, **own})

    def told(self, page: Page) -> list[str]:
        """Return the JSON of the page's rows; of one that has gone meanwhile there is none."""
        keys = [row[-1] for row in page.rows]
        found = self.texts
        if keys and not found:
            found = dict(lists.told_by_key(self.telling).rows({**self.values, KEYS: keys}))
        return [found[key] for key in keys if key in found]

    def way(self, rows: list[Row], *, backwards: bool) -> Mapping[str, str]:
        """Return the parameter that leads on from these rows; from none, to the end of the list on that side."""
        if not rows:
            return {"cursor": LAST if backwards else FIRST}
        return self.cursor(rows[0 if backwards else -1], backwards=backwards)

    def cursor(self, row: Row, *, backwards: bool) -> Mapping[str, str]:
        return {"cursor": cursors.written(row, backwards=backwards, of=self.mark)}

    def count(self, page: Page, known: Callable[[], int | None]) -> dict[str, Any]:
        """Return the part of the answer that tells the number of rows; `known` may tell an exact one at less cost."""
        method = self.values.get("count", "none" if "cursor" in self.values else "capped")
        if method == "none":
            return {"count": None}
        if page.seen is not None and self.values.get("ordering") != "relevance":
            return {"count": page.seen}
        if method == "exact":
            number = known()
            return {"count": self.number(capped=False) if number is None else number}
        number = self.number(capped=True)
        if number > rest.DEEPEST_ITEM:
            return {"count": rest.DEEPEST_ITEM, "count_relation": "gte"}
        return {"count": number}

    def number(self, *, capped: bool) -> int:
        statement = lists.number_of(self.shape.counted(), capped=capped)
        ((number,),) = statement.rows({**self.values, LIMIT: rest.DEEPEST_ITEM + 1})
        return int(number)


class PageLinks:
    """Addresses of the same list with another page of it; `other` are parameters that it was answered with instead."""

    def __init__(self, request: HttpRequest, other: Mapping[str, str]) -> None:
        self.request = request
        self.other = other

    def to(self, way: Mapping[str, str] | None) -> str | None:
        if way is None:
            return None
        query: dict[str, Any] = {name: texts for name, texts in self.request.GET.lists() if name != "page"}
        path = self.request.build_absolute_uri(self.request.path)
        return f"{path}?{urlencode({**query, **self.other, **way}, doseq=True)}"


def written(head: dict[str, Any], results: Iterable[str]) -> bytes:
    """Return the answer: the head's keys, then the results, which are JSON."""
    return orjson.dumps(head)[:-1] + b',"results":[' + ",".join(results).encode() + b"]}"
