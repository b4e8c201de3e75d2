"""What the worker does for the jobs of all apps."""

from procrastinate.contrib.django import app
from procrastinate.jobs import Status


# No `lock`: a job that was killed would keep it.
@app.periodic(cron="* * * * *")
@app.task(queueing_lock="marketplace.fail_stalled_jobs", priority=10)
async def fail_stalled_jobs(timestamp: int) -> None:
    """Mark jobs whose worker was killed as failed: else the list of jobs says for good that they are being done.

    They are not done again here: what must go on is looked after where it belongs, and a job that ends its worker
    would end every worker.
    """
    for job in await app.job_manager.get_stalled_jobs():
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
