"""The child process that reads one workbook: `python -m catalog.imports.sources.workbook_child FILE`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import python_calamine

from catalog.imports.sources import ods_stream, xlsx_stream
from catalog.imports.sources.rows import BLOCK_CHARACTERS
from catalog.imports.sources.workbook_archive import (
    STYLES,
    TEXTS,
    Archive,
    Book,
    Sheet,
    look_over,
    open_archive,
)
from catalog.imports.sources.workbook_cells import Doubtful, text
from catalog.imports.sources.workbook_limits import limit_this_process
from catalog.imports.sources.workbook_xml import Unreadable, parse
from catalog.imports.sources.xlsx_stream import Line

BLOCK_ROWS = 500
Visibility = python_calamine.SheetVisibleEnum


def main(path: str) -> None:
    limit_this_process()
    try:
        _speak(Path(path))
    except Unreadable as error:
        _say({"refused": str(error)})


def _speak(path: Path) -> None:
    book = look_over(path)
    calamine = _calamine(book) if book.dense else None
    if book.is_ods:
        book.sheets = _dense_ods_sheets(calamine) if calamine else _streamed_ods_sheets(book)
    listed = [
        {key: getattr(sheet, key) for key in ("name", "visible", "hidden", "filled")} for sheet in book.sheets
    ]
    _say({"sheets": listed, "notes": book.notes})
    asked = orjson.loads(sys.stdin.buffer.readline() or b"[]")
    for sheet in book.sheets:
        if sheet.visible and sheet.name in asked:
            _say({"sheet": sheet.name})
            for block in _blocks(_rows(book, calamine, sheet)):
                _say(block)
            _say({"end": True})


def _say(message: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
    if isinstance(message, dict):
        sys.stdout.buffer.flush()


def _blocks(rows: Iterator[Line]) -> Iterator[list[Line]]:
    block: list[Line] = []
    characters = 0
    for row in rows:
        block.append(row)
        if len(block) % 10 == 0:  # long cells are rare, and seldom alone
            characters += 10 * sum(map(len, row[1]))
        if len(block) == BLOCK_ROWS or characters > BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    if block:
        yield block


def _rows(book: Book, calamine: Any, sheet: Sheet) -> Iterator[Line]:
    """Yield the filled rows; where calamine cannot be trusted with one, the stream takes over."""
    last = 0
    try:
        for line in _dense_rows(calamine, sheet) if calamine else ():
            yield line
            last = line[0]
    except Doubtful:
        calamine = None
    if not calamine:
        yield from (line for line in _streamed_rows(book, sheet) if line[0] > last)


def _calamine(book: Book) -> Any:
    """Return the workbook as calamine opens it; nothing where it cannot, for the stream tells better why."""
    try:
        return python_calamine.CalamineWorkbook.from_path(str(book.path))
    except (python_calamine.CalamineError, OSError):
        return None


def _dense_rows(calamine: Any, sheet: Sheet) -> Iterator[Line]:
    try:
        found = calamine.get_sheet_by_name(sheet.name)
    except (python_calamine.CalamineError, OSError) as error:
        raise Doubtful from error
    for line, row in enumerate(found.iter_rows(), start=1):
        cells = [cell if type(cell) is str else text(cell) for cell in row]
        if any(cells):
            yield line, cells


def _dense_ods_sheets(calamine: Any) -> list[Sheet]:
    sheets = []
    for found in calamine.sheets_metadata:
        filled = calamine.get_sheet_by_name(found.name).start is not None
        visible = found.visible == Visibility.Visible
        sheets.append(Sheet(found.name, visible=visible, hidden=not visible, filled=filled))
    return sheets


def _streamed_ods_sheets(book: Book) -> list[Sheet]:
    listed = ods_stream.SheetList()
    with open_archive(book.path) as archive:
        for _ in parse(archive.open("content.xml"), listed.start):
            pass
    return [
        Sheet(
            str(found["name"]),
            visible=bool(found["visible"]),
            hidden=not found["visible"],
            filled=bool(found["filled"]),
        )
        for found in listed.found
    ]


def _streamed_rows(book: Book, sheet: Sheet) -> Iterator[Line]:
    with open_archive(book.path) as archive:
        if book.is_ods:
            yield from ods_stream.rows(archive.open("content.xml"), ods_stream.SheetRows(sheet.name))
        else:
            rows = xlsx_stream.SheetRows(*_shared(archive), since_1904=book.since_1904)
            yield from xlsx_stream.rows(archive.open(sheet.part), rows)


def _shared(archive: Archive) -> tuple[xlsx_stream.Texts, xlsx_stream.Styles]:
    texts, styles = xlsx_stream.Texts(), xlsx_stream.Styles()
    if TEXTS in archive:
        texts.read(archive.open(TEXTS))
    if STYLES in archive:
        styles.read(archive.open(STYLES))
    return texts, styles


if __name__ == "__main__":
    main(sys.argv[1])
