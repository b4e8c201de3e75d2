"""What the worker does with accounts; each task calls one function."""

from procrastinate.contrib.django import app

from accounts.pruning import prune


# No `lock`: a job that was killed would keep it for good. Two that prune at once take different rows.
@app.periodic(cron="41 3 * * *")
@app.task(queueing_lock="accounts.prune")
def nightly_pruning(timestamp: int) -> None:
    """Delete what is over; the next night does what a failure left."""
    prune()
