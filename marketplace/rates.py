"""Rates such as 600/minute, as the environment gives them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from marketplace import environment

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
RATE = re.compile(rf"([1-9][0-9]{{0,8}})/({'|'.join(SECONDS)})")


@dataclass(frozen=True)
class Rate:
    """So many requests in a window of so many seconds, which begins with the first of them."""

    requests: int
    seconds: int


def rates(name: str, defaults: Mapping[str, str]) -> dict[str, Rate | None]:
    """Read a list such as `anonymous=600/minute, write=off`; what it does not name has its default, None is no limit."""
    given = dict(defaults)
    for word in environment.words(name):
        kind, _, rate = (part.strip() for part in word.partition("="))
        if kind not in defaults or not (rate == "off" or RATE.fullmatch(rate)):
            raise ImproperlyConfigured(
                f"{name} must list rates like anonymous=600/minute or write=off, of"
                f" {', '.join(defaults)}, and not {word!r}."
            )
        given[kind] = rate
    return {kind: _rate(word) for kind, word in given.items()}


def _rate(word: str) -> Rate | None:
    found = RATE.fullmatch(word)
    return Rate(int(found[1]), SECONDS[found[2]]) if found else None
