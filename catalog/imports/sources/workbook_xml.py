"""The XML parts of a workbook, read piece by piece: nothing is expanded, fetched or held whole."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import IO, NoReturn
from xml.parsers import expat

READ_BYTES = 256 * 1024
ENTITIES = "declares XML entities, as harmful files do; save it anew in a spreadsheet program."
Attributes = dict[str, str]


class Unreadable(Exception):
    """The workbook cannot be read; the message is the rest of a sentence that begins with its name."""


def parse(
    part: IO[bytes],
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Call the handlers for all elements of a part; pause after each piece. Refuse what is no plain XML."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        while piece := part.read(READ_BYTES):
            parser.Parse(piece)
            yield
        parser.Parse(b"", True)  # noqa: FBT003  (expat takes no keywords)
    except expat.ExpatError as error:
        raise Unreadable(f"is damaged ({error}).") from error
    yield


@cache
def local(name: str) -> str:
    """Return the name of an element or attribute without its prefix."""
    return name.rpartition(":")[2]


def locally(attributes: Attributes) -> Attributes:
    return {local(name): value for name, value in attributes.items()}


def _refuse_doctype(*_declaration: object) -> NoReturn:
    raise Unreadable(ENTITIES)
