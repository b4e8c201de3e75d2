"""The queries of a preview page: for each line its title, the values that it changes, and its faults."""

from collections import defaultdict

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column, Reading, Target
from catalog.imports.judgement.appearances import as_text
from catalog.imports.judgement.casting import model_field
from catalog.imports.judgement.merging import present
from catalog.imports.mapping.conversions import UNREAD
from catalog.imports.staging import schema_of
from catalog.imports.undoing.tables import TRACKED
from catalog.models import ImportSheet

CUT = 301  # characters of a value that are read: one more than are shown
LISTED = 200  # appearances of an item that are read
Columns = dict[str, list[str]]  # of each staged table
Values = tuple[str, str, str]  # column, before, after


def staged_columns(cursor: CursorWrapper, schema: str) -> Columns:
    """Return the tables that the sheet's schema holds, with their columns; none where it is gone."""
    found: Columns = defaultdict(list)
    for table, column in sql.rows(
        cursor,
        f"""SELECT c.relname, a.attname FROM pg_namespace AS n JOIN pg_class AS c ON c.relnamespace = n.oid
              JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE n.nspname = {sql.quoted(schema)} AND c.relkind = 'r' ORDER BY a.attnum""",
    ):
        found[table].append(column)
    return found


def _among(lines: list[int]) -> str:
    return f"IN ({', '.join(str(int(line)) for line in lines)})"


def _shown(expression: str) -> str:
    return f"coalesce(left({expression}, {CUT}), '')"


def find_titles(
    cursor: CursorWrapper, sheet: ImportSheet, target: Target, columns: Columns, lines: list[int]
) -> dict[int, tuple[str, int | None]]:
    """Return for each line what a person calls its row, and the id of the catalogue's row of that key by now."""
    staged = set(columns["import_text"])
    title, join, number = _title(target, staged), "", "NULL"
    if target.kind and f"r_{target.key}" in staged:
        key = sql.canonical_cell(_cell(target.key))
        name = f"coalesce({_cell('name')}, i.name)" if "r_name" in staged else "i.name"
        join = f"LEFT JOIN catalog_item AS i ON {sql.folded('i.reference')} = {sql.folded(key)} AND i.kind = '{target.kind}'"
        title = f"concat({name}, ' (' || coalesce(i.reference, {_cell(target.key)}) || ')')"
        number = "i.id"
    elif target.name == "production" and "r_slug" in staged:
        join, number = f"LEFT JOIN catalog_production AS i ON i.slug = {_cell('slug')}", "i.id"
        title = f"coalesce({title}, i.title)" if "r_title" in staged else "coalesce(i.title, r_slug)"
    found = sql.rows(
        cursor,
        f"""SELECT line, {_shown(title)}, {number} FROM {schema_of(sheet)}.import_text AS t {join}
             WHERE line {_among(lines)}""",
    )
    return {line: (text.strip(), object_id) for line, text, object_id in found}


def _cell(name: str) -> str:
    return f"({sql.trimmed(f't.r_{name}')})"


def _title(target: Target, staged: set[str]) -> str:
    """Return the SQL of a row's title, from its own cells."""
    wanted = {
        "production": ("title", "years"),
        "term": ("name", "vocabulary"),
        "appearance": ("reference", "title", "year", "production", "role"),
        "image": ("key",),
    }
    names = wanted.get(target.name, ("name", target.key))
    cells = [_cell(name) for name in names if f"r_{name}" in staged]
    return f"concat_ws(', ', {', '.join(cells)})" if cells else "NULL"


def find_changes(
    cursor: CursorWrapper, sheet: ImportSheet, target: Target, columns: Columns, lines: list[int]
) -> dict[int, list[Values]]:
    """Return for each of the lines that land the columns that differ, with their values before and after.

    Before landing they are compared with the live rows, later with what history says that these were.
    """
    merged = [column for column in target.columns if column.name in columns["import_merged"]]
    live = not sheet.run.has_landed
    source = f"LEFT JOIN {target.table} AS i ON i.id = m.id" if live else _before(sheet, target)
    values = ", ".join(_pair(sheet, target, column, live=live) for column in merged)
    found = sql.rows(
        cursor,
        f"SELECT m.line, {values} FROM {schema_of(sheet)}.import_merged AS m {source} WHERE m.line {_among(lines)}",
    )
    changes = {
        line: [(c.name, *pair) for c, pair in zip(merged, pairs, strict=True) if pair]
        for line, *pairs in found
    }
    return _with_titles(cursor, sheet, columns, changes) if "appearances" in target.by_name else changes


def _before(sheet: ImportSheet, target: Target) -> str:
    """Return the join of each changed row `i` as it was before the run, as history has it.

    Where the run left no event on the row itself (it changed appearances only), `was_touched` is false.
    """
    events = next(tracked for tracked in TRACKED if tracked.model is target.model).events
    first = f"""(SELECT min(pgh_id) FROM {events} WHERE pgh_obj_id = m.id AND {_of_run(sheet)})"""
    return f"""LEFT JOIN LATERAL (
                   SELECT e.*, first.id IS NOT NULL AS was_touched FROM {events} AS e, (SELECT {first} AS id) AS first
                    WHERE e.pgh_obj_id = m.id AND (first.id IS NULL OR e.pgh_id < first.id)
                    ORDER BY e.pgh_id DESC LIMIT 1) AS i ON TRUE"""


