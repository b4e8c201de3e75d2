"""The one transaction in which a judged run lands: all of it, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pghistory
from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from catalog.imports import journal, sql
from catalog.imports.columns import TARGETS, Target
from catalog.imports.drift import what_moved
from catalog.imports.errors import ImportRefused, MovedOn, Overtaken
from catalog.imports.judgement import stock_list, tables
from catalog.imports.judgement.applying import settle
from catalog.imports.judgement.merging import Plan
from catalog.imports.judging import JUDGEMENT, judge_sheets, plan_of
from catalog.imports.locking import prepare, queue
from catalog.imports.options import ImportOptions
from catalog.imports.reach import person_now
from catalog.imports.staging import inside, is_staged, schema_of
from catalog.models import Appearance, ImportOrigin, ImportRun, ImportSheet, ImportState, Production

FILE = ("file_key", "file_size", "file_sha256")  # what a run says of the file that the bucket keeps
Plans = list[tuple[ImportSheet, Plan]]
MEANWHILE = "The catalogue was changed while the file was being imported; nothing landed, run it again."
MOVED = "The catalogue has moved on since this was previewed: {}. Nothing landed; look at it again."
CLASH = "what it writes was written by somebody else in this very moment"


def land(run: ImportRun) -> None:
    """Write what the run's preview showed, and set it DONE, in one transaction; runs that land queue up.

    Raises MovedOn where the catalogue is not any more what the preview was made of, and ImportRefused where the
    run may not land; nothing is written then. A run that is not LANDING any more is left as it is.
    """
    with _conflicts_told(MovedOn(MOVED.format(CLASH))), transaction.atomic(), connection.cursor() as cursor:
        prepare(cursor)
        queue(cursor)
        if not _still_landing(run):
            return
        plans = _check(cursor, run)
        _write(cursor, run, plans)
    settle_run(run)


def land_at_once(run: ImportRun, kept: Callable[[], object] = lambda: None) -> bool:
    """Judge the staged run and land it in the same transaction; return False where its own rules stop it.

    For those who asked for no preview: between judgement and landing nothing can move on but single edits; one of a
    row that the file changes stops it, with ImportRefused. `kept` waits until the bucket has the run's file; nothing is written before.
    """
    with _conflicts_told(ImportRefused(MEANWHILE)), transaction.atomic(), connection.cursor() as cursor:
        prepare(cursor)
        queue(cursor)
        judge_sheets(cursor, run)
        if stops(run):
            run.save(update_fields=JUDGEMENT)
            return False
        _check_withdrawals(run)
        plans = _plans(run)
        kept()
        _write(cursor, run, plans)
    settle_run(run)
    return True


def stops(run: ImportRun) -> str:
    """Return why rejected rows keep the whole run from landing, in one sentence; "" where they do not."""
    options = ImportOptions.of(run.options)
    if run.rejected and options.on_error == "abort":
        return "Nothing lands, because rows were rejected."
    if options.max_rejected is not None and run.rejected > options.max_rejected:
        rows = "row was" if options.max_rejected == 1 else "rows were"
        return f"Nothing lands, because more than {options.max_rejected:,} {rows} rejected."
    return ""


@contextmanager
def _conflicts_told(refusal: ImportRefused) -> Iterator[None]:
    """Raise the refusal where an edit of the last moment would be lost, or makes the writing break a constraint."""
    try:
        yield
    except (IntegrityError, Overtaken) as error:
        raise refusal from error


def _still_landing(run: ImportRun) -> bool:
    # Without a lock on the row, which the watch writes to; on the run itself this process has the lock.
    return ImportRun.objects.filter(pk=run.pk, state=ImportState.LANDING).exists()


def _plans(run: ImportRun) -> Plans:
    return [(sheet, plan_of(run, sheet)) for sheet in run.sheets.order_by("position")]


def _check(cursor: CursorWrapper, run: ImportRun) -> Plans:
    """Return the sheets with their plans, if all is as it was when the run was previewed."""
    if sentence := stops(run):
        raise ImportRefused(sentence)
    _check_person(run)
    _check_withdrawals(run)
    plans = _plans(run)
    for sheet, plan in plans:
        if not is_staged(sheet):
            raise MovedOn("The database was restarted since this was previewed; look at it again.")
        with inside(cursor, sheet):
            if moved := what_moved(cursor, sheet, plan):
                raise MovedOn(MOVED.format(moved))
    return plans


def _check_withdrawals(run: ImportRun) -> None:
    """Raise ImportRefused unless the number of items that a full stock list withdraws was agreed to."""
    if run.withdrawn and run.confirmed_withdrawals != run.withdrawn:
        raise ImportRefused(
            f"{run.withdrawn:,} published items are not in this full stock list and would be withdrawn;"
            f" nothing landed. To agree, state that number: {run.withdrawn}."
        )


def _check_person(run: ImportRun) -> None:
    """Raise ImportRefused unless the one who confirmed may still do so."""
    if run.origin == ImportOrigin.COMMAND:
        return
    person = person_now(run.confirmed_by, run.confirmed_key_id)
    if not person.has_perm("catalog.confirm_importrun"):
        raise ImportRefused("The account that confirmed this import may not do so any more; nothing landed.")


def _write(cursor: CursorWrapper, run: ImportRun, plans: Plans) -> None:
    by = run.confirmed_by_id or run.started_by_id
    earlier: list[tuple[str, Target]] = []
    with pghistory.context(import_run=run.pk, user=by) as context:
        for sheet, plan in plans:
            with inside(cursor, sheet):
                tables.apply(cursor, plan, earlier)
                if sql.value(cursor, "SELECT count(*) FROM import_fault") != sheet.issue_count:
                    raise MovedOn(MOVED.format("something that its rows refer to is gone"))
                if sheet.withdrawn and stock_list.withdraw(cursor, plan) != sheet.withdrawn:
                    raise MovedOn(MOVED.format("items that it withdraws were changed"))
            earlier.append((schema_of(sheet), plan.target))
        _finish(run, UUID(str(context.id)))


def _finish(run: ImportRun, context: UUID) -> None:
    run.history_context = context
    run.state, run.message, run.finished_at = ImportState.DONE, "", timezone.now()
    run.save(update_fields=[*JUDGEMENT, *FILE, "history_context", "state", "message", "finished_at"])
    journal.ended(run, by=run.confirmed_by)


def settle_run(run: ImportRun) -> None:
    """See to what the run leaves behind in its tables; a landing that was rolled back leaves as much."""
    for sheet in run.sheets.all():
        target = TARGETS[sheet.target]
        brings = (
            (Appearance, Production) if target.kind or target.name == "appearance" else ()
        )  # in its cells
        for model in dict.fromkeys([target.model, *brings]):
            settle(model, sheet.created + sheet.changed)
