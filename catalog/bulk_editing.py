"""Edit many items by one statement, and take that back from history.

A person confirms what the preview told; the items are fixed then (`BulkEdit.item_ids`). `carry_out` does the work, in
the request where it is little and in a worker where it is much. Its state changes in the transaction of the work
itself, so that whatever is killed half-way is as if it had not begun, and begins again (`pick_up`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pghistory
from django.contrib.postgres.expressions import ArraySubquery
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Count, F, Field, Func, Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued
from psycopg.errors import QueryCanceled

from accounts.models import User
from catalog import publishing
from catalog.long_writes import hold
from catalog.models import OPEN_EDITS, BulkEdit, BulkEditState, Item, ItemQuerySet, kinds_with
from catalog.publishing import Changes, Differs

FIELDS = (
    "price",
    "price_on_request",
    "currency",
    "availability",
    "genres",
    "location",
    "status",
    "published_at",
)
AT_ONCE = 1_000  # items that are edited while the person waits; more is a worker's
LONGEST = "15min"  # that one edit may take
LEFT_TOLD = 20  # items that are named of those that an undo leaves alone
PICKED_UP_AFTER = timedelta(seconds=20)

ADDED = """catalog_item.genres || ARRAY(
    SELECT word FROM unnest(%s::text[]) WITH ORDINALITY AS given (word, place)
     WHERE word <> ALL(catalog_item.genres) ORDER BY place)"""
REMOVED = """ARRAY(
    SELECT word FROM unnest(catalog_item.genres) WITH ORDINALITY AS held (word, place)
     WHERE word <> ALL(%s::text[]) ORDER BY place)"""

# How the edit left the items, with the event before it; `before` is joined by its key, so that no plan is a bad one.
EDITED = """
WITH edited AS MATERIALIZED (
    SELECT DISTINCT ON (pgh_obj_id) *, (
        SELECT earlier.pgh_id FROM catalog_itemevent AS earlier
         WHERE earlier.pgh_obj_id = event.pgh_obj_id AND earlier.pgh_id < event.pgh_id
         ORDER BY earlier.pgh_id + 0 DESC LIMIT 1) AS before_id  -- by the item's index, not by that of the keys
      FROM catalog_itemevent AS event
     WHERE pgh_context_id = %(context)s AND pgh_label = 'update' ORDER BY pgh_obj_id, pgh_id DESC
)"""
RESTORE = """
UPDATE catalog_item AS item SET {assignments}
  FROM edited JOIN catalog_itemevent AS before ON before.pgh_id = edited.before_id
 WHERE item.id = edited.pgh_obj_id AND item.kind = ANY(%(kinds)s) AND ({unchanged}) AND ({differs})"""
LEFT = """
SELECT item.name || ' (' || item.reference || ')', count(*) OVER ()
  FROM edited JOIN catalog_itemevent AS before ON before.pgh_id = edited.before_id
  JOIN catalog_item AS item ON item.id = edited.pgh_obj_id
 WHERE {differs} ORDER BY item.id LIMIT %(most)s"""


class EditRefused(Exception):
    """The edit cannot be made; the message is a sentence for the person."""


@dataclass(frozen=True)
class Preview:
    """What an edit would do: of the items found, those of kinds that the person may edit, and those that change.

    `not_ready` would be published and lack something; they stay as they are, whatever else the edit changes.
    """

    matched: int
    allowed: int
    changing: int
    not_ready: int

    @property
    def forbidden(self) -> int:
        return self.matched - self.allowed

    @property
    def unchanged(self) -> int:
        return self.allowed - self.changing - self.not_ready


def editable_kinds(user: Any, changes: Changes) -> frozenset[str]:
    """Return the kinds on whose items the person may make these changes; the status takes the right to publish."""
    publication = changes.keys() & set(publishing.FIELDS)
    verbs = (["publish"] if publication else []) + (["change"] if changes.keys() - publication else [])
    return frozenset.intersection(*(kinds_with(user, verb) for verb in verbs))


def lacking(changes: Changes, kinds: frozenset[str]) -> Q:
    """Return the condition of the items of these kinds that the edit leaves alone, since they are not ready."""
    unready = publishing.refused(changes)
    return Q(pk__in=[]) if unready is None else Q(kind__in=kinds) & unready


def preview(*, items: ItemQuerySet, changes: Changes, by: User) -> Preview:
    """Count what the edit would do, in one query, and write nothing."""
    kinds = editable_kinds(by, changes)
    allowed, unready = Q(kind__in=kinds), lacking(changes, kinds)
    found = chosen(items).aggregate(
        matched=Count("pk"),
        allowed=Count("pk", filter=allowed),
        changing=Count("pk", filter=allowed & _differ(changes) & ~unready),
        not_ready=Count("pk", filter=unready),
    )
    return Preview(**found)


def confirm(
    *, items: ItemQuerySet, changes: Changes, by: User, page: str, query: str, selection: str, expected: int
) -> BulkEdit:
    """Fix the items and begin: done when this returns if they are few, else by the worker soon.

    `expected`: how many the person was told of. EditRefused, if by now the filters find another number.
    """
    kinds = editable_kinds(by, changes)
    with transaction.atomic():
        edit = BulkEdit.objects.create(
            made_by=by,
            page=page,
            query=query,
            selection=selection,
            changes=dict(changes),
            kinds=sorted(kinds),
        )
        keys = chosen(items).filter(kind__in=kinds).order_by("pk").values("pk")
        BulkEdit.objects.filter(pk=edit.pk).update(item_ids=ArraySubquery(keys))
        count = Func(F("item_ids"), function="cardinality")
        BulkEdit.objects.filter(pk=edit.pk).update(matched=count)
        edit.refresh_from_db(fields=["matched"])
        if edit.matched != expected:
            raise EditRefused(
                f"Meanwhile it is {edit.matched:,} items instead of {expected:,}. Nothing is changed yet: see below."
            )
        _hand_over(edit)
    return _worked_on(edit)


def undo(*, edit: BulkEdit, by: User) -> BulkEdit:
    """Take the edit back: at once if it changed few items, else by the worker. Of two who try, one does it."""
    _check_undo(edit, by)
    with transaction.atomic():
        begun = BulkEdit.objects.filter(pk=edit.pk, state=BulkEditState.DONE).update(
            state=BulkEditState.UNDOING, undone_by=by
        )
        if not begun:
            raise EditRefused("This edit is not there to be undone: it is being undone, or was, already.")
        _hand_over(edit)
    return _worked_on(edit)


def may_undo(edit: BulkEdit, user: Any) -> bool:
    """Return whether the person has the rights on all kinds that the edit was of."""
    return set(edit.kinds) <= editable_kinds(user, edit.changes)


def carry_out(edit_id: int) -> None:
    """Make the edit, or take it back, as its state says; nothing, if that is done or another process is at it."""
    with suppress(OperationalError), _working(edit_id) as edit:
        if edit is None:
            return
        work = _make if edit.state == BulkEditState.WAITING else _take_back
        try:
            with transaction.atomic():
                work(edit)
        except (EditRefused, IntegrityError) as refusal:
            _refuse(edit, _sentence(refusal))
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise  # a lock that was not to be had: the worker tries again
            _refuse(edit, "This took too long and was stopped; choose fewer items.")
        edit.save()


def pick_up() -> None:
    """Go on with what a killed process left."""
    old = BulkEdit.objects.filter(state__in=OPEN_EDITS, created_at__lt=Now() - PICKED_UP_AFTER)
    for edit_id in old.order_by("id").values_list("pk", flat=True)[:20]:
        carry_out(edit_id)


def chosen(items: ItemQuerySet) -> ItemQuerySet:
    """Return the items of a list by their keys alone, so that they can be counted and written."""
    # The list comes with its order and columns; only its keys are of use here.
    return Item.objects.filter(pk__in=items.order_by().values("pk"))


def _new_value(name: str, change: Mapping[str, Any]) -> Any:
    field = cast("Field[Any, Any]", Item._meta.get_field(name))
    value = change["value"]
    if change["op"] != "set":
        return RawSQL(  # noqa: S611 -- fixed texts
            ADDED if change["op"] == "add" else REMOVED, [value], output_field=field
        )
    return Value(field.to_python(value), output_field=field)


def _differ(changes: Changes) -> Q:
    """Return the condition that the changes would change an item."""
    condition = publishing.differs(changes) if "status" in changes else Q()
    for name, change in changes.items():
        if name not in publishing.FIELDS:
            condition |= Q(Differs(F(name), _new_value(name, change)))
    return condition


def _new_values(changes: Changes) -> dict[str, Any]:
    own = {name: _new_value(name, each) for name, each in changes.items() if name not in publishing.FIELDS}
    return own | (publishing.values(changes) if "status" in changes else {})


def _columns(changes: Changes) -> list[str]:
    return [name for name in FIELDS if name in changes or (name == "published_at" and "status" in changes)]


def _hand_over(edit: BulkEdit) -> None:
    """Let a worker do it, in the transaction at hand; few items the caller does by himself."""
    if edit.matched > AT_ONCE:
        task = "catalog.tasks.edit_many"
        with suppress(AlreadyEnqueued), transaction.atomic():
            app.configure_task(task, queueing_lock=f"{task} {edit.pk}").defer(edit_id=edit.pk)


def _worked_on(edit: BulkEdit) -> BulkEdit:
    if edit.matched <= AT_ONCE:
        carry_out(edit.pk)
    edit.refresh_from_db()
    return edit


@contextmanager
def _working(edit_id: int) -> Iterator[BulkEdit | None]:
    """Hold the edit, in a transaction that may take minutes; None, where there is nothing to do with it."""
    with pghistory.context(bulk_edit=edit_id), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{LONGEST}'")
        held = BulkEdit.objects.select_for_update(skip_locked=True, of=("self",)).defer("item_ids")
        yield held.filter(pk=edit_id, state__in=OPEN_EDITS).first()


def _make(edit: BulkEdit) -> None:
    by = _person(edit.made_by)
    allowed = editable_kinds(by, edit.changes)
    keys = RawSQL("SELECT unnest(item_ids) FROM catalog_bulkedit WHERE id = %s", [edit.pk])
    found = Item.objects.filter(pk__in=keys, kind__in=allowed)
    hold(found)
    unready = lacking(edit.changes, allowed)
    with pghistory.context(user=by.pk, action=_action(edit.changes)) as context:
        edit.refused = found.filter(unready).count()
        edit.changed = (
            found.filter(_differ(edit.changes)).exclude(unready).update(**_new_values(edit.changes))
        )
        edit.history_context = UUID(str(context.id))
    edit.state, edit.finished_at = BulkEditState.DONE, Now()
    unready_text = (
        f"{edit.refused:,} not ready to be published and left as they were; " if edit.refused else ""
    )
    same = edit.matched - edit.changed - edit.refused
    edit.message = f"{_items(edit.changed)} changed; {unready_text}{same:,} were so already, or are gone."


def _action(changes: Changes) -> str:
    """Return the name under which the history has it."""
    if changes.keys() - set(publishing.FIELDS):
        return "edit many"
    return "schedule" if "published_at" in changes else f"set status {changes['status']['value']}"


def _take_back(edit: BulkEdit) -> None:
    by = _person(edit.undone_by)
    _check_undo(edit, by)
    columns = _columns(edit.changes)
    keys = RawSQL(
        "SELECT pgh_obj_id FROM catalog_itemevent WHERE pgh_context_id = %s", [edit.history_context]
    )
    hold(Item.objects.filter(pk__in=keys))
    differs = " OR ".join(f"item.{name} IS DISTINCT FROM before.{name}" for name in columns)
    texts = {
        "assignments": ", ".join(f"{name} = before.{name}" for name in columns),
        "unchanged": " AND ".join(f"item.{name} IS NOT DISTINCT FROM edited.{name}" for name in columns),
        "differs": differs,
    }
    params = {"context": edit.history_context, "kinds": edit.kinds, "most": LEFT_TOLD}
    with pghistory.context(user=by.pk, action="undo edit many"), connection.cursor() as cursor:
        cursor.execute(EDITED + RESTORE.format(**texts), params)
        edit.restored = cursor.rowcount
        cursor.execute(EDITED + LEFT.format(**texts), params)
        left = cursor.fetchall()
    edit.left_sample = [name for name, _ in left]
    edit.left_alone = left[0][1] if left else 0
    edit.state, edit.undone_at = BulkEditState.UNDONE, Now()
    edit.message = f"{_items(edit.restored)} as before."
    if left:
        edit.message += f" {_items(edit.left_alone)} left alone, because they were changed again since."


def _person(user: User | None) -> User:
    if user is None or not (user.is_active and user.is_staff):
        raise EditRefused("The account that asked for this may not do so any more; nothing was changed.")
    return user


def _check_undo(edit: BulkEdit, user: Any) -> None:
    if not may_undo(edit, user):
        raise EditRefused("To undo this edit you need the rights that it took to make it.")


def _refuse(edit: BulkEdit, sentence: str) -> None:
    edit.state = BulkEditState.FAILED if edit.state == BulkEditState.WAITING else BulkEditState.DONE
    edit.message, edit.finished_at = sentence, edit.finished_at or Now()


def _sentence(error: Exception) -> str:
    """Return what a rule of the database says to the person."""
    diagnosis = getattr(error.__cause__, "diag", None)
    name = diagnosis.constraint_name if diagnosis else ""
    for constraint in Item._meta.constraints:
        if constraint.name == name:
            return f"{constraint.get_violation_error_message()} Nothing was changed."
    return (
        str(error)
        if isinstance(error, EditRefused)
        else "A rule of the catalogue forbids this; nothing was changed."
    )


def _items(number: int) -> str:
    return f"{number:,} {'item' if number == 1 else 'items'}"
