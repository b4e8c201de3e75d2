"""The words of items and productions as terms: to rewrite them, everywhere at once.

History rows carry the person (`by`) and the action's name.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, QuerySet, Value

from accounts.models import User
from catalog.long_writes import long_write
from catalog.models import Item, Production, Term, Vocabulary


@dataclass(frozen=True)
class Rename:
    """How many items and productions held the term's old name and now hold the new one."""

    items: int
    productions: int


ARRAYS = {
    Vocabulary.GENRE: "genres",
    Vocabulary.VEHICLE_TYPE: "vehicle_types",
    Vocabulary.CATEGORY: "categories",
}


def rename_term(*, term: Term, name: str, by: User | None) -> Rename:
    """Rename the term and, with it, every item and production that holds its old name.

    The old name becomes an alias, so that the next spreadsheet with it still finds the term.
    """
    old = term.name
    with long_write(by, "rename term"):
        term.name = name
        term.aliases = sorted({*term.aliases, old} - {name})
        term.full_clean()
        term.save(update_fields=["name", "aliases", "updated_at"])
        if term.vocabulary == Vocabulary.MAKE:
            return Rename(Item.objects.filter(make=old).update(make=name), 0)
        column = ARRAYS[Vocabulary(term.vocabulary)]
        items = _replace_word(Item.objects.all(), column, old, name)
        of_genre = term.vocabulary == Vocabulary.GENRE
        return Rename(items, _replace_word(Production.objects.all(), column, old, name) if of_genre else 0)


def _replace_word(rows: QuerySet[Any], column: str, old: str, new: str) -> int:
    replaced = models.Func(
        F(column),
        Value(old, models.TextField()),
        Value(new, models.TextField()),
        function="array_replace",
        output_field=ArrayField(models.TextField()),
    )
    return rows.filter(**{f"{column}__contains": [old]}).update(**{column: replaced})
