"""The rows of an XLSX sheet, as a stream: slower than calamine, but in little memory, and it hides nothing."""

import re
from array import array
from collections.abc import Iterator
from typing import IO

from catalog.imports.sources.workbook_cells import (
    DAY,
    UNCALCULATED,
    built_in_kind,
    duration,
    format_kind,
    number,
    serial_text,
)
from catalog.imports.sources.workbook_xml import Attributes, Unreadable, local, parse

MAX_TEXT = 200 * 1024 * 1024  # bytes of a workbook's distinct texts
MAX_LINE = 1_048_576
MAX_COLUMN = 2_000
REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
PLAIN_DIGITS = re.compile(r"-?(0|[1-9]\d*)")
ESCAPED = re.compile("_x((?![Dd][89A-Fa-f])[0-9A-Fa-f]{4})_")  # surrogates are no characters
Line = tuple[int, list[str]]


def column_number(letters: str) -> int:
    """Return 1 for A, 27 for AA."""
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place


def unescaped(text: str) -> str:
    """Return the text with the characters that XML cannot hold, which are written as _x000D_."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


class Texts:
    """The workbook's shared texts, held as bytes: a list of texts would take several times the memory."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])
        self._open: list[str] = []
        self._hearing = False
        self._phonetic = False

    def read(self, part: IO[bytes]) -> None:
        for _ in parse(part, self._start, self._end, self._text):
            if len(self._bytes) > MAX_TEXT:
                raise Unreadable("holds more text than an import may read; save it as CSV.")

    def __getitem__(self, place: int) -> str:
        if not 0 <= place < len(self._ends) - 1:
            raise Unreadable("refers to texts that it does not hold; it is damaged.")
        return self._bytes[self._ends[place] : self._ends[place + 1]].decode()

    def _start(self, tag: str, _attributes: Attributes) -> None:
        name = local(tag)
        self._phonetic = self._phonetic or name == "rPh"
        self._hearing = name == "t" and not self._phonetic

    def _text(self, text: str) -> None:
        if self._hearing:
            self._open.append(text)

    def _end(self, tag: str) -> None:
        name, self._hearing = local(tag), False
        if name == "rPh":
            self._phonetic = False
        elif name == "si":
            self._bytes += unescaped("".join(self._open)).encode("utf-8", "replace")
            self._ends.append(len(self._bytes))
            self._open = []


class Styles:
    """What each cell style makes of a number."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self._own: dict[str, str] = {}
        self._inside = False

    def read(self, part: IO[bytes]) -> None:
        for _ in parse(part, self._start, self._end):
            pass

    def _start(self, tag: str, attributes: Attributes) -> None:
        name = local(tag)
        if name == "numFmt":
            self._own[attributes.get("numFmtId", "")] = format_kind(attributes.get("formatCode", ""))
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside:
            known = attributes.get("numFmtId", "0")
            kind = self._own.get(known)
            self.kinds.append(built_in_kind(int(known)) if kind is None and known.isdigit() else kind or "")

    def _end(self, tag: str) -> None:
        if local(tag) == "cellXfs":
            self._inside = False


class SheetRows:
    """Rows of a sheet, gathered while its XML is parsed; rows and cells without a number follow the last."""

    def __init__(self, texts: Texts, styles: Styles, *, since_1904: bool) -> None:
        self.ready: list[Line] = []
        self._texts, self._styles, self._since_1904 = texts, styles, since_1904
        self._line = 0
        self._cells: list[str] = []
        self._column = 0
        self._cell: Attributes = {}
        self._heard: list[str] = []
        self._hearing = self._formula = self._phonetic = False

    def start(self, tag: str, attributes: Attributes) -> None:
        name = local(tag)
        if name == "c":
            self._start_cell(attributes)
        elif name in {"v", "t"}:
            # An inline text stands in <t>; some programs repeat it in <v>.
            self._hearing = not self._phonetic and (name == "t" or self._cell.get("t") != "inlineStr")
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._start_row(attributes)
        elif name == "rPh":
            self._phonetic = True

    def text(self, text: str) -> None:
        if self._hearing:
            self._heard.append(text)

    def end(self, tag: str) -> None:
        name, self._hearing = local(tag), False
        if name == "c":
            self._end_cell()
        elif name == "row":
            if any(self._cells):
                self.ready.append((self._line, self._cells))
        elif name == "rPh":
            self._phonetic = False

    def _start_row(self, attributes: Attributes) -> None:
        given = attributes.get("r", str(self._line + 1))
        if given.isdecimal() and int(given[:10]) > MAX_LINE:
            raise Unreadable("has cells beyond the last row of a sheet.")
        if not re.fullmatch(r"[1-9]\d{0,6}", given) or int(given) <= self._line:
            raise Unreadable(
                f"has a row numbered {given[:20]!r} in a place where no sheet can; it is damaged."
            )
        self._line, self._cells, self._column = int(given), [], 0

    def _start_cell(self, attributes: Attributes) -> None:
        self._cell, self._heard, self._formula = attributes, [], False
        self._column += 1
        if given := attributes.get("r"):
            match = REFERENCE.fullmatch(given)
            if not match or int(match[2]) != self._line or column_number(match[1]) < self._column:
                raise Unreadable(f"has a cell {given[:20]!r} in a place where no sheet can; it is damaged.")
            self._column = column_number(match[1])
        if self._column > MAX_COLUMN:
            raise Unreadable(f"has cells beyond column {MAX_COLUMN}; delete what lies right of the table.")

    def _end_cell(self) -> None:
        value = self._value("".join(self._heard))
        if value:
            self._cells += [""] * (self._column - len(self._cells) - 1)
            self._cells.append(value)

    def _value(self, heard: str) -> str:
        kind = self._cell.get("t", "n")
        if kind == "s":
            return self._texts[int(heard)] if heard.isdecimal() else ""
        if kind in {"str", "inlineStr"}:
            return unescaped(heard)
        heard = heard.strip()
        if not heard:
            return UNCALCULATED if self._formula else ""
        if kind == "b":
            return "true" if heard == "1" else "false"
        return self._number(heard) if kind == "n" else _iso_text(heard, kind)

    def _number(self, heard: str) -> str:
        style = self._cell.get("s", "0")
        kinds = self._styles.kinds
        kind = kinds[int(style)] if style.isdecimal() and int(style) < len(kinds) else ""
        if not kind and PLAIN_DIGITS.fullmatch(heard):
            return heard
        try:
            value = float(heard)
        except ValueError as error:
            raise Unreadable(f"has a number {heard[:20]!r} that cannot be read; it is damaged.") from error
        if kind == "date":
            return serial_text(value, since_1904=self._since_1904)
        if kind == "duration":
            return duration(value * DAY)
        return number(value).zfill(len(kind))


def _iso_text(heard: str, kind: str) -> str:
    """Return a date cell without a midnight that it does not mean, and the text of an error cell."""
    return re.sub(r"T00:00:00(\.0+)?Z?$", "", heard) if kind == "d" else heard


def rows(part: IO[bytes], sheet: SheetRows) -> Iterator[Line]:
    """Yield the rows of a sheet that hold anything."""
    for _ in parse(part, sheet.start, sheet.end, sheet.text):
        yield from sheet.ready
        sheet.ready.clear()
