"""What the page of a run shows: its sheets and outcomes as tabs, one page of rows, and what may be done with it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.timezone import localtime

from catalog.admin.imports.columns_form import SheetColumns
from catalog.admin.imports.policies import policies_of
from catalog.admin.imports.targets import TARGETS as TITLES
from catalog.imports import landing
from catalog.imports.columns import TARGETS
from catalog.imports.errors import ImportRefused
from catalog.imports.judging import COUNTED
from catalog.imports.life.possible import JUDGED, STEPS, possible
from catalog.imports.life.work import waits_for_another
from catalog.imports.mapping.binding import bind
from catalog.imports.pages import preview
from catalog.imports.reach import Reach
from catalog.imports.results import Issue
from catalog.imports.undoing import undo
from catalog.models import WORKING, ImportRun, ImportSheet, ImportState, Outcome

PER_PAGE = 50
MOST_TEXT = 70_000  # bytes of cell texts on one page, as HTML
LONGEST, SHORTEST = 400, 12  # bytes of one of them
DIGITS = 9  # of a number in an address; PostgreSQL's integer holds them
LISTED = 100  # rows edited since, of which the undo's page names so many
SHOWN = {**COUNTED, preview.WITHDRAWN: "withdrawn"}
LEAVABLE = (Outcome.NEW, Outcome.CHANGED, Outcome.LEFT_OUT)
COLOURS = {"done": "success", "failed": "danger", "cancelled": "warning", "undone": "warning"}
SENTENCES = {
    ImportState.QUEUED: "The file waits for the worker.",
    ImportState.READING: "{rows_read} rows read and judged so far.",
    ImportState.MAPPING: "Say what its columns mean.",
    ImportState.READY: "Nothing has landed yet: look at it, and confirm.",
    ImportState.CONFIRMED: "It waits for the worker, or for another import that lands.",
    ImportState.LANDING: "Its rows are being written, all together.",
    ImportState.DONE: "It has landed.",
    ImportState.FAILED: "Nothing landed.",
    ImportState.CANCELLED: "Nothing landed.",
    ImportState.UNDOING: "What it did is being taken back.",
    ImportState.UNDONE: "What it did was taken back.",
}
TAKES_TURNS = (ImportState.LANDING, ImportState.UNDOING)
WAITS = "Waiting for another import"
TURN = "Another import is landing or being undone at this moment; this one waits for its turn."


@dataclass(frozen=True)
class Tab:
    """A link to another part of the page."""

    label: str
    address: str
    is_current: bool
    count: int | None = None


def address(run: ImportRun, step: str = "change", *arguments: Any, **query: Any) -> str:
    """Return the address of a run's page, or of one of its steps."""
    base = reverse(f"admin:catalog_importrun_{step}", args=[run.pk, *arguments])
    return f"{base}?{urlencode(query)}" if query else base


