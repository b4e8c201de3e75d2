"""Takes a landed run back: every row returns to its state before it, in one transaction, told from history.

Rows that were changed since are left alone and listed, unless forced. What cannot be as it was (a slug that
another item has by now, a film that other items appear in) is left alone and listed in any case.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pghistory
from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from catalog.imports import journal, sql
from catalog.imports.errors import ImportRefused
from catalog.imports.judgement.applying import settle
from catalog.imports.locking import prepare, queue
from catalog.imports.reach import Reach
from catalog.imports.undoing.faults import find_faults, leave_terms_in_use
from catalog.imports.undoing.rights import check_rights
from catalog.imports.undoing.tables import (
    APPEARANCES,
    ITEMS,
    MEDIA,
    MOVED_ON,
    PRODUCTIONS,
    REMOVE,
    TERMS,
    TRACKED,
    Tracked,
    bring_back,
    find,
    remove,
    restore,
    rows_left_alone,
)
from catalog.models import ImportRun, ImportState

LISTED = 1000  # rows left alone that are kept with the run; all are counted
SHOWN = 50  # of these, rows that a command prints
GONE = "The history of this import is not kept any more, so it cannot be undone."
NOTHING = "This import changed nothing, so there is nothing to undo."


@dataclass(frozen=True)
class LeftAlone:
    """A row that was not returned to what it was. `table` is item, production, term, mediaasset or appearance."""

    table: str
    id: int
    title: str
    why: str

    def __str__(self) -> str:
        return f"{self.table} {self.id}, {self.title}: {self.why}"


@dataclass(frozen=True)
class UndoResult:
    """What an undo did, or would do: counts of rows of the catalogue. `rows` are the first that it leaves alone."""

    run_id: int
    dry_run: bool
    restored: int
    removed: int
    brought_back: int
    left_alone: int
    rows: tuple[LeftAlone, ...]

    @property
    def exit_code(self) -> int:
        return 1 if self.left_alone else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.run_id,
            "dry_run": self.dry_run,
            **self.counts(),
            "rows_left_alone": [asdict(row) for row in self.rows],
        }

    def counts(self) -> dict[str, int]:
        names = ("restored", "removed", "brought_back", "left_alone")
        return {name: getattr(self, name) for name in names}

    def lines(self) -> Iterator[str]:
        yield self.summary()
        yield from (str(row) for row in self.rows[:SHOWN])
        if self.left_alone > SHOWN:
            yield f"and {self.left_alone - SHOWN:,} more rows left alone"

    def summary(self) -> str:
        counts = (
            f"{self.restored:,} row{'' if self.restored == 1 else 's'} restored, {self.removed:,} removed, {self.brought_back:,} brought back,"
            f" {self.left_alone:,} left alone."
        )
        return f"{counts} Dry run: nothing was written." if self.dry_run else counts


def undo_run(run: ImportRun, *, force: bool, reach: Reach, dry_run: bool = False) -> UndoResult:
    """Return every row that the run touched to its state before it; raise ImportRefused where that cannot be.

    `force`: also rows that were changed or deleted since. `reach`: what the person who undoes may do. Waits
    until no import is landing; a dry run is refused then. All or nothing: interrupted, nothing is undone. The run becomes UNDONE in the
    same transaction, with what was left alone in `undo_counts`.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            prepare(cursor)
            queue(cursor, wait=not dry_run)
            run.refresh_from_db()
            check_state(run)
            result, written = _undo(cursor, run, force=force, reach=reach, dry_run=dry_run)
            if dry_run:
                transaction.set_rollback(True)
            else:
                _finish(run, result, force=force)
    except IntegrityError as error:
        raise ImportRefused(MOVED_ON) from error
    if not dry_run:
        for tracked, rows in written.items():
            settle(tracked.model, rows)
    return result


def check_state(run: ImportRun) -> None:
    """Raise ImportRefused unless the run has landed, is not undone, and its history tells of it."""
    if run.state == ImportState.UNDONE:
        when = f", on {run.undone_at:%Y-%m-%d at %H:%M %Z}" if run.undone_at else ""
        raise ImportRefused(f"This import has been undone already{when}.")
    if run.state not in (ImportState.DONE, ImportState.UNDOING):
        raise ImportRefused("This import has not landed, so there is nothing to undo.")
    if not run.history_context and run.created + run.changed + run.withdrawn:
        raise ImportRefused("History does not tell what this import wrote, so it cannot be undone.")
    if not run.history_context:
        raise ImportRefused(NOTHING)


