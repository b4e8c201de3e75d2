"""Terms that look as if they were one: found, and told apart for good."""

from typing import NamedTuple

from django.db import connection, transaction

from accounts.models import User
from catalog.models import Term, Vocabulary, WordsApart

MOST_PAIRS = 50  # that are shown at once

# Each name under what it may be mistaken for, so that those that look alike share a spelling: without letter case,
# accents, signs and plural; with its words in another order; from five letters on without any one letter, which
# one letter less, more, other or elsewhere comes to; without its last word. `cost` is how far that is from the name.
# Names with other digits in them (Mk 1, Mk 2) are meant to differ.
PAIRS = """
WITH names AS (
    SELECT id, name, catalog_folded(name) AS folded FROM catalog_term WHERE vocabulary = %(vocabulary)s
), words AS MATERIALIZED (
    SELECT id, name, regexp_replace(folded, '[^0-9]+', ' ', 'g') AS digits,
        regexp_split_to_array(trim(regexp_replace(folded, '[^[:alnum:]]+', ' ', 'g')), ' ') AS parts,
        regexp_replace(regexp_replace(regexp_replace(folded, '[^[:alnum:]]+', '', 'g'), 'ies$', 'y'), 's$', '') AS key
      FROM names
), spellings AS MATERIALIZED (
    SELECT id, key AS spelling, 0 AS cost FROM words WHERE key <> ''
     UNION ALL
    SELECT id, '~' || (SELECT string_agg(part, ' ' ORDER BY part) FROM unnest(parts) AS part), 1
      FROM words WHERE cardinality(parts) > 1
     UNION ALL
    SELECT id, left(key, place - 1) || substr(key, place + 1), 1
      FROM words, generate_series(1, length(key)) AS place WHERE length(key) >= 5
     UNION ALL
    SELECT id, regexp_replace(array_to_string(trim_array(parts, 1), ''), 's$', ''), 2 FROM words WHERE cardinality(parts) > 1
), pairs AS (
    SELECT one.id AS first, other.id AS second, min(one.cost + other.cost) AS cost
      FROM spellings AS one JOIN spellings AS other USING (spelling)
     WHERE one.id < other.id AND one.cost + other.cost <= 2 GROUP BY 1, 2
)
SELECT first, second FROM pairs JOIN words AS one ON one.id = first JOIN words AS other ON other.id = second
 WHERE (cost = 0 OR trim(one.digits) = trim(other.digits))
   AND NOT EXISTS (SELECT FROM catalog_wordsapart AS apart
                    WHERE apart.first_id = pairs.first AND apart.second_id = pairs.second)
 ORDER BY cost, similarity(one.name, other.name) DESC, first, second LIMIT %(most)s"""


class Pair(NamedTuple):
    """Two terms of one vocabulary, the older one first."""

    first: Term
    second: Term


def look_alikes(vocabulary: Vocabulary) -> tuple[list[Pair], bool]:
    """Return the pairs of terms that look most alike, and whether there are more than `MOST_PAIRS`."""
    with connection.cursor() as cursor:
        cursor.execute(PAIRS, {"vocabulary": vocabulary.value, "most": MOST_PAIRS + 1})
        keys = cursor.fetchall()
    terms = Term.objects.in_bulk({key for pair in keys for key in pair})
    pairs = [Pair(terms[one], terms[other]) for one, other in keys if one in terms and other in terms]
    return pairs[:MOST_PAIRS], len(keys) > MOST_PAIRS


def tell_apart(first: int, second: int, *, by: User) -> bool:
    """Remember that these two terms differ; return whether both are there. Twice is as once."""
    low, high = sorted((first, second))
    with transaction.atomic():
        held = Term.objects.select_for_update(no_key=True).filter(pk__in=[low, high]).order_by("pk")
        is_pair = low != high and len(held) == len((low, high))
        if is_pair:
            WordsApart.objects.get_or_create(first_id=low, second_id=high, defaults={"made_by": by})
    return is_pair
