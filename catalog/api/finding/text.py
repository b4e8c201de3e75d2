"""Full text: how a query is read, which items rank, and where its words stand in an item."""

from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, FloatField, Func, JSONField, QuerySet
from django.db.models.functions import Cast

from catalog.models import Item

# So many matches are ranked, and pages by relevance end there: to rank all that hold common words would take
# seconds, and nobody reads on that far.
RANKED = 1_000


class Words(SearchQuery):
    """What matches a text, given as one or as an expression: words, "phrases", -not, or, begi*."""

    SEARCH_TYPES: dict[str, str] = {"plain": "catalog_query"}  # the name of Django's default


def matching(items: "QuerySet[Any]", words: Any) -> "QuerySet[Any]":
    """Narrow to the items that the words find."""
    return items.filter(search__words=Words(words))


def by_relevance(items: "QuerySet[Any]", words: Any) -> "QuerySet[Any]":
    """Keep the first `RANKED` of the items, which the words must have found, with their `relevance`."""
    first = items.order_by().values("pk")[:RANKED]
    rank = Cast(SearchRank(F("search__words"), Words(words)), FloatField())
    ranked: QuerySet[Any] = Item.objects.filter(pk__in=first).alias(relevance=rank)
    return ranked


def highlights(words: Any) -> Func:
    """Return the texts of an item that hold the words, as HTML with <mark> around each; a description in part."""
    texts = ("name", "make", "model", "description")
    return Func(*texts, Words(words), function="catalog_highlights", output_field=JSONField())
