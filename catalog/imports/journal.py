"""A run's state, the job that goes with it, and what is told of it: its log, the audit record of its end."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.db import transaction
from django.db.models import F, Func, JSONField, Value
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from accounts import audit
from accounts.models import Action, User
from catalog.models import ImportRun, ImportState

DID = {
    ImportState.DONE: "Landed",
    ImportState.FAILED: "Failed",
    ImportState.CANCELLED: "Cancelled",
    ImportState.UNDONE: "Undone",
}

# What a worker does with a run in this state; by name, since the tasks import this module.
JOBS = {
    ImportState.QUEUED: "catalog.tasks.read_import",
    ImportState.CONFIRMED: "catalog.tasks.land_import",
    ImportState.UNDOING: "catalog.tasks.undo_import",
}


def enqueue(run: ImportRun) -> None:
    """Let a worker do what the run's state asks for, unless that waits in the queue already.

    Within a request the job is part of the transaction at hand.
    """
    task = JOBS[ImportState(run.state)]
    with suppress(AlreadyEnqueued), transaction.atomic():  # so that the refusal leaves the transaction usable
        app.configure_task(task, queueing_lock=f"{task} {run.pk}").defer(run_id=run.pk)


def move(
    run: ImportRun,
    before: Iterable[str],
    state: Any,
    entry: str,
    *,
    only: dict[str, Any] | None = None,
    **values: Any,
) -> bool:
    """Set the run's state, and what else is given, if it is in one of the states `before` and is as `only` says.

    One statement: of two who try at once, one does it and is told True. Either way the run is read anew.
    `entry` is what the log says; nothing, where `ended` follows.
    """
    if entry:
        values["log"] = _with(entry)
    moved = ImportRun.objects.filter(pk=run.pk, state__in=list(before), **(only or {})).update(
        state=state, **values
    )
    run.refresh_from_db()
    return bool(moved)


def ended(run: ImportRun, *, by: User | None = None) -> None:
    """Log that the run has ended, and put it on the audit record, in the transaction at hand.

    `by` is who brought that about; else it was the one who brought the file.
    """
    entry = DID[ImportState(run.state)] + (f": {run.message}" if run.message else f"; {_counts(run)}.")
    ImportRun.objects.filter(pk=run.pk).update(log=_with(entry))
    audit.record(
        Action.IMPORT,
        by=by or run.started_by,
        subject=run.file_name,
        run=run.pk,
        target=run.target,
        state=run.state,
        rows=run.rows,
        created=run.created,
        changed=run.changed,
        rejected=run.rejected,
        withdrawn=run.withdrawn,
    )


def _with(entry: str) -> Func:
    """Return the log with one more entry, for an UPDATE: nobody else's is lost."""
    added = Value([[timezone.now().isoformat(timespec="seconds"), entry]], output_field=JSONField())
    return Func(F("log"), added, template="%(expressions)s", arg_joiner=" || ", output_field=JSONField())


def _counts(run: ImportRun) -> str:
    withdrawn = f", {run.withdrawn:,} withdrawn" if run.withdrawn else ""
    return f"{run.created:,} new, {run.changed:,} changed, {run.rejected:,} rejected{withdrawn}"
