"""The rows of ODS sheets, as a stream: slower than calamine, but in little memory, and it hides nothing."""

import re
from collections.abc import Iterator
from typing import IO

from catalog.imports.sources.workbook_cells import UNCALCULATED, duration, number
from catalog.imports.sources.workbook_xml import Attributes, Unreadable, local, locally, parse
from catalog.imports.sources.xlsx_stream import MAX_COLUMN, MAX_LINE, PLAIN_DIGITS, Line

MAX_REPEATED = 1_000_000  # filled cells that come of repeating others
CELLS = {"table-cell", "covered-table-cell"}
ASIDE = {"annotation", "frame", "custom-shape", "control", "shapes", "note", "g", "ruby-text"}
DURATION = re.compile(r"(-?)P(?:(\d{1,9})D)?T?(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:[.,]\d+)?)S)?")


class SheetList:
    """The names of the sheets, which are hidden, and which hold anything."""

    def __init__(self) -> None:
        self.found: list[dict[str, str | bool]] = []
        self._hidden: set[str] = set()
        self._style = ""

    def start(self, tag: str, attributes: Attributes) -> None:
        name = local(tag)
        if name in CELLS and self.found and "office:value-type" in attributes:
            self.found[-1]["filled"] = True
        elif name == "style":
            self._style = locally(attributes).get("name", "")
        elif name == "table-properties" and locally(attributes).get("display") == "false":
            self._hidden.add(self._style)
        elif name == "table":
            own = locally(attributes)
            visible = own.get("style-name", "") not in self._hidden
            self.found.append({"name": own.get("name", ""), "visible": visible, "filled": False})


class SheetRows:
    """Rows of the sheet of one name, gathered while the XML is parsed."""

    def __init__(self, sheet: str) -> None:
        self.ready: list[Line] = []
        self._sheet = sheet
        self._inside = False
        self._line = self._repeated = 0
        self._times = 1
        self._cells: list[str] = []
        self._column = 0
        self._cell: Attributes = {}
        self._heard: list[str] = []
        self._hearing = False
        self._aside = 0

    def start(self, tag: str, attributes: Attributes) -> None:
        name = local(tag)
        if name == "table":
            self._inside = locally(attributes).get("name", "") == self._sheet
            self._line = 0
        elif self._aside or name in ASIDE:
            self._aside += name in ASIDE
        elif not self._inside:
            return
        elif name in CELLS:
            self._cell, self._heard = locally(attributes), []
        elif name == "table-row":
            self._cells, self._column, self._times = [], 0, _times(locally(attributes), "rows")
        else:
            self._start_text(name, attributes)

    def _start_text(self, name: str, attributes: Attributes) -> None:
        if name == "p":
            if self._heard:
                self._heard.append("\n")
            self._heard.append("")  # a paragraph, were it empty
            self._hearing = True
        elif name == "s":
            self._heard.append(" " * min(int(locally(attributes).get("c", "1")), 1000))
        elif name in {"tab", "line-break"}:
            self._heard.append("\t" if name == "tab" else "\n")

    def text(self, text: str) -> None:
        if self._hearing and not self._aside:
            self._heard.append(text)

    def end(self, tag: str) -> None:
        name = local(tag)
        if name in ASIDE and self._aside:
            self._aside -= 1
        elif self._aside or not self._inside:
            return
        elif name == "p":
            self._hearing = False
        elif name in CELLS:
            self._end_cell()
        elif name == "table-row":
            self._end_row()
        elif name == "table":
            self._inside = False

    def _end_cell(self) -> None:
        times = _times(self._cell, "columns")
        value = _value(self._cell, "".join(self._heard))
        self._column += times
        if not value:
            return
        if self._column > MAX_COLUMN:
            raise Unreadable(f"has cells beyond column {MAX_COLUMN}; delete what lies right of the table.")
        self._cells += [""] * (self._column - times - len(self._cells))
        self._cells += [value] * times

    def _end_row(self) -> None:
        self._line += self._times
        if not self._cells:
            return
        self._repeated += (self._times - 1) * len(self._cells)
        if self._repeated > MAX_REPEATED:
            raise Unreadable("repeats more cells than an import may read; save it as CSV.")
        if self._line > MAX_LINE:
            raise Unreadable("has cells beyond the last row of a sheet.")
        self.ready += [(line + 1, [*self._cells]) for line in range(self._line - self._times, self._line)]


def rows(content: IO[bytes], sheet: SheetRows) -> Iterator[Line]:
    """Yield the rows of a sheet that hold anything."""
    for _ in parse(content, sheet.start, sheet.end, sheet.text):
        yield from sheet.ready
        sheet.ready.clear()


def _times(attributes: Attributes, axis: str) -> int:
    given = attributes.get(f"number-{axis}-repeated", "1")
    if not re.fullmatch(r"[1-9]\d{0,8}", given):
        raise Unreadable(f"repeats {axis} {given[:20]!r} times; it is damaged.")
    return int(given)


def _value(cell: Attributes, shown: str) -> str:
    """Return the cell's value, or its text where it has no other."""
    kind = cell.get("value-type", "")
    if not kind and "formula" in cell and not shown:
        return UNCALCULATED
    if kind == "error":  # the prefix does not matter: calcext:value-type stands behind office:value-type
        return shown if shown.startswith("#") else "#VALUE!"
    if kind in {"float", "percentage", "currency"}:
        return _number(cell.get("value", ""), shown)
    if kind == "time":
        return _clock(cell.get("time-value", ""), shown)
    given = cell.get(f"{kind}-value", "")
    return (shown or given) if kind == "string" else re.sub(r"T00:00:00(\.0+)?$", "", given) or shown


def _number(value: str, shown: str) -> str:
    if PLAIN_DIGITS.fullmatch(value):
        return shown if re.fullmatch(r"0+" + re.escape(value), shown) else value
    try:
        return number(float(value))
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"has a number {value[:20]!r} that cannot be read; it is damaged.") from error


def _clock(value: str, shown: str) -> str:
    match = DURATION.fullmatch(value)
    if not match:
        return shown
    sign, days, hours, minutes, seconds = match.groups(default="0")
    total = int(days) * 86_400 + int(hours) * 3_600 + int(minutes) * 60 + float(seconds.replace(",", "."))
    return duration(-total if sign == "-" else total)
