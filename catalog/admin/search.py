"""What the search box of the item lists does: words of the full text, or how a key begins."""

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q

from catalog.models import Item, ItemQuerySet, ItemSearch
from catalog.models.fields import canonical_text

MAX_WORDS = 20  # more would only slow the search down


def matching(items: ItemQuerySet, text: str) -> ItemQuerySet:
    """Narrow to items with all the words, the last one perhaps unfinished, or whose reference or slug begins so."""
    words = canonical_text(text.replace("\x00", " ")).split()[:MAX_WORDS]
    if not words:
        return items
    query = SearchQuery(prefix_query(words), config="catalog_text", search_type="raw")
    found = ItemSearch.objects.filter(words=query).values("item")
    if len(words) == 1:
        # A union, so that each part has its index: trigrams of the upper-case reference, text patterns of the slug.
        keys = Q(reference__istartswith=words[0]) | Q(slug__startswith=words[0].lower())
        found = found.union(Item.objects.filter(keys).values("pk"), all=True)
    return items.filter(pk__in=found)


def prefix_query(words: list[str]) -> str:
    """Write words in the syntax of to_tsquery, each quoted so that none of its marks means anything."""
    quoted = ["'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in words]
    return " & ".join(quoted) + ":*"
