"""What is exported: of a list as it was when the export began, row after row by id, in constant memory.

First the ids of the list are taken (8 bytes each) and then the rows in chunks, each by two short queries. So no
transaction stands open while a slow client downloads, and no statement runs long; rows deleted meanwhile are left out.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, NamedTuple

import orjson
from django.db import connection, models, transaction
from django.db.models.functions import Cast

from catalog.exports import cells
from catalog.imports import sql
from catalog.imports.columns import TARGETS, Column, Reading, Target
from catalog.imports.judgement import appearances, productions, vocabularies
from catalog.models import Appearance, Item
from catalog.writers import Cell

CHUNK = 1_000
WORD_LISTS = 10_000  # that are kept as cells
FEW = 5_000  # rows; the words of more are not looked for among these rows alone
LONG_STATEMENT_MS = 120_000  # for the whole filtered list; the usual limit of 5 s is meant for single pages
Cellular = Callable[[Any], Cell]
ITEM = Target("item", Item, "reference", ("reference",), TARGETS["vehicle"].columns)
EXPORTS = {"item": ITEM} | {name: target for name, target in TARGETS.items() if name != "image"}
PATHS = {
    "appearance": {
        "reference": "item__reference",
        "title": "production__title",
        "year": "production__years__0",
        "production": "production__slug",
    },
}


class Entry(NamedTuple):
    """An appearance of an item."""

    title: str
    years: list[int]
    slug: str
    role: str
    production: int


class ExportRefused(ValueError):
    """This cannot be exported so; the message is a sentence for the person who asked."""


@dataclass
class Export:
    """The rows with these ids and the columns of them that were asked for."""

    target: Target
    columns: tuple[Column, ...]
    ids: "array[int]"
    plain: dict[str, frozenset[str]] = field(
        default_factory=dict
    )  # words by column, which imports leave alone
    ambiguous: frozenset[int] = frozenset()  # productions that title and year do not tell apart

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def header(self) -> list[str]:
        return [column.name for column in self.columns]

    def values(self, ids: Sequence[int] | None = None) -> Iterator[list[Any]]:
        """Yield the rows, of all ids or of these; objects as JSON texts, appearances as lists of `Entry`."""
        wanted = self.ids if ids is None else ids
        paths = [_path(self.target, column) for column in self.columns]
        place = next(
            (n for n, column in enumerate(self.columns) if column.reading is Reading.APPEARANCES), None
        )
        for start in range(0, len(wanted), CHUNK):
            chunk = list(wanted[start : start + CHUNK])
            rows = self.target.model._base_manager.filter(pk__in=chunk).order_by("pk")
            listed = _appearances(chunk) if place is not None else {}
            for pk, *row in rows.values_list("pk", *paths):
                if place is not None:
                    row[place] = listed.get(pk, [])
                yield row

    def cells(self, ids: Sequence[int] | None = None) -> Iterator[list[Cell]]:
        """Yield the rows as cells that import reads."""
        written = [self._cellular(column) for column in self.columns]
        for row in self.values(ids):
            yield [write(value) for write, value in zip(written, row, strict=True)]

    def objects(self) -> Iterator[list[Any]]:
        """Yield the rows as values for JSON."""
        shaped = [_shape(column) for column in self.columns]
        for row in self.values():
            yield [shape(value) for shape, value in zip(shaped, row, strict=True)]

    def _cellular(self, column: Column) -> Cellular:
        plain = self.plain.get(column.name, frozenset())
        match column.reading:
            case Reading.APPEARANCES:
                return self._appearances_cell
            case Reading.WORD:
                return partial(cells.word_cell, plain=plain)
            case Reading.WORDS:
                written = lru_cache(WORD_LISTS)(partial(cells.words_cell, plain=plain))
                return lambda words: written(tuple(words))  # a catalogue has few different lists
            case _:
                return CELLS.get(column.reading, _as_it_is)

    def _appearances_cell(self, entries: Sequence[Entry]) -> str:
        written = [
            appearances.as_text(
                entry.title, entry.years, entry.slug, entry.role, with_slug=entry.production in self.ambiguous
            )
            for entry in entries
        ]
        return cells.text_cell(" | ".join(written))


def _appearances(ids: list[int]) -> dict[int, list[Entry]]:
    """Return the appearances of these items, by item."""
    listed: dict[int, list[Entry]] = {}
    rows = Appearance.objects.filter(item_id__in=ids).order_by("item_id", "id")
    paths = ("production__title", "production__years", "production__slug", "role", "production_id")
    for item, *values in rows.values_list("item_id", *paths):
        listed.setdefault(item, []).append(Entry(*values))
    return listed


def _as_it_is(value: Any) -> Any:
    return value


CELLS: dict[Reading, Cellular] = {
    Reading.TEXT: cells.text_cell,
    Reading.SLUG: cells.text_cell,
    Reading.REFERENCE: cells.text_cell,
    Reading.ALIASES: cells.aliases_cell,
    Reading.YEARS: cells.years_cell,
    Reading.OBJECT: cells.object_cell,
    Reading.TIME: cells.time_cell,
}


def _path(target: Target, column: Column) -> Any:
    """Return what `values_list` takes for the column."""
    if column.reading is Reading.APPEARANCES:
        return models.Value(None, models.TextField())  # their place; they come by a query of their own
    path = PATHS.get(target.name, {}).get(column.name, column.stored)
    return Cast(path, models.TextField()) if column.reading is Reading.OBJECT else path


def _shape(column: Column) -> Callable[[Any], Any]:
    """Return what makes a value one for JSON."""
    if column.reading is Reading.OBJECT:
        return orjson.Fragment  # every digit of its numbers stays
    return _described if column.reading is Reading.APPEARANCES else _as_it_is


def _described(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {"title": entry.title, "years": entry.years, "production": entry.slug, "role": entry.role}
        for entry in entries
    ]


def prepare(name: str, rows: "models.QuerySet[Any]", columns: Sequence[str] = ()) -> Export:
    """Take down which rows are exported. `columns` are names; none means all of the target's."""
    target = EXPORTS[name]
    chosen = tuple(column for column in target.columns if not columns or column.name in columns)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {LONG_STATEMENT_MS:d}")
        keys = rows.order_by("pk").values_list("pk", flat=True)
        export = Export(target, chosen, array("q", keys.iterator(chunk_size=CHUNK)))
        if any(column.reading in {Reading.WORD, Reading.WORDS} for column in chosen):
            vocabularies.collect_spellings(cursor)
            export.plain = {
                column.name: _plain_words(export, column) for column in chosen if column.vocabulary
            }
        if any(column.reading is Reading.APPEARANCES for column in chosen):
            cursor.execute(productions.ambiguous_productions().replace("%", "%%"), [])
            export.ambiguous = frozenset(pk for (pk,) in cursor.fetchall())
    return export


