"""Terms that look as if they were one: found, and told apart for good."""

from typing import NamedTuple

from django.db import connection, transaction

from accounts.models import User
from catalog.models import Term, Vocabulary, WordsApart

MOST_PAIRS = 50  # that are shown at once
ALIKE = 0.4  # of pg_trgm's similarity: "Ferrari" and "Ferarri" are 0.45, "Aston Martin" and "Austin" 0.2

# Alike are names that differ in letter case, accents, signs or plural alone, and such as share most of their
# letters; those with other digits in them (Mk 1, Mk 2) are meant to differ.
PAIRS = """
WITH words AS MATERIALIZED (
    SELECT id, upper(name) AS spelled, regexp_replace(name, '[^0-9]+', ' ', 'g') AS digits,
        regexp_replace(regexp_replace(regexp_replace(
            catalog_folded(name), '[^[:alnum:]]+', '', 'g'), 'ies$', 'y'), 's$', '') AS key
      FROM catalog_term WHERE vocabulary = %(vocabulary)s
), pairs AS (
    SELECT one.id AS first, other.id AS second, 1.0::real AS likeness
      FROM words AS one JOIN words AS other USING (key) WHERE one.id < other.id AND key <> ''
     UNION ALL
    SELECT one.id, other.id, similarity(one.spelled, upper(other.name))
      FROM words AS one JOIN catalog_term AS other ON upper(other.name) %% one.spelled
     WHERE other.vocabulary = %(vocabulary)s AND one.id < other.id
       AND trim(one.digits) = trim(regexp_replace(other.name, '[^0-9]+', ' ', 'g'))
)
SELECT first, second FROM pairs
 WHERE NOT EXISTS (SELECT FROM catalog_wordsapart AS apart
                    WHERE apart.first_id = pairs.first AND apart.second_id = pairs.second)
 GROUP BY first, second ORDER BY max(likeness) DESC, first, second LIMIT %(most)s"""


class Pair(NamedTuple):
    """Two terms of one vocabulary, the older one first."""

    first: Term
    second: Term


def look_alikes(vocabulary: Vocabulary) -> tuple[list[Pair], bool]:
    """Return the pairs of terms that look most alike, and whether there are more than `MOST_PAIRS`."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL pg_trgm.similarity_threshold = {ALIKE:f}")
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
