"""Brings the catalogue's media assets into agreement with the bucket: listing -> staging -> decisions -> writes.

A sync reads the bucket and never writes to it. Killed at any point it leaves the catalogue as it was, and
the next run goes on with what was listed.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pghistory
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from procrastinate.contrib.django import app

from media_sync import storage
from media_sync.errors import SyncRefused
from media_sync.keys import LONGEST_KEY, UNSTORABLE
from media_sync.models import SyncRun, SyncState
from media_sync.reconcile import decide, guards, plans, report, runs, shards, staging
from media_sync.reconcile.apply import apply
from media_sync.reconcile.guards import Cap
from media_sync.reconcile.inventory import Lister, OutOfOrder
from media_sync.reconcile.lock import alone
from media_sync.reconcile.report import SyncResult
from media_sync.reconcile.shards import Part

PROCESS_TASK = "media_sync.tasks.process_media"  # by name: tasks import this module

Progress = Callable[[int], None]


def sync_bucket(
    *,
    prefix: str = "",
    dry_run: bool = False,
    cap: Cap | None = None,
    workers: int | None = None,
    plan: Path | None = None,
    by: int | None = None,
    progress: Progress = lambda listed: None,
) -> SyncResult:
    """Compare the bucket's objects under the prefix with the catalogue and bring the catalogue up to date.

    What is listed and new becomes an asset of the item that its key names; staff's own choices (item, position,
    texts) are never overwritten. What is not listed any more is marked missing, within the cap and never after an
    empty listing. A dry run decides and writes nothing; with `plan` it writes the decisions to that file.

    `workers` is the number of streams that list (None: as many as pay), `by` the id of the account that asked
    for it. `progress` hears of the number of objects listed so far. Raises BucketUnavailable (nothing is changed
    then) and SyncRefused; both carry one sentence.
    """
    _check_prefix(prefix)
    with alone(), runs.recorded(prefix=prefix, dry_run=dry_run or plan is not None, by=by) as run:
        began = time.monotonic()
        parts = _list(run, workers, progress)
        result = _decide(run, parts, cap)
        if plan:
            plans.write(run, plan, result)
            run.state = SyncState.PLANNED
        elif not run.dry_run:
            result = _apply(run, result)
        result = replace(result, plan=str(plan or ""), seconds=round(time.monotonic() - began, 3))
        result.keep(run)
        return result


def apply_plan(
    path: Path, *, workers: int | None = None, by: int | None = None, progress: Progress = lambda listed: None
) -> SyncResult:
    """Do exactly what a plan's file says, all of it or nothing.

    The bucket is listed again. Raises SyncRefused where the file is none of ours, or an object or a record that
    it speaks of is not as it was; else as sync_bucket.
    """
    head = plans.head(path)
    _check_prefix(head.prefix)
    with alone(), runs.recorded(prefix=head.prefix, dry_run=False, by=by) as run:
        began = time.monotonic()
        plans.check_head(head, run)
        parts = _list(run, workers, progress)
        with runs.heard_of(run), staging.inside(run) as cursor:
            decide.prepare(cursor)
            plans.read(cursor, path, head)
            plans.check_bucket(cursor)
            planned = report.actions(cursor)
            counted = _both_ways(cursor, run, parts, planned, ignored=head.ignored)
        runs.phase(run, "Writing")
        with runs.heard_of(run), staging.inside(run) as cursor, pghistory.context(sync_run=run.pk):
            plans.check_catalogue(cursor)
            plans.check_written(planned, apply(cursor, planned))
            _process_later(planned)
        result = SyncResult(
            **_facts(run), **counted, plan=str(path), seconds=round(time.monotonic() - began, 3)
        )
        result.keep(run)
        return result


def _check_prefix(prefix: str) -> None:
    if UNSTORABLE.search(prefix) or len(prefix) > LONGEST_KEY:
        raise SyncRefused(f"No object's key can begin with the prefix {prefix[:40]!r}.")


def _list(run: SyncRun, workers: int | None, progress: Progress) -> list[Part]:
    """Stage the listing, or what a run before left of it; return its parts."""
    storage.check_bucket()  # gives up within seconds; the listing's patience would wait for minutes
    runs.phase(run, "Listing")
    lister = Lister()
    try:
        return _list_in_order(run, lister, workers, progress)
    except OutOfOrder:
        runs.note(run, "The server does not list in order: the listing begins again, in one stream.")
    whole = [Part()]
    staging.create(run)
    stream = ((whole[0], page) for page in lister.pages(run.prefix))
    staging.fill(run, stream, whole, progress, resumable=False)
    staging.without_repetitions(run)
    return whole


def _list_in_order(run: SyncRun, lister: Lister, workers: int | None, progress: Progress) -> list[Part]:
    if runs.resume(run):
        parts = [Part.from_json(part) for part in run.shards]
        streams = min(workers or shards.STREAMS, len(parts))
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            parts, streams = shards.cut(cursor, lister, run.prefix, workers)
        staging.create(run)
    left = [part for part in parts if not part.done]
    if streams > 1:
        runs.note(run, f"{len(left)} parts are listed in {streams} streams.")
        stream = shards.at_once(lister, run.prefix, left, streams)
    else:
        stream = shards.in_turn(lister, run.prefix, left)
    staging.fill(run, stream, parts, progress, resumable=True)
    return parts


def _decide(run: SyncRun, parts: list[Part], cap: Cap | None) -> SyncResult:
    """Fill the run's table of decisions; return what they come to."""
    runs.phase(run, "Deciding")
    usual, hint = guards.cap_for(run)
    with runs.heard_of(run), staging.inside(run) as cursor:
        decide.prepare(cursor)
        ignored, ambiguous = decide.decide(cursor, run.prefix, run.started_at)
        refused = guards.refusal(
            cursor, run.prefix, gone=decide.count_gone(cursor), moved=report.actions(cursor).get("move", 0),
            listed=run.listed, cap=cap or usual, hint=hint,
        )  # fmt: skip
        if refused:  # the listing is not to be believed
            decide.forget_moves(cursor)
        else:
            decide.decide_gone(cursor)
        counted = _both_ways(cursor, run, parts, report.actions(cursor), ignored=ignored)
        if refused:
            counted["missing_keys"] = report.gone(cursor)
    return SyncResult(**_facts(run), **counted, ambiguous=ambiguous, refused=refused)