def _of_run(sheet: ImportSheet) -> str:
    context = sheet.run.history_context
    return f"pgh_context_id = {sql.quoted(str(context))}" if context else "FALSE"


def _pair(sheet: ImportSheet, target: Target, column: Column, *, live: bool) -> str:
    """Return the SQL of [before, after] of a column, NULL where it does not change."""
    before, after = present(target, column), f"m.{sql.name(column.name)}"
    differs = f"{before} IS DISTINCT FROM {after}"
    if not live and column.reading is Reading.APPEARANCES:
        before = _appearances_before(sheet)
        differs = f"{before} IS DISTINCT FROM {after}"
    elif not live:
        differs = f"(m.id IS NULL OR i.was_touched) AND {differs}"
    return (
        f"CASE WHEN {differs} THEN ARRAY[{_text(target, column, before)}, {_text(target, column, after)}] END"
    )


def _text(target: Target, column: Column, expression: str) -> str:
    """Return the SQL of a value as a person reads it; appearances as a list of slug:role, to be read later."""
    if column.reading is Reading.APPEARANCES:
        return f"coalesce(array_to_string(({expression})[:{LISTED}], '|'), '')"
    field = model_field(target, column)
    if isinstance(field, ArrayField):
        return _shown(f"array_to_string({expression}, ' | ')")
    if isinstance(field, models.DecimalField):  # as the table will hold it: 5 as 5.00
        expression = f"({expression})::{field.db_type(connection)}"
    return _shown(f"({expression})::text")


def _appearances_before(sheet: ImportSheet) -> str:
    """Return the SQL of the list of appearances that item `i` had before the run; what it has now where that left none."""
    events = "catalog_appearanceevent"
    return f"""coalesce((
        SELECT ARRAY(SELECT coalesce(p.slug, 'production-' || h.production_id) || ':' || h.role
                       FROM (SELECT DISTINCT ON (e.pgh_obj_id) e.* FROM {events} AS e
                              WHERE e.item_id = m.id AND e.pgh_id < first.id
                              ORDER BY e.pgh_obj_id, e.pgh_id DESC) AS h
                       LEFT JOIN catalog_production AS p ON p.id = h.production_id
                      WHERE h.pgh_label <> 'delete' ORDER BY 1)
          FROM (SELECT min(pgh_id) AS id FROM {events} WHERE item_id = m.id AND {_of_run(sheet)}) AS first
         WHERE first.id IS NOT NULL), CASE WHEN m.id IS NULL THEN '{{}}' ELSE m.appearances END)"""


def _with_titles(
    cursor: CursorWrapper, sheet: ImportSheet, columns: Columns, changes: dict[int, list[Values]]
) -> dict[int, list[Values]]:
    """Write appearances as a cell lists them: `slug:role` becomes `Title (year): role`."""
    listed = [change for row in changes.values() for change in row if change[0] == "appearances"]
    slugs = {
        entry.rpartition(":")[0]
        for _, *lists in listed
        for text in lists
        for entry in text.split("|")
        if entry
    }
    titles = _productions(cursor, sheet, columns, slugs)

    def written(text: str) -> str:
        entries = [entry.rpartition(":") for entry in text.split("|") if entry]
        return " | ".join(
            as_text(*titles.get(slug, (slug, [])), slug, role, with_slug=False) for slug, _, role in entries
        )

    return {
        line: [
            (name, written(before), written(after)) if name == "appearances" else (name, before, after)
            for name, before, after in row
        ]
        for line, row in changes.items()
    }


def _productions(
    cursor: CursorWrapper, sheet: ImportSheet, columns: Columns, slugs: set[str]
) -> dict[str, tuple[str, list[int]]]:
    """Return title and years by slug, of the catalogue's productions and of those that the sheet brings."""
    wanted = f"slug IN ({', '.join(map(sql.quoted, sorted(slugs))) or 'NULL'})"
    queries = [f"SELECT slug, title, years FROM catalog_production WHERE {wanted}"]
    if {"slug", "title", "year"} <= set(columns["import_production"]):
        queries.insert(
            0,
            f"SELECT slug, title, ARRAY[year] FROM {schema_of(sheet)}.import_production WHERE {wanted} AND title IS NOT NULL",
        )
    found = sql.rows(cursor, " UNION ALL ".join(queries))
    return {slug: (title, [year for year in years if year]) for slug, title, years in found}


def find_faults(
    cursor: CursorWrapper, sheet: ImportSheet, columns: Columns, lines: list[int]
) -> dict[int, list[tuple[str, str, str]]]:
    """Return for each rejected line its faults: column, the cell as it was read, sentence."""
    cells = " ".join(
        f"WHEN {sql.quoted(name.removeprefix('r_'))} THEN {sql.name(name)}"
        for name in columns["import_text"]
        if name.startswith("r_")
    )
    cell = f"CASE f.name {cells} END" if cells else "NULL::text"
    found: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for line, *fault in sql.rows(
        cursor,
        f"""SELECT f.line, f.name, {_shown(f'rtrim({cell}, {sql.quoted(UNREAD)})')}, f.message
              FROM {schema_of(sheet)}.import_fault AS f JOIN {schema_of(sheet)}.import_text AS t USING (line)
             WHERE f.line {_among(lines)} ORDER BY f.line, f.name, f.message""",
    ):
        found[line].append((fault[0], fault[1], fault[2]))
    return found
