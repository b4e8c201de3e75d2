"""The task queue's own page of its jobs: it counts as our lists do, since nothing bounds their number."""

from procrastinate.contrib.django.admin import ProcrastinateJobAdmin

from marketplace.admin import CappedPaginator

ProcrastinateJobAdmin.paginator = CappedPaginator
ProcrastinateJobAdmin.show_full_result_count = False
