"""Reads query parameters: text from a URL becomes a value, or a sentence that says what would be right.

Each type knows three things: how to parse one text, the words for what it expects, and its schema in
the OpenAPI document. A parameter is read from all the texts given under its name.
"""

import csv
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import QueryDict

Fault = tuple[str, str, str]  # parameter, code, sentence

LONGEST_TEXT = 500  # characters of one value
LONGEST_QUOTE = 60  # characters of a value that a message repeats
MOST_VALUES = 100  # values of one list
LARGEST_INTEGER = 2_147_483_647  # of a database integer column
# PostgreSQL refuses offsets of 16 hours and more.
LARGEST_OFFSET = timedelta(hours=16)
NOT_UTF8 = "\ufffd"  # what Django reads in place of bytes that are not UTF-8, such as a lone surrogate's
CURRENCY = re.compile(r"[A-Za-z]{3}")
# A day, or a time of it, as RFC 3339 has them; without an offset too, but within what PostgreSQL takes.
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-](0[0-9]|1[0-5]):[0-5][0-9])?)?"
)
MISQUOTED = (
    "has double quotes or line breaks that do not fit: {}; a value that holds a comma or a quote is written"
    ' "like, this", a quote within it twice.'
)
AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")


class Refused(Exception):
    """A value cannot be used; `sentence` is the rest of a sentence that begins with the parameter's name."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def shown(text: str) -> str:
    """Return the text quoted for a message, cut where it is long."""
    return repr(text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}...")


class ParameterType(ABC):
    """One value of a query parameter. `fixed`: of so few that SQL is written for each of them."""

    fixed = False
    longest = LONGEST_TEXT

    @property
    @abstractmethod
    def expected(self) -> str:
        """What would be right, as in "must be ..."."""

    @property
    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The OpenAPI schema of the value."""

    @abstractmethod
    def parse(self, text: str) -> Any:
        """Return the value; raise Refused or ValueError if the text, which is trimmed, has none."""

    def read(self, texts: Sequence[str]) -> Any:
        """Return the value of all texts given under one name."""
        if len(texts) > 1:
            raise Refused("repeated", "is given more than once; it takes one value.")
        return self.checked(texts[0])

    def checked(self, text: str) -> Any:
        if not text.strip():
            raise Refused("blank", f"is empty; it must be {self.expected}.")
        if "\0" in text:
            raise Refused("nul", "holds a NUL character (%00); leave it out.")
        if NOT_UTF8 in text:
            raise Refused("not_utf8", "holds bytes that are not UTF-8; write it in UTF-8, percent-encoded.")
        if len(text) > self.longest:
            raise Refused("too_long", f"is longer than {self.longest} characters.")
        try:
            return self.parse(text.strip())
        except (ValueError, OverflowError) as error:
            raise Refused("invalid", f"must be {self.expected}, not {shown(text)}.") from error

    @property
    def style(self) -> dict[str, Any]:
        """How the parameter is written in a URL, in OpenAPI's words."""
        return {}


@dataclass(frozen=True)
class WholeNumber(ParameterType):
    low: int = 0
    high: int = LARGEST_INTEGER

    @property
    def expected(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}

    def parse(self, text: str) -> int:
        # isdecimal alone would admit digits of other scripts; the cut keeps int() cheap.
        if not (text.isascii() and text.isdecimal() and self.low <= int(text[:20]) <= self.high):
            raise ValueError(text)
        return int(text)


@dataclass(frozen=True)
class Amount(ParameterType):
    """Money, without its currency."""

    expected = "an amount of up to 12 digits such as 125000 or 99.50"
    schema = {"type": "string", "format": "decimal", "pattern": f"^{AMOUNT.pattern}$"}

    def parse(self, text: str) -> Decimal:
        if not AMOUNT.fullmatch(text):
            raise ValueError(text)
        return Decimal(text)


