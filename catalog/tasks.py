"""What the worker does with imports; each task calls one function. Whatever goes wrong is told in the run."""

from procrastinate.contrib.django import app

from catalog.imports.life import housekeeping, work


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


@app.periodic(cron="53 3 * * *")
@app.task(queueing_lock="catalog.imports.prune")
def nightly_import_pruning(timestamp: int) -> None:
    """Delete what old imports leave behind; the next night does what a failure left."""
    housekeeping.prune()
