"""What the API tells of an import, as flat dicts; `import_serializers.py` is what the OpenAPI document promises."""

from typing import Any

from django.db.models import F, QuerySet

from catalog.api.projections import Links, Row, Rows, selected
from catalog.imports.columns import TARGETS
from catalog.imports.mapping import suggestions
from catalog.imports.pages.preview import PreviewRow
from catalog.models import LANDED, ImportLayout, ImportRun, ImportSheet, ImportState

COUNTS = ("rows", "created", "changed", "unchanged", "rejected", "left_out", "withdrawn")
FILE = ("name", "size", "sha256")
PEOPLE = ("started_by", "confirmed_by", "undone_by")
PLAIN = (
    "id", "target", "origin", "state", "message", "rows_read", "started_at", "confirmed_at", "finished_at", "undone_at",
)  # fmt: skip
DETAILS = ("options", "changed_fields", "issue_count", "warnings", "undo_counts")
LAYOUT_COLUMNS = ("id", "target", "name", "header", "mapping", "created_at", "used_at")

# What can be done with a run: in which states, by which right, and by its owner alone or by others too. Those who
# only view imports read the rows of what has landed.
UNFINISHED = frozenset(ImportState.values) - {*LANDED, ImportState.FAILED, ImportState.CANCELLED}
JUDGED = frozenset({ImportState.READY, ImportState.CONFIRMED, ImportState.LANDING, *LANDED})
ADD, PREVIEW, CONFIRM, UNDO, VIEW = (
    f"catalog.{verb}_importrun" for verb in ("add", "preview", "confirm", "undo", "view")
)
ACTIONS: dict[str, tuple[frozenset[str], str, bool]] = {
    "mapping": (frozenset({ImportState.MAPPING, ImportState.READY}), PREVIEW, True),
    "rows": (JUDGED, PREVIEW, False),
    "leave_out": (frozenset({ImportState.READY}), PREVIEW, True),
    "confirm": (frozenset({ImportState.READY}), CONFIRM, True),
    "cancel": (UNFINISHED, ADD, True),
    "undo": (frozenset({ImportState.DONE}), UNDO, False),
    "rejected": (JUDGED, PREVIEW, False),
}


def run_rows(runs: QuerySet[ImportRun], *more: str) -> Rows:
    """Project runs; `more` are further columns."""
    names = {f"{who}_name": F(f"{who}__username") for who in PEOPLE}
    return selected(runs, *PLAIN, *COUNTS, *(f"file_{name}" for name in FILE), *more, **names)


def run_json(row: Row, links: Links) -> Row:
    """Shape one row of `run_rows`."""
    return {
        **{name: row[name] for name in PLAIN},
        "url": address_of(row["id"], links),
        "file": {name: row[f"file_{name}"] for name in FILE},
        "counts": {name: row[name] for name in COUNTS},
        **{who: row[f"{who}_name"] for who in PEOPLE},
    }


def run_detail_json(run: ImportRun, user: Any, links: Links) -> Row:
    """Tell all of a run. This causes two SQL queries."""
    row = run_rows(ImportRun.objects.filter(pk=run.pk), *DETAILS, "log", "started_by_id").get()
    sheets = ImportSheet.objects.filter(run=run).order_by("position")
    return {
        **run_json(row, links),
        **{name: row[name] for name in DETAILS},
        "log": [{"at": at, "text": text} for at, text in row["log"]],
        "sheets": [sheet_json(sheet, row["state"] == ImportState.MAPPING) for sheet in sheets],
        "links": {name: address_to(name, row, user, links) for name in ACTIONS},
    }


def sheet_json(sheet: ImportSheet, waits: bool) -> Row:  # noqa: FBT001  (one fact of the run)
    """Tell of a sheet; while its run waits for a mapping, what it could be and the rows to see it by."""
    return {
        "position": sheet.position,
        "name": sheet.name,
        "target": sheet.target,
        "header": sheet.header,
        "header_line": sheet.header_line,
        "mapping": sheet.mapping,
        "suggestion": suggestion_json(sheet) if waits else None,
        "sample": sheet.sample if waits else None,
        "notes": sheet.notes,
        "left_out_columns": sheet.left_out_columns,
        "counts": {name: getattr(sheet, name) for name in COUNTS},
        "changed_fields": sheet.changed_fields,
    }


def suggestion_json(sheet: ImportSheet) -> Row:
    found = suggestions.suggest(sheet.header, sheet.sample, TARGETS[sheet.target])
    told = ("column", "rule", "confidence", "reason")
    return {
        "mapping": found.mapping,
        "proposals": [{name: getattr(each, name) for name in told} for each in found.proposals],
        "left": found.left,
    }


def address_of(pk: int, links: Links) -> str:
    return f"{links.to('import-list')}{pk}/"


def address_to(action: str, row: Row, user: Any, links: Links) -> str | None:
    """Return where the action can be done with this run now, by this account; None where it cannot."""
    states, right, own = ACTIONS[action]
    if row["state"] not in states or (own and row["started_by_id"] != user.pk):
        return None
    if action == "rejected" and not row["rejected"]:
        return None
    if not (user.has_perm(right) or (right == PREVIEW and row["state"] in LANDED and user.has_perm(VIEW))):
        return None
    return f"{address_of(row['id'], links)}{action.replace('_', '-')}/"


def preview_json(row: PreviewRow) -> Row:
    return {
        "line": row.line,
        "outcome": row.outcome,
        "title": row.title,
        "object_id": row.object_id,
        "left_out": row.left_out,
        "changes": [
            {"column": each.column, "before": each.before, "after": each.after} for each in row.changes
        ],
        "faults": [
            {"column": each.column, "value": each.value, "message": each.message} for each in row.faults
        ],
    }


def layout_rows(kept: QuerySet[ImportLayout]) -> Rows:
    return selected(kept, *LAYOUT_COLUMNS, made_by_name=F("made_by__username"))


def layout_json(row: Row, links: Links) -> Row:
    told = {name: row[name] for name in LAYOUT_COLUMNS}
    return told | {"made_by": row["made_by_name"], "url": f"{links.to('import-layout-list')}{row['id']}/"}
