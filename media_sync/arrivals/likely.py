"""Which items a file without one could belong to: those whose names look like its own."""

import re
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from django.db import connection

from catalog.models.fields import canonical_text

MOST = 5
WORDS = re.compile(r"[^\W_]{2,}")
MOST_WORDS = 8  # of a path, its last ones: the file's own name and the folders next to it
LOOKED_AT = 1000  # items that share a word with the path, or have a reference like one

# Items that share a word, or whose reference is like a word: by their indexes. The likest of them by trigrams.
LIKELY = """
SELECT w.id, c.id, c.name, c.reference
FROM unnest(%(ids)s::bigint[], %(texts)s::text[], %(queries)s::text[]) AS w (id, text, query)
CROSS JOIN LATERAL (
    SELECT i.id, i.name, i.reference,
        greatest(word_similarity(i.reference, w.text), similarity(i.name, w.text), similarity(i.slug, w.text)) AS likeness
    FROM catalog_item i
    WHERE i.kind = ANY (%(kinds)s) AND i.id IN (
        (SELECT id FROM catalog_item WHERE search @@ to_tsquery('catalog_text', w.query) LIMIT %(looked_at)s)
        UNION ALL
        (SELECT r.id FROM regexp_split_to_table(upper(w.text), ' ') AS word
            JOIN catalog_item r ON upper(r.reference) %% word WHERE length(word) > 2 LIMIT %(looked_at)s)
    )
    ORDER BY likeness DESC, i.id
    LIMIT %(most)s
) AS c
ORDER BY w.id, c.likeness DESC, c.id
"""


class Likely(NamedTuple):
    item_id: int
    name: str
    reference: str


def likely(paths: Iterable[tuple[int, str]], kinds: Collection[str]) -> dict[int, list[Likely]]:
    """Return the likeliest items of these kinds, the best first, for each of the numbered paths that has any."""
    told = [(number, words_of(path)) for number, path in paths]
    given: dict[str, Any] = {
        "ids": [number for number, words in told if words],
        "texts": [" ".join(words) for _, words in told if words],
        "queries": [" | ".join(f"'{word}'" for word in words) for _, words in told if words],
        "kinds": sorted(kinds),
        "looked_at": LOOKED_AT,
        "most": MOST,
    }
    found: dict[int, list[Likely]] = {}
    with connection.cursor() as cursor:
        cursor.execute(LIKELY, given)
        for number, *item in cursor.fetchall():
            found.setdefault(number, []).append(Likely(*item))
    return found


def words_of(path: str) -> list[str]:
    """Return the words of a path that could tell its item; no ending."""
    words = WORDS.findall(canonical_text(re.sub(r"\.\w{1,5}$", "", path)))
    return words[-MOST_WORDS:]
