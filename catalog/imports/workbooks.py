"""XLSX and ODS workbooks, read in a process of their own with limits on memory and time.

A workbook is hostile until it is read: 1.4 kB can ask a reader for 500 GB. So the archive is looked
over first, and the reading happens in a child that the system stops, not in the caller's process.
The child prints blocks of rows as JSON lines; `{"refused": sentence}` is its last word where it gives up.
"""

import resource
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import orjson

from catalog.imports.errors import ImportRefused

MEMORY_BYTES = 1024 * 1024 * 1024  # address space of the child; what it really uses stays far below
CPU_SECONDS = 600
CHILD = ["-m", "catalog.imports.workbook_child"]
Block = list[tuple[int, list[str]]]


def read_workbook(path: Path, name: str) -> Generator[Block, None, None]:
    """Yield blocks of (line, cells) of the first sheet that holds anything; the first block is the header alone."""
    child = subprocess.Popen(  # noqa: S603  (our own module; the path is an argument, not a command)
        [sys.executable, *CHILD, str(path.resolve())],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).resolve().parents[2],
    )
    try:
        yield from _blocks(child, name)
    finally:
        child.kill()
        child.communicate()


def _blocks(child: "subprocess.Popen[bytes]", name: str) -> Iterator[Block]:
    assert child.stdout  # noqa: S101  (for the type checker: stdout is a pipe)
    for line in child.stdout:
        block = orjson.loads(line)
        if isinstance(block, dict):
            raise ImportRefused(f"{name} {block['refused']}")
        yield block
    if child.wait():
        raise ImportRefused(f"{name} needs more memory or time than an import may take; save it as CSV.")


def limit_this_process() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
