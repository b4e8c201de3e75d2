"""What the worker does for the jobs of all apps."""

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from marketplace.tasks import fail_stalled_jobs


def job_of(worker: str) -> int:
    """Return a job that this worker (SQL, its id or NULL) is at."""
    key = app.configure_task("accounts.tasks.nightly_pruning").defer(timestamp=0)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE procrastinate_jobs SET status = 'doing', worker_id = ({worker}) WHERE id = %s", [key]
        )
    return key


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_queue")
def test_job_whose_worker_was_killed_is_failed_and_others_go_on():
    silent = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '{}') RETURNING id"
    with connection.cursor() as cursor:
        cursor.execute(silent.format("1 hour"))
        (killed,) = cursor.fetchone()
        cursor.execute(silent.format("5 seconds"))
        (alive,) = cursor.fetchone()
    jobs = {job_of(str(killed)): "failed", job_of("NULL"): "failed", job_of(str(alive)): "doing"}

    async_to_sync(fail_stalled_jobs.func)(timestamp=0)

    assert dict(ProcrastinateJob.objects.values_list("id", "status")) == jobs
