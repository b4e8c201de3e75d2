"""Values as cells that import reads as just these values.

Most are written plainly. What import would read as something else (blanks that it trims, `[clear]`, a word that
is another one's alias) is written as JSON, which it takes as it stands: a text behind `[text]`, a list in brackets.
"""

import json
import re
from collections.abc import Container, Sequence
from datetime import datetime
from typing import Any

from catalog.imports import sql
from catalog.models.fields import canonical_text
from catalog.writers import Cell

# Import would take an apostrophe off here, so such a text gets another one.
ESCAPED = re.compile("'+([ \t\r\n\v\f\u00a0]*[=+@\uff1d\uff0b\uff0d\uff20-]|[\t\r\n])")
# What import trims, clears or refuses, and what not every format and reader keeps: control characters, Excel's _x0001_.
ODD = re.compile(
    "^[\\s\\x1c-\\x1f]|[\\s\\x1c-\\x1f]$|[\0-\x09\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_"
    r"|^\[text\]|^\[(clear|Clear|CLEAR)\]$|^#[A-Z0-9/]+[?!]?$"
)
ODD_FIRST = frozenset(" [#'")
UNSAFE = re.compile("[\0-\x1f\x7f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")  # in JSON
SEPARATORS = re.compile("[|;]")
LONGEST_WORD = 100  # of what may become a term


def text_cell(text: str) -> str:
    """Return the cell of a text."""
    if not text or (text.isprintable() and text[0] not in ODD_FIRST and text[-1] != " " and "_x" not in text):
        return text  # nearly all texts; the expressions below take five times as long
    if ODD.search(text):
        return f"{sql.EXACT}{as_json(text)}"
    return f"'{text}" if text.startswith("'") and ESCAPED.match(text) else text


def as_json(value: Any) -> str:
    return safe_json(json.dumps(value, ensure_ascii=False))


def safe_json(text: str) -> str:
    """Return the JSON with escapes in place of what XML or a reader would not keep."""
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def word_cell(word: str, plain: Container[str]) -> str:
    """Return the cell of a word that a vocabulary may know; `plain` are those that import leaves as they are."""
    return text_cell(word) if word in plain or not word else f"{sql.EXACT}{as_json(word)}"


def words_cell(words: Sequence[str], plain: Container[str]) -> str:
    """Return the words with | between them, or as a JSON list."""
    cell = " | ".join(words)
    if any(not _is_plain(word) or word not in plain for word in words) or len(set(words)) < len(words):
        return as_json(words)
    return as_json(words) if ODD.search(cell) or cell.startswith(("[", "'")) else cell


def aliases_cell(aliases: Sequence[str]) -> str:
    """Return the aliases with | between them, or as a JSON list; of those alike but for letter case import keeps one."""
    if len({alias.casefold() for alias in aliases}) < len(aliases):
        return as_json(aliases)
    return words_cell(aliases, aliases)


def _is_plain(word: str) -> bool:
    return len(word) <= LONGEST_WORD and word == canonical_text(word) and not SEPARATORS.search(word)


def years_cell(years: Sequence[int]) -> Cell:
    """Return a single year as a number, several with | between them, repeated ones as a JSON list."""
    if len(years) == 1:
        return years[0]
    return " | ".join(map(str, years)) if len(set(years)) == len(years) else json.dumps(years)


def object_cell(text: str) -> str:
    """Return the cell of an object, which comes as PostgreSQL's own JSON: no number loses a digit."""
    return "" if text == "{}" else safe_json(text)


def time_cell(time: datetime | None) -> str:
    return time.isoformat() if time else ""
