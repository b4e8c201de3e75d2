"""Make one term of several: the others' words give way to its name, and stay known as its aliases."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from accounts.models import User
from catalog import spellings
from catalog.finding.tallies import exact_uses
from catalog.long_writes import long_write
from catalog.models import Term, Vocabulary
from catalog.models.fields import folded
from catalog.wording import replace_words

AT_ONCE = 30_000  # items that are rewritten while the person waits; more is a worker's
FEWEST, MOST = 2, 50  # terms that are merged at once
RIGHTS = ("catalog.change_term", "catalog.delete_term")

Seen = Sequence[tuple[int, str]]  # keys and names of terms, as a person saw them


class MergeRefused(Exception):
    """The terms cannot be merged; the message is a sentence for the person."""


@dataclass(frozen=True)
class Merge:
    """What a merge did: items and productions rewritten, and the names that became aliases."""

    items: int
    productions: int
    names: tuple[str, ...]


def may_merge(user: User) -> bool:
    """Return whether this person may merge terms, which changes one and deletes the others."""
    return bool(user.is_active and user.is_staff and user.has_perms(RIGHTS))


def merge(*, into: int, seen: Seen, by: User) -> Merge | None:
    """Merge the terms that the person saw into one of them: at once, or None where it is left to the worker.

    MergeRefused, if one of them has another name by now, or is gone.
    """
    terms = list(Term.objects.filter(pk__in=[key for key, _ in seen]))
    _check(terms, into, seen)
    others = [term for term in terms if term.pk != into]
    items, _ = exact_uses(others)
    if items <= AT_ONCE:
        return merge_terms(into=into, seen=seen, by=by)
    task = "catalog.tasks.merge_terms"
    with suppress(AlreadyEnqueued), transaction.atomic():
        app.configure_task(task, queueing_lock=f"{task} {into}").defer(
            into=into, seen=[list(each) for each in seen], by=by.pk
        )
    return None


def merge_later(*, into: int, seen: Seen, by: int) -> Merge:
    """Merge as a worker does it, if the person still may. A job that is done twice finds nothing to do and says so."""
    person = User.objects.get(pk=by)
    if not may_merge(person):
        raise MergeRefused("The account that asked for this may not do so any more; nothing was merged.")
    return merge_terms(into=into, seen=seen, by=person)


def merge_terms(*, into: int, seen: Seen, by: User | None) -> Merge:
    """Merge in one transaction: items and productions by one statement for their column, then the terms themselves.

    Killed half-way it is as if it had not begun. Of two merges at once, or a merge and a new name, the second sees
    what the first has left, and is refused where that is not what its person saw.
    """
    with long_write(by, "merge terms"):
        spellings.settle()
        terms = list(Term.objects.select_for_update().filter(pk__in=[key for key, _ in seen]).order_by("pk"))
        _check(terms, into, seen)
        kept = next(term for term in terms if term.pk == into)
        others = [term for term in terms if term.pk != into]
        names = [term.name for term in others]
        items, productions = replace_words(Vocabulary(kept.vocabulary), names, kept.name)
        Term.objects.filter(pk__in=[term.pk for term in others]).delete()
        kept.aliases = _aliases(kept, others)
        kept.save(update_fields=["aliases", "updated_at"])
    return Merge(items, productions, tuple(names))


def _aliases(kept: Term, others: Iterable[Term]) -> list[str]:
    words = [*kept.aliases, *(word for term in others for word in (term.name, *term.aliases))]
    return [word for word in spellings.tidy(words) if folded(word) != folded(kept.name)]


def _check(terms: Sequence[Term], into: int, seen: Seen) -> None:
    if into not in dict(seen) or not FEWEST <= len(seen) <= MOST:
        raise MergeRefused(f"Choose from {FEWEST} to {MOST} terms, and which of them stays.")
    if {term.pk: term.name for term in terms} != dict(seen):
        raise MergeRefused(
            "Meanwhile somebody has renamed, merged or deleted one of these terms; look again."
        )
    if len({term.vocabulary for term in terms}) > 1:
        raise MergeRefused("Only terms of one vocabulary can be merged.")