def _both_ways(
    cursor: CursorWrapper,
    run: SyncRun,
    parts: list[Part],
    planned: dict[str, int],
    *,
    ignored: dict[str, int],
) -> dict[str, Any]:
    """Return the result's counts, as they will be when the decisions are applied."""
    by_reason = dict(ignored)
    for part in parts:
        for reason, count in part.odd.items():
            by_reason[reason] = by_reason.get(reason, 0) + count
    passed_over = sum(by_reason.values())
    strangers = passed_over - sum(by_reason.get(reason, 0) for reason in report.OWN_REASONS)
    actions = {name: planned.get(action, 0) for name, action in report.ACTION_OF.items()}
    new = decide.count_new(cursor) or actions["created"] + actions["moved"]
    recorded = 0 if run.dry_run else actions["created"] + actions["moved"]
    return {
        **actions,
        "listed": run.listed,
        "ignored": passed_over,
        "ignored_by_reason": by_reason,
        "unchanged": run.listed - passed_over - new - actions["changed"] - actions["returned"],
        "unrecorded": strangers + new - recorded,
        "unstorable_keys": tuple(key for part in parts for key in part.odd_keys)[: staging.SAMPLE],
        **report.both_ways(cursor, run.prefix, planned),
        "storage_classes": report.storage_classes(cursor),
        **report.alike(cursor),
        **report.examples(cursor),
    }


def _facts(run: SyncRun) -> dict[str, Any]:
    return {"bucket": run.bucket, "prefix": run.prefix, "dry_run": run.dry_run, "run": run.pk}


def _apply(run: SyncRun, result: SyncResult) -> SyncResult:
    """Write the decisions; what somebody changed meanwhile is left to the next run."""
    if not result.writes:
        return result
    runs.phase(run, "Writing")
    with runs.heard_of(run), staging.inside(run) as cursor, pghistory.context(sync_run=run.pk):
        written = apply(cursor, report.actions(cursor))
        _process_later(written)
    done: dict[str, Any] = {name: written.get(action, 0) for name, action in report.ACTION_OF.items()}
    return replace(result, **done)


def _process_later(written: dict[str, int]) -> None:
    """Let a worker read what is new or changed."""
    if any(written.get(action) for action in ("create", "change", "return")):
        transaction.on_commit(partial(app.configure_task(PROCESS_TASK).defer))
