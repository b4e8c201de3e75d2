"""Writes across many rows, or with consequences: each one function, one transaction, in sets.

History rows that they leave carry the person (`by`) and the action's name.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction
from django.db.models import F, Max, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Now

from accounts.models import User
from catalog.models import (
    Item,
    ItemQuerySet,
    MediaAsset,
    MediaAssetQuerySet,
    MediaState,
    Production,
    Status,
    Term,
    Vocabulary,
)

# The whole filtered list may be chosen; the usual limit of 5 s is meant for single pages.
LONG_STATEMENT_MS = 120_000


@dataclass(frozen=True)
class StatusChange:
    """How many of the items took the new status, and how many had it before."""

    status: Status
    changed: int
    unchanged: int


@dataclass(frozen=True)
class Rename:
    """How many items and productions held the term's old name and now hold the new one."""

    items: int
    productions: int


def publish(*, items: ItemQuerySet, by: User | None) -> StatusChange:
    """Publish the items: at the time they already have (it may lie ahead), else now."""
    return _set_status(items, Status.PUBLISHED, by, published_at=Coalesce("published_at", Now()))


def withdraw(*, items: ItemQuerySet, by: User | None) -> StatusChange:
    """Take the items back to draft. They keep their time of publication for the next time."""
    return _set_status(items, Status.DRAFT, by)


def archive(*, items: ItemQuerySet, by: User | None) -> StatusChange:
    """Put the items away: kept and searchable for staff, gone for the public."""
    return _set_status(items, Status.ARCHIVED, by)


def _set_status(items: ItemQuerySet, status: Status, by: User | None, **values: Coalesce) -> StatusChange:
    # The list comes with its order and columns; only its keys are of use here.
    chosen = Item.objects.filter(pk__in=items.order_by().values("pk"))
    with _long_write(by, f"set status {status.value}"):
        total = chosen.count()
        changed = chosen.exclude(status=status).update(status=status, **values)
    return StatusChange(status, changed, total - changed)


ARRAYS = {
    Vocabulary.GENRE: "genres",
    Vocabulary.VEHICLE_TYPE: "vehicle_types",
    Vocabulary.CATEGORY: "categories",
}


def rename_term(*, term: Term, name: str, by: User | None) -> Rename:
    """Rename the term and, with it, every item and production that holds its old name.

    The old name becomes an alias, so that the next spreadsheet with it still finds the term.
    """
    old = term.name
    with _long_write(by, "rename term"):
        term.name = name
        term.aliases = sorted({*term.aliases, old} - {name})
        term.full_clean()
        term.save(update_fields=["name", "aliases", "updated_at"])
        if term.vocabulary == Vocabulary.MAKE:
            return Rename(Item.objects.filter(make=old).update(make=name), 0)
        column = ARRAYS[Vocabulary(term.vocabulary)]
        items = _replace_word(Item.objects.all(), column, old, name)
        of_genre = term.vocabulary == Vocabulary.GENRE
        return Rename(items, _replace_word(Production.objects.all(), column, old, name) if of_genre else 0)


def attach_media(*, item: Item, keys: Sequence[str], by: User | None) -> int:
    """Give the item those of the files that belong to none yet, behind its own; return their number."""
    with _long_write(by, "attach media"):
        last = item.media.aggregate(last=Max("position"))["last"] or 0
        free = MediaAsset.objects.select_for_update().filter(key__in=keys, item=None).order_by("key")
        for position, asset in enumerate(free, start=last + 1):
            asset.item_id, asset.position = item.pk, position
            asset.save(update_fields=["item", "position", "updated_at"])
    return len(free)


def quarantine_media(*, assets: MediaAssetQuerySet, by: User | None) -> int:
    """Take the files out of sight: nothing of them is served any more, and their objects stay. Return their number."""
    shown = Q(state__in=[MediaState.PRESENT, MediaState.MISSING])
    return _set_media_state(assets, shown, MediaState.QUARANTINED, by)


def restore_media(*, assets: MediaAssetQuerySet, by: User | None) -> int:
    """Take the files back out of quarantine; return their number. A sync sees whether their objects are still there."""
    return _set_media_state(assets, Q(state=MediaState.QUARANTINED), MediaState.PRESENT, by)


def _set_media_state(assets: MediaAssetQuerySet, before: Q, state: MediaState, by: User | None) -> int:
    # The condition stands outside of the subquery: only there PostgreSQL asks it again of a row that another has changed.
    chosen = MediaAsset.objects.filter(before, pk__in=assets.order_by().values("pk"))
    with _long_write(by, f"set media {state.value}"):
        return chosen.update(state=state, updated_at=Now())


def _replace_word(rows: QuerySet[Any], column: str, old: str, new: str) -> int:
    replaced = models.Func(
        F(column),
        Value(old, models.TextField()),
        Value(new, models.TextField()),
        function="array_replace",
        output_field=ArrayField(models.TextField()),
    )
    return rows.filter(**{f"{column}__contains": [old]}).update(**{column: replaced})


@contextmanager
def _long_write(by: User | None, action: str) -> Iterator[None]:
    """Open a transaction that may take minutes, with its history under this person's name."""
    with pghistory.context(user=by.pk if by else None, action=action), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {LONG_STATEMENT_MS:d}")
        yield
