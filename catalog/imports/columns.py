"""Which columns a spreadsheet may have: one line each, and one Target for each table that imports fill.

A column is named as the model field and as in the API. How its cells become values is its `Reading`.
"""

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from django.db import models

from catalog.models import Item, Kind, Production, Vocabulary


class Reading(Enum):
    """How the text of a cell becomes a value."""

    TEXT = auto()  # as written, without blanks around it
    SLUG = auto()
    PRICE = auto()
    TIME = auto()  # ISO 8601
    CHOICE = auto()  # value or label, in any letter case
    YEARS = auto()  # 1964 | 1966-1968
    WORDS = auto()  # words of a vocabulary; unknown ones become terms or are refused
    WORD = auto()  # one word of a vocabulary; an unknown one stays as it is
    OBJECT = auto()  # JSON, or Label: value | Label: value
    APPEARANCES = auto()  # Title (1964): role | Title (1995)


# Cells of these are parsed once per distinct text and looked up from there.
LOOKED_UP = {Reading.CHOICE, Reading.YEARS, Reading.WORDS, Reading.WORD, Reading.OBJECT, Reading.APPEARANCES}


@dataclass(frozen=True)
class Column:
    name: str
    reading: Reading
    vocabulary: str = ""


@dataclass(frozen=True)
class Target:
    """A table that imports fill. `key` is the natural key; `needs` lists columns of which one must be there."""

    name: str
    model: type[models.Model]
    key: str
    needs: tuple[str, ...]
    columns: tuple[Column, ...]
    kind: str = ""  # of a row that names none; empty where the kind is an ordinary column
    by_name: dict[str, Column] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    @property
    def table(self) -> str:
        return self.model._meta.db_table


ITEM_COLUMNS = (
    Column("reference", Reading.TEXT),
    Column("kind", Reading.CHOICE),
    Column("slug", Reading.SLUG),
    Column("name", Reading.TEXT),
    Column("make", Reading.WORD, Vocabulary.MAKE),
    Column("model", Reading.TEXT),
    Column("description", Reading.TEXT),
    Column("production_years", Reading.YEARS),
    Column("vehicle_types", Reading.WORDS, Vocabulary.VEHICLE_TYPE),
    Column("categories", Reading.WORDS, Vocabulary.CATEGORY),
    Column("genres", Reading.WORDS, Vocabulary.GENRE),
    Column("condition", Reading.CHOICE),
    Column("authenticity", Reading.CHOICE),
    Column("chassis_number", Reading.TEXT),
    Column("specs", Reading.OBJECT),
    Column("provenance", Reading.TEXT),
    Column("price", Reading.PRICE),
    Column("currency", Reading.TEXT),
    Column("availability", Reading.CHOICE),
    Column("status", Reading.CHOICE),
    Column("published_at", Reading.TIME),
    Column("location", Reading.TEXT),
    Column("appearances", Reading.APPEARANCES),
)

PRODUCTION_COLUMNS = (
    Column("title", Reading.TEXT),
    Column("slug", Reading.SLUG),
    Column("kind", Reading.CHOICE),
    Column("years", Reading.YEARS),
    Column("genres", Reading.WORDS, Vocabulary.GENRE),
    Column("franchise", Reading.TEXT),
    Column("external_ids", Reading.OBJECT),
)

TARGETS = {
    **{
        kind: Target(kind, Item, "reference", ("reference",), ITEM_COLUMNS, kind=kind) for kind in Kind.values
    },
    "production": Target("production", Production, "slug", ("title", "slug"), PRODUCTION_COLUMNS),
}


def column_name(header: str) -> str:
    """Return the column that a header means: letter case, blanks, hyphens and underscores do not count."""
    return re.sub(r"[\s_-]+", "_", header.strip().lower())
