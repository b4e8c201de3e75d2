"""Whether a mapping of columns can be used: one sentence for each thing that is wrong with it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from catalog.imports.columns import Column, Reading, Target
from catalog.imports.mapping.currencies import CODES

IGNORED = "ignored"
MOST_CHARACTERS = 1_000_000  # of a mapping as JSON
LONGEST = 500  # characters of a title, a constant, a prefix, a unit
LEAST_FACTOR, MOST_FACTOR = 1e-9, 1e9
MOST = 1_000  # headers of one rule, replacements of one rule
SOURCES = ("header", "join", "labels", "constant")  # a rule has exactly one of them
READERS = ("part", "date", "decimal", "separator", "prefix")  # and at most one of these
DETAILS = {
    "with": "join",
    "thousands": "decimal",
    "otherwise": "part",
}  # what only makes sense beside another key
SEPARABLE = {Reading.WORDS, Reading.YEARS, Reading.OBJECT, Reading.APPEARANCES, Reading.ALIASES}
DATES = {Reading.TIME, Reading.YEARS}
PREFIXABLE = {Reading.TEXT, Reading.SLUG, Reading.WORD, Reading.REFERENCE}
DECIMALS = (",", ".")
THOUSANDS = (".", ",", " ", "'", "")
ORDERS = ("dmy", "mdy", "ymd")
Found = Iterator[str]


def sources(rule: dict[str, Any]) -> list[str]:
    """Return the titles of the file's columns that a rule reads, in the order in which it takes their cells."""
    if "header" in rule:
        return [rule["header"]]
    if "labels" in rule:
        return [part if isinstance(part, str) else part["header"] for part in rule["labels"].values()]
    return list(rule.get("join", []))


def check_rules(mapping: Any, target: Target) -> list[str]:
    """Return what is wrong with a mapping, whatever the file, a sentence each; it may be any JSON."""
    if not isinstance(mapping, dict):
        return ["A mapping is a JSON object with a rule for each column."]
    if not _is_storable(mapping):
        return [f"A mapping holds at most {MOST_CHARACTERS:,} characters, and no NUL or half characters."]
    found: list[str] = []
    for name, rule in mapping.items():
        if name == IGNORED:
            found += _titles(rule, IGNORED, least=0)
        elif name not in target.by_name:
            found.append(f"{name[:60]}: the table has no such column.")
        elif not isinstance(rule, dict):
            found.append(f'{name}: a rule is a JSON object, such as {{"header": "Price"}}.')
        else:
            found += [f"{name}: {sentence}" for sentence in _rule(rule, target.by_name[name])]
    return found


def _is_storable(mapping: dict[str, Any]) -> bool:
    """Return whether the database can keep the mapping as JSON."""
    try:
        text = json.dumps(mapping, ensure_ascii=False)
        text.encode()
    except (
        ValueError,
        TypeError,
        RecursionError,
    ):  # half of a surrogate pair; no JSON at all; nested too deep
        return False
    return len(text) <= MOST_CHARACTERS and "\\u0000" not in text


def _rule(rule: dict[str, Any], column: Column) -> Found:
    """Yield what is wrong with a rule; its values are only looked at when its keys fit together."""
    if wrong := list(_keys(rule)):
        yield from wrong
        return
    yield from _source(rule, column)
    if "thousands" in rule and rule["thousands"] == rule["decimal"]:
        yield "'thousands' and 'decimal' must differ."
    for key, judge in VALUES.items():
        if key in rule:
            yield from judge(rule[key], column)


def _keys(rule: dict[str, Any]) -> Found:
    known = {*SOURCES, *READERS, *DETAILS, "values"}
    if unknown := [key for key in rule if key not in known]:
        yield f"'{unknown[0][:60]}' is not known; a rule has {', '.join(sorted(known))}."
    given = [key for key in SOURCES if key in rule]
    if len(given) != 1:
        yield "a rule needs exactly one of header, join, labels and constant."
    if given and given[0] in {"labels", "constant"} and len(rule) > 1:
        yield f"beside '{given[0]}' a rule can hold nothing else."
    if len(read := [key for key in READERS if key in rule]) > 1:
        yield f"'{read[0]}' and '{read[1]}' cannot be used together."
    for key, other in DETAILS.items():
        if key in rule and other not in rule:
            yield f"'{key}' makes sense only beside '{other}'."


