"""JSON lines: one object a row, with the header's names. Nothing runs there, so texts stand as they are."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import orjson

from catalog.writers.table import Header, Unwritable

CHUNK = 64 * 1024  # bytes


def write(header: Header, rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield the file in chunks. Decimals become texts, as in the API; times ISO 8601."""
    chunk = bytearray()
    for line, row in enumerate(rows, start=1):
        try:
            chunk += orjson.dumps(
                dict(zip(header, row, strict=True)), default=_plain, option=orjson.OPT_APPEND_NEWLINE
            )
        except (orjson.JSONEncodeError, TypeError) as error:
            raise Unwritable(f"Line {line:,} cannot be written as JSON: {error}.") from error
        if len(chunk) > CHUNK:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no form in JSON")
