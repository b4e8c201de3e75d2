"""Delimited text (CSV, TSV and their kin) as a table: encoding, delimiter, header, rows."""

import codecs
import csv
import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

from catalog.imports.errors import ImportRefused
from catalog.imports.sources.headers import HEADER_ROWS, Recognise, above, checked, find_header
from catalog.imports.sources.rows import BLOCK_CHARACTERS, BLOCK_ROWS, MAX_COLUMNS, Row, Table, fitted

CELL_CHARACTERS = 4 * 1024 * 1024  # beyond this a quote was left open
LINE_CHARACTERS = 8 * 1024 * 1024
HEAD_CHARACTERS = 4 * 1024 * 1024
HEAD_LINES = 200  # among which the header is looked for; more than this in one header is an open quote
READ_BYTES = 1024 * 1024
DELIMITERS = ",;\t|"
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ZEROS: dict[tuple[bool, ...], str] = (
    {  # which of the first four bytes are zero where Latin letters are written without a mark
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
    }
)
QUOTES = "The quotes in this row cannot be read: a quotation mark inside quotes must be written twice."


class Record(NamedTuple):
    """A row of the file's head: its cells, and which of the lines it spans."""

    cells: list[str]
    first: int
    last: int


class Head(NamedTuple):
    """The file's first filled rows as one delimiter splits them, and which of them is the header."""

    delimiter: str
    spaced: bool  # a blank between the delimiter and a quote means nothing
    records: list[Record]
    place: int
    score: tuple[int, int, int]

    @property
    def header(self) -> Record:
        return self.records[self.place]


class Lines:
    """The lines of a text, each read once; `last` is the latest, `characters` counts what was read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.last = ""
        self.characters = 0
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.last = line
            self.characters += len(line)
            yield line


def _lines_of(text: TextIOWrapper, name: str) -> Iterator[str]:
    for number, line in enumerate(iter(partial(text.readline, LINE_CHARACTERS), ""), start=1):
        if len(line) == LINE_CHARACTERS:
            raise ImportRefused(
                f"Line {number} of {name} is longer than {LINE_CHARACTERS:,} characters; is a quote left open?"
            )
        yield line


def open_delimited(path: Path, name: str, head: bytes, opened: ExitStack, recognise: Recognise) -> Table:
    """Return the file's table; refuse a file whose encoding or header cannot be read."""
    warnings: list[str] = []
    file = opened.enter_context(path.open("rb"))
    encoding = _encoding(file, head, name, warnings)
    text = opened.enter_context(TextIOWrapper(file, encoding=encoding, newline=""))
    csv.field_size_limit(CELL_CHARACTERS)
    try:
        lines = _lines_of(text, name)
        ahead = _read_head(lines)
        found = _split_head(ahead, name, recognise)
    except UnicodeError as error:
        raise ImportRefused(f"{name} is in an unknown encoding; save it as UTF-8.") from error
    except csv.Error as error:
        raise ImportRefused(f"The header of {name} cannot be read as CSV ({error}).") from error
    header = found.header
    cells = checked(header.cells, name)
    warnings += above([record.first for record in found.records], found.place)
    rows = _blocks(Lines(chain(ahead[header.last :], lines)), found, len(cells))
    return Table(cells, rows, header_line=header.first, warnings=warnings, delimiter=found.delimiter)


