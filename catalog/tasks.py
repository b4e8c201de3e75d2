"""What the worker does for the catalogue; each task calls one function. What goes wrong with an import is told in its run."""

from procrastinate.contrib.django import app

from catalog import bulk_editing, changes, merging, upkeep
from catalog.imports.life import housekeeping, work
from catalog.models import AnsweredRequest


@app.task
def read_import(run_id: int) -> None:
    """Read and judge the file of a run."""
    work.read_now(run_id)


@app.task
def land_import(run_id: int) -> None:
    """Land a run that was confirmed."""
    work.land_now(run_id)


@app.task
def undo_import(run_id: int) -> None:
    """Take a run back."""
    work.undo_now(run_id)


# Every 20 seconds, so that a run whose worker was killed goes on within the minute. No `lock`: a job that was
# killed would keep it. Before other jobs: after a kill there may be many.
@app.periodic(cron="* * * * * */20")
@app.task(queueing_lock="catalog.imports.pick_up", priority=10)
def pick_up_imports(timestamp: int) -> None:
    """Let runs that a killed process left go on."""
    housekeeping.pick_up()


@app.task
def edit_many(edit_id: int) -> None:
    """Make an edit of many items, or take it back."""
    bulk_editing.carry_out(edit_id)


@app.task
def merge_terms(into: int, seen: list[tuple[int, str]], by: int) -> None:
    """Merge terms that many items hold."""
    merging.merge_later(into=into, seen=[(key, name) for key, name in seen], by=by)


@app.periodic(cron="* * * * * */20")
@app.task(queueing_lock="catalog.bulk_editing.pick_up", priority=10)
def pick_up_bulk_edits(timestamp: int) -> None:
    """Let edits that a killed process left go on."""
    bulk_editing.pick_up()


@app.periodic(cron="53 3 * * *")
@app.task(queueing_lock="catalog.imports.prune")
def nightly_import_pruning(timestamp: int) -> None:
    """Delete what old imports leave behind; the next night does what a failure left."""
    housekeeping.prune()


@app.periodic(cron="23 4 * * *")
@app.task(queueing_lock="catalog.answers.prune")
def nightly_answer_pruning(timestamp: int) -> None:
    """Delete answers that no repetition of a request gets any more."""
    AnsweredRequest.objects.outlived().delete()


# No `lock`: a job that was killed would keep it; the work itself lets only one process at it.
@app.periodic(cron="* * * * * */20")
@app.task(queueing_lock="catalog.upkeep.take_in_changes")
def take_in_changes(timestamp: int) -> None:
    """Make counts and suggestions cheap again after writes."""
    upkeep.take_in_changes()


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="catalog.changes.fold")
def fold_changes(timestamp: int) -> None:
    """Keep the question for the catalogue's state quick."""
    changes.fold()


@app.periodic(cron="23 4 * * *")
@app.task(queueing_lock="catalog.upkeep.tidy")
def nightly_tidying(timestamp: int) -> None:
    """Put together what the day's writes have scattered."""
    upkeep.tidy()
