"""Which columns a spreadsheet may have: one line each, and one Target for each table that imports fill.

A column is named as the model field and as in the API. How its cells become values is its `Reading`.
"""

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from django.db import models

from catalog.models import Appearance, Item, Kind, MediaAsset, Production, Term, Vocabulary


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
    ALIASES = auto()  # other spellings with | or ; between them
    REFERENCE = auto()  # of an item: one of the catalogue, or of an earlier sheet
    KEY = auto()  # of an object in the bucket: every byte counts
    INTEGER = auto()
    DECIMAL = auto()  # 0.25


# Cells of these are parsed once per distinct text and looked up from there.
LOOKED_UP = {
    Reading.CHOICE,
    Reading.YEARS,
    Reading.WORDS,
    Reading.WORD,
    Reading.OBJECT,
    Reading.APPEARANCES,
    Reading.ALIASES,
    Reading.REFERENCE,
}


@dataclass(frozen=True)
class Column:
    name: str
    reading: Reading
    vocabulary: str = ""
    field: str | None = None  # the model's, where it is called otherwise; "" where it has none for this

    @property
    def stored(self) -> str:
        """The name of the model's field, or empty."""
        return self.name if self.field is None else self.field


@dataclass(frozen=True)
class Target:
    """A table that imports fill.

    `key` is the column that tells which row it is, or the first of several in `identity`; these never change
    by an import. `needs` lists columns of which one must be there.
    """

    name: str
    model: type[models.Model]
    key: str
    needs: tuple[str, ...]
    columns: tuple[Column, ...]
    kind: str = ""  # of a row that names none; empty where the kind is an ordinary column
    identity: tuple[str, ...] = ()
    by_name: dict[str, Column] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})
        object.__setattr__(self, "identity", self.identity or (self.key,))

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
    Column("appearances", Reading.APPEARANCES, field=""),
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

TERM_COLUMNS = (
    Column("vocabulary", Reading.CHOICE),
    Column("name", Reading.TEXT),
    Column("slug", Reading.SLUG),
    Column("aliases", Reading.ALIASES),
)

APPEARANCE_COLUMNS = (
    Column("reference", Reading.REFERENCE, field="item"),
    Column("title", Reading.TEXT, field=""),
    Column("year", Reading.INTEGER, field=""),
    Column("production", Reading.SLUG, field="production"),
    Column("role", Reading.CHOICE),
    Column("notes", Reading.TEXT),
)

IMAGE_COLUMNS = (
    Column("key", Reading.KEY),
    Column("reference", Reading.REFERENCE, field="item"),
    Column("position", Reading.INTEGER),
    Column("alt_text", Reading.TEXT),
    Column("caption", Reading.TEXT),
    Column("focal_x", Reading.DECIMAL),
    Column("focal_y", Reading.DECIMAL),
)

TARGETS = {
    **{
        kind: Target(kind, Item, "reference", ("reference",), ITEM_COLUMNS, kind=kind) for kind in Kind.values
    },
    "production": Target("production", Production, "slug", ("title", "slug"), PRODUCTION_COLUMNS),
    "term": Target("term", Term, "name", ("name",), TERM_COLUMNS, identity=("vocabulary", "name")),
    "appearance": Target(
        "appearance",
        Appearance,
        "reference",
        ("reference",),
        APPEARANCE_COLUMNS,
        identity=("reference", "title", "year", "production", "role"),
    ),
    "image": Target("image", MediaAsset, "key", ("key",), IMAGE_COLUMNS),
}

# The sheets of a workbook, in the order in which they land: later ones refer to earlier ones.
WORKBOOK_SHEETS = {
    "Terms": "term",
    "Productions": "production",
    "Vehicles": "vehicle",
    "Memorabilia": "memorabilia",
    "Tools": "tool",
    "Appearances": "appearance",
    "Images": "image",
}
SHEET_ORDER = tuple(WORKBOOK_SHEETS.values())
WORKBOOK = "workbook"  # the target of a run of several sheets


def target_of_sheet(name: str) -> str:
    """Return the target of a workbook's sheet of this name, in the singular or plural; empty for any other."""
    plain = " ".join(name.split()).casefold()
    sheets = {sheet.casefold(): target for sheet, target in WORKBOOK_SHEETS.items()}
    return sheets.get(plain) or (plain if plain in SHEET_ORDER else "")


def sheet_of(target: Target) -> str:
    """Return what the workbook's sheet of this target is called."""
    return next(sheet for sheet, name in WORKBOOK_SHEETS.items() if name == target.name)


def column_name(header: str) -> str:
    """Return the column that a header means: letter case, blanks, hyphens and underscores do not count."""
    return re.sub(r"[\s_-]+", "_", header.strip().lower())
