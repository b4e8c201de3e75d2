"""A ZIP archive as a source of files: hostile until it is read, and never unpacked under the names that it holds."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from media_sync.arrivals.errors import ArrivalRefused, FileRefused
from media_sync.arrivals.files import LONGEST_PATH, Entry, checked, copy, natural
from media_sync.models import BatchSource

MOST_ENTRIES = 50_000
DIRECTORY_BYTES = 16 * 1024 * 1024  # the archive's list of its entries
MOST_RATIO = 200  # unpacked to packed, of entries large enough to matter; pictures hardly pack at all
MATTERS = 1024 * 1024
TOTAL_RATIO, TOTAL_SPARE = 20, 1024 * 1024 * 1024
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
UTF8, ENCRYPTED = 0x800, 0x1
END, END_64, END_BYTES = b"PK\5\6", b"PK\6\6", 65_557
ELSEWHERE = 0xFFFFFFFF  # in the record for archives beyond 4 GB
DAMAGED = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, struct.error, zlib.error, ValueError,
)  # fmt: skip
BOMB = "{name} unpacks to far more than its size, as harmful files do."
TOO_MANY = f"{{name}} has more than {MOST_ENTRIES:,} entries; split it."


class Archive:
    """Its entries are read one after the other, each by a stream; `close` it."""

    kind = BatchSource.ARCHIVE

    def __init__(self, path: Path) -> None:
        self.name = str(path.resolve())[:LONGEST_PATH]
        self._file_name = path.name
        try:
            _check_directory(path)
            self._zip = zipfile.ZipFile(path)
        except DAMAGED as error:
            raise ArrivalRefused(f"{path.name} is no ZIP archive, or a damaged one.") from error
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._check(path.stat().st_size)

    def close(self) -> None:
        self._zip.close()

    def entries(self) -> Iterator[Entry]:
        found = [(_name(info), info) for info in self._zip.infolist() if not info.is_dir()]
        for name, info in sorted(found, key=lambda each: natural(each[0])):
            entry = checked(name, info.file_size)
            if entry:
                yield self._judged(entry, info)

    def fetch(self, path: str, to: Path) -> None:
        if not self._entries:
            for _ in self.entries():  # on a later run they are known already, and only fetched
                pass
        try:
            with self._zip.open(self._entries[path]) as file:
                copy(file, to)
        except (*DAMAGED, KeyError) as error:
            raise FileRefused("It is damaged in the archive.") from error

    def _check(self, size: int) -> None:
        """Refuse an archive that is a bomb as a whole, however its entries overlap."""
        entries = self._zip.infolist()
        refusal = TOO_MANY if len(entries) > MOST_ENTRIES else ""
        if sum(entry.file_size for entry in entries) > TOTAL_SPARE + TOTAL_RATIO * size:
            refusal = BOMB
        if refusal:
            self.close()
            raise ArrivalRefused(refusal.format(name=self._file_name))

    def _judged(self, entry: Entry, info: zipfile.ZipInfo) -> Entry:
        if entry.refusal:
            return entry
        if entry.path in self._entries and self._entries[entry.path] is not info:
            return entry._replace(
                path=f"{entry.path} ({info.header_offset})"[-LONGEST_PATH:],
                refusal="Another entry of the archive has the same name.",
            )
        self._entries[entry.path] = info
        return entry._replace(refusal=_refusal(info))


def _refusal(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & ENCRYPTED:
        return "It is protected by a password; make the archive without one."
    if info.compress_type not in METHODS:
        return "It is packed in a way that is not read; make the archive anew with the usual one (deflate)."
    if info.file_size > MATTERS and info.file_size > MOST_RATIO * max(info.compress_size, 1):
        return "It unpacks to far more than its size, as harmful files do."
    return ""


def _name(info: zipfile.ZipInfo) -> str:
    """Return the entry's name as people wrote it: with slashes, and in the letters that they used.

    Archives of some systems hold UTF-8 without saying so.
    """
    name = info.filename.replace("\\", "/")
    if info.flag_bits & UTF8:
        return name
    try:
        return name.encode("cp437").decode()
    except UnicodeError:
        return name


def _check_directory(path: Path) -> None:
    """Refuse a long list of entries before it is read; it tells its length in the file's last bytes."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - END_BYTES))
        end = file.read()
    at = end.rfind(END)
    length = int.from_bytes(end[at + 12 : at + 16], "little") if at >= 0 else 0
    if length == ELSEWHERE:
        at = end.rfind(END_64)
        length = int.from_bytes(end[at + 40 : at + 48], "little") if at >= 0 else 0
    if length > DIRECTORY_BYTES:
        raise ArrivalRefused(TOO_MANY.format(name=path.name))
