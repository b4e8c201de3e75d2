"""XLSX and ODS workbooks, read in a process of their own with limits on memory and time.

A workbook is hostile until it is read: 1.4 kB can ask a reader for 500 GB. So the archive is looked
over first, and the reading happens in a child that the system stops, not in the caller's process.

They speak in lines of JSON. The child begins with `{"sheets": [...], "notes": [...]}`; the answer is the list of
the sheets' names to read. Each then comes as `{"sheet": name}`, blocks of `[line, cells]`, `{"end": true}`.
`{"refused": sentence}` is the child's last word where it gives up.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from catalog.imports.errors import ImportRefused
from catalog.imports.sources.headers import (
    HEADER_ROWS,
    Recognise,
    above,
    checked,
    find_header,
    without_blank_end,
)
from catalog.imports.sources.rows import Row, Table, fitted

CHILD = ["-m", "catalog.imports.sources.workbook_child"]
NAMED = 5  # sheets that a note lists
Block = list[tuple[int, list[str]]]
Wanted = Callable[[str], object]  # whether the sheet of this name is to be read, as a truth


def workbook_tables(
    path: Path, name: str, opened: ExitStack, recognise: Recognise, wanted: Wanted | None
) -> Iterator[Table]:
    """Yield the tables of the wanted sheets; without `wanted`, of the first visible sheet that holds anything."""
    child = _start(path)
    opened.callback(_stop, child)
    messages = _messages(child, name)
    about = next(messages)
    sheets = about["sheets"]
    asked = [sheet["name"] for sheet in sheets if sheet["visible"] and (not wanted or wanted(sheet["name"]))]
    if not asked:
        raise ImportRefused(_no_sheet(name, sheets))
    _answer(child, asked)
    notes = about["notes"]
    for sheet in asked:
        if (table := _table(messages, name, sheet, recognise)) is None:
            continue
        table.warnings = [*notes, *_passed_over(sheets, asked if wanted else [sheet]), *table.warnings]
        notes, sheets = [], []
        yield table
        if not wanted:
            return
    if sheets:
        raise ImportRefused(" ".join([f"{name} is empty.", *_passed_over(sheets, asked)]))


def _start(path: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603  (our own module; the path is an argument, not a command)
        [sys.executable, *CHILD, str(path.resolve())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).resolve().parents[3],
    )


def _stop(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.communicate()


def _messages(child: "subprocess.Popen[bytes]", name: str) -> Iterator[Any]:
    assert child.stdout  # noqa: S101  (for the type checker: stdout is a pipe)
    for line in child.stdout:
        message = orjson.loads(line)
        if isinstance(message, dict) and "refused" in message:
            raise ImportRefused(f"{name} {message['refused']}")
        yield message
    if child.wait():
        raise ImportRefused(f"{name} needs more memory or time than an import may take; save it as CSV.")


def _answer(child: "subprocess.Popen[bytes]", asked: list[str]) -> None:
    assert child.stdin  # noqa: S101  (for the type checker: stdin is a pipe)
    with suppress(BrokenPipeError):  # a child that is gone has said why, or its end says it
        child.stdin.write(orjson.dumps(asked) + b"\n")
        child.stdin.flush()


def _table(messages: Iterator[Any], name: str, sheet: str, recognise: Recognise) -> Table | None:
    """Return the next sheet's table, or nothing where it holds none."""
    next(messages)
    blocks = _blocks(messages)
    first: Block = []
    while len(first) < HEADER_ROWS and (block := next(blocks, None)):
        first += block
    if not first:
        return None
    head = first[:HEADER_ROWS]
    place = find_header([cells for _, cells in head], recognise)
    header = checked(without_blank_end(head[place][1]), name)
    rows = _fitted(chain([first[place + 1 :]], blocks), len(header))
    lines = [line for line, _ in head]
    return Table(header, rows, sheet, lines[place], warnings=above(lines, place))


def _blocks(messages: Iterator[Any]) -> Iterator[Block]:
    for message in messages:
        if isinstance(message, dict):
            return
        yield message


def _fitted(blocks: Iterator[Block], width: int) -> Iterator[list[Row]]:
    for block in blocks:
        yield [
            Row(line, cells) if len(cells) == width else fitted(line, cells, width) for line, cells in block
        ]


def _no_sheet(name: str, sheets: list[dict[str, Any]]) -> str:
    visible = [sheet["name"] for sheet in sheets if sheet["visible"]]
    if not visible:
        return f"{name} has hidden sheets only; show the sheet that is to be imported."
    return f"{name} has no sheet that an import knows by its name; it has {_listed(visible)}."


def _passed_over(sheets: list[dict[str, Any]], read: list[str]) -> list[str]:
    """Return what to say about sheets that hold something and are not read."""
    left = [sheet for sheet in sheets if sheet["filled"] and sheet["name"] not in read]
    hidden = [sheet["name"] for sheet in left if sheet["hidden"]]
    shown = [sheet["name"] for sheet in left if sheet["visible"]]
    return [
        (
            f"The {what} {_listed(names)} was passed over."
            if len(names) == 1
            else f"The {what}s {_listed(names)} were passed over."
        )
        for what, names in (("sheet", shown), ("hidden sheet", hidden))
        if names
    ]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:NAMED]) + more
