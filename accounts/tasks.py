"""What the worker does with accounts; each task calls one function."""

from procrastinate.contrib.django import app

from accounts import counters
from accounts.pruning import prune


# No `lock`: a job that was killed would keep it for good. Two that prune at once take different rows.
@app.periodic(cron="41 3 * * *")
@app.task(queueing_lock="accounts.prune")
def nightly_pruning(timestamp: int) -> None:
    """Delete what is over; the next night does what a failure left."""
    prune()


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="accounts.prune_counts")
def pruning_of_counts(timestamp: int) -> None:
    """Delete counts of requests whose window is over: there may be one for each address of the internet."""
    counters.prune()
