"""Publish, withdraw and archive: each one function, one transaction, in sets.

History rows that they leave carry the person (`by`) and the action's name.
"""

from dataclasses import dataclass

from django.db.models.functions import Coalesce, Now

from accounts.models import User
from catalog.long_writes import long_write
from catalog.models import Item, ItemQuerySet, Status


@dataclass(frozen=True)
class StatusChange:
    """How many of the items took the new status, and how many had it before."""

    status: Status
    changed: int
    unchanged: int


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
    with long_write(by, f"set status {status.value}"):
        total = chosen.count()
        changed = chosen.exclude(status=status).update(status=status, **values)
    return StatusChange(status, changed, total - changed)