def _source(rule: dict[str, Any], column: Column) -> Found:
    if "header" in rule:
        yield from _text(rule["header"], "header")
    elif "constant" in rule:
        yield from _text(rule["constant"], "constant")
    elif "join" in rule:
        yield from _titles(rule["join"], "join")
    else:
        yield from _labels(rule["labels"], column)


def _text(value: Any, key: str, *, least: int = 1) -> Found:
    if not isinstance(value, str) or not least <= len(value.strip() if least else value) <= LONGEST:
        yield f"'{key}' must be a text of {least} to {LONGEST} characters."
    elif set(value) & set("\0\x1a\x1e\x1f"):
        yield f"'{key}' holds a control character."


def _titles(value: Any, key: str, *, least: int = 1) -> Found:
    fits = isinstance(value, list) and least <= len(value) and all(isinstance(title, str) for title in value)
    if not fits or (key != IGNORED and len(value) > MOST):
        yield f"'{key}' must be a list of the file's columns."


def _labels(value: Any, column: Column) -> Found:
    if column.reading is not Reading.OBJECT:
        yield "'labels' are for a column of labels and values, such as specs."
    elif not isinstance(value, dict) or not 1 <= len(value) <= MOST:
        yield "'labels' must be an object of labels, each with the file's column that it takes."
    else:
        for label, source in value.items():
            yield from _text(label, "labels")
            yield from (f"label '{label[:60]}': {sentence}" for sentence in _measure(source))


def _measure(source: Any) -> Found:
    if isinstance(source, str):
        yield from _text(source, "header")
        return
    if not isinstance(source, dict) or "header" not in source:
        yield "it needs the file's column, as a text or as an object with 'header'."
        return
    if unknown := [key for key in source if key not in {"header", "decimal", "factor", "unit"}]:
        yield f"'{unknown[0][:60]}' is not known; there are decimal, factor, header and unit."
    yield from _text(source["header"], "header")
    yield from _one_of(source.get("decimal", "."), "decimal", DECIMALS)
    yield from _text(source.get("unit", ""), "unit", least=0)
    yield from _factor(source.get("factor", 1))


def _factor(value: Any) -> Found:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not LEAST_FACTOR <= value <= MOST_FACTOR:
        yield "'factor' must be a number above 0."


def _one_of(value: Any, key: str, choices: tuple[str, ...]) -> Found:
    if not isinstance(value, str) or value not in choices:
        yield f"'{key}' must be one of {', '.join(repr(choice) for choice in choices)}."


def _part(value: Any, column: Column) -> Found:
    """A car's name has a year, a make and a model, a price has a currency; each fits one column."""
    wanted = "year" if column.reading is Reading.YEARS else column.name
    if wanted not in {"year", "make", "model", "currency"}:
        yield "'part' is for columns of years, make, model and currency."
    else:
        yield from _one_of(value, "part", (wanted,))


def _date(value: Any, column: Column) -> Found:
    if column.reading not in DATES:
        yield "'date' is for columns of times and of years."
    else:
        yield from _one_of(value, "date", ORDERS)


def _decimal(value: Any, column: Column) -> Found:
    if column.reading is not Reading.PRICE:
        yield "'decimal' is for the price, and inside labels."
    else:
        yield from _one_of(value, "decimal", DECIMALS)


def _separator(value: Any, column: Column) -> Found:
    if column.reading not in SEPARABLE:
        yield "'separator' is for columns that hold lists."
    elif not isinstance(value, str) or not value or len(value) > LONGEST:
        yield "'separator' must be what stands between the values, such as ','."


def _prefix(value: Any, column: Column) -> Found:
    if column.reading not in PREFIXABLE:
        yield "'prefix' is for columns of text."
    else:
        yield from _text(value, "prefix")


def _otherwise(value: Any, column: Column) -> Found:
    if column.name != "currency":
        yield "'otherwise' is for the currency."
    elif not isinstance(value, str) or value not in CODES:
        yield "'otherwise' must be a code such as EUR."


def _values(value: Any, _column: Column) -> Found:
    if not isinstance(value, dict) or len(value) > MOST:
        yield "'values' must be an object: what stands in the file, and what it becomes."
        return
    for new in value.values():
        yield from _text(new, "values", least=0)


VALUES: dict[str, Callable[[Any, Column], Found]] = {
    "part": _part,
    "date": _date,
    "decimal": _decimal,
    "thousands": lambda value, _column: _one_of(value, "thousands", THOUSANDS),
    "separator": _separator,
    "prefix": _prefix,
    "otherwise": _otherwise,
    "values": _values,
    "with": lambda value, _column: _text(value, "with", least=0),
}
