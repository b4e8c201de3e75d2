"""What publishing, scheduling, withdrawing and archiving mean, for one item or many: values and conditions in SQL.

`catalog.bulk_editing` carries them out, in one statement that can be undone. Staff publish only what is ready
(`catalog.readiness`); the API and imports write what they are told.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from django.db.models import BooleanField, DateTimeField, Field, Func, Q, Value
from django.db.models.functions import Least, Now

from catalog import readiness
from catalog.models import Item, Status, is_public

Changes = Mapping[str, Mapping[str, Any]]

FIELDS = ("status", "published_at")


class Differs(Func):
    """Whether the first is not the second, NULL being a value like others."""

    template, arg_joiner, output_field = "(%(expressions)s)", " IS DISTINCT FROM ", BooleanField()


def changes(status: Status, at: datetime | None = None) -> dict[str, dict[str, Any]]:
    """Return the change to this status; to published at a time that lies ahead, or at once."""
    wanted = {"status": {"op": "set", "value": status.value}}
    return wanted | ({"published_at": {"op": "set", "value": at.isoformat()}} if at else {})


def values(wanted: Changes) -> dict[str, Any]:
    """Return what the columns of the publication become. Who publishes at once keeps an earlier time."""
    status = wanted["status"]["value"]
    if status != Status.PUBLISHED:
        return {"status": Value(status)}
    at = _time(wanted)
    return {"status": Value(status), "published_at": at if at else Least("published_at", Now())}


def differs(wanted: Changes) -> Q:
    """Return the condition that an item's publication would change. What is public stays so, as it is."""
    status = wanted["status"]["value"]
    if status != Status.PUBLISHED:
        return ~Q(status=status)
    at = _time(wanted)
    return ~is_public() & (~Q(status=status) | Q(Differs("published_at", at))) if at else ~is_public()


def refused(wanted: Changes) -> Q | None:
    """Return the condition of the items that would be published and are not ready; None, if nothing is published."""
    if wanted.get("status", {}).get("value") != Status.PUBLISHED:
        return None
    given = {"price"} & wanted.keys()  # what the same edit gives them, they have
    return differs(wanted) & ~readiness.is_ready(besides=given)


def _time(wanted: Changes) -> Value | None:
    text = wanted.get("published_at", {}).get("value")
    column = cast("Field[Any, Any]", Item._meta.get_field("published_at"))
    return Value(column.to_python(text), output_field=DateTimeField()) if text else None
