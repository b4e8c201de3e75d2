"""One text that names a car, taken apart: '1964 Aston Martin DB5' is years, make and model."""

import re

from catalog.models import FIRST_YEAR, LAST_YEAR

SPAN = r"(\d{4})(?:\s*[-\u2013\u2014/]\s*(\d{4}|\d{2}))?"
FIRST = re.compile(rf"{SPAN}(?:[\s,:]+(?=\S)|$)", re.ASCII)
LAST = re.compile(rf"(?:\s*,\s*{SPAN}|\s*\(\s*{SPAN}\s*\))$", re.ASCII)
YEAR_LIKE = re.compile(r"(?<!\d)(?:18[89]|19\d|20\d)\d(?!\d)", re.ASCII)
MOST_WORDS = 4  # of a make


def split_car(text: str, makes: frozenset[str]) -> tuple[str, str]:
    """Return make and model; the make is the longest of `makes` that the text begins with, else its first word."""
    words = _without_years(text)[1].split()
    for count in range(min(MOST_WORDS, len(words)), 1, -1):
        if folded_make(" ".join(words[:count])) in makes:
            return " ".join(words[:count]), " ".join(words[count:])
    return " ".join(words[:1]), " ".join(words[1:])


def years_of(text: str) -> str | None:
    """Return the years that a text begins with, or names last behind a comma or in brackets.

    Empty where it names none; None where a number might be a year and might be part of the model (BMW 2002).
    """
    years, rest = _without_years(text)
    return years if years or not YEAR_LIKE.search(rest) else None


def folded_make(name: str) -> str:
    """Return a make so that letter case, hyphens and double blanks do not count."""
    return " ".join(name.replace("-", " ").casefold().split())


def _without_years(text: str) -> tuple[str, str]:
    text = " ".join(text.split())
    if (found := FIRST.match(text)) and (years := _span(found[1], found[2])):
        return years, text[found.end() :]
    if found := LAST.search(text):
        first, last = (found[1], found[2]) if found[1] else (found[3], found[4])
        if years := _span(first, last):
            return years, text[: found.start()]
    return "", text


def _span(first: str, last: str | None) -> str:
    """Return 1966 or 1966-1968; empty where these are no years that an item can have."""
    if last and len(last) < len(first):
        last = first[:2] + last
    plausible = FIRST_YEAR <= int(first) <= LAST_YEAR and (not last or int(first) <= int(last) <= LAST_YEAR)
    return (f"{first}-{last}" if last else first) if plausible else ""
