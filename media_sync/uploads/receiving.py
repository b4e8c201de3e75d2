"""The way through this service, for browsers that may not send to the bucket itself.

A page may send a file to another address than its own only if the server there says so beforehand (CORS); not
every S3 server can be told to.
"""

import hashlib
import tempfile
from typing import IO, Protocol

from media_sync.models import Upload, UploadState
from media_sync.uploads import objects, presign
from media_sync.uploads.errors import NotArrived, UploadRefused

BLOCK = 256 * 1024


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def receive(upload: Upload, stream: Readable, *, length: int, part: int | None = None) -> None:
    """Put what the stream holds where the client was to send it: the file, or this one of its parts.

    Raises UploadRefused for what cannot be right, NotArrived where the stream broke off or the upload waits for
    nothing any more, and BucketUnavailable. Sending again is harmless.
    """
    expected = _expected(upload, part)
    if upload.state != UploadState.WAITING:
        raise NotArrived("This upload waits for no file any more.")
    if length != expected:
        sentence = f"It must be {expected}, the bytes that were announced."
        raise UploadRefused("Content-Length", sentence, fits=False)
    with tempfile.TemporaryFile() as file:
        digest = _copy(stream, file, expected)
        if part is None:
            if digest != upload.sha256:
                raise UploadRefused("sha256", "The bytes are not those that were announced.", fits=False)
            objects.put_whole(upload.key, upload.content_type, file, expected)
        else:
            if not upload.multipart_id:
                presign.begin(upload)
            objects.put_part(upload.key, upload.multipart_id, part, file, expected)


def _expected(upload: Upload, part: int | None) -> int:
    """Return the bytes that are to come; raise UploadRefused where `part` does not fit the upload."""
    if part is None:
        if upload.part_size:
            raise UploadRefused("part", "This file is sent in parts: say which one it is.")
        return upload.size
    if not upload.part_size:
        raise UploadRefused("part", "This file is sent in one piece, without a part.")
    if part not in presign.part_numbers(upload):
        last = len(presign.part_numbers(upload))
        raise UploadRefused("part", f"The parts are those from 1 to {last}.")
    return presign.part_bytes(upload, part)


def _copy(stream: Readable, file: IO[bytes], expected: int) -> str:
    """Copy so many bytes, and return their SHA-256."""
    digest, left = hashlib.sha256(), expected
    while left:
        block = stream.read(min(BLOCK, left))
        if not block:
            raise NotArrived("The file broke off: send it again.")
        file.write(block)
        digest.update(block)
        left -= len(block)
    file.seek(0)
    return digest.hexdigest()
