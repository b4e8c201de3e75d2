"""What every source of files hands on, and how it judges their names."""

import re
from pathlib import Path
from typing import IO, NamedTuple

from media_sync.keys import Ignored, place
from media_sync.uploads.limits import MOST_BYTES

BLOCK = 1024 * 1024
LARGEST = max(MOST_BYTES.values())
LONGEST_PATH = 1024
DIGITS = re.compile(r"([0-9]+)", re.ASCII)
LITTER = {Ignored.FOLDER, Ignored.LITTER}


class Entry(NamedTuple):
    """A file that is there to be fetched, or the sentence that says why it is not."""

    path: str
    size: int = 0  # bytes; 0: not known yet
    name: str = ""  # of its item, where a column says it
    position: int | None = None
    refusal: str = ""


def natural(text: str) -> list[tuple[int, str]]:
    """Return what texts are sorted by so that 2 stands before 10, whatever the letter case."""
    parts = DIGITS.split(text.casefold())
    return [(int(part[:20]) if at % 2 else 0, "" if at % 2 else part) for at, part in enumerate(parts)] + [
        (0, text)
    ]


def checked(path: str, size: int = 0) -> Entry | None:
    """Return the entry of this name; None for litter of file managers, and a refusal for what cannot be kept."""
    if "__MACOSX" in path.split("/"):
        return None
    match place(f"./{path}"):
        case Ignored.TOO_LONG:
            return Entry(path[:LONGEST_PATH], size, refusal="Its path is longer than 1,024 characters.")
        case Ignored.UNSTORABLE:
            shown = path.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
            return Entry(shown, size, refusal="Its name is no text that can be kept; rename it.")
        case reason if reason in LITTER:
            return None
    if size > LARGEST:
        return Entry(
            path, size, refusal=f"It is larger than the {LARGEST // BLOCK:,} MiB that a file may have."
        )
    return Entry(path, size) if size else Entry(path, size, refusal="It is empty.")


def copy(source: IO[bytes], to: Path) -> None:
    """Copy a file, up to a byte more than any may have."""
    left = LARGEST + 1
    with to.open("wb") as file:
        while left and (block := source.read(min(BLOCK, left))):
            file.write(block)
            left -= len(block)
