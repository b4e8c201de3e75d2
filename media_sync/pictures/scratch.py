"""Folders for files that are at work: private, deleted when the work ends, and swept when a process was killed at it."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

YOUNG_SECONDS = 60  # between a folder's making and its locking


@contextmanager
def folder() -> Iterator[Path]:
    """Give an empty folder that is deleted with all it holds."""
    path = Path(tempfile.mkdtemp(dir=_place()))
    try:
        with _locked(path):
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep() -> None:
    """Delete the folders that killed processes have left."""
    for path in _place().iterdir():
        with suppress(OSError):  # somebody works in it, or has swept it
            if path.stat().st_mtime < time.time() - YOUNG_SECONDS:
                with _locked(path):
                    shutil.rmtree(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the folder's lock, which a process loses with its end; raises OSError where another process holds it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _place() -> Path:
    """Return the folder of the folders, which other accounts of the machine cannot look into."""
    place = Path(tempfile.gettempdir()) / f"catalogue-pictures-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    return place
