"""The life of a run as people steer it: bring a file, map, preview, confirm, cancel, undo.

    QUEUED -> READING -> (MAPPING -> QUEUED ...) -> READY -> CONFIRMED -> LANDING -> DONE -> UNDOING -> UNDONE

Each step asks whose the run is, what the person may do and where the run stands; of two who take a step at
once, one takes it. A worker does the work between the steps (see work.py).
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.core.files import File
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.http import Http404

from catalog.imports import journal, landing
from catalog.imports.columns import TARGETS, WORKBOOK
from catalog.imports.errors import ImportRefused
from catalog.imports.judging import reach_of
from catalog.imports.life import files
from catalog.imports.life.possible import STEPS, UNFINISHED
from catalog.imports.life.work import AT_ONCE, CANCELLED, confirmation, end
from catalog.imports.mapping import layouts
from catalog.imports.mapping.binding import check
from catalog.imports.options import ImportOptions
from catalog.imports.reach import Reach
from catalog.imports.undoing.undo import why_not
from catalog.models import LANDED, ImportOrigin, ImportRun, ImportSheet, ImportState

UNBEGUN = (ImportState.QUEUED, ImportState.MAPPING, ImportState.READY, ImportState.CONFIRMED)
CONFIRMED_ALREADY = (ImportState.CONFIRMED, ImportState.LANDING, ImportState.DONE)
REFUSED = "That cannot be done now: this import is {}."


class RunRefused(Exception):
    """The step cannot be taken; the message is one sentence for the person who tried."""


class RunForbidden(RunRefused):
    """The person has no right to it."""


class RunHidden(Http404):
    """The run is not the person's to know of."""


def visible_to(user: Any) -> QuerySet[ImportRun]:
    """Return the runs that the account may know of: its own, and with the right to view imports all that landed.

    To these count the commands' runs that failed, which belong to nobody.
    """
    seen = Q(started_by=user.pk, started_by__isnull=False)
    if user.has_perm("catalog.view_importrun"):
        seen |= Q(state__in=LANDED)
        seen |= Q(state=ImportState.FAILED, origin=ImportOrigin.COMMAND, started_by__isnull=True)
    return ImportRun.objects.filter(seen)


def create(
    *,
    file: File[bytes],
    file_name: str,
    target: str,
    options: ImportOptions,
    by: Any,
    origin: str,
    mapping: dict[str, Any] | None = None,
    at_once: bool = False,
) -> ImportRun:
    """Keep the file and put a run of it in the queue; the same file brought again before it landed is the same run.

    `mapping` is for a file of one table. `at_once`: confirmed already, if the preview leaves nothing to ask.
    """
    _check_right(by, "add")
    if at_once:
        _check_right(by, "confirm")
    if target not in (*TARGETS, WORKBOOK):
        raise RunRefused(f"{target!r} is nothing that can be imported.")
    name = files.plain_name(file_name)
    try:
        files.check_name(name)
        size, sha256 = files.measure(file, name)
        run = ImportRun(
            target=target,
            origin=origin,
            file_name=name,
            file_size=size,
            file_sha256=sha256,
            options=options.as_json() | ({AT_ONCE: True} if at_once else {}),
            started_by=by,
            started_key_id=by.key_id,
        )
        return _same(run, mapping) or _queue(run, file, mapping)
    except ImportRefused as error:
        raise RunRefused(str(error)) from error


def _same(run: ImportRun, mapping: dict[str, Any] | None) -> ImportRun | None:
    """Return the run that this one would repeat."""
    repeated = ImportRun.objects.filter(
        started_by=run.started_by,
        started_key=run.started_key_id,
        file_sha256=run.file_sha256,
        target=run.target,
        options=run.options,
        state__in=UNFINISHED,
        cancel_requested=False,
    )
    if mapping:
        repeated = repeated.filter(sheets__mapping=mapping)
    return repeated.order_by("id").first()


def _queue(run: ImportRun, file: File[bytes], mapping: dict[str, Any] | None) -> ImportRun:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('catalog_importrun', 'id'))")
        run.pk = cursor.fetchone()[0]
    run.file_key = files.keep(file, run.file_name, run.pk)
    with transaction.atomic():
        what = json.dumps([run.started_by_id, run.started_key_id, run.file_sha256, run.target, run.options])
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])
        same = _same(run, mapping)
        if not same:
            run.save(force_insert=True)
            if mapping:
                run.sheets.create(position=0, target=run.target, mapping=mapping)
            journal.enqueue(run)
    if same:
        files.forget(run.file_key)
    return same or run


def give_mapping(
    run: ImportRun, *, mappings: Mapping[int, dict[str, Any]], remember: bool, by: Any
) -> ImportRun:
    """Say how columns are made of the file's, by the positions of sheets; the run is read anew.

    `remember`: so that the next file of the same layout needs no mapping.
    """
    _check(run, by, "mapping")
    with transaction.atomic():
        _step(
            run,
            STEPS["mapping"].states,
            ImportState.QUEUED,
            by,
            "Columns mapped",
            message="",
        )
        for position, mapping in mappings.items():
            _map(_sheet(run, position), mapping, by=by, remember=remember)
        journal.enqueue(run)
    return run


def _map(sheet: ImportSheet, mapping: dict[str, Any], *, by: Any, remember: bool) -> None:
    target = TARGETS[sheet.target]
    if faults := check(mapping, sheet.header, target):
        raise RunRefused(" ".join(faults))
    sheet.mapping = mapping
    sheet.save(update_fields=["mapping"])
    if remember:
        layouts.remember(target, sheet.header, mapping, by=by, name=sheet.run.file_name)


