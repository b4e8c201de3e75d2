"""The steps of each kind of write, over one row or many."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from catalog.api.writing.rows import CHANGED, RULE, TAKEN, Outcome, Row, sound
from catalog.api.writing.writer import Writer


class Overtaken(Exception):
    """Somebody else wrote the same in this very moment; on what there is now it may be done."""


STALE = "It was changed since you read it: it has the {} {} by now."
UNVERSIONED = "What is new has no {} yet; upsert=true would change what is there."
UNCONDITIONAL = "This service changes only what names the {} that was read."


def prepare_new(writer: Writer, rows: Sequence[Row]) -> None:
    """Judge the rows, which have been read, as new ones."""
    for row in sound(rows):
        if writer.state_name in row.given:
            row.refuse(writer.state_name, UNVERSIONED.format(writer.state_name), RULE)
    _judge(writer, rows, [])


def prepare_new_or_present(writer: Writer, rows: Sequence[Row]) -> None:
    """Judge the rows, which have been read, as new ones, or as changes of those that there are already."""
    writer.find(rows)
    refuse_stale(writer, rows)
    fresh = [row for row in rows if row.is_new]
    _judge(writer, fresh, [row for row in rows if not row.is_new])
    refuse_overtaken(writer, fresh)


def refuse_overtaken(writer: Writer, fresh: Sequence[Row]) -> None:
    """Raise Overtaken where a row that was not there has been added by somebody else since it was looked for."""
    taken = [Row(row.place, row.body, dict(row.given)) for row in fresh if _is_taken(row)]
    writer.find(taken)
    if any(row.present for row in taken):
        raise Overtaken


def _is_taken(row: Row) -> bool:
    return any(fault.code == TAKEN for fault in row.faults)


def prepare_changes(writer: Writer, rows: Sequence[Row]) -> None:
    """Judge the rows, which have been read, as changes of those that there are."""
    _find(writer, rows)
    _judge(writer, [], rows)


def prepare_deletions(writer: Writer, rows: Sequence[Row]) -> None:
    """Judge whether the rows, whose keys have been read, can be deleted."""
    _find(writer, rows)
    writer.refuse_beyond_rights(rows, "delete")
    writer.refuse_in_use(rows)
    for row in sound(rows):
        row.outcome = Outcome.DELETED


def _find(writer: Writer, rows: Sequence[Row]) -> None:
    writer.refuse_nameless(rows)
    writer.find(rows)
    writer.refuse_missing(rows)
    refuse_stale(writer, rows)


def refuse_stale(writer: Writer, rows: Sequence[Row]) -> None:
    """Tell the rows that are others by now than their bodies name, and where it is asked for those that name nothing."""
    present = [row for row in sound(rows) if row.present is not None]
    named = [row for row in present if writer.state_name in row.given]
    now = writer.states([row.present for row in named])
    for row in named:
        if row.given[writer.state_name] != now[row.present.pk]:
            row.refuse(writer.state_name, STALE.format(writer.state_name, now[row.present.pk]), CHANGED)
    for row in present if writer.is_strict else ():
        if writer.state_name not in row.given:
            row.refuse(writer.state_name, UNCONDITIONAL.format(writer.state_name), "required")


def prepare_one(writer: Writer, row: Row, *, replace: bool) -> None:
    """Judge a change or a replacement of one row, which has been read and whose `present` is set."""
    _judge(writer, [], [row], replace=replace)


def _judge(writer: Writer, fresh: Sequence[Row], present: Sequence[Row], *, replace: bool = False) -> None:
    writer.refuse_incomplete(fresh)
    writer.refuse_beyond_rights(fresh, "add")
    writer.refuse_beyond_rights(present, "change")
    rows = sorted([*fresh, *present], key=lambda row: row.place)
    writer.lay_over(rows, replace=replace)
    writer.judge(sound(rows))
    for row in sound(rows):
        row.outcome = _outcome(writer, row)


def _outcome(writer: Writer, row: Row) -> Outcome:
    if row.is_new:
        return Outcome.CREATED
    return Outcome.CHANGED if writer.changes(row) else Outcome.UNCHANGED


def store(writer: Writer, rows: Sequence[Row]) -> None:
    """Write the rows with which nothing is wrong; in a savepoint, so that nothing of it is half done."""
    good = sound(rows)
    with transaction.atomic():
        if gone := [row for row in good if row.outcome == Outcome.DELETED]:
            writer.delete(gone)
        if kept := [row for row in good if row.outcome in {Outcome.CREATED, Outcome.CHANGED}]:
            writer.store(kept)


def rows_of(bodies: Sequence[Any]) -> list[Row]:
    return [Row(place, body) for place, body in enumerate(bodies)]
