"""What can be done with a run where it stands, by whom: what the doors offer, and `runs` holds to."""

from dataclasses import dataclass
from typing import Any

from catalog.models import LANDED, ImportState

JUDGED = frozenset({ImportState.READY, ImportState.CONFIRMED, ImportState.LANDING, *LANDED})
ANY = frozenset(ImportState)
UNFINISHED = ANY - {*LANDED, ImportState.FAILED, ImportState.CANCELLED}


@dataclass(frozen=True)
class Step:
    """In which states, by which right (a verb), and whether by the owner alone."""

    states: frozenset[str]
    verb: str
    own: bool = True


STEPS = {
    "mapping": Step(frozenset({ImportState.MAPPING, ImportState.READY}), "preview"),
    "rows": Step(JUDGED, "preview", own=False),
    "leave_out": Step(frozenset({ImportState.READY}), "preview"),
    "confirm": Step(frozenset({ImportState.READY}), "confirm"),
    "cancel": Step(UNFINISHED, "add"),
    "undo": Step(frozenset({ImportState.DONE}), "undo", own=False),
    "rejected": Step(JUDGED, "preview", own=False),
    "file": Step(ANY, "view", own=False),
}


def possible(
    user: Any, *, state: str, started_by: int | None, rejected: int, file_key: str, fixed: bool
) -> frozenset[str]:
    """Return the names of the steps that this account can take with such a run; it has to be one that it may see.

    Those who only view imports see the rows of what has landed, and its file; their own file all see. `fixed`:
    the run cannot be undone (any more).
    """
    is_own = started_by == user.pk
    lacking = {"rejected": not rejected, "file": not file_key, "undo": fixed}

    def fits(name: str, step: Step) -> bool:
        if state not in step.states or (step.own and not is_own):
            return False
        if lacking.get(name):
            return False
        if name == "file" and is_own:
            return True
        seen = step.verb == "preview" and state in LANDED and user.has_perm("catalog.view_importrun")
        return seen or bool(user.has_perm(f"catalog.{step.verb}_importrun"))

    return frozenset(name for name, step in STEPS.items() if fits(name, step))