@dataclass(frozen=True)
class Currency(ParameterType):
    """A currency code; small letters will do."""

    expected = "a code of three letters such as USD"
    schema = {"type": "string", "pattern": f"^{CURRENCY.pattern}$"}

    def parse(self, text: str) -> str:
        if not CURRENCY.fullmatch(text):
            raise ValueError(text)
        return text.upper()


@dataclass(frozen=True)
class Moment(ParameterType):
    """A point in time; without an offset it is UTC."""

    expected = "a day or time such as 2026-01-31 or 2026-01-31T12:00:00Z (the + of an offset is written %2B)"
    schema = {"type": "string", "format": "date-time", "pattern": f"^{MOMENT.pattern}$"}

    def parse(self, text: str) -> datetime:
        if not MOMENT.fullmatch(text):
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
        if abs(moment.utcoffset() or timedelta()) >= LARGEST_OFFSET:
            raise ValueError(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


@dataclass(frozen=True)
class Flag(ParameterType):
    fixed = True
    expected = "true or false"
    schema = {"type": "boolean"}

    def parse(self, text: str) -> bool:
        return ("false", "true").index(text.lower()) == 1


@dataclass(frozen=True)
class Choice(ParameterType):
    allowed: tuple[str, ...]
    fixed = True

    @property
    def expected(self) -> str:
        return f"one of {', '.join(self.allowed)}"

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.allowed)}

    def parse(self, text: str) -> str:
        if text not in self.allowed:
            raise ValueError(text)
        return text


@dataclass(frozen=True)
class Words(ParameterType):
    """Free text."""

    expected = "a text"
    schema = {
        "type": "string",
        "maxLength": LONGEST_TEXT,
        "pattern": r"^[^\u0000\ufffd]*[^\s\u0000\ufffd][^\u0000\ufffd]*$",
    }

    def parse(self, text: str) -> str:
        return text


@dataclass(frozen=True)
class Word(Words):
    """One value of a list: quoted if it holds a comma or a quote."""

    expected = "a value"
    schema = {
        "type": "string",
        "maxLength": LONGEST_TEXT,
        "pattern": r'^[^",\r\n\u0000\ufffd]*[^",\s\u0000\ufffd][^",\r\n\u0000\ufffd]*$'
        r'|^"[^"\r\n\u0000\ufffd]*[^"\s\u0000\ufffd][^"\r\n\u0000\ufffd]*"$',
    }


@dataclass(frozen=True)
class ListOf(ParameterType):
    """Several values: separated by commas, or by giving the parameter again, or both.

    A value that holds a comma stands in double quotes, a quote within it doubled, as in CSV.
    """

    kind: ParameterType

    @property
    def expected(self) -> str:
        return f"{self.kind.expected}, or several separated by commas"

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.kind.schema, "minItems": 1, "maxItems": MOST_VALUES}

    @property
    def style(self) -> dict[str, Any]:
        return {"style": "form", "explode": True}

    def parse(self, text: str) -> Any:
        return self.kind.parse(text)

    def read(self, texts: Sequence[str]) -> list[Any]:
        cells = [cell for text in texts for cell in self.split(text)]
        if len(cells) > MOST_VALUES:
            raise Refused("too_many", f"holds {len(cells)} values; it takes up to {MOST_VALUES}.")
        if len(cells) > 1 and not all(cell.strip() for cell in cells):
            raise Refused("blank", "holds an empty value beside others; leave out that comma or parameter.")
        return [self.checked(cell) for cell in cells]

    def split(self, text: str) -> list[str]:
        if not text.strip():
            return [text]
        try:
            return next(csv.reader([text], skipinitialspace=True, strict=True))
        except csv.Error as error:
            raise Refused("quotes", MISQUOTED.format(shown(text))) from error


def read_values(kinds: Mapping[str, ParameterType], given: QueryDict) -> tuple[dict[str, Any], list[Fault]]:
    """Return the values of those of the parameters that were given, and a fault for each that cannot be used."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, kind in kinds.items():
        if name in given:
            try:
                values[name] = kind.read(given.getlist(name))
            except Refused as refusal:
                faults.append((name, refusal.code, f"{name} {refusal.sentence}"))
    return values, faults
