"""One row of a request that writes: what was given, what there is, what it will be, and what is wrong with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import models

Path = tuple[str | int, ...]

# Codes of faults that no body shows by itself: they come of the rows that there are, or of several fields together.
FORBIDDEN, NOT_FOUND, CHANGED, CONFLICT = "permission_denied", "not_found", "changed", "conflict"
UNKNOWN, TAKEN, REPEATED, RULE = "does_not_exist", "unique", "repeated", "rule"


class Fault(NamedTuple):
    """Something wrong: where in the row's body, a code, and a sentence."""

    path: Path
    code: str
    sentence: str


class Outcome(models.TextChoices):
    """What became of a row."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    FAILED = "failed"


@dataclass
class Row:
    """`place` is where it stands in the request, from 0; `body` what was sent, `given` what was read of it.

    `present` is the row of the database that is meant, locked, or None; `future` is what it will be.
    """

    place: int
    body: Any
    given: dict[str, Any] = field(default_factory=dict)
    present: Any = None
    future: Any = None
    faults: list[Fault] = field(default_factory=list)
    outcome: Outcome | None = None

    def refuse(self, path: str | Path, sentence: str, code: str = "invalid") -> None:
        self.faults.append(Fault((path,) if isinstance(path, str) else path, code, sentence))

    @property
    def is_new(self) -> bool:
        return self.present is None

    @property
    def blamed(self) -> set[str | int]:
        """The fields that something is wrong with already."""
        return {fault.path[0] for fault in self.faults if fault.path}


def sound(rows: Iterable[Row]) -> list[Row]:
    """Return the rows with which nothing is wrong so far."""
    return [row for row in rows if not row.faults]


def faults_in(detail: Any, path: Path = ()) -> Iterator[Fault]:
    """Yield the leaves of what a serializer says is wrong."""
    if isinstance(detail, dict):
        for name, part in detail.items():
            yield from faults_in(part, path if name == "non_field_errors" else (*path, name))
    elif isinstance(detail, list):
        for place, part in enumerate(detail):
            nested = isinstance(part, dict | list)
            yield from faults_in(part, (*path, place) if nested else path)
    else:
        yield Fault(path, str(getattr(detail, "code", "invalid")), str(detail))


def pointer(path: Path) -> str:
    """Return the JSON Pointer of the path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def nested(faults: Iterable[tuple[Path, Any]]) -> dict[Any, Any]:
    """Return the faults as the nested dictionary of which an answer's pointers are made."""
    whole: dict[Any, Any] = {}
    for path, error in faults:
        part = whole
        for step in path:
            part = part.setdefault(step, {})
        part.setdefault("non_field_errors", []).append(error)
    return whole


def columns_of(model: type[models.Model]) -> list["models.Field[Any, Any]"]:
    """Return the columns that are written: not those that the database fills in by itself."""
    return [each for each in model._meta.concrete_fields if not each.primary_key and not each.generated]
