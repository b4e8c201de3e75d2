"""What was meant by words that nothing has: the nearest words of items that the caller sees."""

import re
import unicodedata
from difflib import SequenceMatcher

from django.db.models import F, FloatField, Func, Value

from catalog.api.finding.text import matching
from catalog.models import ItemQuerySet, SearchWord

WORD = re.compile(r"(?<![\w-])(-?)(\w+)(\*?)")
OPERATORS = {"or"}
MOST_WORDS = 8  # of a query that are looked at; each takes some queries
NEAREST = 1_000  # words that are compared letter by letter; so many that words of drafts crowd no other out
LEAST_LIKENESS = 0.75  # of two words, from 0 to 1
LONGEST_WORD = 60  # characters; longer ones are no misspelling


class Distance(Func):
    """How far two texts are apart by their trigrams; an index gives the nearest first."""

    template = "%(expressions)s"
    arg_joiner = " <-> "
    output_field = FloatField()


def meant(words: str, items: ItemQuerySet) -> str | None:
    """Return the query with each word that none of the items has replaced by the nearest that one has.

    None: all words are known, or nothing is near to one of them. This causes a few SQL queries for each word.
    """
    replaced: dict[str, str] = {}
    for excluded, word, begins in WORD.findall(words)[:MOST_WORDS]:
        if excluded or word.lower() in OPERATORS or matching(items, word + begins).exists():
            continue
        nearest = _nearest(word, items)
        if nearest is None:
            return None
        replaced[word] = nearest
    if not replaced:
        return None
    return WORD.sub(lambda match: match[1] + (replaced.get(match[2]) or match[2] + match[3]), words)


def folded(text: str) -> str:
    """Return the text without accents and capitals, much as the words are stored."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).lower()


def _nearest(word: str, items: ItemQuerySet) -> str | None:
    sought = folded(word)
    if len(sought) > LONGEST_WORD:
        return None
    rows = (
        SearchWord.objects.filter(kind=SearchWord.WORD)
        .order_by(Distance(F("folded"), Value(sought)))
        .values_list("text", "witness")[:NEAREST]
    )
    compared = ((_likeness(sought, text), text, witness) for text, witness in rows)
    for _, text, witness in sorted((each for each in compared if each[0] >= LEAST_LIKENESS), reverse=True):
        if _is_seen(text, witness, items):
            return text
    return None


def _is_seen(word: str, witness: int, items: ItemQuerySet) -> bool:
    """Return whether one of these items has the word: the witness, or else any."""
    found = matching(items, word)
    return found.filter(pk=witness).exists() or found.exists()


def _likeness(one: str, other: str) -> float:
    compared = SequenceMatcher(None, one, other, autojunk=False)
    if compared.real_quick_ratio() < LEAST_LIKENESS or compared.quick_ratio() < LEAST_LIKENESS:
        return 0.0  # these are upper bounds, and quick
    return compared.ratio()