def _plain_words(export: Export, column: Column) -> frozenset[str]:
    """Return those of the column's words that import reads as themselves.

    They are names of terms, or no spelling of a term; of several unknown words that make the same slug, one.
    """
    source = sql.name(column.stored)
    words = f"unnest({source})" if column.reading is Reading.WORDS else source
    query = f"""
        WITH words AS (SELECT DISTINCT {words} AS word FROM {export.target.table} WHERE %s OR id = ANY(%s)),
        named AS (
            SELECT word, slug, coalesce(exact.name, alike.name) AS name
              FROM (SELECT word, {sql.slug('word', vocabularies.LONGEST_SLUG)} AS slug FROM words) AS words
              LEFT JOIN import_term AS exact
                     ON exact.vocabulary = %s AND exact.spelling = {sql.folded('word')}
              LEFT JOIN import_term AS alike ON alike.vocabulary = %s AND alike.spelling = '/' || slug)
        SELECT word FROM (
               SELECT word, name, row_number() OVER (PARTITION BY slug, name IS NULL ORDER BY word) AS place
                 FROM named) AS judged
         WHERE name = word OR (name IS NULL AND (place = 1 OR %s))"""  # noqa: S608  (our own names)
    alone = column.reading is Reading.WORD  # one word in a cell is compared with no other
    with connection.cursor() as cursor:
        many = len(export) > FEW
        ids = [] if many else list(export.ids)
        cursor.execute(query, [many, ids, column.vocabulary, column.vocabulary, alone])
        return frozenset(word for (word,) in cursor.fetchall())
