"""Where files come from: a folder, an archive, addresses in a spreadsheet. Each lists them, and hands out one at a time.

What files are called is text: it is looked at for names of items and shown to people, and no file is ever made
under it. The bytes go into a file that the caller names.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from catalog.imports.columns import column_name
from catalog.imports.errors import ImportRefused
from catalog.imports.sources.readers import READERS, Table, open_table
from media_sync.arrivals import remote
from media_sync.arrivals.archive import Archive
from media_sync.arrivals.errors import ArrivalRefused, FileRefused
from media_sync.arrivals.files import LONGEST_PATH, Entry, checked, natural
from media_sync.keys import LAST_NUMBER
from media_sync.models import BatchSource

BUCKET = "s3://"
NAMES, ADDRESSES, POSITION = ("reference", "slug"), ("url", "address", "link", "image_url"), "position"


class Source(Protocol):
    kind: BatchSource
    name: str

    def entries(self) -> Iterator[Entry]:
        """Yield what is there, in the order in which people count. Paths may repeat."""

    def fetch(self, path: str, to: Path) -> None:
        """Write the content of one of the entries to the file. Raises FileRefused."""


def open_source(given: str) -> Source:
    """Return the source for a path of this machine. Raises ArrivalRefused."""
    path = Path(given)
    try:
        if path.is_dir():
            return Folder(path)
        is_there = path.is_file()
    except (OSError, ValueError) as error:
        raise ArrivalRefused(f"{given} cannot be read.") from error
    if not is_there:
        raise ArrivalRefused(
            f"There is no folder or file {given}; a part of the bucket is given as s3://bucket/prefix."
        )
    if path.suffix.lower() == ".zip":
        return Archive(path)
    if path.suffix.lower() in READERS:
        return Addresses(path)
    known = ", ".join(sorted(READERS))
    raise ArrivalRefused(f"{given} is neither a folder nor a ZIP archive nor a spreadsheet ({known}).")


class Folder:
    """A folder of this machine with all that lies below it; links are passed over."""

    kind = BatchSource.FOLDER

    def __init__(self, path: Path) -> None:
        self._root = path.resolve()
        self.name = str(self._root)[:LONGEST_PATH]

    def entries(self) -> Iterator[Entry]:
        for folder, folders, files in os.walk(self._root, onerror=_refuse_folder):
            folders.sort(key=natural)
            for name in sorted(files, key=natural):
                path = Path(folder, name)
                if path.is_symlink() or not path.is_file():
                    continue
                entry = checked(path.relative_to(self._root).as_posix(), path.stat().st_size)
                if entry:
                    yield entry

    def fetch(self, path: str, to: Path) -> None:
        try:
            shutil.copyfile(self._root / path, to, follow_symlinks=False)
        except OSError as error:
            raise FileRefused(f"It cannot be read: {error.strerror}.") from error


class Addresses:
    """A spreadsheet with a column of references or slugs and a column of addresses, and perhaps one of positions."""

    kind = BatchSource.ADDRESSES

    def __init__(self, path: Path, internet: remote.Internet | None = None) -> None:
        self._path, self._internet = path, internet
        self.name = str(path.resolve())[:LONGEST_PATH]

    def entries(self) -> Iterator[Entry]:
        try:
            with open_table(self._path) as table:
                name, url, position = _columns(table, self._path.name)
                for block in table.blocks:
                    for row in block:
                        given = row.cells[position] if position is not None else ""
                        yield from _addressed(row.line, row.fault, row.cells[name], row.cells[url], given)
        except ImportRefused as refusal:
            raise ArrivalRefused(str(refusal)) from refusal

    def fetch(self, path: str, to: Path) -> None:
        with to.open("wb") as file:
            remote.fetch(path.rpartition(" ")[2], file, internet=self._internet)


def _refuse_folder(error: OSError) -> None:
    raise ArrivalRefused(f"{error.filename} cannot be read: {error.strerror}.") from error


def _columns(table: Table, file_name: str) -> tuple[int, int, int | None]:
    """Return where the item's name, the address and the position stand."""
    titles = [column_name(title) for title in table.header]
    name = next((titles.index(each) for each in NAMES if each in titles), None)
    url = next((titles.index(each) for each in ADDRESSES if each in titles), None)
    if name is None or url is None:
        raise ArrivalRefused(
            f"{file_name} needs a column reference (or slug) and a column url; it has {', '.join(table.header[:10])}."[
                :300
            ]
        )
    return name, url, titles.index(POSITION) if POSITION in titles else None


def _addressed(line: int, fault: str, name: str, urls: str, position: str) -> Iterator[Entry]:
    """Yield the addresses of a row, which may be several with blanks or bars between; they count on from its position."""
    name = " ".join(name.split())
    try:
        number = _whole(position)
    except ValueError:
        fault = fault or f"The position {position.strip()[:20]!r} is no whole number."
        number = None
    found = [url for url in re.split(r"[\s|]+", urls) if url]
    if not found and not name:
        return
    if not found or not name:
        fault = fault or f"The row has no {'address' if name else 'reference'}."
    for at, url in enumerate(found or [""]):
        path = f"{name} {url}".strip()
        if len(path) > LONGEST_PATH or "\0" in path:
            yield Entry(
                path.replace("\0", "")[:LONGEST_PATH],
                refusal=f"Line {line}: its address cannot be kept; it is too long.",
            )
        else:
            refusal = f"Line {line}: {fault}" if fault else ""
            yield Entry(
                path, name=name, position=None if number is None else number + at, refusal=refusal[:300]
            )


def _whole(text: str) -> int | None:
    """Return the number of a cell; spreadsheets write 3 as 3.0, too. Raises ValueError."""
    text = re.sub(r"\.0+$", "", text.strip())
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise ValueError(text)
    return min(int(text), LAST_NUMBER)


@contextmanager
def opened(given: str) -> Iterator[Source]:
    """Give the source, and close it behind."""
    source = open_source(given)
    try:
        yield source
    finally:
        if isinstance(source, Archive):
            source.close()
