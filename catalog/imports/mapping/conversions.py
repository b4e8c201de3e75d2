"""From a foreign cell to the text that the catalogue's own column reads: amounts, dates, names split, lists.

Nothing is guessed: a cell that its rule cannot read keeps its text and gets the mark UNREAD at its end, so that its row
is rejected. Empty cells, `[clear]` and the errors of spreadsheets pass as they are.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring as in_json
from typing import Any

from catalog.imports import sql
from catalog.imports.columns import Column, Reading
from catalog.imports.mapping.cars import split_car, years_of
from catalog.imports.mapping.currencies import amount_and_currency

Rule = dict[str, Any]
Cells = tuple[str, ...]
Conversion = Callable[[str], str]

UNREAD = "\x1a"  # SUBSTITUTE: stands behind a text that its rule cannot read; no price, time or list of years ends so
KEPT = 10_000  # distinct texts of a column whose conversion is remembered
LONGEST_KEPT = 500  # characters of a text that is remembered
ERRORS = frozenset(re.findall("'([^']+)'", sql.ERRORS))
AS_IT_IS = ERRORS | {"", *re.findall("'([^']+)'", sql.CLEAR)}
ESCAPED = re.compile(
    sql.ESCAPED.replace("''", "'")
)  # an apostrophe before what a spreadsheet program would run
DIGIT = re.compile(r"\d")
OWN_REQUEST = re.compile(r"(price )?(up)?on request|p\.?o\.?a\.?|price on application")
ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?!\d)")
DATE = re.compile(r"(\d{1,4})\s*([./-])\s*(\d{1,2})\s*\2\s*(\d{1,4})(?:[ T]0?0:00(?::00)?)?", re.ASCII)
MONTH = re.compile(r"\d{1,2}\s*[./-]\s*(\d{4})|(\d{4})", re.ASCII)
ORDERS = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}  # where year, month and day stand
LONGEST_MEASURE = 15  # digits
MEASURE = re.compile(r"([+-]?\d[\d.,'\u2019 ]*)(.*)", re.ASCII | re.DOTALL)


class Memo(dict[Cells, str]):
    """Converted texts by the cells that they are made of; each distinct one is converted once, up to a limit."""

    def __init__(self, convert: Callable[[Cells], str]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, cells: Cells) -> str:
        text = self._convert(cells)
        if len(self) < KEPT and sum(map(len, cells)) <= LONGEST_KEPT:
            self[cells] = text
        return text


def converter(rule: Rule, column: Column, makes: frozenset[str]) -> Callable[[Cells], str]:
    """Return what makes the column's text of the cells that the rule names."""
    values = {_folded(old): new for old, new in rule.get("values", {}).items()}
    read, between = _reading(rule, column, makes), rule.get("with", " ")

    def convert(text: str) -> str:
        if values and (new := values.get(_folded(text))) is not None:
            return str(new)
        return text if text in AS_IT_IS else escaped(read(text))

    if "header" in rule:
        return lambda cells: convert(plain(cells[0]))
    return lambda cells: convert(_joined(cells, between))


def _joined(cells: Cells, between: str) -> str:
    """Return the filled cells as one text; an error among them stays an error."""
    texts = [text for cell in cells if (text := plain(cell))]
    return next((text for text in texts if text in ERRORS), between.join(texts))


def labelled(rule: Rule) -> Callable[[Cells], str]:
    """Return what makes a JSON object of several cells, a label for each; empty cells have none."""
    parts = [(in_json(label), _measure_of(source)) for label, source in rule["labels"].items()]

    def convert(cells: Cells) -> str:
        found: list[str] = []
        unread = ""
        for (label, read), cell in zip(parts, cells, strict=True):
            text = plain(cell)
            if text in ERRORS:
                return text
            if text not in AS_IT_IS:
                value = read(text)
                unread = UNREAD if value.endswith(UNREAD) else unread
                found.append(f"{label}: {in_json(value.rstrip(UNREAD))}")
        return f"{{{', '.join(found)}}}{unread}" if found else ""

    return convert


def sentence(rule: Rule) -> str:
    """Return what to say of a cell that this rule cannot read; empty where it reads every cell."""
    if "labels" in rule:
        return "A measure in it cannot be read as a number."
    if rule.get("part") == "currency":
        return "The cell names no currency that is known, such as EUR or €."
    if rule.get("part") == "year":
        return (
            "The years in the text cannot be told; it must begin with them, as '1964 Aston Martin DB5' does."
        )
    if "date" in rule:
        return f"The cell is no date written as {', '.join(DATE_WORDS[letter] for letter in rule['date'])}."
    if "decimal" in rule:
        example = "1.250.000,00" if rule["decimal"] == "," else "1,250,000.00"
        return (
            f"The cell cannot be read as an amount such as {example}, with at most 2 decimals."
            " Without a price write: on request."
        )
    return ""


DATE_WORDS = {"d": "day", "m": "month", "y": "year in four digits"}


