"""What would become of each row: the staged sheets of a run against the catalogue of this moment."""

from collections.abc import Sequence

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import TARGETS, WORKBOOK, Target
from catalog.imports.drift import marks_after, marks_before
from catalog.imports.judgement import stock_list, tables
from catalog.imports.judgement.applying import word_columns
from catalog.imports.judgement.merging import Plan, present
from catalog.imports.judgement.productions import new_productions
from catalog.imports.judgement.rules import rules_of
from catalog.imports.judgement.vocabularies import new_terms
from catalog.imports.locking import hold_tables, prepare
from catalog.imports.mapping.binding import bind
from catalog.imports.mapping.conversions import UNREAD
from catalog.imports.options import ImportOptions
from catalog.imports.reach import EVERYTHING, Reach, person_now
from catalog.imports.staging import inside, schema_of
from catalog.models import ImportOrigin, ImportRun, ImportSheet, Outcome

ISSUES_KEPT = 10_000
VALUE_KEPT = 500  # characters of a refused cell that are kept
WARNED_WORDS = 20
COUNTED: dict[str, str] = {
    Outcome.NEW.value: "created",
    Outcome.CHANGED.value: "changed",
    Outcome.UNCHANGED.value: "unchanged",
    Outcome.REJECTED.value: "rejected",
    Outcome.LEFT_OUT.value: "left_out",
}
COUNTS = ("rows", *COUNTED.values(), "withdrawn")
TOTALS = (*COUNTS, "issue_count")
JUDGEMENT = (*TOTALS, "changed_fields", "warnings")  # what a judgement says of the run
Earlier = Sequence[tuple[str, Target]]  # schema and target of the run's sheets before this one


def reach_of(run: ImportRun) -> Reach:
    """Return what the run may do now: at the server's console everything, else what its owner may, and his key."""
    if run.origin == ImportOrigin.COMMAND:
        return EVERYTHING
    return Reach.of(person_now(run.started_by, run.started_key_id))


def plan_of(run: ImportRun, sheet: ImportSheet) -> Plan:
    """Return what the statements for this sheet need to know."""
    target = TARGETS[sheet.target]
    mapping = bind(sheet.header, target, sheet.mapping).without(sheet.left_out_columns)
    return Plan(
        target=target,
        mapping=mapping,
        rules=rules_of(target.model),
        reach=reach_of(run),
        options=ImportOptions.of(run.options),
        plain=frozenset(sheet.marks.get("plain") or ()),
    )


def judge(run: ImportRun) -> None:
    """Judge all staged sheets, in a transaction of its own; store counts, faults and notes. Nothing lands."""
    with transaction.atomic(), connection.cursor() as cursor:
        prepare(cursor)
        judge_sheets(cursor, run)
        for sheet in run.sheets.all():
            with inside(cursor, sheet):
                _index_for_pages(cursor)
        run.save(update_fields=JUDGEMENT)  # last: from here on the watch and a cancellation wait


def _index_for_pages(cursor: CursorWrapper) -> None:
    """Make a page of the preview cost the same anywhere in a file of any size."""
    for table in ("import_text", "import_merged", "import_fault", "import_row"):
        sql.run(cursor, f"CREATE INDEX IF NOT EXISTS {table}_line ON {table} (line)")
    sql.run(cursor, "CREATE INDEX import_row_outcome ON import_row (outcome, line)")
    sql.run(cursor, "ANALYZE import_row")


def judge_sheets(cursor: CursorWrapper, run: ImportRun) -> None:
    """Judge within the present transaction, and leave it to the caller to store the run.

    A transaction that also lands stores it at its end: until then the run's row stays free for the watch and for a
    cancellation.
    """
    hold_tables(cursor, run.pk)
    run.issues.all().delete()
    notes: list[str] = []
    earlier: list[tuple[str, Target]] = []
    sheets = list(run.sheets.order_by("position"))
    for sheet in sheets:
        plan = plan_of(run, sheet)
        with inside(cursor, sheet):
            notes += _judge_sheet(cursor, sheet, plan, earlier)
        earlier.append((schema_of(sheet), plan.target))
    _total(run, sheets)
    run.warnings = [*(note for sheet in sheets for note in sheet.notes), *notes]


def _judge_sheet(cursor: CursorWrapper, sheet: ImportSheet, plan: Plan, earlier: Earlier) -> list[str]:
    sheet.marks = {name: sheet.marks.get(name) for name in ("mapping", "plain")} | marks_before(cursor, plan)
    tables.judge_sheet(cursor, plan, earlier, left_out=sheet.left_out_lines)
    withdrawn = (
        stock_list.find_missing(cursor, plan, earlier) if plan.options.full_list and plan.target.kind else 0
    )
    sheet.marks |= marks_after(cursor, plan)
    _tell_outcomes(cursor)
    _count(cursor, sheet)
    sheet.withdrawn = withdrawn
    sheet.changed_fields = _changed_fields(cursor, plan) if sheet.changed else {}
    sheet.save()
    _keep_issues(cursor, sheet)
    return _news(cursor, plan, earlier)


