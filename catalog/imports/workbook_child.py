"""The child process that reads one workbook: `python -m catalog.imports.workbook_child FILE`."""

import re
import sys
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import openpyxl
import orjson
import python_calamine

from catalog.imports.workbooks import Block, limit_this_process

BLOCK_ROWS = 500
MAX_ENTRIES = 5_000
MAX_UNPACKED = 1024 * 1024 * 1024
MAX_RATIO = 200  # unpacked to packed, of parts large enough to matter
MATTERS = 10 * 1024 * 1024
MAX_COLUMNS = 2_000
MAX_ROW_DIGITS = 7  # a sheet ends at row 1,048,576
DENSE_CELLS = 3_000_000  # calamine holds the whole rectangle; more than this is streamed by openpyxl instead
CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br\s*=\s*["']([A-Z]{1,3})(\d{1,10})["']""")
REPEATED = re.compile(rb"""number-(columns|rows)-repeated\s*=\s*["'](\d+)["']""")
SCIENTIFIC_BELOW = 1e15  # beyond this a float no longer holds every whole number


class Unreadable(Exception):
    """The workbook cannot be read; the message is the rest of a sentence that begins with its name."""


def main(path: str) -> None:
    limit_this_process()
    try:
        for block in read(path):
            sys.stdout.buffer.write(orjson.dumps(block) + b"\n")
    except Unreadable as error:
        sys.stdout.buffer.write(orjson.dumps({"refused": str(error)}) + b"\n")


def read(path: str) -> Iterator[Block]:
    dense = look_over(path)
    sheets = dense_sheets(path) if dense else streamed_sheets(path)
    for sheet in sheets:
        lines = filled(sheet)
        header = next(lines, None)
        if header is not None:
            yield [(header[0], without_blank_end(header[1]))]
            while block := list(islice(lines, BLOCK_ROWS)):
                yield block
            return
    raise Unreadable("is empty.")


def look_over(path: str) -> bool:
    """Refuse an archive that is no workbook or a bomb; return whether its sheets are small enough to hold."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            check_entries(entries)
            names = archive.namelist()
            if "content.xml" in names:
                check_repeats(archive)
                return True
            sheets = [entry for entry in names if re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry)]
            if not sheets:
                raise Unreadable("is a ZIP archive, not a workbook.")
            fitting = [fits(archive, sheet) for sheet in sheets]
            return all(fitting)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Unreadable(f"is damaged or protected by a password ({error}).") from error


def check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Unreadable("unpacks to more than an import may read; save it as CSV.")
    for entry in entries:
        if entry.file_size > MATTERS and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise Unreadable("unpacks to far more than its size, as harmful files do; save it as CSV.")
        if entry.flag_bits & 1:
            raise Unreadable("is protected by a password; save it without one.")


def fits(archive: zipfile.ZipFile, sheet: str) -> bool:
    """Return whether calamine may read the sheet: its rectangle is small, and no formula failed.

    calamine reads a failed formula as an empty cell, and a row with an error must not pass as blank.
    """
    widest, last, failed = 0, 0, False
    for block in blocks(archive, sheet):
        failed = failed or b't="e"' in block or b"t='e'" in block
        found = {(column, len(row)) for column, row in CELL.findall(block)}
        widest = max([widest, *(column_number(column) for column, _ in found)])
        if match := re.search(
            rb"""<(?:\w+:)?row\s[^>]*?\br\s*=\s*["'](\d{1,10})["'](?!.*<(?:\w+:)?row\s)""", block, re.S
        ):
            last = max(last, int(match[1]))
        if any(digits > MAX_ROW_DIGITS for _, digits in found):
            raise Unreadable("has cells beyond the last row of a sheet.")
    if widest > MAX_COLUMNS:
        raise Unreadable(f"has cells beyond column {MAX_COLUMNS}; delete what lies right of the table.")
    return not failed and widest * last <= DENSE_CELLS


def blocks(archive: zipfile.ZipFile, entry: str) -> Iterator[bytes]:
    """Yield the part in blocks that overlap, so that no tag is cut."""
    overlap = b""
    with archive.open(entry) as file:
        while block := file.read(1024 * 1024):
            yield overlap + block
            overlap = block[-200:]


def column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def check_repeats(archive: zipfile.ZipFile) -> None:
    """Refuse an ODS table whose repeated rows and columns unfold to too much, or that holds failed formulas."""
    largest = {b"columns": 1, b"rows": 1}
    for block in blocks(archive, "content.xml"):
        if b'calcext:value-type="error"' in block:  # calamine would read these as empty
            raise Unreadable(
                "holds formulas that failed; mend them, or save it as XLSX to have their rows named."
            )
        for axis, count in REPEATED.findall(block):
            # A sheet's unused rest is one repeated empty cell up to the sheet's edge; calamine skips that.
            if int(count) < (900 if axis == b"columns" else 900_000):
                largest[axis] = max(largest[axis], int(count))
    if largest[b"columns"] * largest[b"rows"] > DENSE_CELLS:
        raise Unreadable("repeats more cells than an import may read; save it as CSV.")


def dense_sheets(path: str) -> Iterator[Iterable[list[Any]]]:
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(path)
        for sheet in workbook.sheets_metadata:
            if sheet.visible == python_calamine.SheetVisibleEnum.Visible:
                yield workbook.get_sheet_by_name(sheet.name).iter_rows()
    except (python_calamine.CalamineError, OSError) as error:
        raise Unreadable(f"cannot be read ({error}).") from error


def streamed_sheets(path: str) -> Iterator[Iterable[Iterable[Any]]]:
    warnings.simplefilter("ignore")  # of styles and extensions, which an import does not use
    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        for sheet in workbook.worksheets:
            if sheet.sheet_state == "visible":
                sheet.reset_dimensions()  # what the file says of its size may be wrong
                yield sheet.iter_rows(values_only=True)
    # openpyxl names no error of its own: a malformed part surfaces as whichever of these it stumbles over.
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, SyntaxError) as error:
        raise Unreadable(f"cannot be read ({type(error).__name__}: {error}).") from error


def filled(sheet: Iterable[Iterable[Any]]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that hold anything, with their numbers in the sheet."""
    for line, row in enumerate(sheet, start=1):
        cells = [cell if type(cell) is str else text(cell) for cell in row]
        if any(cells):
            yield line, cells


def without_blank_end(cells: list[str]) -> list[str]:
    while not cells[-1].strip():
        cells = cells[:-1]
    return cells


def text(cell: Any) -> str:
    """Return the cell as a person would type it: 1964.0 as 1964, dates in ISO 8601."""
    if cell is None or cell == "":
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return number(cell)
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell.total_seconds()) if isinstance(cell, timedelta) else str(cell)


def number(cell: float) -> str:
    if cell == int(cell) and abs(cell) < SCIENTIFIC_BELOW:
        return str(int(cell))
    # Spreadsheets keep 15 digits: 0.1 + 0.2 is shown, and meant, as 0.3.
    return format(Decimal(format(cell, ".15g")), "f")


if __name__ == "__main__":
    main(sys.argv[1])
