"""How words that are being typed may go on: names, makes, films and series of what the caller sees."""

import re

from django.contrib.postgres.search import SearchVector
from django.db.models import Exists, OuterRef, Q, QuerySet

from catalog.api.finding.spelling import folded
from catalog.api.finding.text import Words
from catalog.models import Headwords, ItemQuerySet, Production, ProductionQuerySet, SearchWord

MOST = 10  # of each kind
LOOKED_AT = 60  # items whose names are told apart; many may have the same one
WORD = re.compile(r"\w+")


def names(typed: str, items: ItemQuerySet) -> list[str]:
    """Return names that hold the words; the last of them may be unfinished."""
    query = _begun(typed)
    if query is None:
        return []
    found = items.order_by().alias(heads=Headwords("search__words")).filter(heads=query)
    return sorted(set(found.values_list("name", flat=True)[:LOOKED_AT]))[:MOST]


def makes(typed: str, items: ItemQuerySet) -> list[str]:
    """Return makes in which a word begins so, if an item of the make is seen."""
    begins = folded(typed)
    held = Exists(items.order_by().filter(make=OuterRef("text")))
    words = SearchWord.objects.filter(
        Q(folded__startswith=begins) | Q(folded__contains=f" {begins}"), held, kind=SearchWord.MAKE
    )
    return list(words.order_by("folded", "text").values_list("text", flat=True)[:MOST])


def films(typed: str, productions: ProductionQuerySet) -> "QuerySet[Production]":
    """Return films and series whose title holds the words; the last of them may be unfinished."""
    query = _begun(typed)
    if query is None:
        return productions.none()
    found = productions.alias(words=SearchVector("title", config="catalog_text")).filter(words=query)
    return found.order_by("title", "id")[:MOST]


def _begun(typed: str) -> Words | None:
    """Return what finds the words that were typed, without accents; None: there are none."""
    words = WORD.findall(folded(typed))
    return Words(f"{' '.join(words)}*") if words else None
