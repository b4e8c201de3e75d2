"""How often the words of the vocabularies are used: quick for a list of terms, exact before one is lost."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, F, Func, TextField

from catalog.finding.bitmaps import Condition, Counting, unsettled
from catalog.models import Item, Kind, Production, Term, Vocabulary
from catalog.upkeep import HELD as EVERY_VALUE

# Of items that bitmaps may be wrong about: each word once, whatever its column.
HELD = " UNION ".join(
    f"SELECT '{Vocabulary(each).column}', "
    + ("make" if each == Vocabulary.MAKE else f"unnest({Vocabulary(each).column})")
    for each in Vocabulary.values
)
UNSETTLED = f"""
SELECT facet, word, count(*) FROM catalog_item, LATERAL ({HELD}) AS held (facet, word)
 WHERE id = ANY(%s) AND kind = ANY(%s) AND word = ANY(%s) GROUP BY 1, 2"""


# Of all columns that have bitmaps.
UNSETTLED_TALLIES = f"""
SELECT facet, value, count(DISTINCT item.id) FROM catalog_item AS item, LATERAL ({EVERY_VALUE}) AS held
 WHERE id = ANY(%s) AND kind = ANY(%s) AND facet = ANY(%s) AND value <> '' AND (%s = '' OR currency = %s) GROUP BY 1, 2"""


class Tallies(NamedTuple):
    """How many items hold each value of some columns.

    `unsettled` are the items that bitmaps may be wrong about; None, where there are too many to be looked at.
    """

    counts: dict[str, dict[str, int]]
    unsettled: list[int] | None

    @property
    def is_rough(self) -> bool:
        """Whether a large load is not taken in yet, so that the counts are those of before."""
        return self.unsettled is None


class Usage(NamedTuple):
    """How many items and productions hold a word; `is_rough` while a large load is not taken in."""

    items: int = 0
    productions: int = 0
    is_rough: bool = False

    @property
    def items_text(self) -> str:
        """The number of items for people."""
        return f"{'about ' if self.is_rough else ''}{self.items:,}"


def tallies(
    columns: Sequence[str], *, kinds: Iterable[str], currency: str = "", after: Tallies | None = None
) -> Tallies:
    """Count the items of these kinds, drafts too, by the values of these columns; at most three queries.

    `after`: a count of just before, which knows the unsettled items. The columns are those of `catalog.upkeep` that have bitmaps; decades and brackets of prices among them.
    """
    kinds, ids = sorted(kinds), after.unsettled if after else unsettled()
    where: list[Condition] = [Condition("kind", tuple(kinds))] if len(kinds) < len(Kind) else []
    if currency:
        where.append(Condition("currency", (currency,)))
    counts = Counting(public=False, left_out=ids or []).by_value((column, where) for column in columns)
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(UNSETTLED_TALLIES, [ids, kinds, list(columns), currency, currency])
            for column, value, number in cursor.fetchall():
                counts[column][value] = counts[column].get(value, 0) + number
    return Tallies(counts, ids)


def usage(terms: Sequence[Term], *, kinds: Iterable[str], productions: bool = True) -> dict[int, Usage]:
    """Return how often each term is used, by its key, in at most four queries whatever their number.

    Items of these kinds alone are counted, drafts too; `productions` false leaves those out.
    """
    kinds = sorted(kinds)
    ids = unsettled() if terms and kinds else []
    counts = _from_bitmaps(terms, kinds, ids or []) if terms and kinds else {}
    films = _of_productions(terms) if productions else {}
    return {
        term.pk: Usage(
            counts.get((Vocabulary(term.vocabulary).column, term.name), 0),
            films.get(term.name, 0) if term.vocabulary == Vocabulary.GENRE else 0,
            ids is None,
        )
        for term in terms
    }


def _from_bitmaps(terms: Sequence[Term], kinds: list[str], ids: list[int]) -> dict[tuple[str, str], int]:
    where = [Condition("kind", tuple(kinds))] if len(kinds) < len(Kind) else []
    facets = dict.fromkeys(Vocabulary(term.vocabulary).column for term in terms)
    found = Counting(public=False, left_out=ids).by_value((facet, where) for facet in facets)
    counts = {(facet, word): number for facet, words in found.items() for word, number in words.items()}
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(UNSETTLED, [ids, kinds, [term.name for term in terms]])
            for facet, word, number in cursor.fetchall():
                counts[facet, word] = counts.get((facet, word), 0) + number
    return counts


def _of_productions(terms: Iterable[Term]) -> dict[str, int]:
    genres = [term.name for term in terms if term.vocabulary == Vocabulary.GENRE]
    if not genres:
        return {}
    word = Func(Func(F("genres"), function="catalog_distinct"), function="unnest", output_field=TextField())
    held = (
        Production.objects.filter(genres__overlap=genres).order_by().annotate(word=word).values_list("word")
    )
    return dict(held.annotate(number=Count("*")))


def exact_uses(terms: Sequence[Term]) -> tuple[int, int]:
    """Return how many items and productions hold a word of these terms, which are of one vocabulary."""
    names = [term.name for term in terms]
    if not names:
        return 0, 0
    vocabulary = Vocabulary(terms[0].vocabulary)
    lookup: dict[str, Any] = {
        f"{vocabulary.column}__{'in' if vocabulary == Vocabulary.MAKE else 'overlap'}": names
    }
    films = 0
    if vocabulary == Vocabulary.GENRE:
        films = Production.objects.filter(genres__overlap=names).count()
    return Item.objects.filter(**lookup).count(), films


def why_in_use(terms: Sequence[Term]) -> dict[int, str]:
    """Return why terms are not deleted, by the key of each that something uses. At most five queries."""
    films = _of_productions(terms)
    found = {}
    for vocabulary in Vocabulary:
        own = [term for term in terms if term.vocabulary == vocabulary]
        items = _items_of(vocabulary, [term.name for term in own])
        for term in own:
            of_films = films.get(term.name, 0) if vocabulary == Vocabulary.GENRE else 0
            if sentence := _in_use(term.name, items.get(term.name, 0), of_films):
                found[term.pk] = sentence
    return found


def _items_of(vocabulary: Vocabulary, names: list[str]) -> dict[str, int]:
    if not names:
        return {}
    if vocabulary == Vocabulary.MAKE:
        held = Item.objects.filter(make__in=names).order_by().values_list("make")
    else:
        words = Func(
            Func(vocabulary.column, function="catalog_distinct"), function="unnest", output_field=TextField()
        )
        items = Item.objects.filter(**{f"{vocabulary.column}__overlap": names}).order_by()
        held = items.annotate(word=words).values_list("word")
    return dict(held.annotate(number=Count("*")))


def _in_use(name: str, items: int, productions: int) -> str:
    if not items and not productions:
        return ""
    uses = f"items: {items:,}, productions: {productions:,}"
    return f"The term '{name:.60}' is used ({uses}); merge it into another, or take it from them first."
