"""What the API tells of an import, as flat dicts; `import_serializers.py` is what the OpenAPI document promises."""

from typing import Any

from django.db.models import F, QuerySet

from catalog.api.links import Links, Row
from catalog.api.projections import Rows, selected
from catalog.imports.columns import TARGETS
from catalog.imports.judging import COUNTS
from catalog.imports.life.possible import STEPS, possible
from catalog.imports.mapping import suggestions
from catalog.imports.pages.preview import PreviewRow
from catalog.imports.undoing import undo
from catalog.models import ImportLayout, ImportRun, ImportSheet, ImportState

FILE = ("name", "size", "sha256")
PEOPLE = ("started_by", "confirmed_by", "undone_by")
PLAIN = (
    "id", "target", "origin", "state", "message", "rows_read", "started_at", "confirmed_at", "finished_at", "undone_at",
)  # fmt: skip
DETAILS = ("options", "changed_fields", "issue_count", "warnings", "undo_counts")
LAYOUT_COLUMNS = ("id", "target", "name", "header", "mapping", "created_at", "used_at")
ADD, PREVIEW, CONFIRM, UNDO, VIEW = (
    f"catalog.{verb}_importrun" for verb in ("add", "preview", "confirm", "undo", "view")
)


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
    """Tell all of a run. This causes two SQL queries, and up to five more where it has landed."""
    row = run_rows(ImportRun.objects.filter(pk=run.pk), *DETAILS, "log", "started_by_id", "file_key").get()
    sheets = ImportSheet.objects.filter(run=run).order_by("position")
    fixed = undo.why_not(run) if row["state"] == ImportState.DONE else ""
    return {
        **run_json(row, links),
        **{name: row[name] for name in DETAILS},
        "not_undoable": fixed,
        "log": [{"at": at, "text": text} for at, text in row["log"]],
        "sheets": [sheet_json(sheet, row["state"] == ImportState.MAPPING) for sheet in sheets],
        "links": links_of(row, user, links, fixed=bool(fixed)),
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


def links_of(row: Row, user: Any, links: Links, *, fixed: bool) -> dict[str, str | None]:
    """Return where each step can be taken with this run now, by this account; None where it cannot."""
    address = address_of(row["id"], links)
    can = possible(
        user,
        state=row["state"],
        started_by=row["started_by_id"],
        rejected=row["rejected"],
        file_key=row["file_key"],
        fixed=fixed,
    )
    return {name: f"{address}{name.replace('_', '-')}/" if name in can else None for name in STEPS}


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
