"""One spreadsheet into the catalogue: stage, judge, compare, apply, in sets and in one transaction.

    file -> rows of text -> import_text (COPY) -> import_typed (cast) -> import_merged (as it will be) -> table

Every door (command, admin, API) calls `import_file`. Two imports into the same table queue up.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pghistory
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from accounts import audit
from accounts.models import Action, User
from catalog.imports import sql
from catalog.imports.appearances import new_productions
from catalog.imports.applying import apply, leave_out_rejected, settle, word_columns
from catalog.imports.casting import cast, describe, look_up
from catalog.imports.columns import TARGETS, Reading
from catalog.imports.errors import ImportRefused
from catalog.imports.merging import Plan, find_existing_productions, merge, refuse_repeats
from catalog.imports.reach import EVERYTHING, Reach
from catalog.imports.readers import Table, open_table
from catalog.imports.results import Difference, ImportResult, Issue
from catalog.imports.rules import rules_of
from catalog.imports.staging import map_header, stage
from catalog.imports.vocabularies import new_terms
from catalog.models import ImportIssue, ImportRun, ImportState
from marketplace import faults

ISSUES_KEPT = 10_000
VALUE_KEPT = 500  # characters of a refused cell that are kept
WARNED_WORDS = 20


@dataclass(frozen=True)
class ImportOptions:
    """How a run treats what it meets.

    on_error: land the good rows, or nothing when one row is bad. blank: an empty cell leaves the field
    alone, or clears it. terms: unknown words become terms, or their rows are refused. preview: how many
    differences the result shows. reach: rows that would do more than it allows are refused.
    """

    dry_run: bool = False
    on_error: Literal["skip", "abort"] = "skip"
    blank: Literal["keep", "clear"] = "keep"
    terms: Literal["create", "refuse"] = "create"
    preview: int = 0
    reach: Reach = EVERYTHING


@dataclass(frozen=True)
class Job:
    """One call of import_file, with all that its steps need."""

    table: Table
    plan: Plan
    options: ImportOptions
    file_name: str
    run: ImportRun | None  # a dry run leaves none
    on_rows: Callable[[int], None] | None


def import_file(
    *,
    path: Path,
    target: str,
    options: ImportOptions,
    by: User | None = None,
    on_rows: Callable[[int], None] | None = None,
    file_name: str = "",
) -> ImportResult:
    """Import a spreadsheet; raise ImportRefused where it cannot be imported at all.

    `target` is vehicle, memorabilia, tool or production. `on_rows` hears how many rows were read so
    far. `file_name` is what people call the file, where `path` is not its own name.
    """
    filled = TARGETS[target]
    with open_table(path, file_name) as table:
        plan = Plan(filled, map_header(table.header, filled), rules_of(filled.model), options.reach)
        run = None
        if not options.dry_run:
            run = ImportRun(target=target, file_sha256=table.sha256, options=asdict(options), started_by=by)
            run.file_name = (file_name or path.name)[-255:]
            run.save()
        return _run(Job(table, plan, options, file_name or path.name, run, on_rows))


def _run(job: Job) -> ImportResult:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            result = _load(cursor, job)
    except IntegrityError as error:
        sentence = (
            "The catalogue was changed while the file was being imported; nothing landed, run it again."
        )
        _fail(job.run, sentence)
        raise ImportRefused(sentence) from error
    except DatabaseError as error:
        _fail(job.run, faults.sentence(error))
        raise ImportRefused(faults.sentence(error)) from error
    except ImportRefused as error:
        _fail(job.run, str(error))
        raise
    except (KeyboardInterrupt, SystemExit):  # the latter is what SIGTERM ends in
        _fail(job.run, "The import was interrupted; nothing landed.")
        raise
    if result.landed:
        settle(job.plan, result.created + result.changed)
    return result


def _fail(run: ImportRun | None, sentence: str) -> None:
    if run:
        run.state, run.message, run.finished_at = ImportState.FAILED, sentence, timezone.now()
        run.save(update_fields=["state", "message", "finished_at"])
        _record(run)


def _load(cursor: CursorWrapper, job: Job) -> ImportResult:
    _prepare(cursor)
    rows = stage(cursor, job.table, job.plan.mapping, job.on_rows)
    sql.run(cursor, f"SELECT pg_advisory_xact_lock(hashtext('catalog import {job.plan.target.table}'))")
    _judge(cursor, job.plan, job.options)
    result = _outcome(cursor, job, rows)
    if result.landed and result.created + result.changed:
        with pghistory.context(import_run=job.run and job.run.pk, user=job.run and job.run.started_by_id):
            apply(cursor, job.plan)
    if job.run:
        _finish(job.run, result)
    return result


def _prepare(cursor: CursorWrapper) -> None:
    """Lift the limits that are made for web requests; they return with the transaction's end."""
    sql.run(cursor, "SET LOCAL statement_timeout = 0")
    sql.run(cursor, "SET LOCAL idle_in_transaction_session_timeout = 0")
    sql.run(cursor, "SET LOCAL lock_timeout = '15min'")
    sql.run(cursor, "SET LOCAL work_mem = '64MB'")