def _encoding(file: BinaryIO, head: bytes, name: str, warnings: list[str]) -> str:
    """Return the encoding that the whole file is valid in; add a warning where that is a guess."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    guess = ZEROS.get(tuple(byte == 0 for byte in head[:4]))
    for encoding in [guess] if guess else ["utf-8", "cp1252"]:
        with suppress(UnicodeDecodeError):
            _check_encoding(file, encoding)
            if encoding != "utf-8":
                warnings.append(f"{name} is not UTF-8; it was read as {encoding}, look at accented letters.")
            return encoding
    raise ImportRefused(f"{name} is in an unknown encoding; save it as UTF-8.")


def _check_encoding(file: BinaryIO, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    while block := file.read(READ_BYTES):
        decoder.decode(block)
    decoder.decode(b"", final=True)
    file.seek(0)


def _read_head(lines: Iterator[str]) -> list[str]:
    """Read as many lines as the header is looked for in."""
    ahead: list[str] = []
    characters = 0
    for line in lines:
        ahead.append(line)
        characters += len(line)
        if len(ahead) == HEAD_LINES or characters > HEAD_CHARACTERS:
            break
    return ahead


def _split_head(ahead: list[str], name: str, recognise: Recognise) -> Head:
    """Split the head by the delimiter that finds the most known titles, the most even rows, the most cells."""
    declared = re.fullmatch(r"sep=(.)[\r\n]*", ahead[0]) if ahead else None
    heads = [
        head
        for delimiter in (declared[1] if declared else DELIMITERS)
        if (head := _head(ahead, delimiter, 1 if declared else 0, recognise))
    ]
    if not heads:
        raise ImportRefused(f"{name} is empty.")
    best = max(heads, key=lambda head: head.score)
    if best.header.last > len(ahead):
        raise ImportRefused(f"A quote in the header of {name} is left open.")
    if any("\0" in cell for cell in best.header.cells):
        raise ImportRefused(f"The header of {name} holds NUL bytes; save the file as CSV in UTF-8.")
    return best


def _head(ahead: list[str], delimiter: str, skipped: int, recognise: Recognise) -> Head | None:
    for spaced in (False, True):
        records = list(_records(ahead[skipped:], delimiter, skipped, spaced=spaced))
        if not records:
            return None
        place = find_header([record.cells for record in records], recognise)
        header = records[place].cells
        if not any(re.match(' +"', cell) for cell in header):
            break
    even = sum(len(record.cells) == len(header) > 1 for record in records[place:])
    return Head(delimiter, spaced, records, place, (recognise(header[:MAX_COLUMNS]), even, len(header)))


def _records(lines: list[str], delimiter: str, offset: int, *, spaced: bool) -> Iterator[Record]:
    """Yield the first filled rows; a line too many says that a row's quote is left open.

    A row that cannot be read ends them; only where it is the first does that matter here.
    """
    reader = csv.reader(chain(lines, [""]), delimiter=delimiter, skipinitialspace=spaced)
    found = previous = 0
    try:
        for cells in reader:
            first, previous = offset + previous + 1, reader.line_num
            if any(cell.strip() for cell in cells):
                yield Record(cells, first, offset + reader.line_num)
                found += 1
            if found == HEADER_ROWS:
                return
    except csv.Error:
        if not found:
            raise


def _blocks(lines: Lines, head: Head, width: int) -> Iterator[list[Row]]:
    """Yield the rows in blocks, each numbered by the first of the lines that it spans."""
    reader = csv.reader(iter(lines), delimiter=head.delimiter, strict=True, skipinitialspace=head.spaced)
    block: list[Row] = []
    offset, previous, ends = head.header.last, 0, BLOCK_CHARACTERS
    while True:
        try:
            for cells in reader:
                line, previous = offset + previous + 1, reader.line_num
                if any(cells):
                    block.append(Row(line, cells) if len(cells) == width else fitted(line, cells, width))
                if len(block) == BLOCK_ROWS or lines.characters > ends:
                    ends = lines.characters + BLOCK_CHARACTERS
                    yield block
                    block = []
            break
        except csv.Error as error:
            first, previous = previous, reader.line_num
            cells = _misquoted(lines.last, head, offset + first + 1, previous - first, error)
            block.append(Row(offset + first + 1, fitted(previous, cells, width).cells, QUOTES))
        except UnicodeError as error:
            raise ImportRefused(f"The text after line {offset + previous} is damaged: {error}.") from error
    yield block


def _misquoted(text: str, head: Head, line: int, lines: int, error: csv.Error) -> list[str]:
    """Return the cells of a line that breaks the rules of quotes; refuse where it has no clear end."""
    if lines == 1 and text.count('"') % 2 == 0:
        with suppress(csv.Error):
            return next(csv.reader([text], delimiter=head.delimiter, skipinitialspace=head.spaced))
    raise ImportRefused(f"Line {line} cannot be read as CSV ({error}); is a quote left open?") from error