def _tell_outcomes(cursor: CursorWrapper) -> None:
    """Make `import_row(line, outcome, id)`: what becomes of every row."""
    sql.create_table(
        cursor,
        "import_row",
        f"""SELECT t.line, CASE WHEN f.line IS NOT NULL THEN '{Outcome.REJECTED}'
                   WHEN o.line IS NOT NULL THEN '{Outcome.LEFT_OUT}'
                   WHEN m.line IS NULL THEN '{Outcome.UNCHANGED}'
                   WHEN m.id IS NULL THEN '{Outcome.NEW}' ELSE '{Outcome.CHANGED}' END AS outcome, m.id
              FROM import_text AS t LEFT JOIN import_merged AS m USING (line)
              LEFT JOIN (SELECT DISTINCT line FROM import_fault) AS f USING (line)
              LEFT JOIN import_left_out AS o USING (line)""",
        kept=True,
    )


def _count(cursor: CursorWrapper, sheet: ImportSheet) -> None:
    found = dict(sql.rows(cursor, "SELECT outcome, count(*) FROM import_row GROUP BY 1"))
    for outcome, name in COUNTED.items():
        setattr(sheet, name, found.get(outcome, 0))
    sheet.rows = sum(found.values())
    sheet.issue_count = int(sql.value(cursor, "SELECT count(*) FROM import_fault") or 0)


def _changed_fields(cursor: CursorWrapper, plan: Plan) -> dict[str, int]:
    """Return how many rows change each field, the most changed first."""
    differs = {
        column.name: f"{present(plan.target, column)} IS DISTINCT FROM m.{sql.name(column.name)}"
        for column in plan.target.columns
        if (plan.mapping.has(column.name) or column.name in plan.written)
        and column.name not in plan.target.identity
    }
    if not differs:
        return {}
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in differs.values())
    query = f"SELECT {counts} FROM import_merged AS m JOIN {plan.target.table} AS i ON i.id = m.id"
    found = zip(differs, sql.rows(cursor, query)[0], strict=True)
    return dict(
        sorted(((name, count) for name, count in found if count), key=lambda pair: (-pair[1], pair[0]))
    )


def _keep_issues(cursor: CursorWrapper, sheet: ImportSheet) -> None:
    """Store the first faults in the file's order, each with the cell as the file has it."""
    if not sheet.rejected:
        return
    name = sheet.name if sheet.run.target == WORKBOOK else ""
    room = ISSUES_KEPT - sheet.run.issues.count()
    staged = bind(sheet.header, TARGETS[sheet.target], sheet.mapping).staged
    cells = " ".join(f"WHEN '{column.name}' THEN r_{column.name}" for column in staged)
    sql.run(
        cursor,
        f"""INSERT INTO catalog_importissue (run_id, sheet, line, "column", value, message)
            SELECT {sheet.run_id}, {sql.quoted(name)}, line, name, coalesce(left(rtrim(CASE name {cells} END, {sql.quoted(UNREAD)}), {VALUE_KEPT}), ''),
                   message
              FROM import_fault JOIN import_text USING (line)
             ORDER BY line, name, message LIMIT {max(room, 0)}""",
    )


def _news(cursor: CursorWrapper, plan: Plan, earlier: Earlier) -> list[str]:
    """Return what the import adds beside its rows: words to the vocabularies, productions."""
    notes = []
    if columns := word_columns(plan):
        found = sql.rows(
            cursor,
            f"SELECT vocabulary, count(*), array_agg(name ORDER BY name) FROM ({new_terms(columns, earlier)}) AS t GROUP BY 1 ORDER BY 1",
        )
        for vocabulary, count, names in found:
            terms = "term" if count == 1 else "terms"
            notes.append(f"{count:,} new {terms} in the vocabulary {vocabulary}: {_some(names)}.")
    if plan.mapping.has("appearances") or plan.target.name == "appearance":
        titles = [
            f"{title} ({year})" for _, title, year in sql.rows(cursor, new_productions(plan.target, earlier))
        ]
        if titles:
            films = "production" if len(titles) == 1 else "productions"
            notes.append(f"{len(titles):,} new {films}: {_some(titles)}.")
    return notes


def _some(names: list[str]) -> str:
    more = f" and {len(names) - WARNED_WORDS:,} more" if len(names) > WARNED_WORDS else ""
    return ", ".join(names[:WARNED_WORDS]) + more


def _total(run: ImportRun, sheets: Sequence[ImportSheet]) -> None:
    for name in TOTALS:
        setattr(run, name, sum(getattr(sheet, name) for sheet in sheets))
    run.changed_fields = {}
    for sheet in sheets:
        for name, count in sheet.changed_fields.items():
            run.changed_fields[name] = run.changed_fields.get(name, 0) + count
