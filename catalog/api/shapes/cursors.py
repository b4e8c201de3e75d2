"""Keyset paging: an order as its columns, what lies beyond a row, and rows' places as opaque texts.

A row's place is the values of its order's columns. Reading on from it costs the same at any depth, and
rows that come or go elsewhere neither hide nor repeat one.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast

import orjson
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, F, Func, Q, QuerySet
from django.db.models.expressions import OrderBy

from catalog.api.shapes.given import Given

PLACE = "@place"  # where a statement finds the values of the row that it reads on from
MAC_BYTES = 12


class Window(StrEnum):
    """Which rows of a list a statement reads, from the first that it meets."""

    START = "all of them"
    BEYOND = "those beyond a place"
    BEYOND_IN_NULLS = "those beyond a place among the rows whose first key is NULL"
    NULLS = "those whose first key is NULL"
    VALUES = "those whose first key is not NULL"


@dataclass(frozen=True)
class Key:
    """One column of an order. `nulls_last` is None where the column has no NULL."""

    name: str
    descending: bool
    nulls_last: bool | None
    read: Callable[[Any], Any]

    @property
    def order(self) -> OrderBy:
        return self.order_of(F(self.name))

    @property
    def fenced_order(self) -> OrderBy:
        """The same order, by what no index is on."""
        return self.order_of(Func(F(self.name), function="GREATEST"))

    def order_of(self, column: Any) -> OrderBy:
        return OrderBy(
            column,
            descending=self.descending,
            nulls_first=True if self.nulls_last is False else None,
            nulls_last=True if self.nulls_last else None,
        )

    def turned(self) -> "Key":
        """Return the key of the opposite order."""
        nulls_last = None if self.nulls_last is None else not self.nulls_last
        return replace(self, descending=not self.descending, nulls_last=nulls_last)


Keys = tuple[Key, ...]
READERS: dict[str, Callable[[Any], Any]] = {"DecimalField": Decimal, "DateTimeField": datetime.fromisoformat}


def keys_of(queryset: "QuerySet[Any, Any]") -> Keys:
    """Return the columns by which the queryset is ordered."""
    return tuple(_key(queryset, each) for each in queryset.query.order_by)


def _key(queryset: "QuerySet[Any, Any]", given: Any) -> Key:
    order = given if isinstance(given, OrderBy) else OrderBy(F(given.lstrip("-")), descending=given[0] == "-")
    name = cast(Any, order.expression).name  # all our orders are by columns
    try:
        field = queryset.model._meta.get_field(name)
    except FieldDoesNotExist:  # an annotation, which has no NULL
        return Key(name, order.descending, None, float)
    nulls_last = (bool(order.nulls_last) or not order.descending) if field.null else None
    return Key(name, order.descending, nulls_last, READERS.get(field.get_internal_type(), _as_it_is))


def _as_it_is(value: Any) -> Any:
    return value


class Compared(Func):
    """Two rows of values, the first before or after the second: one range of an index on them."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, keys: Keys, first: int) -> None:
        ours = [F(key.name) for key in keys[first:]]
        theirs = [_place(number) for number in range(first, len(keys))]
        super().__init__(*ours, *theirs)
        self.sign = "<" if keys[0].descending else ">"

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        parts = [compiler.compile(each) for each in self.get_source_expressions()]
        texts, half = [text for text, _ in parts], len(parts) // 2
        ours, theirs = ", ".join(texts[:half]), ", ".join(texts[half:])
        return f"({ours}) {self.sign} ({theirs})", [each for _, params in parts for each in params]


def _place(number: int) -> Given:
    return Given(lambda values: values[PLACE][number])


def within(
    queryset: "QuerySet[Any, Any]", keys: Keys, window: Window, *, fenced: bool = False
) -> "QuerySet[Any, Any]":
    """Narrow the rows to the window, met in the order of the keys; `fenced`: along no index."""
    first_is_null = Q(**{f"{keys[0].name}__isnull": True})
    conditions = {
        Window.BEYOND: Q(Compared(keys, 0)),
        Window.BEYOND_IN_NULLS: first_is_null & Q(Compared(keys, 1)) if len(keys) > 1 else Q(),
        Window.NULLS: first_is_null,
        Window.VALUES: ~first_is_null,
    }
    ordered = queryset.order_by(*(key.fenced_order if fenced else key.order for key in keys))
    return ordered.filter(conditions[window]) if window in conditions else ordered


def windows_beyond(keys: Keys, place: Sequence[Any]) -> list[Window]:
    """Return where the rows beyond this place are, in the order in which they are met.

    NULLs stand apart, because an index's range cannot hold them and other values.
    """
    first = keys[0]
    if place[0] is None:
        return [Window.BEYOND_IN_NULLS] + ([] if first.nulls_last else [Window.VALUES])
    return [Window.BEYOND] + ([Window.NULLS] if first.nulls_last else [])


class BrokenCursor(Exception):
    """The text is no cursor of this list, these filters and this ordering."""


def written(place: Sequence[Any], *, backwards: bool, of: bytes) -> str:
    """Return the cursor that leads on from this place; `of` tells the list, its filters and its ordering."""
    payload = orjson.dumps([backwards, *place], default=str)
    return base64.urlsafe_b64encode(_mac(payload, of) + payload).rstrip(b"=").decode()


def read(text: str, keys: Keys, *, of: bytes) -> tuple[bool, list[Any]]:
    """Return whether the cursor leads backwards, and its place; raise BrokenCursor if it is not one of ours."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise BrokenCursor from error
    mac, payload = raw[:MAC_BYTES], raw[MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(payload, of)):
        raise BrokenCursor
    backwards, *place = orjson.loads(payload)
    values = [None if part is None else key.read(part) for key, part in zip(keys, place, strict=True)]
    return backwards, values


def _mac(payload: bytes, of: bytes) -> bytes:
    return hashlib.blake2b(
        payload + b"\0" + of, key=_secret(settings.SECRET_KEY), digest_size=MAC_BYTES
    ).digest()


@lru_cache
def _secret(key: str) -> bytes:
    return hashlib.sha256(b"catalogue cursor" + key.encode()).digest()