def why_not(run: ImportRun) -> str:
    """Return why a landed run cannot be undone (any more), in one sentence; "" where it can, as far as that is quickly told."""
    try:
        check_state(run)
    except ImportRefused as refusal:
        return str(refusal)
    events = (tracked.event_model._default_manager for tracked in TRACKED)
    written = any(kept.filter(pgh_context=run.history_context).exists() for kept in events)
    return "" if written else _nothing_written(run)


def _nothing_written(run: ImportRun) -> str:
    return GONE if run.created + run.changed + run.withdrawn else NOTHING


def _undo(
    cursor: CursorWrapper, run: ImportRun, *, force: bool, reach: Reach, dry_run: bool
) -> tuple[UndoResult, dict[Tracked, int]]:
    touched = [find(cursor, tracked, str(run.history_context), force=force) for tracked in TRACKED]
    if not any(touched):
        raise ImportRefused(_nothing_written(run))
    find_faults(cursor, force=force)
    check_rights(cursor, reach)
    with pghistory.context(import_undo=run.pk, user=run.undone_by_id) as context:
        removed, restored, brought_back = _write(cursor)
    run.undo_context = context.id
    result = UndoResult(
        run.pk,
        dry_run,
        sum(restored.values()),
        sum(removed.values()),
        sum(brought_back.values()),
        *_left_alone(cursor),
    )
    written = {tracked: removed[tracked] + restored[tracked] + brought_back[tracked] for tracked in TRACKED}
    return result, written


def _write(cursor: CursorWrapper) -> tuple[dict[Tracked, int], dict[Tracked, int], dict[Tracked, int]]:
    """Remove, restore, bring back. What holds a slug or a place goes before what gets it back."""
    removed, restored, brought_back = {}, {}, {}
    removed[APPEARANCES] = remove(cursor, APPEARANCES)
    restored[MEDIA] = restore(cursor, MEDIA)
    _free_items(cursor)
    for tracked in (ITEMS, PRODUCTIONS, MEDIA):
        removed[tracked] = remove(cursor, tracked)
    for tracked in (ITEMS, PRODUCTIONS, TERMS, APPEARANCES):
        restored[tracked] = restore(cursor, tracked)
    for tracked in TRACKED:
        brought_back[tracked] = bring_back(cursor, tracked)
    _mend_redirects(cursor)
    leave_terms_in_use(cursor)
    removed[TERMS] = remove(cursor, TERMS)
    return removed, restored, brought_back


def _free_items(cursor: CursorWrapper) -> None:
    """Detach what items that go have got since (only a forced undo removes such items), and their old slugs."""
    gone = f"IN (SELECT id FROM {ITEMS.work} WHERE step = '{REMOVE}' AND why IS NULL)"
    sql.run(cursor, f"DELETE FROM catalog_appearance WHERE item_id {gone}")
    sql.run(cursor, f"UPDATE catalog_mediaasset SET item_id = NULL, updated_at = now() WHERE item_id {gone}")
    sql.run(cursor, f"DELETE FROM catalog_oldslug WHERE item_id {gone}")


def _mend_redirects(cursor: CursorWrapper) -> None:
    """Take away redirects from slugs that items have again; the one from the import's slug stays."""
    sql.run(
        cursor,
        f"""DELETE FROM catalog_oldslug AS old USING catalog_item AS i, {ITEMS.work} AS u
             WHERE i.id = u.id AND u.why IS NULL AND old.slug = i.slug""",
    )


def _left_alone(cursor: CursorWrapper) -> tuple[int, tuple[LeftAlone, ...]]:
    count = 0
    rows: list[LeftAlone] = []
    for tracked in TRACKED:
        found, listed = rows_left_alone(cursor, tracked, LISTED - len(rows))
        count += found
        rows += [LeftAlone(tracked.name, *row) for row in listed]
    return count, tuple(rows)


def _finish(run: ImportRun, result: UndoResult, *, force: bool) -> None:
    """Keep with the run what was done, and put it on its log and the audit record."""
    run.state, run.undone_at, run.message = ImportState.UNDONE, timezone.now(), result.summary()
    run.undo_options = {**run.undo_options, "force": force}
    run.undo_counts = {**result.counts(), "rows_left_alone": [asdict(row) for row in result.rows]}
    run.save(update_fields=["state", "undone_at", "message", "undo_context", "undo_options", "undo_counts"])
    journal.ended(run, by=run.undone_by)
