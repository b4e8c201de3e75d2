"""Names and aliases of terms must not get in each other's way: a spelling means one term of its vocabulary."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.db import connection

from catalog.imports.judgement.vocabularies import ALIAS_SENTENCE, LONGEST_NAME
from catalog.models import Term
from catalog.models.fields import canonical_text, folded

TAKEN = "'{:.60}' is already {} of the term '{}'."  # as imports say it
Spelling = tuple[str, str]  # vocabulary, folded text


class Clash(NamedTuple):
    """What is wrong with a name (`place` None) or with the alias at a place, from 0."""

    column: str
    place: int | None
    sentence: str


class Owners(NamedTuple):
    """Whose each spelling is: the place of the term in the list of all, and its name. The first one counts."""

    of_names: dict[Spelling, tuple[int, str]]
    of_aliases: dict[Spelling, tuple[int, str]]


def tidy(aliases: Sequence[str]) -> list[str]:
    """Return the aliases as imports keep them: without blanks around them, each once whatever its letter case."""
    words = filter(None, map(canonical_text, aliases))
    return list({folded(word): word for word in reversed(list(words))}.values())[::-1]


def settle() -> None:
    """Let others who would give spellings to terms wait until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('catalog.spellings'))")


def clashes(terms: Sequence[Term]) -> list[list[Clash]]:
    """Return what is wrong with the names and aliases of each of these terms, as they will be.

    What a term in the database has already may stay. That another term has the same name is left to the constraint.
    Until the transaction's end others who ask wait, so that no two of them give one spelling to two terms.
    """
    settle()
    vocabularies = {term.vocabulary for term in terms}
    stored = {term.pk: term for term in Term.objects.filter(vocabulary__in=vocabularies).order_by("pk")}
    others = [term for key, term in stored.items() if key not in {each.pk for each in terms}]
    owners = _owners([*others, *terms])
    return [
        list(_clashes(term, stored.get(term.pk), place, owners))
        for place, term in enumerate(terms, start=len(others))
    ]


def _owners(terms: Sequence[Term]) -> Owners:
    owners = Owners({}, {})
    for place, term in enumerate(terms):
        owners.of_names.setdefault((term.vocabulary, folded(term.name)), (place, term.name))
        for alias in term.aliases:
            owners.of_aliases.setdefault((term.vocabulary, folded(alias)), (place, term.name))
    return owners


def _clashes(term: Term, before: Term | None, own: int, owners: Owners) -> Iterator[Clash]:
    if before is None or before.name != term.name:
        place, name = owners.of_aliases.get((term.vocabulary, folded(term.name)), (own, ""))
        if place != own:
            yield Clash("name", None, TAKEN.format(term.name, "an alias", name))
    for number, alias in enumerate(term.aliases):
        if before is not None and alias in before.aliases:
            continue
        if sentence := _wrong_with(alias, (term.vocabulary, folded(alias)), own, owners):
            yield Clash("aliases", number, sentence)


def _wrong_with(alias: str, spelling: Spelling, own: int, owners: Owners) -> str:
    if len(alias) > LONGEST_NAME:
        return ALIAS_SENTENCE
    for called, known in (("the name", owners.of_names), ("an alias", owners.of_aliases)):
        place, name = known.get(spelling, (own, ""))
        if place != own:
            return TAKEN.format(alias, called, name)
    return ""