def _judge(cursor: CursorWrapper, plan: Plan, options: ImportOptions) -> None:
    create = options.terms == "create" and options.reach.new_terms
    look_up(cursor, plan.target, plan.mapping, plan.rules, create=create)
    cast(cursor, plan.target, plan.mapping, blank_clears=options.blank == "clear")
    if plan.mapping.has("title"):
        find_existing_productions(cursor, plan)
    refuse_repeats(cursor, plan)
    merge(cursor, plan)
    leave_out_rejected(cursor)


def _outcome(cursor: CursorWrapper, job: Job, rows: int) -> ImportResult:
    """Count what is about to land and what is not, and collect what to say about it."""
    plan, options = job.plan, job.options
    sql.run(cursor, "SELECT count(*) FILTER (WHERE id IS NULL), count(id) FROM import_merged")
    created, changed = cursor.fetchone() or (0, 0)
    sql.run(cursor, "SELECT count(DISTINCT line), count(*) FROM import_fault")
    rejected, faults = cursor.fetchone() or (0, 0)
    stops = bool(rejected) and options.on_error == "abort"
    return ImportResult(
        run_id=job.run.pk if job.run else None,
        target=plan.target.name,
        file_name=job.file_name,
        dry_run=options.dry_run,
        landed=not options.dry_run and not stops,
        stops=stops,
        rows=rows,
        created=created,
        changed=changed,
        unchanged=rows - created - changed - rejected,
        rejected=rejected,
        issues=tuple(_issues(cursor, plan)) if faults else (),
        issue_count=faults,
        warnings=(*job.table.warnings, *plan.mapping.warnings, *_news(cursor, plan)),
        preview=tuple(_differences(cursor, plan, options.preview)) if options.preview else (),
    )


def _issues(cursor: CursorWrapper, plan: Plan) -> list[Issue]:
    """Return the first faults in the file's order, each with the cell as the file has it."""
    cells = " ".join(f"WHEN '{column.name}' THEN r_{column.name}" for column in plan.mapping.columns)
    found = sql.rows(
        cursor,
        f"""SELECT line, name, coalesce(left(CASE name {cells} END, {VALUE_KEPT}), ''), message
              FROM import_fault JOIN import_text USING (line) ORDER BY line, name, message LIMIT {ISSUES_KEPT}""",
    )
    return [Issue(*issue) for issue in found]


def _news(cursor: CursorWrapper, plan: Plan) -> list[str]:
    """Return what the import adds beside its rows: words to the vocabularies, productions."""
    notes = []
    if columns := word_columns(plan):
        found = sql.rows(
            cursor,
            f"SELECT vocabulary, count(*), array_agg(name ORDER BY name) FROM ({new_terms(columns)}) AS t GROUP BY 1 ORDER BY 1",
        )
        for vocabulary, count, names in found:
            notes.append(f"{count:,} new terms in the vocabulary {vocabulary}: {_some(names)}.")
    if plan.mapping.has("appearances"):
        titles = [f"{title} ({year})" for _, title, year in sql.rows(cursor, new_productions())]
        if titles:
            notes.append(f"{len(titles):,} new productions: {_some(titles)}.")
    return notes


def _some(names: list[str]) -> str:
    more = f" and {len(names) - WARNED_WORDS:,} more" if len(names) > WARNED_WORDS else ""
    return ", ".join(names[:WARNED_WORDS]) + more


def _differences(cursor: CursorWrapper, plan: Plan, limit: int) -> list[Difference]:
    """Return the first rows that land, with what tells which row it is and the values that they change."""
    names = [column.name for column in plan.mapping.columns if column.reading is not Reading.APPEARANCES]
    before = ", ".join(f"i.{sql.name(name)}" for name in names)
    after = ", ".join(f"m.{sql.name(name)}" for name in names)
    found = sql.rows(
        cursor,
        f"""SELECT m.line, m.id IS NULL, {before}, {after} FROM import_merged AS m
              LEFT JOIN {plan.target.table} AS i ON i.id = m.id ORDER BY m.line LIMIT {limit}""",
    )
    return [
        Difference(
            line,
            is_new,
            {
                name: (describe(old), describe(new))
                for name, old, new in zip(names, values[: len(names)], values[len(names) :], strict=True)
                if is_new or old != new or name in plan.target.needs
            },
        )
        for line, is_new, *values in found
    ]


def _finish(run: ImportRun, result: ImportResult) -> None:
    for name in ("rows", "created", "changed", "unchanged", "rejected"):
        setattr(run, name, getattr(result, name))
    run.finished_at = timezone.now()
    run.state = ImportState.DONE if result.landed else ImportState.FAILED
    run.message = "" if result.landed else result.summary()
    run.save()
    ImportIssue.objects.bulk_create(
        [ImportIssue(run=run, **vars(issue)) for issue in result.issues], batch_size=2000
    )
    _record(run)


def _record(run: ImportRun) -> None:
    """Put the end of the run on the audit record."""
    audit.record(
        Action.IMPORT,
        by=run.started_by,
        subject=run.file_name,
        run=run.pk,
        target=run.target,
        state=run.state,
        rows=run.rows,
        created=run.created,
        changed=run.changed,
        rejected=run.rejected,
    )
