"""Words of vocabularies in rows: other spellings give way to the term's own, unknown words are told."""

from collections.abc import Sequence

from catalog.api.writing.rows import UNKNOWN, Row
from catalog.imports.columns import Column, Reading
from catalog.imports.judgement.vocabularies import meanings
from catalog.models.fields import canonical_text

Meanings = dict[str, tuple[str | None, str | None]]


def name_words(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Give the rows' words their canonical spelling; an unknown word of a list is told, with the closest one.

    Words that a row has already stay as they are, so that a price is mended without mending the vocabulary first.
    One statement for each vocabulary.
    """
    for column in columns:
        given = [row for row in rows if column.vocabulary and column.name in row.given]
        strange = {word for row in given for word in _words(column, row) if word not in _present(column, row)}
        meant = meanings(column, sorted(strange - {""})) if strange - {""} else {}
        for row in given:
            _name(column, row, meant)


def _name(column: Column, row: Row, meant: Meanings) -> None:
    named = []
    for place, word in enumerate(_words(column, row)):
        kept = word in _present(column, row)
        name, fault = (word, None) if kept else meant.get(word, (word, None))
        if fault and column.reading is Reading.WORDS:
            row.refuse((column.name, place), fault, UNKNOWN)
        named.append(name or word)
    words = list(dict.fromkeys(named))
    setattr(row.future, column.name, words if column.reading is Reading.WORDS else words[0])


def _words(column: Column, row: Row) -> list[str]:
    given = row.given[column.name]
    return [canonical_text(word) for word in (given if column.reading is Reading.WORDS else [given])]


def _present(column: Column, row: Row) -> Sequence[str]:
    now = getattr(row.present, column.name, [])
    return list(now) if column.reading is Reading.WORDS else [str(now)]
