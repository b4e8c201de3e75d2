"""The words of items and productions as terms: to rewrite them, everywhere at once.

History rows carry the person (`by`) and the action's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import User
from catalog import spellings
from catalog.long_writes import hold, long_write
from catalog.models import Item, Production, Term, Vocabulary

# The words as they are, but each of the old ones gives way to the new one, which stands once, where the first was.
REWRITTEN = """ARRAY(
    SELECT word FROM (
        SELECT CASE WHEN held = ANY(%s) THEN %s ELSE held END AS word, min(place) AS place
          FROM unnest({table}.{column}) WITH ORDINALITY AS words (held, place) GROUP BY 1) AS rewritten
     ORDER BY place)"""


@dataclass(frozen=True)
class Rename:
    """How many items and productions held the term's old name and now hold the new one."""

    items: int
    productions: int


def rename_term(*, term: Term, name: str, by: User | None) -> Rename:
    """Rename the term and, with it, every item and production that holds its old name.

    The old name becomes an alias, so that the next spreadsheet with it still finds the term. What the old name is,
    the database says: somebody else may have renamed it since `term` was read. Term.DoesNotExist, if it is gone.
    """
    with long_write(by, "rename term"):
        spellings.settle()
        old = Term.objects.select_for_update().values_list("name", flat=True).get(pk=term.pk)
        term.name = name
        term.aliases = sorted({*term.aliases, old} - {name})
        term.full_clean()
        term.save(update_fields=["name", "aliases", "updated_at"])
        return Rename(*replace_words(Vocabulary(term.vocabulary), [old], name))


def replace_words(vocabulary: Vocabulary, old: Sequence[str], new: str) -> tuple[int, int]:
    """Write the new word in place of the old ones; return how many items and productions that changed."""
    if vocabulary == Vocabulary.MAKE:
        makers = Item.objects.filter(make__in=old)
        hold(makers)
        return makers.update(make=new), 0
    items = _rewrite(Item.objects.all(), vocabulary.column, old, new)
    of_genre = vocabulary == Vocabulary.GENRE
    return items, _rewrite(Production.objects.all(), "genres", old, new) if of_genre else 0


def _rewrite(rows: QuerySet[Any], column: str, old: Sequence[str], new: str) -> int:
    found = rows.filter(**{f"{column}__overlap": list(old)})
    hold(found)
    text = REWRITTEN.format(table=rows.model._meta.db_table, column=column)
    field = rows.model._meta.get_field(column)
    rewritten = RawSQL(text, [list(old), new], output_field=field)  # noqa: S611 -- names of our own
    return found.update(**{column: rewritten})
