"""What the cells of a foreign column look like: whether they suit a column of ours, and which conversions they need.

Only for suggestions: everything here comes before the eyes of a person before it counts.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from catalog.imports.columns import Column, Reading, Target
from catalog.imports.mapping import phrases
from catalog.imports.mapping.aliases import plain as plain_title
from catalog.imports.mapping.cars import folded_make, split_car, years_of
from catalog.imports.mapping.conversions import (
    ISO_DATE,
    OWN_REQUEST,
    UNREAD,
    amount,
    iso_date,
    plain,
    year_of_date,
)
from catalog.imports.mapping.currencies import amount_and_currency, code_of
from catalog.imports.mapping.makes import known_makes, makes_of_one_word
from catalog.models import Term

Rule = dict[str, Any]
MOST = 0.8  # of the cells, from which a reading is taken for granted
SOME = 0.5
FEW = 0.2
VIN = re.compile(r"(?=.*\d)(?=.*[A-Z])[A-HJ-NPR-Z0-9]{17}")
CHASSIS = re.compile(r"(?=.*\d)[A-Z0-9][A-Z0-9 ./*-]{3,24}")
OWN_PRICE = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d{1,2})?", re.ASCII)
OWN_YEARS = re.compile(
    r"\d{4}(\s*[-\u2013\u2014/]\s*\d{4})?(\s*[|;,]\s*\d{4}(\s*[-\u2013\u2014/]\s*\d{4})?)*", re.ASCII
)
YEAR_AND_MORE = re.compile(r"(18[89]|19\d|20\d)\d(\s*[-\u2013/]\s*\d{2,4})?[\s,]+\S+\s+\S", re.ASCII)
SHORT, LONG = 40, 80  # characters
SOME_TEXTS = 3
STRICT = {
    Reading.PRICE,
    Reading.YEARS,
    Reading.TIME,
    Reading.CHOICE,
}  # a cell that says 'n/a' would reject its row


@dataclass(frozen=True)
class Cells:
    """The filled cells of one column of the sample."""

    title: str
    texts: tuple[str, ...]
    rows: int = 0
    distinct: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "distinct", tuple(dict.fromkeys(self.texts)))

    def share(self, suits: Callable[[str], Any]) -> float:
        """Return which part of the filled cells suits; 0 where there is none."""
        return sum(1 for text in self.texts if suits(text)) / len(self.texts) if self.texts else 0.0


def cells_of(title: str, column: Iterable[str]) -> Cells:
    texts = [plain(cell) for cell in column]
    return Cells(title, tuple(text for text in texts if text), len(texts))


class Knowledge:
    """What the catalogue knows: makes and words. Each part causes one query when it is first needed."""

    @cached_property
    def makes(self) -> frozenset[str]:
        """Makes of several words, as splitting uses them."""
        return known_makes()

    @cached_property
    def every_make(self) -> frozenset[str]:
        return self.makes | makes_of_one_word()

    @cached_property
    def words(self) -> dict[str, set[str]]:
        """Spellings of the terms of each vocabulary, folded."""
        found: dict[str, set[str]] = {}
        for vocabulary, name, aliases in Term.objects.values_list("vocabulary", "name", "aliases"):
            found.setdefault(vocabulary, set()).update(word.casefold() for word in (name, *aliases))
        return found

    def begins_with_make(self, text: str) -> bool:
        make, model = split_car(text, self.makes)
        return bool(model) and folded_make(make) in self.every_make


def suitability(column: Column, target: Target, cells: Cells, knows: Knowledge) -> float | None:
    """Return how well the cells suit the column, from 0 to 1; None where cells cannot tell."""
    cells = replace(
        cells, texts=tuple(text for text in cells.texts if text.casefold() not in phrases.NOTHING)
    )
    if not cells.texts:
        return None
    if column.name == target.key or column.reading is Reading.KEY:
        return len(cells.distinct) / len(cells.texts) * (len(cells.texts) / cells.rows)
    if column.name == "currency":
        return cells.share(lambda text: len(text) <= SHORT and code_of(text))
    if column.reading is Reading.WORDS:
        return None
    suits = SUITS.get(column.reading)
    if column.reading is Reading.CHOICE:
        known = known_choices(column, target) | phrases.words_of(column.name)
        return cells.share(
            lambda text: _choice(text) in known or text.casefold() in (phrases.YES | phrases.NO)
        )
    return cells.share(suits) if suits else None


def _reads_price(text: str) -> bool:
    if not any(sign.isdigit() for sign in text):
        return text.casefold() in phrases.ON_REQUEST or bool(OWN_REQUEST.fullmatch(text.casefold()))
    return any(not amount(text, decimal).endswith(UNREAD) for decimal in ",.")


SUITS: dict[Reading, Callable[[str], Any]] = {
    Reading.PRICE: _reads_price,
    Reading.YEARS: lambda text: OWN_YEARS.fullmatch(text)
    or _date_order([text], year_of_date)
    or years_of(text),
    Reading.TIME: lambda text: _date_order([text], iso_date),
    Reading.OBJECT: re.compile(r"\{|[^:|]*[^:|\s]\s*:").match,
    Reading.APPEARANCES: re.compile(r".*\S\s*\(\d{4}\)", re.ASCII).match,
    Reading.SLUG: re.compile("[-a-zA-Z0-9_]+").fullmatch,
    Reading.INTEGER: str.isdecimal,
    Reading.DECIMAL: re.compile(r"\d*\.?\d+").fullmatch,
}


def known_choices(column: Column, target: Target) -> dict[str, str]:
    """Return the values that the column's cells may name, by the spellings that imports read anyway."""
    field = target.model._meta.get_field(column.stored)
    pairs = getattr(field, "flatchoices", [])
    return {_choice(spelling): str(value) for value, label in pairs for spelling in (str(value), str(label))}


