"""A look over a workbook before it is read: is it one, is it a bomb, which sheets has it, who may read it."""

import re
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from catalog.imports.sources.ods_scan import scan_content
from catalog.imports.sources.rows import MAX_COLUMNS
from catalog.imports.sources.workbook_cells import format_kind
from catalog.imports.sources.workbook_xml import ENTITIES, Attributes, Unreadable, local, locally, parse
from catalog.imports.sources.xlsx_stream import MAX_LINE, column_number

MAX_DIRECTORY = 2 * 1024 * 1024  # bytes of the archive's list of entries
MAX_ENTRIES = 5_000
MAX_SHEETS = 500
MAX_UNPACKED = 2 * 1024 * 1024 * 1024
MAX_RATIO = 200  # unpacked to packed, of parts large enough to matter
MATTERS = 10 * 1024 * 1024
DENSE_CELLS = 2_500_000  # calamine holds the whole rectangle; more than this is streamed instead
DENSE_TEXT = 100 * 1024 * 1024  # bytes of shared texts, which calamine holds as well
SCAN_BYTES = 1024 * 1024
CONTENTS, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
TEXTS, STYLES = "xl/sharedstrings.xml", "xl/styles.xml"
# How every common program writes a cell. One that is written otherwise is left to the stream, which parses XML.
CELL = re.compile(rb'<c r="([A-Z]{1,3})([1-9]\d{0,6})"')
ANY_CELL = re.compile(rb"<c[\s/>]")
PREFIXED = re.compile(rb":c[\s/>]")
UNCALCULATED = re.compile(rb"(?:</f>|<f\b[^>]*/>)\s*(?:<v\s*/>|<v>\s*</v>|</c>)")
LONG_NUMBER = re.compile(rb"<v>-?\d{16}")
DAMAGED = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, struct.error)


@dataclass
class Sheet:
    name: str
    part: str = ""
    visible: bool = True
    hidden: bool = False  # by a person; programs can hide a sheet so that no person sees it in the list
    filled: bool = False


@dataclass
class Book:
    """What the look has found. `dense` is whether calamine may read it."""

    path: Path
    dense: bool = True
    is_ods: bool = False
    since_1904: bool = False
    sheets: list[Sheet] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Archive:
    """The parts of a workbook, by their names in lower case."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._entries = {entry.filename.replace("\\", "/").lower(): entry for entry in archive.infolist()}

    def __contains__(self, part: str) -> bool:
        return part in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def open(self, part: str) -> IO[bytes]:
        if part not in self._entries:
            raise Unreadable(f"lacks its part {part[:100]}; it is damaged.")
        return self._archive.open(self._entries[part])

    def size(self, part: str) -> int:
        return self._entries[part].file_size if part in self._entries else 0


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a ZIP whose list of entries is small; what is wrong with it later on is refused as well."""
    check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            check_entries(archive.infolist())
            yield Archive(archive)
    except DAMAGED as error:
        raise Unreadable(f"is damaged or protected by a password ({error}).") from error


