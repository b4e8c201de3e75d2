"""Object key <-> item: the only place that knows how the bucket is laid out.

    vehicles/<slug or reference>/<anything>.<ext>      likewise memorabilia/ and tools/

Pure functions: whether an item of that name exists is for the database to say. A key is compared
byte for byte; only for the match with a reference its folder is taken in the form that references
are stored in (trimmed, Unicode NFKC), and letter case does not count there.
"""

import re
import uuid
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from catalog.models import Kind, MediaKind
from catalog.models.fields import canonical_text

FOLDERS = {"vehicles": Kind.VEHICLE, "memorabilia": Kind.MEMORABILIA, "tools": Kind.TOOL}
LONGEST_KEY = 1024  # characters of MediaAsset.key; S3 itself ends at 1,024 bytes

# A name that begins with a number stands at that position; all others stand behind, in order of their
# keys. Numbers beyond the last position (dates, a camera's counters) share it, so keys order them too.
LAST_NUMBER = 999_999
UNNUMBERED = 1_000_000

# What a browser shows, plays or reads. Anything else belongs to its item too, as a document to download:
# among them SVG, which can hold scripts.
CONTENT_TYPES = {
    MediaKind.IMAGE: {
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "jpe": "image/jpeg",
        "jfif": "image/jpeg",
        "png": "image/png",
        "webp": "image/webp",
        "avif": "image/avif",
        "gif": "image/gif",
    },
    MediaKind.VIDEO: {
        "mp4": "video/mp4",
        "m4v": "video/mp4",
        "webm": "video/webm",
        "mov": "video/quicktime",
    },
    MediaKind.DOCUMENT: {
        "pdf": "application/pdf",
        "txt": "text/plain",
    },
}
OTHER_CONTENT_TYPE = "application/octet-stream"
BY_EXTENSION = {
    extension: (kind, content_type)
    for kind, types in CONTENT_TYPES.items()
    for extension, content_type in types.items()
}

# Left behind by file managers, consoles and copying programs; never anybody's picture.
LITTER = {".ds_store", "thumbs.db", "desktop.ini", ".keep", ".gitkeep"}
LITTER_START, LITTER_END = "._", "_$folder$"
UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # PostgreSQL's text holds neither
NUMBER = re.compile(r"[0-9]+")


class Ignored(StrEnum):
    """Why keys are passed over; the value says it to a person."""

    FOLDER = "folders' own entries"
    LITTER = "litter of file managers"
    RENDITION = "renditions"
    IMPORT = "imported spreadsheets"
    ARRIVAL = "files on their way in"
    UNSTORABLE = "keys with a NUL or broken UTF-8"
    TOO_LONG = "keys longer than 1,024 characters"


RENDITIONS = "renditions/"  # sizes of pictures: renditions/<asset id>-<32 hex digits>/<name>
ARRIVALS = "quarantine/"  # where uploads arrive
UPLOADS = "media/"  # where they stay, under a name of ours; their records are made with them
# Where this software itself keeps files: sizes of pictures, spreadsheets that were imported (catalog.imports.life.files),
# and uploads until their content was checked. The sync looks at none of them.
OWN_FOLDERS = {
    RENDITIONS: Ignored.RENDITION,
    "imports/": Ignored.IMPORT,
    ARRIVALS: Ignored.ARRIVAL,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object belongs. Without `item_kind` it belongs to no item."""

    item_kind: str
    folder: str  # as in the key: matches a slug
    reference: str  # the folder as a reference is stored
    position: int
    kind: str
    content_type: str


def place(key: str) -> Place | Ignored:
    """Say where the object of this key belongs, or why it is passed over. Any text is a key."""
    parent, _, name = key.rpartition("/")
    reason = _ignored(key, name)
    if reason:
        return reason
    item_kind, folder, reference = _owner(parent)
    kind, content_type = BY_EXTENSION.get(_extension(name), (MediaKind.DOCUMENT, OTHER_CONTENT_TYPE))
    return Place(item_kind, folder, reference, _position(name), kind, content_type)


def arrival_key(extension: str) -> str:
    """Return a new key for a file that a client is to send. No part of it is the client's."""
    return f"{ARRIVALS}{uuid.uuid4()}.{extension}"


def uploaded_key(name: uuid.UUID, extension: str) -> str:
    """Return the key under which a file lies for good once its content was checked."""
    return f"{UPLOADS}{name}.{extension}"


def _ignored(key: str, name: str) -> Ignored | None:
    if not name:
        return Ignored.FOLDER
    for folder, reason in OWN_FOLDERS.items():
        if key.startswith(folder):
            return reason
    if UNSTORABLE.search(key):
        return Ignored.UNSTORABLE
    if len(key) > LONGEST_KEY:
        return Ignored.TOO_LONG
    folded = name.lower()
    if folded in LITTER or folded.startswith(LITTER_START) or folded.endswith(LITTER_END):
        return Ignored.LITTER
    return None


@lru_cache(maxsize=1024)  # a listing brings a folder's keys one after another
def _owner(parent: str) -> tuple[str, str, str]:
    """Return the item's kind, and its name as given and as a reference; all empty when it has none."""
    top, _, rest = parent.partition("/")
    folder = rest.partition("/")[0]
    if top not in FOLDERS or not folder:
        return "", "", ""
    return FOLDERS[top].value, folder, canonical_text(folder)


def _position(name: str) -> int:
    number = NUMBER.match(name)
    # Fewer digits are read than int() refuses, so a name of a thousand digits is a number like any other.
    return min(int(number[0][:20]), LAST_NUMBER) if number else UNNUMBERED


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""