def leave_out(
    run: ImportRun,
    *,
    sheet: int,
    lines: Collection[int] = (),
    take_back: Collection[int] = (),
    columns: Collection[str] | None = None,
    by: Any,
) -> ImportRun:
    """Leave rows out, by their lines in the file, or take them back in; the run is judged anew.

    `columns` are all the columns to leave out; None leaves that as it is.
    """
    _check(run, by, "leave_out")
    with transaction.atomic():
        _step(
            run,
            STEPS["leave_out"].states,
            ImportState.QUEUED,
            by,
            "Rows or columns left out or taken back",
            message="",
        )
        table = _sheet(run, sheet)
        table.left_out_lines = sorted({*table.left_out_lines, *lines} - set(take_back))
        if columns is not None:
            table.left_out_columns = _known_columns(table, columns)
        table.save(update_fields=["left_out_lines", "left_out_columns"])
        journal.enqueue(run)
    return run


def _known_columns(sheet: ImportSheet, columns: Collection[str]) -> list[str]:
    target = TARGETS[sheet.target]
    if unknown := sorted(set(columns) - set(target.by_name)):
        raise RunRefused(f"{unknown[0]!r} is no column of this import.")
    if needed := sorted(set(columns) & set(target.needs)):
        raise RunRefused(f"The column {needed[0]!r} tells which row is which, so it cannot be left out.")
    return sorted(set(columns))


def confirm(run: ImportRun, *, by: Any, withdraw: int | None = None) -> ImportRun:
    """Let the previewed run land; once it is confirmed, doing so again changes nothing.

    Where a full stock list withdraws items, `withdraw` must be their number.
    """
    _check(run, by, "confirm")
    if run.state == ImportState.READY:
        _check_landing(run, withdraw)
    judged = {"rows": run.rows, "withdrawn": run.withdrawn, "rejected": run.rejected}
    with transaction.atomic():
        values = confirmation(by.pk, by.key_id, withdraw)
        entry = f"Confirmed by {by}"
        if journal.move(run, [ImportState.READY], ImportState.CONFIRMED, entry, only=judged, **values):
            journal.enqueue(run)
        elif run.confirmed_by_id != by.pk or run.state not in CONFIRMED_ALREADY:
            raise RunRefused(REFUSED.format(_stands(run)))
    return run


def _check_landing(run: ImportRun, withdraw: int | None) -> None:
    if sentence := landing.stops(run):
        raise RunRefused(sentence)
    if run.withdrawn and withdraw != run.withdrawn:
        raise RunRefused(
            f"This import withdraws {run.withdrawn:,} items that the file does not name;"
            f" to agree, confirm it with that number: {run.withdrawn}."
        )


def cancel(run: ImportRun, *, by: Any) -> ImportRun:
    """End the run before it has landed. One that a worker is at ends within seconds, and nothing of it lands."""
    _check(run, by, "cancel")
    # First for all: a worker that takes the run up in this moment hears of it.
    if not journal.move(run, UNFINISHED, F("state"), f"{by} asked for its end", cancel_requested=True):
        raise RunRefused(f"This import cannot be cancelled any more: it is {_stands(run)}.")
    end(run, UNBEGUN, ImportState.CANCELLED, CANCELLED)
    return run


def undo(run: ImportRun, *, by: Any, force: bool = False) -> ImportRun:
    """Let a worker return every row that the run touched to its state before. `force`: rows edited since, too."""
    if not visible_to(by).filter(pk=run.pk).exists():
        raise RunHidden
    _check_right(by, STEPS["undo"].verb)
    run.refresh_from_db()
    if run.state == ImportState.DONE and (sentence := why_not(run)):
        raise RunRefused(sentence)
    with transaction.atomic():
        values = {
            "undone_by": by,
            "undone_key": by.key_id,
            "undo_options": {"force": force},
            "cancel_requested": False,
            "message": "",
        }
        _step(run, STEPS["undo"].states, ImportState.UNDOING, by, "Undo asked for", **values)
        journal.enqueue(run)
    return run


def _check(run: ImportRun, by: Any, step: str) -> None:
    """See to whose the run is and what the person may do; the run is read anew."""
    if run.started_by_id != by.pk:
        raise RunHidden
    _check_right(by, STEPS[step].verb)
    run.refresh_from_db()
    if step != "cancel":
        _check_reach(run, by)


def _check_reach(run: ImportRun, by: Any) -> None:
    """Raise RunRefused where the key by which the file came is over, and where the one at hand may do less."""
    try:
        reach = reach_of(run)
    except ImportRefused as error:
        raise RunRefused(str(error)) from error
    if by.limit is not None and reach != reach.within(Reach.of(by)):
        raise RunForbidden("This API key may do less than this import does.")


def _check_right(by: Any, verb: str) -> None:
    if not by.has_perm(f"catalog.{verb}_importrun"):
        raise RunForbidden("This account may not do that with imports.")


def _step(run: ImportRun, before: Collection[str], state: str, by: Any, entry: str, **values: Any) -> None:
    if not journal.move(run, before, state, f"{entry} by {by}", **values):
        raise RunRefused(REFUSED.format(_stands(run)))


def _stands(run: ImportRun) -> str:
    label = str(run.get_state_display())
    return label[:1].lower() + label[1:]


def _sheet(run: ImportRun, position: int) -> ImportSheet:
    sheet = run.sheets.filter(position=position).first()
    if sheet is None:
        raise RunRefused(f"This import has no sheet {position}.")
    return sheet
