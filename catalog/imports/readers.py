"""Files as streams of rows. A format is one function that returns a Table; its rows come in blocks.

A reader refuses (ImportRefused) what is no table at all. What is wrong with one row travels with it.
"""

import codecs
import csv
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from catalog.imports.errors import ImportRefused
from catalog.imports.workbooks import read_workbook

BLOCK_ROWS = 2000
CELL_CHARACTERS = 4 * 1024 * 1024  # beyond this a quote was left open
HEADER_BYTES = 1024 * 1024
HEADER_LINES = 100  # of titles with line breaks in them; beyond this a quote was left open
DELIMITERS = ",;\t|"
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NOT_TABLES = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b", "a compressed file"),
)
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Reader(Protocol):
    """What csv.reader returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


class Row(NamedTuple):
    line: int  # of the file, the first being 1
    cells: list[str]  # as many as the header has
    fault: str = ""  # what is wrong with the row as a whole


@dataclass
class Table:
    header: list[str]
    blocks: Iterator[list[Row]]
    sha256: str = ""
    warnings: list[str] = field(default_factory=list)


@contextmanager
def open_table(path: Path, name: str = "") -> Iterator[Table]:
    """Open a file by its ending (.csv, .tsv, .txt, .xlsx, .xlsm, .ods); its rows can be read once.

    Sentences call the file `name`, where that is not its name on disk.
    """
    place, name = name or str(path), name or path.name
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise ImportRefused(f"{name} has an unknown ending; files must end in one of {known}.")
    try:
        if path.is_dir():
            raise ImportRefused(f"{place} is a folder, not a file.")
        with path.open("rb") as file:
            head = file.read(4096)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImportRefused(f"{place} cannot be read: {error.strerror}.") from error
    if not head.strip():
        raise ImportRefused(f"{name} is empty.")
    with ExitStack() as opened:
        table = reader(path, name, head, opened)
        table.sha256 = sha256
        yield table


def _open_csv(path: Path, name: str, head: bytes, opened: ExitStack) -> Table:
    for magic, what in (*NOT_TABLES, (ZIP, "a workbook or an archive"), (OLE, "an old Excel workbook")):
        if head.startswith(magic):
            raise ImportRefused(f"{name} is {what}, not a CSV file.")
    warnings: list[str] = []
    file = opened.enter_context(path.open("rb"))
    encoding = _encoding(file, head, name, warnings)
    text = opened.enter_context(TextIOWrapper(file, encoding=encoding, newline=""))
    csv.field_size_limit(CELL_CHARACTERS)
    header = _header(text, name)
    reader = csv.reader(chain(header.ahead, text), delimiter=header.delimiter)
    rows = _csv_blocks(reader, len(header.cells), header.lines)
    return Table(header.cells, rows, warnings=warnings)


def _encoding(file: BinaryIO, head: bytes, name: str, warnings: list[str]) -> str:
    """Return the encoding that the whole file is valid in; add a warning where that is a guess."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    guess = _bare_utf16(head)
    for encoding in [guess] if guess else ["utf-8", "cp1252"]:
        with suppress(UnicodeDecodeError):
            _check_encoding(file, encoding)
            if encoding != "utf-8":
                warnings.append(f"{name} is not UTF-8; it was read as {encoding}, look at accented letters.")
            return encoding
    raise ImportRefused(f"{name} is in an unknown encoding; save it as UTF-8.")


def _bare_utf16(head: bytes) -> str:
    """Guess the byte order of UTF-16 without a mark: Latin letters leave every other byte zero."""
    zeros = [byte == 0 for byte in head[:4]]
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    return "utf-16-be" if zeros == [True, False, True, False] else ""


