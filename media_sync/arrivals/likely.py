"""Which items a file without one could belong to: those whose names look like its own."""

import re
from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import NamedTuple

from django.db import connection

from catalog.models.fields import canonical_text

MOST = 5
WORDS = re.compile(r"[^\W_]{2,}")
MOST_WORDS = 8  # of a path, its last ones: the file's own name and the folders next to it
LOOKED_AT = 1000  # items that are compared, about as many for each way in which they are found

# Words are constants of the statement, not rows of a join: so that PostgreSQL knows how common each is, and reads
# no index of a word that most items have.
BY_WORDS = "(SELECT item_id FROM catalog_itemsearch WHERE words @@ to_tsquery('catalog_text', %s) LIMIT %s)"
BY_REFERENCE = "(SELECT id FROM catalog_item WHERE upper(reference) %%> upper(%s) LIMIT %s)"
LIKELIEST = """
SELECT i.id, i.name, i.reference
FROM catalog_item i
WHERE i.kind = ANY (%s) AND i.id IN ({found})
ORDER BY greatest(word_similarity(i.reference, %s), similarity(i.name, %s), similarity(i.slug, %s)) DESC, i.id
LIMIT %s
"""


class Likely(NamedTuple):
    item_id: int
    name: str
    reference: str


def likely(paths: Iterable[tuple[int, str]], kinds: Collection[str]) -> dict[int, list[Likely]]:
    """Return the likeliest items of these kinds, the best first, for each of the numbered paths that has any."""
    told = ((number, words_of(path)) for number, path in paths)
    found = ((number, _likeliest(words, kinds)) for number, words in told if words)
    return {number: items for number, items in found if items}


def _likeliest(words: list[str], kinds: Collection[str]) -> list[Likely]:
    """Return the items most like these words, of those that have two neighbours of them, or one, or such a reference."""
    lexemes = [f"'{word}'" for word in words]
    by_words = [" & ".join(pair) for pair in pairwise(lexemes)] + lexemes
    ways = [*((BY_WORDS, query) for query in by_words), *((BY_REFERENCE, word) for word in words)]
    most = LOOKED_AT // len(ways)
    text = " ".join(words)
    parameters = [
        sorted(kinds),
        *(each for _, given in ways for each in (given, most)),
        text,
        text,
        text,
        MOST,
    ]
    with connection.cursor() as cursor:
        cursor.execute(LIKELIEST.format(found=" UNION ALL ".join(way for way, _ in ways)), parameters)
        return [Likely(*item) for item in cursor.fetchall()]


def words_of(path: str) -> list[str]:
    """Return the words of a path that could tell its item; no ending."""
    words = WORDS.findall(canonical_text(re.sub(r"\.\w{1,5}$", "", path)))
    return words[-MOST_WORDS:]