def check_directory(path: Path) -> None:
    """Refuse a list of entries that is long before it is read; it tells its length in the file's last bytes."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_557))
        end = file.read()
    place = end.rfind(b"PK\5\6")
    if (
        place >= 0
        and len(end) >= place + 16
        and int.from_bytes(end[place + 12 : place + 16], "little") > MAX_DIRECTORY
    ):
        raise Unreadable("unpacks to more parts than a workbook has, as harmful files do; save it as CSV.")


def check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise Unreadable("unpacks to more parts than a workbook has, as harmful files do; save it as CSV.")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Unreadable("unpacks to more than an import may read; save it as CSV.")
    for entry in entries:
        if entry.file_size > MATTERS and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise Unreadable("unpacks to far more than its size, as harmful files do; save it as CSV.")
        if entry.flag_bits & 1:
            raise Unreadable("is protected by a password; save it without one.")


def look_over(path: Path) -> Book:
    """Refuse an archive that is no workbook or a bomb; return what it holds."""
    book = Book(path)
    with open_archive(path) as archive:
        if "content.xml" in archive:
            _look_over_ods(archive, book)
        elif any(re.fullmatch(r"xl/worksheets/[^/]+\.xml", part) for part in archive):
            _look_over_xlsx(archive, book)
        else:
            raise Unreadable("is a ZIP archive, not a workbook.")
    return book


def _look_over_ods(archive: Archive, book: Book) -> None:
    manifest = "meta-inf/manifest.xml"
    if manifest in archive and b"encryption-data" in archive.open(manifest).read(SCAN_BYTES):
        raise Unreadable("is protected by a password; save it without one.")
    book.is_ods = True
    book.dense = scan_content(archive.open("content.xml"), DENSE_CELLS)
    _note_macros(book, any(part.startswith(("basic/", "scripts/")) for part in archive))


def _look_over_xlsx(archive: Archive, book: Book) -> None:
    for part in (CONTENTS, RELATIONS, TEXTS, STYLES):
        if part in archive:
            _read_through(archive, part)
    _find_sheets(archive, book)
    sheets = {part for part in archive if re.fullmatch(r"xl/worksheets/[^/]+\.xml", part)}
    filled = {part for part in sheets | {sheet.part for sheet in book.sheets} if _scan(archive, part, book)}
    for sheet in book.sheets:
        sheet.filled = sheet.part in filled
    book.dense = book.dense and archive.size(TEXTS) <= DENSE_TEXT and not _pads_numbers(archive)
    _note_macros(book, any(part.endswith("vbaproject.bin") or "/macrosheets/" in part for part in archive))
    if any(part.startswith("xl/externallinks/") for part in archive):
        book.notes.append(
            "It refers to other files; those were not opened, their last known values were read."
        )


def _note_macros(book: Book, there: bool) -> None:  # noqa: FBT001  (the one thing that it is about)
    if there:
        book.notes.append("It holds macros; they were not run, its cells were read as they are.")


class _Contents:
    """What the workbook says of its sheets; other kinds of sheets (charts, macros) hold no table."""

    def __init__(self) -> None:
        self.since_1904 = False
        self._parts: dict[str, str] = {}
        self._sheets: list[Attributes] = []

    def relation(self, tag: str, attributes: Attributes) -> None:
        if local(tag) == "Relationship" and attributes.get("Type", "").endswith("/worksheet"):
            target = attributes.get("Target", "")
            part = target[1:] if target.startswith("/") else f"xl/{target}"
            self._parts[attributes.get("Id", "")] = part.lower()

    def element(self, tag: str, attributes: Attributes) -> None:
        if local(tag) == "sheet":
            self._sheets.append(locally(attributes))
        elif local(tag) == "workbookPr":
            self.since_1904 = attributes.get("date1904") in {"1", "true"}
        if len(self._sheets) > MAX_SHEETS:
            raise Unreadable(f"has more than {MAX_SHEETS} sheets; save the one to import as CSV.")

    def worksheets(self) -> Iterator[Sheet]:
        for found in self._sheets:
            if part := self._parts.get(found.get("id", "")):
                state = found.get("state", "visible")
                yield Sheet(found.get("name", ""), part, state == "visible", state == "hidden")


def _find_sheets(archive: Archive, book: Book) -> None:
    contents = _Contents()
    for part, start in ((RELATIONS, contents.relation), (CONTENTS, contents.element)):
        for _ in parse(archive.open(part), start):
            pass
    book.since_1904 = contents.since_1904
    book.sheets = list(contents.worksheets())


def _scan(archive: Archive, part: str, book: Book) -> bool:
    """Return whether a sheet holds anything; note whether calamine may read it.

    Its rectangle must be small. And it reads a failed formula, or one that was never calculated, as an empty
    cell, and digits beyond the sixteenth as others: such sheets are streamed.
    """
    filled, widest, last = False, 0, 0
    for block in _blocks(archive, part):
        if b"<!DOCTYPE" in block:
            raise Unreadable(ENTITIES)
        cells = CELL.findall(block)
        filled = filled or b"<v>" in block or b"<is>" in block
        if cells:
            widest = max(widest, *(column_number(column.decode()) for column in {cell[0] for cell in cells}))
            last = max(last, *(int(line) for line in {cell[1] for cell in cells}))
        if len(cells) != len(ANY_CELL.findall(block)) or _is_odd(block):
            book.dense = False
    if last > MAX_LINE:
        raise Unreadable("has cells beyond the last row of a sheet.")
    if widest > MAX_COLUMNS:
        raise Unreadable(f"has cells beyond column {MAX_COLUMNS}; delete what lies right of the table.")
    book.dense = book.dense and widest * last <= DENSE_CELLS
    return filled or not book.dense


def _is_odd(block: bytes) -> bool:
    return (
        any(mark in block for mark in (b't="e"', b"t='e'", b" t =", b" t\t"))
        or LONG_NUMBER.search(block) is not None
        or PREFIXED.search(block) is not None
        or (b"<f" in block and UNCALCULATED.search(block) is not None)
    )


def _blocks(archive: Archive, part: str) -> Iterator[bytes]:
    """Yield the part in blocks that begin with a tag; the first says by its zero bytes that it is no UTF-8."""
    rest = b""
    with archive.open(part) as file:
        while piece := file.read(SCAN_BYTES):
            if b"\0" in piece:
                piece = b"<c >" + piece  # no common cell: the stream reads other encodings
            block = rest + piece
            cut = block.rfind(b"<")
            if cut <= 0 and len(block) > 2 * SCAN_BYTES:
                raise Unreadable("holds a cell that is longer than an import may read; save it as CSV.")
            rest = block[max(cut, 0) :]
            yield block[: max(cut, 0)]
    yield rest


def _read_through(archive: Archive, part: str) -> None:
    """Read a part to its end: it is as long as the archive says, has tags all along, and declares nothing."""
    with archive.open(part) as file:
        while piece := file.read(SCAN_BYTES):
            if b"<!DOCTYPE" in piece:
                raise Unreadable(ENTITIES)
            if b"<" not in piece:
                raise Unreadable("holds a text that is longer than a cell can be; save it as CSV.")


def _pads_numbers(archive: Archive) -> bool:
    """Return whether a number format shows zeros before a number, which calamine does not tell."""
    found: list[str] = []

    def element(tag: str, attributes: Attributes) -> None:
        if local(tag) == "numFmt":
            found.append(format_kind(attributes.get("formatCode", "")))

    if STYLES in archive:
        for _ in parse(archive.open(STYLES), element):
            pass
    return any(kind.startswith("0") for kind in found)
