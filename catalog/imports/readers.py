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
from itertools import islice
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
def open_table(path: Path) -> Iterator[Table]:
    """Open a file by its ending (.csv, .tsv, .txt, .xlsx, .xlsm, .ods); its rows can be read once."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise ImportRefused(f"{path.name} has an unknown ending; files must end in one of {known}.")
    try:
        if path.is_dir():
            raise ImportRefused(f"{path} is a folder, not a file.")
        with path.open("rb") as file:
            head = file.read(4096)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImportRefused(f"{path} cannot be read: {error.strerror}.") from error
    if not head.strip():
        raise ImportRefused(f"{path.name} is empty.")
    with ExitStack() as opened:
        table = reader(path, head, opened)
        table.sha256 = sha256
        yield table


def _open_csv(path: Path, head: bytes, opened: ExitStack) -> Table:
    for magic, what in (*NOT_TABLES, (ZIP, "a workbook or an archive"), (OLE, "an old Excel workbook")):
        if head.startswith(magic):
            raise ImportRefused(f"{path.name} is {what}, not a CSV file.")
    warnings: list[str] = []
    file = opened.enter_context(path.open("rb"))
    encoding = _encoding(file, head, path.name, warnings)
    text = opened.enter_context(TextIOWrapper(file, encoding=encoding, newline=""))
    csv.field_size_limit(CELL_CHARACTERS)
    header_lines, header, delimiter = _header(text, path.name)
    reader = csv.reader(text, delimiter=delimiter)
    return Table(header, _csv_blocks(reader, len(header), header_lines), warnings=warnings)


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


def _header(text: TextIOWrapper, name: str) -> tuple[int, list[str], str]:
    """Read up to the header; return its last line's number, its cells, and the delimiter they are split by."""
    lines = 0
    forced = ""
    try:
        while line := text.readline(HEADER_BYTES):
            lines += 1
            if lines == 1 and (declared := re.match(r"sep=(.)\r?\n?$", line)):
                forced = declared[1]
            elif line.strip(" \t\r\n,;|"):
                header = [line]
                while (split := _split_header(header, forced, name)).is_open:
                    header.append(text.readline(HEADER_BYTES))
                    if not header[-1] or len(header) > HEADER_LINES:
                        raise ImportRefused(f"A quote in the header of {name} is left open.")
                return lines + len(header) - 1, split.cells, split.delimiter
    except UnicodeError as error:
        raise ImportRefused(f"{name} is in an unknown encoding; save it as UTF-8.") from error
    raise ImportRefused(f"{name} is empty.")


class HeaderSplit(NamedTuple):
    cells: list[str]
    delimiter: str
    is_open: bool  # a quote is; the next line belongs to the header too


def _split_header(lines: list[str], forced: str, name: str) -> HeaderSplit:
    """Split the header by the delimiter that makes the most cells of it."""
    if any("\0" in line for line in lines):
        raise ImportRefused(f"The header of {name} holds NUL bytes; save the file as CSV in UTF-8.")
    splits = []
    for mark in forced or DELIMITERS:
        reader = csv.reader([*lines, ""], delimiter=mark)
        cells = next(reader)
        splits.append(HeaderSplit(cells, mark, is_open=reader.line_num > len(lines)))
    return max(splits, key=lambda split: len(split.cells))


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


def _open_workbook(path: Path, head: bytes, opened: ExitStack) -> Table:
    for magic, what in NOT_TABLES:
        if head.startswith(magic):
            raise ImportRefused(f"{path.name} is {what}, not a workbook.")
    if head.startswith(OLE):
        raise ImportRefused(f"{path.name} is protected by a password or an old Excel file; save it as .xlsx.")
    if not head.startswith(ZIP):
        raise ImportRefused(f"{path.name} is not a workbook.")
    blocks = opened.enter_context(closing(read_workbook(path)))
    _, header = next(blocks)[0]
    return Table(header, _workbook_blocks(blocks, len(header)))


def _workbook_blocks(blocks: Iterator[list[tuple[int, list[str]]]], width: int) -> Iterator[list[Row]]:
    for block in blocks:
        yield [
            Row(line, cells) if len(cells) == width else fitted(line, cells, width) for line, cells in block
        ]


READERS: dict[str, Callable[[Path, bytes, ExitStack], Table]] = {
    ".csv": _open_csv,
    ".tsv": _open_csv,
    ".txt": _open_csv,
    ".xlsx": _open_workbook,
    ".xlsm": _open_workbook,
    ".ods": _open_workbook,
}
