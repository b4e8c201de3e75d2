"""From rows of text to the tables that everything else reads, in a schema of the sheet's own.

`import_text` holds one row a line: `line`, `fault` (what is wrong with the row as a whole) and a text
column `r_<name>` for each mapped column. The view `import_trimmed` shows the same with blanks taken off and
empty cells as NULL. The tables are UNLOGGED and stay until the run is pruned, so that what was previewed is
what lands; a crash of the database server empties them, and then the file is read again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog.imports import sql
from catalog.imports.columns import Column, Reading
from catalog.imports.locking import hold_tables
from catalog.imports.mapping.binding import Mapping, Pick
from catalog.imports.sources.readers import Row, Table
from catalog.models import ImportRun, ImportSheet

CELL, ROW = "\x1f", "\x1e"  # put between cells and rows while a block is one text; cells may not hold them
# What a cell may begin or end with that Traits looks for, in a block that is ASCII: all as a blank, the row's end as a cell's.
REMARKABLE = bytes.maketrans(b"\t\n\x0b\x0c\r\x1c\x1d'[#" + ROW.encode(), b" " * 10 + CELL.encode())
CONTROL = "The row holds a control character (such as NUL) that no text can hold."


def schema_of(sheet: ImportSheet) -> str:
    """Return the name of the PostgreSQL schema that holds the sheet's tables."""
    return f"import_{sheet.run_id}_{sheet.position}"


@contextmanager
def inside(cursor: CursorWrapper, sheet: ImportSheet) -> Iterator[None]:
    """Let plain names of tables mean the sheet's own, within the present transaction."""
    before = str(sql.value(cursor, "SELECT current_setting('search_path')"))
    _search(cursor, f"{schema_of(sheet)}, {before}")
    yield
    _search(cursor, before)


def _search(cursor: CursorWrapper, path: str) -> None:
    sql.run(cursor, f"SELECT set_config('search_path', {sql.quoted(path)}, true)")


def is_staged(sheet: ImportSheet) -> bool:
    """Return whether the sheet's rows are still there to be judged or to land."""
    with connection.cursor() as cursor:
        if not sql.value(cursor, f"SELECT to_regclass('{schema_of(sheet)}.import_text') IS NOT NULL"):
            return False
        return bool(sql.value(cursor, f"SELECT EXISTS (SELECT FROM {schema_of(sheet)}.import_text)"))


def drop(run: ImportRun) -> None:
    """Drop the tables of all sheets of the run."""
    with transaction.atomic(), connection.cursor() as cursor:
        found = sql.rows(
            cursor, rf"SELECT nspname FROM pg_namespace WHERE nspname ~ '^import_{run.pk}_[0-9]+$'"
        )
        if found:
            hold_tables(cursor, run.pk)
        for (schema,) in found:
            sql.run(cursor, f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def stage(
    cursor: CursorWrapper,
    sheet: ImportSheet,
    table: Table,
    mapping: Mapping,
    on_rows: Callable[[int], None] | None,
) -> int:
    """Copy the table's rows into the sheet's `import_text`; return how many there are.

    Notes in the sheet's marks which columns are `plain`: each of their cells means just what stands in it.
    """
    sql.run(cursor, f"DROP SCHEMA IF EXISTS {schema_of(sheet)} CASCADE")
    sql.run(cursor, f"CREATE SCHEMA {schema_of(sheet)}")
    with inside(cursor, sheet):
        raw = "".join(f", r_{column.name} text" for column in mapping.staged)
        sql.run(cursor, f"CREATE UNLOGGED TABLE import_text (line int, fault text{raw})")
        traits = Traits()
        count = 0
        with cursor.copy("COPY import_text FROM STDIN (DELIMITER E'\\x1f', NULL '')") as copy:
            for block in filter(None, table.blocks):
                copy.write(_as_copy_text(block, mapping.pick, traits))
                count += len(block)
                if on_rows:
                    on_rows(count)
        _show_trimmed(cursor, mapping.staged, traits)
        sql.run(cursor, "ANALYZE import_text (line)")
    special = traits.untidy | traits.special
    plain = [column.name for place, column in enumerate(mapping.staged) if place not in special]
    sheet.marks = {"mapping": sheet.mapping, "plain": plain}
    return count


@dataclass
class Traits:
    """What is found in the cells of the staged columns, by the columns' places.

    untidy: blanks around a cell, or an apostrophe before it (see sql.trimmed). special: characters beyond ASCII, or a
    beginning such as that of [clear], of [text] or of #REF!. What is known to have neither is not looked for again.
    """

    untidy: set[int] = field(default_factory=set)
    special: set[int] = field(default_factory=set)

    def find(self, rows: list[tuple[str, ...]], text: str) -> None:
        """Look at a block, given as rows of cells and as the text that is copied."""
        if _is_unremarkable(text):
            return
        for texts in rows:
            if tuple(map(str.strip, texts)) != texts:
                self.untidy.update(place for place, cell in enumerate(texts) if cell.strip() != cell)
        if text.isascii() and not any(f"{CELL}{mark}" in text for mark in "'[#"):
            return
        for place, cells in enumerate(zip(*rows, strict=True)):
            joined = CELL + CELL.join(cells)
            if f"{CELL}'" in joined:
                self.untidy.add(place)
            if not joined.isascii() or f"{CELL}[" in joined or f"{CELL}#" in joined:
                self.special.add(place)


def _is_unremarkable(text: str) -> bool:
    """Return whether a block's text surely has nothing that Traits looks for: one look, in place of one at each cell."""
    if not text.isascii():
        return False
    marks = (text + ROW).encode().translate(REMARKABLE)
    return b"\x1f " not in marks and b" \x1f" not in marks


def _show_trimmed(cursor: CursorWrapper, columns: tuple[Column, ...], traits: Traits) -> None:
    """Make the view; what has nothing to be taken off in any cell is shown as it is, which costs nothing."""
    cells = "".join(
        f", {_cell(column) if place in traits.untidy else f'r_{column.name}'} AS r_{column.name}"
        for place, column in enumerate(columns)
    )
    # OFFSET 0 keeps the trimming from being repeated wherever a column is named.
    sql.run(cursor, f"CREATE VIEW import_trimmed AS SELECT line, fault{cells} FROM import_text OFFSET 0")


def _cell(column: Column) -> str:
    return sql.cell(f"r_{column.name}", exact=column.reading is Reading.KEY)


def _as_copy_text(block: list[Row], pick: Pick, traits: Traits) -> bytes:
    """Return the block in COPY's text format: escaped as one text, which costs a fraction of escaping cells."""
    rows = [pick(cells) for _, cells, _ in block]
    lines = [CELL.join((str(row.line), row.fault, *texts)) for row, texts in zip(block, rows, strict=True)]
    text = ROW.join(lines)
    expected = len(block) * (len(rows[0]) + 1)
    if "\0" in text or text.count(CELL) != expected or text.count(ROW) != len(block) - 1:
        text = ROW.join(_without_control(block, rows))
        traits.untidy.update(range(len(rows[0])))
    traits.find(rows, text)
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace(ROW, "\n")
    return (text + "\n").encode("utf-8", "replace")


def _without_control(block: list[Row], rows: list[tuple[str, ...]]) -> Iterator[str]:
    for row, texts in zip(block, rows, strict=True):
        picked = CELL.join(texts)
        clean = [cell.replace("\0", "\ufffd").replace(CELL, " ").replace(ROW, " ") for cell in texts]
        control = CONTROL if CELL.join(clean) != picked else ""
        yield CELL.join((str(row.line), row.fault or control, *clean))
