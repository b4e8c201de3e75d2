"""Full text: how a query is read, which items rank, and where its words stand in an item."""

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, FloatField, Func, JSONField, Q, QuerySet
from django.db.models.functions import Cast
from django.db.models.sql.datastructures import BaseTable

from catalog.models import Headwords, Item

# So many matches are ranked, and pages by relevance end there: to rank all that hold common words would take
# seconds, and nobody reads on that far.
RANKED = 1_000


class Words(SearchQuery):
    """What matches a text, given as one or as an expression: words, "phrases", -not, or, begi*."""

    SEARCH_TYPES: dict[str, str] = {"plain": "catalog_query"}  # the name of Django's default


def matching(items: "QuerySet[Any]", words: Any) -> "QuerySet[Any]":
    """Narrow to the items that the words find."""
    return items.filter(search__words=Words(words))


class Ranked(BaseTable):
    """In the place of the table of items: keys and relevance of the first `RANKED` rows of some lists of them."""

    def __init__(self, alias: str, lists: "Sequence[QuerySet[Any, Any]]") -> None:
        super().__init__(alias, alias)
        self.lists = lists

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        compiled = [each.query.get_compiler(connection=connection).as_sql() for each in self.lists]
        union = " UNION ALL ".join(f"({text})" for text, _ in compiled)
        params = [each for _, own in compiled for each in own]
        return f'({union} LIMIT {RANKED}) AS "{self.table_alias}" (id, relevance)', params


class Relevance(Func):
    template = '"catalog_item"."relevance"'
    output_field = FloatField()


def by_relevance(items: "QuerySet[Any]", words: Any) -> "QuerySet[Any]":
    """Keep the first `RANKED` of the items, which the words must have found, with their `relevance`.

    Those come first that hold all words in what weighs most. Of a row there is its `id` and nothing else.
    """
    rank = Cast(SearchRank(F("search__words"), Words(words)), FloatField())
    found = items.order_by().alias(heads=Headwords("search__words")).values_list("pk", rank)
    first = Q(heads=Words(words))
    ranked: QuerySet[Any] = Item.objects.order_by().alias(relevance=Relevance())
    table = ranked.query.get_initial_alias()
    ranked.query.alias_map[table] = Ranked(
        table, [found.filter(first)[:RANKED], found.exclude(first)[:RANKED]]
    )
    return ranked


def highlights(words: Any) -> Func:
    """Return the texts of an item that hold the words, as HTML with <mark> around each; a description in part."""
    texts = ("name", "make", "model", "description")
    return Func(*texts, Words(words), function="catalog_highlights", output_field=JSONField())