def number(text: str | None) -> int | None:
    """Read a whole number as an address or a form has it; None for anything else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def _sheets(run: ImportRun) -> list[ImportSheet]:
    return list(run.sheets.order_by("position"))


def chosen_sheet(run: ImportRun, request: HttpRequest) -> ImportSheet | None:
    """Return the sheet that the address asks for, else the first; None before the file was read."""
    sheets = _sheets(run)
    wanted = number(request.GET.get("sheet"))
    return next((sheet for sheet in sheets if sheet.position == wanted), sheets[0] if sheets else None)


def page_context(request: HttpRequest, run: ImportRun) -> dict[str, Any]:
    """Return what the page of a run shows to this person where the run stands."""
    fixed = undo.why_not(run) if run.state == ImportState.DONE else ""
    may = may_do(request.user, run, fixed=bool(fixed))
    context = {
        "run": run,
        "may": may,
        **progress_context(run),
        "facts": facts(run),
        "policies": policies_of(run),
        "notes": run.warnings,
        "log": log_of(run),
        "issues": issues_of(run),
        "left_alone": run.undo_counts.get("rows_left_alone", [])[:LISTED],
        "cancel_address": address(run, "cancel"),
        "undo_address": address(run, "undo"),
        "rejected_address": address(run, "rejected"),
        "original_address": address(run, "original"),
        "not_undoable": fixed,
        "columns_address": address(run, "columns"),
    }
    if may["mapping"] and (run.state == ImportState.MAPPING or "columns" in request.GET):
        return {**context, "sheet_forms": [SheetColumns(sheet) for sheet in _sheets(run)]}
    if not may["rows"]:
        return context
    try:
        return {**context, **rows_context(run, request), **decision(run)}
    except preview.StagingGone as gone:
        messages.warning(request, str(gone))
        return context


def issues_of(run: ImportRun) -> list[str]:
    """Return the first faults that are kept with the run, for when its rows are not to be seen any more."""
    if not (run.has_landed or run.state == ImportState.FAILED):
        return []
    kept = run.issues.order_by("id").values_list("sheet", "line", "column", "value", "message")[:LISTED]
    return [shortened(str(Issue(*row)), LONGEST) for row in kept]


def may_do(user: Any, run: ImportRun, *, fixed: bool) -> dict[str, bool]:
    """Return which buttons stand on the page; what they do asks again."""
    can = possible(
        user,
        state=run.state,
        started_by=run.started_by_id,
        rejected=run.rejected,
        file_key=run.file_key,
        fixed=fixed,
    )
    return {name: name in can for name in STEPS}


def progress_context(run: ImportRun) -> dict[str, Any]:
    """Return what tells how far the run is."""
    state = ImportState(run.state)
    waits = state in TAKES_TURNS and waits_for_another(run.pk)
    return {
        "run": run,
        "is_working": state in WORKING,
        "progress_address": address(run, "progress"),
        "state_label": WAITS if waits else state.label,
        "state_colour": COLOURS.get(state, "info" if state in WORKING else "primary"),
        "state_sentence": TURN if waits else SENTENCES[state].format(rows_read=f"{run.rows_read:,}"),
    }


def facts(run: ImportRun) -> list[tuple[str, str]]:
    """Return who, what and when."""
    found = [
        ("Number", str(run.pk)),
        ("It holds", TITLES.get(run.target, run.target)),
        ("Brought by", str(run.started_by or "-")),
        ("Brought at", _time(run.started_at)),
    ]
    if run.confirmed_at:
        found.append(("Confirmed", f"{_time(run.confirmed_at)}, {run.confirmed_by or '-'}"))
    if run.finished_at:
        found.append(("Ended", _time(run.finished_at)))
    if run.undone_at:
        found.append(("Undone", f"{_time(run.undone_at)}, {run.undone_by or '-'}"))
    if run.state in JUDGED:
        found.append(("Rows", f"{run.rows:,}"))
    if run.withdrawn:
        found.append(("Items withdrawn", f"{run.withdrawn:,}"))
    return found


def _time(moment: Any) -> str:
    return date_format(localtime(moment), "Y-m-d H:i")


def log_of(run: ImportRun) -> list[dict[str, str]]:
    """Return the log's entries, the latest last."""
    return [{"at": _time(parse_datetime(at)), "text": text} for at, text in run.log]


def decision(run: ImportRun) -> dict[str, Any]:
    """Return what the person decides on: how much lands, or why nothing does."""
    lands = run.created + run.changed
    return {
        "stops": landing.stops(run),
        "lands": lands,
        "withdraws": run.withdrawn,
        "confirm_label": f"Land {lands:,} {'row' if lands == 1 else 'rows'}",
        "confirm_address": address(run, "confirm"),
        "leave_out_address": address(run, "leave_out"),
        "leave_out_columns_address": address(run, "leave_out_columns"),
    }


def undo_context(request: HttpRequest, run: ImportRun) -> dict[str, Any]:
    """Return the question whether to undo, with what was edited since, found by trying it."""
    context: dict[str, Any] = {"run": run, "back": address(run)}
    try:
        found = undo.undo_run(run, force=False, reach=Reach.of(request.user), dry_run=True)
    except ImportRefused as refusal:
        return {**context, "refusal": str(refusal)}
    returned = found.restored + found.removed + found.brought_back
    return {
        **context,
        "question": f"{returned:,} rows of the catalogue return to what they were before this import:"
        f" {found.restored:,} restored, {found.removed:,} removed, {found.brought_back:,} brought back.",
        "edited": [str(row) for row in found.rows[:LISTED]],
        "edited_count": found.left_alone,
        "edited_more": found.left_alone - min(len(found.rows), LISTED),
    }


