"""What may be uploaded, and how much of it."""

from catalog.models import MediaKind
from media_sync.pictures import formats
from media_sync.pictures.formats import Format
from media_sync.uploads.errors import UploadRefused

MIB = 1024 * 1024
# Pictures of large cameras have 30 MB; a PDF of a dossier about as much. A minute of film in 4K has 400 MB.
MOST_BYTES = {MediaKind.IMAGE: 50 * MIB, MediaKind.DOCUMENT: 50 * MIB, MediaKind.VIDEO: 2048 * MIB}
IN_ONE_PIECE = 64 * MIB  # what is larger is sent in parts, and checked by the worker
PART_BYTES = 16 * MIB  # S3 takes from 5 MiB, and 10,000 of them

ACCEPTED: dict[str, Format] = {
    each.content_type: each
    for each in (*formats.PICTURES, formats.MP4, formats.WEBM, formats.QUICKTIME, formats.PDF, formats.TEXT)
}


def check_announced(content_type: str, size: int) -> Format:
    """Return the format of the type that a client announces; raise UploadRefused if it is not taken, or not so large."""
    announced = ACCEPTED.get(content_type.strip().lower())
    if announced is None:
        raise UploadRefused(
            "type", f"Files of this type are not taken; it must be one of {', '.join(ACCEPTED)}."
        )
    check_size(announced.kind, size)
    return announced


def check_size(kind: str, size: int) -> None:
    """Raise UploadRefused unless a file of this kind may have so many bytes."""
    most = MOST_BYTES[MediaKind(kind)]
    if size > most:
        label = MediaKind(kind).label.lower()
        sentence = f"The file is too large: {label}s may have up to {most // MIB} MiB."
        raise UploadRefused("size", sentence, fits=False)
