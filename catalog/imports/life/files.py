"""The file of a run, kept in the bucket: any worker on any machine reads it, also a second time.

A key holds a random part, so that a bucket that serves files to everybody gives none of these away.
"""

import fcntl
import hashlib
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path, PureWindowsPath
from typing import BinaryIO

from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone

from catalog.imports.errors import ImportRefused
from catalog.imports.sources.readers import READERS
from catalog.models import ImportRun
from marketplace import faults

FOLDER = "imports"
MAX_BYTES = 512 * 1024 * 1024  # a million rows of 20 columns are 370 MB as CSV
BLOCK = 1024 * 1024
NAME_KEPT = 100  # characters of the name that the key ends with
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
FOLDER_NAME = re.compile(r"([0-9]{1,18})-[0-9a-f]{32}")
STRAY_AFTER = timedelta(days=1)  # longer than any upload takes
SWEPT_AFTER = 60  # seconds; between making a copy and locking it there are microseconds


def plain_name(name: str) -> str:
    """Return a file's name without folders (some browsers send them) and without what cannot be shown."""
    return CONTROL.sub("", PureWindowsPath(name).name).strip()[-255:]


def check_name(name: str) -> None:
    """Raise ImportRefused unless a reader knows the name's ending."""
    if Path(name).suffix.lower() not in READERS:
        known = ", ".join(sorted(READERS))
        raise ImportRefused(f"{name or 'The file'} has an unknown ending; files must end in one of {known}.")


def measure(file: BinaryIO | File[bytes], name: str) -> tuple[int, str]:
    """Return the file's size in bytes and its SHA-256; raise ImportRefused where it is empty or too large."""
    size, digest = 0, hashlib.sha256()
    file.seek(0)
    while block := file.read(BLOCK):
        size += len(block)
        digest.update(block)
        if size > MAX_BYTES:
            limit = f"{MAX_BYTES // 1024**2} MiB"
            raise ImportRefused(f"{name} is larger than {limit}, the most that an import takes; split it.")
    if not size:
        raise ImportRefused(f"{name} is empty.")
    return size, digest.hexdigest()


def keep(file: BinaryIO | File[bytes], name: str, run_id: int) -> str:
    """Put the file into the bucket and return its key; raise ImportRefused where the bucket does not take it."""
    tail = UNSAFE.sub("-", name)[-NAME_KEPT:].lstrip(".-")
    file.seek(0)
    try:
        return default_storage.save(f"{FOLDER}/{run_id}-{secrets.token_hex(16)}/{tail}", File(file))
    except faults.FAULTS as error:
        raise ImportRefused(faults.sentence(error)) from error


def keep_path(run: ImportRun, path: Path) -> None:
    """Put the file at the path into the bucket and note it in the run, which is not stored yet."""
    check_name(path.name)
    if path.is_dir():
        raise ImportRefused(f"{path} is a folder, not a file.")
    try:
        with path.open("rb") as file:
            run.file_size, run.file_sha256 = measure(file, run.file_name)
            run.file_key = keep(file, path.name, run.pk)
    except OSError as error:
        raise ImportRefused(f"{path} cannot be read: {error.strerror}.") from error


def forget(key: str) -> None:
    """Take the file out of the bucket; a bucket that does not answer keeps it until the next pruning."""
    with suppress(*faults.FAULTS):
        default_storage.delete(key)


def folders() -> Iterator[tuple[int, str]]:
    """Yield each folder of the bucket that holds a run's file, with the run's id."""
    for name in default_storage.listdir(FOLDER)[0]:
        if number := FOLDER_NAME.fullmatch(name):
            yield int(number[1]), f"{FOLDER}/{name}"


def forget_stray(folder: str) -> None:
    """Take the files of a folder that belongs to no run out of the bucket, if nobody is bringing them just now."""
    for name in default_storage.listdir(folder)[1]:
        key = f"{folder}/{name}"
        if default_storage.get_modified_time(key) < timezone.now() - STRAY_AFTER:
            default_storage.delete(key)


class Unreachable(ImportRefused):
    """The bucket does not answer; it may do so later."""


@contextmanager
def local(run: ImportRun, hear: Callable[[], object] = lambda: None) -> Iterator[Path]:
    """Give a copy of the run's file on this machine, for as long as the block takes.

    `hear` is called with each block. Raises ImportRefused where the bucket does not give the file, or gives another
    than was brought.
    """
    sweep()
    suffix = Path(run.file_key).suffix.lower()
    with tempfile.NamedTemporaryFile(dir=_place(), suffix=suffix) as copy:
        fcntl.flock(copy, fcntl.LOCK_EX)
        _read(run, lambda block: (copy.write(block), hear()))
        copy.flush()
        yield Path(copy.name)


def check(run: ImportRun, hear: Callable[[], object] = lambda: None) -> None:
    """Raise ImportRefused unless the bucket still holds the file that was brought; `hear` is called with each block."""
    _read(run, lambda block: hear())


def _read(run: ImportRun, take: Callable[[bytes], object]) -> None:
    digest = hashlib.sha256()
    try:
        with default_storage.open(run.file_key) as kept:
            while block := kept.read(BLOCK):
                digest.update(block)
                take(block)
    except FileNotFoundError as error:
        raise ImportRefused(f"The bucket has lost the file {run.file_name}; bring it again.") from error
    except faults.FAULTS as error:
        raise Unreachable(faults.sentence(error)) from error
    if digest.hexdigest() != run.file_sha256:
        raise ImportRefused(
            f"The file that the bucket keeps for {run.file_name} is not the one that was brought;"
            " nothing landed, bring it again."
        )


def sweep() -> None:
    """Remove the copies of processes that were killed: a copy is locked for as long as its process lives."""
    for path in _place().iterdir():
        with suppress(OSError):  # locked, or removed by another who sweeps
            if path.stat().st_mtime < time.time() - SWEPT_AFTER:
                with path.open("rb") as copy:
                    fcntl.flock(copy, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()


def _place() -> Path:
    """Return the folder for copies, which other accounts of the machine cannot look into."""
    place = Path(tempfile.gettempdir()) / f"catalogue-imports-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    return place
