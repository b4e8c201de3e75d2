"""What is known of a file from its content: the one place that says whether it is accepted."""

import hashlib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from media_sync.pictures import formats
from media_sync.pictures.errors import PictureRefused
from media_sync.pictures.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Facts:
    """What MediaAsset keeps of a file's content; its fields have the same names. Files that are no picture have no more
    than the first five."""

    content_type: str
    kind: str
    extension: str  # of the format; "" for an unknown one
    size: int
    sha256: str
    width: int | None = None  # as viewers show it: EXIF's orientation is applied
    height: int | None = None
    frames: int = 1
    has_alpha: bool = False
    dhash: int | None = None
    thumbhash: str = ""
    colour: str = ""
    exif: dict[str, Any] = field(default_factory=dict)

    def columns(self) -> dict[str, Any]:
        """Return what the columns of the same names in MediaAsset are set to."""
        found = asdict(self)
        del found["extension"]
        return found


def inspect(path: Path, sandbox: Sandbox) -> Facts:
    """Return what is known of a file; raises PictureRefused for a picture that is not accepted, ReaderUnavailable.

    What is no picture is never refused here: whoever expected one looks at `kind`.
    """
    with path.open("rb") as file:
        found = formats.sniff(file.read(formats.HEAD_BYTES)) or formats.OTHER
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return judge(path, found, path.stat().st_size, sha256, sandbox)


def judge(path: Path, found: formats.Format, size: int, sha256: str, sandbox: Sandbox) -> Facts:
    """The same for a file of known format, size and checksum; what is no picture need not lie at `path`."""
    facts = Facts(found.content_type, found.kind, found.extension, size, sha256)
    if found not in formats.PICTURES:
        return facts
    if size > formats.LARGEST[found.kind]:
        raise PictureRefused(too_large(found))
    measured = sandbox.ask({"do": "inspect", "path": str(path)})
    del measured["format"]
    return replace(facts, **measured)


def too_large(found: formats.Format) -> str:
    """Return the sentence for a file of this format that has too many bytes."""
    return f"It is larger than the {formats.LARGEST[found.kind] // formats.MB} MB that {found.name} may have."