def _choice(text: str) -> str:
    return " ".join(re.sub(r"[\s_-]+", " ", text).split()).casefold()


def likeness(column: Column, cells: Cells, knows: Knowledge) -> tuple[float, str]:
    """Return how much the cells alone speak for the column, with the reason; 0 where they say nothing."""
    if not cells.texts:
        return 0.0, ""
    for judge in (_like_number_or_code, _like_words):
        found = judge(column, cells, knows)
        if found[0]:
            return found
    return 0.0, ""


def _like_number_or_code(column: Column, cells: Cells, _knows: Knowledge) -> tuple[float, str]:
    if column.name == "chassis_number" and cells.share(VIN.fullmatch) >= SOME:
        return 0.8, "The cells look like vehicle identification numbers."
    if column.name == "currency" and cells.share(lambda text: len(text) <= SHORT and code_of(text)) >= MOST:
        return 0.7, "The cells are codes or signs of currencies."
    if (
        column.reading is Reading.PRICE
        and cells.share(_reads_price) >= MOST
        and cells.share(currency_beside) >= SOME
    ):
        return 0.7, "The cells are amounts with a currency."
    if column.reading is Reading.YEARS and cells.share(OWN_YEARS.fullmatch) >= MOST and _are_years(cells):
        return 0.6, "The cells are years."
    return 0.0, ""


def _are_years(cells: Cells) -> bool:
    return cells.share(years_of) >= MOST


def _like_words(column: Column, cells: Cells, knows: Knowledge) -> tuple[float, str]:
    if column.reading is Reading.WORD and cells.share(lambda t: folded_make(t) in knows.every_make) >= SOME:
        return 0.65, "The cells are makes that the catalogue knows."
    words = knows.words.get(column.vocabulary, set()) if column.reading is Reading.WORDS else set()
    if words and cells.share(lambda t: all(word in words for word in split_words(t))) >= SOME:
        return 0.65, "The cells are words of the vocabulary."
    if column.name == "description" and sum(map(len, cells.texts)) / len(cells.texts) >= LONG:
        return 0.5, "The cells are long texts."
    return 0.0, ""


def currency_beside(text: str) -> str:
    """Return the code of the currency that stands beside an amount, or nothing."""
    found = amount_and_currency(text)
    return found[1] if found else ""


def split_words(text: str) -> list[str]:
    return [word.strip().casefold() for word in re.split(r"[|;,/]", text) if word.strip()]


def is_car(cells: Cells, knows: Knowledge) -> bool:
    """Return whether the cells name cars: year, make and model, or make and model, in one text."""
    return cells.share(YEAR_AND_MORE.match) >= SOME or cells.share(knows.begins_with_make) >= SOME


def has_years(cells: Cells) -> bool:
    return cells.share(years_of) >= SOME


def conversion(column: Column, target: Target, cells: Cells) -> Rule:
    """Return the keys that a rule for this column needs beside the header, so that its cells can be read."""
    if not cells.texts:
        return {}
    empty = {text: "" for text in cells.distinct if text.casefold() in phrases.NOTHING}
    filled = replace(cells, texts=tuple(text for text in cells.texts if text not in empty))
    rule = _conversion(column, target, filled)
    values = rule.get("values", {}) | (empty if column.reading in STRICT or column.name == "currency" else {})
    return rule | {"values": values} if values else rule


def _conversion(column: Column, target: Target, cells: Cells) -> Rule:
    if column.name == "currency":
        return _currency_values(cells)
    if column.reading is Reading.CHOICE:
        return _choice_values(column, target, cells)
    make = CONVERSIONS.get(column.reading)
    return make(cells) if make and cells.texts else {}


def _price(cells: Cells) -> Rule:
    """Return the decimal mark under which more cells are read, unless all are read as they stand."""
    requests = {
        t: "on request" for t in cells.distinct if t.casefold() in phrases.ON_REQUEST and not _own_price(t)
    }
    values = {"values": requests} if requests else {}
    if all(_own_price(text) for text in cells.distinct if text not in requests):
        return values
    unread = {mark: cells.share(lambda t, mark=mark: amount(t, mark).endswith(UNREAD)) for mark in ".,"}  # type: ignore[misc]
    return {"decimal": min(unread, key=lambda mark: unread[mark])} | values