def rows_context(run: ImportRun, request: HttpRequest) -> dict[str, Any]:
    """Return what the tables of a read run need: tabs, one page of rows, and the columns that may be left out."""
    sheet = chosen_sheet(run, request)
    if sheet is None:
        return {}
    outcome = chosen_outcome(sheet, request.GET.get("outcome"))
    wanted = number(request.GET.get("page")) or 1
    if outcome == preview.WITHDRAWN:
        shown = preview.withdrawals(sheet, number=wanted, size=PER_PAGE)
    else:
        shown = preview.page(sheet, outcome=outcome, number=wanted, size=PER_PAGE)
    here: dict[str, Any] = {"sheet": sheet.position, "outcome": outcome}
    return {
        "sheet": sheet,
        "outcome": outcome,
        "sheets": _sheet_tabs(run, sheet),
        "outcomes": _outcome_tabs(run, sheet, outcome),
        "shown": shown,
        "rows": rows_of(sheet, shown),
        "before": address(run, **here, page=shown.number - 1) if shown.number > 1 else "",
        "after": address(run, **here, page=shown.number + 1) if shown.number < shown.pages else "",
        "here": urlencode({**here, "page": shown.number}),
        "changed_fields": sorted(sheet.changed_fields.items(), key=lambda entry: (-entry[1], entry[0])),
        "is_leavable": run.state == ImportState.READY and outcome in LEAVABLE,
        "columns": columns_of(sheet),
    }


def chosen_outcome(sheet: ImportSheet, wanted: str | None) -> str:
    """Return the outcome that the address asks for, else the first that the sheet has rows of; unchanged ones last."""
    if wanted in SHOWN:
        return wanted
    worth_seeing = sorted(SHOWN, key=lambda outcome: outcome == Outcome.UNCHANGED)
    return next((one for one in worth_seeing if getattr(sheet, SHOWN[one])), Outcome.NEW.value)


def columns_of(sheet: ImportSheet) -> list[tuple[str, bool]]:
    """Return the columns that the sheet brings, each with whether it counts; the key cannot be left out."""
    target = TARGETS[sheet.target]
    bound = bind(sheet.header, target, sheet.mapping)
    return [
        (column.name, column.name not in sheet.left_out_columns)
        for column in bound.staged
        if column.name not in {*target.identity, *target.needs}
    ]


def _sheet_tabs(run: ImportRun, current: ImportSheet) -> list[Tab]:
    sheets = _sheets(run)
    if len(sheets) == 1:
        return []
    return [
        Tab(
            sheet.name or TITLES[sheet.target],
            address(run, sheet=sheet.position),
            sheet.position == current.position,
            sheet.rows,
        )
        for sheet in sheets
    ]


def _outcome_tabs(run: ImportRun, sheet: ImportSheet, current: str) -> list[Tab]:
    return [
        Tab(
            outcome.replace("_", " ").capitalize(),
            address(run, sheet=sheet.position, outcome=outcome),
            outcome == current,
            getattr(sheet, counted),
        )
        for outcome, counted in SHOWN.items()
        if outcome != preview.WITHDRAWN or sheet.withdrawn
    ]


def _limit(shown: preview.PreviewPage) -> int:
    """Return how many bytes each text may take, so that no file makes the page large."""
    texts = sum(2 * len(row.changes) + 2 * len(row.faults) + 1 for row in shown.rows)
    return min(LONGEST, max(SHORTEST, MOST_TEXT // max(texts, 1)))


def shortened(text: str, limit: int) -> str:
    """Cut a text so that it takes at most this many bytes of the page."""
    if len(escape(text[: limit + 1]).encode()) <= limit and len(text) <= limit:
        return text
    kept = text[:limit]
    while kept and len(escape(kept).encode()) > limit:
        kept = kept[: max(len(kept) * limit // len(escape(kept).encode()) - 1, 0)]
    return f"{kept.rstrip()}\u2026"


def rows_of(sheet: ImportSheet, shown: preview.PreviewPage) -> list[dict[str, Any]]:
    """Return the rows for the template, their texts cut so that no file makes the page large."""
    limit = _limit(shown)
    return [_row(sheet, row, limit) for row in shown.rows]


def _row(sheet: ImportSheet, row: preview.PreviewRow, limit: int) -> dict[str, Any]:
    return {
        "line": row.line,
        "title": shortened(row.title, limit),
        "address": _object_address(sheet, row.object_id),
        "is_new": row.outcome == Outcome.NEW,
        "left_out": row.left_out,
        "changes": [
            (change.column, shortened(change.before, limit), shortened(change.after, limit))
            for change in row.changes
        ],
        "faults": [
            (fault.column, shortened(fault.value, limit), shortened(fault.message, max(limit, 200)))
            for fault in row.faults
        ],
    }


def _object_address(sheet: ImportSheet, key: int | None) -> str:
    """Return the page of what a row changes; appearances are lines of other pages."""
    if key is None or sheet.target == "appearance":
        return ""
    model = TARGETS[sheet.target].model._meta.model_name
    return reverse(f"admin:catalog_{model}_change", args=[key])
