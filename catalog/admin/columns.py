"""The columns of a list: those a page offers, and those that a person or a saved view chose, in order."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.contrib.admin.utils import label_for_field
from django.http import HttpRequest

CHECKBOX = "action_checkbox"
MOST_DIGITS = 3  # of a column's number


class Column(NamedTuple):
    """A column as the picker shows it."""

    name: str
    label: str
    is_shown: bool
    is_fixed: bool  # it opens the row's page, so it stays


def kept(wanted: Iterable[str], offered: Sequence[str], links: Sequence[str]) -> tuple[str, ...]:
    """Return those of the wanted columns that there are, with one that opens the row; () where there is none."""
    names = tuple(name for name in dict.fromkeys(wanted) if name in offered)
    if not names:
        return ()
    return names if set(names) & set(links) else (*links[:1], *names)


def choices(page: Any, offered: Sequence[str], shown: Sequence[str], links: Sequence[str]) -> list[Column]:
    """Return the columns for the picker: those that are shown, in their order, then the others."""
    names = [*shown, *(name for name in offered if name not in shown)]
    return [Column(name, label(page, name), name in shown, name in links[:1]) for name in names]


def label(page: Any, name: str) -> str:
    """Return the heading of a column; a picture has none, so the method's name tells."""
    text = str(label_for_field(name, page.model, page)).strip()
    return (text or name.replace("_", " ")).capitalize()


def order_names(text: str, page: Any, request: HttpRequest, shown: Sequence[str]) -> list[str]:
    """Return the order that an address asks for by numbers (`o=3.-1`) by the names of the columns."""
    places = _places(page, request, shown)
    found = []
    for part in text.split("."):
        minus, number = ("-", part[1:]) if part.startswith("-") else ("", part)
        if (
            number.isascii()
            and number.isdecimal()
            and len(number) <= MOST_DIGITS
            and int(number) < len(places)
        ):
            found.append(minus + places[int(number)])
    return found


def order_numbers(names: Iterable[str], page: Any, request: HttpRequest, shown: Sequence[str]) -> str:
    """Return the order by numbers, as the list's address has it; columns that are not shown are left out."""
    places = _places(page, request, shown)
    parts = []
    for name in names:
        bare = name.removeprefix("-")
        if bare in places:
            parts.append(f"{'-' if name != bare else ''}{places.index(bare)}")
    return ".".join(parts)


def _places(page: Any, request: HttpRequest, shown: Sequence[str]) -> list[str]:
    """Return the columns as the list numbers them; boxes to tick stand before the first."""
    return [CHECKBOX, *shown] if page.get_actions(request) else list(shown)