def _own_price(text: str) -> bool:
    return bool(OWN_PRICE.fullmatch(text) or OWN_REQUEST.fullmatch(text.casefold()))


def _years(cells: Cells) -> Rule:
    if cells.share(OWN_YEARS.fullmatch) == 1:
        return {}
    if order := _date_order(cells.distinct, year_of_date):
        return {"date": "ymd" if cells.share(ISO_DATE.match) == 1 else order}
    return {"part": "year"} if cells.share(years_of) >= SOME else {}


def _time(cells: Cells) -> Rule:
    order = _date_order(cells.distinct, iso_date)
    return {"date": order} if order and cells.share(ISO_DATE.match) < 1 else {}


def _date_order(texts: Iterable[str], read: Callable[[str, str], str]) -> str:
    """Return the order of day, month and year in which the most of the texts are dates; empty where few are.

    Where day and month can be told either way, day first: most of the world writes so, and a person looks at it.
    """
    texts = list(texts)
    read_by = {
        order: sum(1 for text in texts if not read(text, order).endswith(UNREAD))
        for order in ("dmy", "mdy", "ymd")
    }
    best = max(read_by, key=lambda order: read_by[order])
    return best if texts and read_by[best] >= MOST * len(texts) else ""


def is_either_order(cells: Cells) -> bool:
    """Return whether the dates can be read with the day first as well as with the month first."""
    foreign = [text for text in cells.distinct if not ISO_DATE.match(text)]
    return bool(foreign) and all(
        not iso_date(text, order).endswith(UNREAD) for text in foreign for order in ("dmy", "mdy")
    )


def _list(cells: Cells) -> Rule:
    """Return what stands between words, where it is not what imports read anyway."""
    if any(mark in text for text in cells.distinct for mark in "|;"):
        return {}
    several = [mark for mark in (",", "/") if cells.share(lambda text, mark=mark: mark in text) >= FEW]  # type: ignore[misc]
    return {"separator": several[0]} if several else {}


def _pairs(cells: Cells) -> Rule:
    """Return what stands between labels and values, where it is not the mark that imports read anyway."""
    for mark in ("\n", ";", ","):
        if cells.share(lambda text, mark=mark: _are_pairs(text, mark)) >= MOST:  # type: ignore[misc]
            return {"separator": mark}
    return {}


def _are_pairs(text: str, mark: str) -> bool:
    parts = text.split(mark)
    return (
        len(parts) > 1 and not text.startswith("{") and "|" not in text and all(":" in part for part in parts)
    )


def _appearances(cells: Cells) -> Rule:
    found = [
        mark
        for mark in (";", ",", "\n")
        if cells.share(re.compile(rf".*\(\d{{4}}\)[^|]*{mark}").match) >= FEW
    ]
    return {"separator": found[0]} if found else {}


def _currency_values(cells: Cells) -> Rule:
    foreign = {t: code for t in cells.distinct if len(t) <= SHORT and (code := code_of(t)) and t != code}
    return {"values": foreign} if foreign else {}


def _choice_values(column: Column, target: Target, cells: Cells) -> Rule:
    """Return replacements for the words that imports do not read, where their meaning is known."""
    own, words = known_choices(column, target), phrases.words_of(column.name)
    offered = set(own.values())
    if column.name == "availability":
        sold = plain_title(cells.title) in phrases.SOLD_TITLES
        words |= dict.fromkeys(phrases.YES, "sold" if sold else "available")
        words |= dict.fromkeys(phrases.NO, "available") if sold else {}
    found = {
        text: words[text.casefold()]
        for text in cells.distinct
        if _choice(text) not in own and words.get(text.casefold()) in offered
    }
    return {"values": found} if found else {}


def unread_choices(column: Column, target: Target, cells: Cells, rule: Rule) -> str:
    """Return some of the texts in a column of choices that neither imports nor the rule's replacements read."""
    if column.reading is not Reading.CHOICE:
        return ""
    known = known_choices(column, target)
    unread = [t for t in cells.distinct if _choice(t) not in known and t not in rule.get("values", {})]
    return ", ".join(f"'{text[:SHORT]}'" for text in unread[:SOME_TEXTS])


def is_key(text: str) -> bool:
    """Return whether a text may be a stock number: short, and no date."""
    return len(text) <= SHORT and not ISO_DATE.match(text)


CONVERSIONS: dict[Reading, Callable[[Cells], Rule]] = {
    Reading.PRICE: _price,
    Reading.YEARS: _years,
    Reading.TIME: _time,
    Reading.WORDS: _list,
    Reading.ALIASES: _list,
    Reading.OBJECT: _pairs,
    Reading.APPEARANCES: _appearances,
}