def plain(cell: str) -> str:
    """Return the cell without blanks around it, and without the apostrophe that an export put before it."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and ESCAPED.match(text) else text


def escaped(text: str) -> str:
    """Return the text so that the apostrophe which import takes off is not one of its own."""
    return f"'{text}" if text.startswith("'") and ESCAPED.match(text) else text


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _reading(rule: Rule, column: Column, makes: frozenset[str]) -> Conversion:
    """Return the one conversion that the rule asks for; a rule has one at most, beside values and a prefix."""
    if "part" in rule:
        return _part(rule, makes)
    if "date" in rule:
        order = rule["date"]
        if column.reading is Reading.YEARS:
            return lambda text: year_of_date(text, order)
        return lambda text: iso_date(text, order)
    if "decimal" in rule:
        return lambda text: amount(text, rule["decimal"], rule.get("thousands"))
    if "separator" in rule:
        return lambda text: " | ".join(part.strip() for part in text.split(rule["separator"]) if part.strip())
    prefix = rule.get("prefix", "")
    return lambda text: prefix + text


def _part(rule: Rule, makes: frozenset[str]) -> Conversion:
    if rule["part"] == "currency":
        return lambda text: currency(text, rule.get("otherwise", ""))
    if rule["part"] == "year":
        return _years
    place = 0 if rule["part"] == "make" else 1
    return lambda text: split_car(text, makes)[place]


def _years(text: str) -> str:
    years = years_of(text)
    return text + UNREAD if years is None else years


def amount(text: str, decimal: str, thousands: str | None = None) -> str:
    """Return the amount of a price as a plain number; the words for a price on request, such as POA, stay."""
    if OWN_REQUEST.fullmatch(_folded(text)):
        return text
    found = amount_and_currency(text)
    number = found and plain_number(found[0], decimal, thousands, most_decimals=2)
    return number or text + UNREAD


def currency(text: str, otherwise: str) -> str:
    """Return the code of the currency that a price names, or else `otherwise`; empty where there is no amount."""
    if not DIGIT.search(text):
        return ""
    found = amount_and_currency(text)
    if found is None:
        return text + UNREAD
    return found[1] or otherwise or text + UNREAD


def plain_number(
    text: str, decimal: str, thousands: str | None = None, *, most_decimals: int = 40
) -> str | None:
    """Return a number written in the manner of a country as 1234.5; None where it is not written so.

    `thousands` is the one mark between groups of three digits; without it any usual one but the decimal mark is
    understood: a full stop, a comma, a blank or an apostrophe, the same one all through.
    """
    number = _number(decimal, thousands, most_decimals).fullmatch(text)
    if not number:
        return None
    whole = number["whole"].replace(number["mark"] or decimal, "")
    return f"{whole}.{number['rest']}" if number["rest"] else whole


@lru_cache
def _number(decimal: str, thousands: str | None, most_decimals: int) -> re.Pattern[str]:
    groups = re.escape(".,'\u2019 ".replace(decimal, "") if thousands is None else thousands)
    grouped = (
        rf"[+-]?\d{{1,3}}(?P<mark>[{groups}])\d{{3}}(?:(?P=mark)\d{{3}})*|" if groups else "(?P<mark>(?!))|"
    )
    rest = rf"(?:{re.escape(decimal)}(?P<rest>\d{{1,{most_decimals}}}))?"
    return re.compile(rf"(?P<whole>{grouped}[+-]?\d+){rest}", re.ASCII)


def iso_date(text: str, order: str) -> str:
    """Return a date written in this order as 2026-01-31; a date in ISO 8601 stays, with its time."""
    if ISO_DATE.match(text):
        return text
    found = _date(text, order)
    return found.isoformat() if found else text + UNREAD


def year_of_date(text: str, order: str) -> str:
    """Return the year of a date, of a month (03/1964) or of a year alone."""
    if iso := ISO_DATE.match(text):
        return iso[1]
    if found := _date(text, order):
        return str(found.year)
    month = MONTH.fullmatch(text)
    return (month[1] or month[2]) if month else text + UNREAD


def _date(text: str, order: str) -> date | None:
    """Return the date, or None; a year has four digits, since 04/05/06 can be anything."""
    found = DATE.fullmatch(text)
    if not found:
        return None
    parts = (found[1], found[3], found[4])
    year, month, day = (parts[place] for place in ORDERS[order])
    if len(year) != len("2026"):
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _measure_of(source: str | Rule) -> Conversion:
    """Return what a label's cell becomes: itself, or a number in another unit."""
    if isinstance(source, str) or source.keys() == {"header"}:
        return lambda text: text
    factor, unit = source.get("factor", 1), source.get("unit", "")
    return lambda text: measure(text, source.get("decimal", "."), Decimal(str(factor)), unit)


def measure(text: str, decimal: str, factor: Decimal, unit: str) -> str:
    """Return the number times the factor, with the unit; a unit behind the number in the cell gives way to it.

    Products are rounded to whole numbers from 100 on, else to three digits. A text without any digit stays.
    """
    if not DIGIT.search(text):
        return text
    found = MEASURE.fullmatch(text)
    number = found and plain_number(found[1].strip(), decimal)
    if not found or number is None or len(number) > LONGEST_MEASURE or DIGIT.search(found[2]):
        return text + UNREAD
    if factor != 1:
        number = _rounded(Decimal(number) * factor)
    return f"{number} {unit or found[2].strip()}".strip()


def _rounded(number: Decimal) -> str:
    places = max(0, 2 - number.adjusted()) if number else 0
    return f"{round(number, places):f}"