def _check_encoding(file: BinaryIO, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    while block := file.read(HEADER_BYTES):
        decoder.decode(block)
    decoder.decode(b"", final=True)
    file.seek(0)


class Header(NamedTuple):
    cells: list[str]
    delimiter: str
    lines: int  # that it spans, those skipped before it included
    ahead: list[str]  # lines that were read behind it


def _header(text: TextIOWrapper, name: str) -> Header:
    """Read the header: the first line that holds anything, split by the delimiter that makes the most cells."""
    skipped = 0
    delimiters = DELIMITERS
    try:
        while line := text.readline(HEADER_BYTES):
            if not skipped and (declared := re.match(r"sep=(.)\r?\n?$", line)):
                delimiters = declared[1]
            elif line.strip(" \t\r\n,;|"):
                return _split_header(text, line, delimiters, skipped, name)
            skipped += 1
    except UnicodeError as error:
        raise ImportRefused(f"{name} is in an unknown encoding; save it as UTF-8.") from error
    except csv.Error as error:
        raise ImportRefused(f"The header of {name} cannot be read as CSV ({error}).") from error
    raise ImportRefused(f"{name} is empty.")


def _split_header(text: TextIOWrapper, line: str, delimiters: str, skipped: int, name: str) -> Header:
    ahead = [line]
    splits = []
    for mark in delimiters:
        reader = csv.reader(_lines(text, ahead), delimiter=mark)
        splits.append((next(reader), mark, reader.line_num))
    cells, mark, used = max(splits, key=lambda split: len(split[0]))
    if used > len(ahead):
        raise ImportRefused(f"A quote in the header of {name} is left open.")
    if any("\0" in cell for cell in cells):
        raise ImportRefused(f"The header of {name} holds NUL bytes; save the file as CSV in UTF-8.")
    return Header(cells, mark, skipped + used, ahead[used:])


def _lines(text: TextIOWrapper, ahead: list[str]) -> Iterator[str]:
    """Yield the lines of `ahead`, then add to it; one line too many says that the header does not end."""
    for number in range(HEADER_LINES):
        if number == len(ahead):
            if not (line := text.readline(HEADER_BYTES)):
                break
            ahead.append(line)
        yield ahead[number]
    yield ""


def _csv_blocks(reader: Reader, width: int, line: int) -> Iterator[list[Row]]:
    rows = _csv_rows(reader, width, line)
    while block := list(islice(rows, BLOCK_ROWS)):
        yield block


def _csv_rows(reader: Reader, width: int, offset: int) -> Iterator[Row]:
    """Number each row by the first of the lines that it spans; `offset` lines went before."""
    previous = 0
    try:
        for cells in reader:
            line, previous = offset + previous + 1, reader.line_num
            if any(cells):
                yield Row(line, cells) if len(cells) == width else fitted(line, cells, width)
    except csv.Error as error:
        where = offset + previous + 1
        raise ImportRefused(f"Line {where} cannot be read as CSV ({error}); is a quote left open?") from error
    except UnicodeError as error:
        raise ImportRefused(f"The text after line {offset + previous} is damaged: {error}.") from error


def fitted(line: int, cells: list[str], width: int) -> Row:
    """Return the row with as many cells as the header: missing ones are blank, filled ones beyond are a fault."""
    if len(cells) <= width or not any(cell.strip() for cell in cells[width:]):
        return Row(line, (cells + [""] * width)[:width])
    fault = f"The row has {len(cells)} cells, the header has {width}."
    return Row(line, cells[:width], fault)


def _open_workbook(path: Path, name: str, head: bytes, opened: ExitStack) -> Table:
    for magic, what in NOT_TABLES:
        if head.startswith(magic):
            raise ImportRefused(f"{name} is {what}, not a workbook.")
    if head.startswith(OLE):
        raise ImportRefused(f"{name} is protected by a password or an old Excel file; save it as .xlsx.")
    if not head.startswith(ZIP):
        raise ImportRefused(f"{name} is not a workbook.")
    blocks = opened.enter_context(closing(read_workbook(path, name)))
    _, header = next(blocks)[0]
    return Table(header, _workbook_blocks(blocks, len(header)))


def _workbook_blocks(blocks: Iterator[list[tuple[int, list[str]]]], width: int) -> Iterator[list[Row]]:
    for block in blocks:
        yield [
            Row(line, cells) if len(cells) == width else fitted(line, cells, width) for line, cells in block
        ]


READERS: dict[str, Callable[[Path, str, bytes, ExitStack], Table]] = {
    ".csv": _open_csv,
    ".tsv": _open_csv,
    ".txt": _open_csv,
    ".xlsx": _open_workbook,
    ".xlsm": _open_workbook,
    ".ods": _open_workbook,
}
