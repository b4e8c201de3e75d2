"""Files as tables, each a stream of rows. A format is one function that yields the tables of a file.

A reader refuses (ImportRefused) what is no table at all. What is wrong with one row travels with it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from catalog.imports.errors import ImportRefused
from catalog.imports.sources.delimited import open_delimited
from catalog.imports.sources.headers import Recognise, first_row
from catalog.imports.sources.rows import Row, Table
from catalog.imports.sources.workbooks import Wanted, workbook_tables

__all__ = ["READERS", "Row", "Table", "open_table", "open_tables"]

HEAD_BYTES = 4096
NOT_TABLES = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b", "a compressed file"),
    (b"Rar!\x1a\x07", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
)
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Source(NamedTuple):
    """A file to read: what people call it, how it begins, and what its reader is asked for."""

    path: Path
    name: str
    head: bytes
    opened: ExitStack  # closes what the reader opens
    recognise: Recognise
    wanted: Wanted | None


@contextmanager
def open_tables(
    path: Path, name: str = "", *, recognise: Recognise = first_row, sheets: Wanted | None = None
) -> Iterator[Iterator[Table]]:
    """Open a file by its ending (.csv, .tsv, .txt, .xlsx, .xlsm, .ods); yield its tables, one after the other.

    Sentences call the file `name`, where that is not its name on disk. `recognise` counts the cells of a row
    that mean a column of ours: it finds the header below a title. Of a workbook, the visible sheets are read
    whose names `sheets` calls wanted; without it, the first visible one that holds anything.
    """
    place, name = name or str(path), name or path.name
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise ImportRefused(f"{name} has an unknown ending; files must end in one of {known}.")
    head = _head(path, place)
    if not head.strip():
        raise ImportRefused(f"{name} is empty.")
    with ExitStack() as opened:
        yield reader(Source(path, name, head, opened, recognise, sheets))


@contextmanager
def open_table(path: Path, name: str = "") -> Iterator[Table]:
    """Open a file of one table whose header is its first filled row."""
    with open_tables(path, name) as tables:
        yield next(tables)


def _head(path: Path, place: str) -> bytes:
    """Return how the file begins."""
    try:
        if path.is_dir():
            raise ImportRefused(f"{place} is a folder, not a file.")
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise ImportRefused(f"{place} cannot be read: {error.strerror}.") from error


def _open_delimited(source: Source) -> Iterator[Table]:
    for magic, what in (*NOT_TABLES, (ZIP, "a workbook or an archive"), (OLE, "an old Excel workbook")):
        if source.head.startswith(magic):
            raise ImportRefused(f"{source.name} is {what}, not a CSV file.")
    yield open_delimited(source.path, source.name, source.head, source.opened, source.recognise)


def _open_workbook(source: Source) -> Iterator[Table]:
    for magic, what in NOT_TABLES:
        if source.head.startswith(magic):
            raise ImportRefused(f"{source.name} is {what}, not a workbook.")
    if source.head.startswith(OLE):
        raise ImportRefused(
            f"{source.name} is protected by a password or an old Excel file; save it as .xlsx."
        )
    if not source.head.startswith(ZIP):
        raise ImportRefused(f"{source.name} is not a workbook.")
    yield from workbook_tables(source.path, source.name, source.opened, source.recognise, source.wanted)


READERS: dict[str, Callable[[Source], Iterator[Table]]] = {
    ".csv": _open_delimited,
    ".tsv": _open_delimited,
    ".txt": _open_delimited,
    ".xlsx": _open_workbook,
    ".xlsm": _open_workbook,
    ".ods": _open_workbook,
}
