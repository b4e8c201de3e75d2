"""Which changes leave a row of history."""

from collections.abc import Callable
from typing import Any, TypeVar

import pghistory
from django.db import models

ModelT = TypeVar("ModelT", bound=type[models.Model])


def tracked(**options: Any) -> Callable[[ModelT], ModelT]:
    """Keep every insert, update and delete of the model in its event table, by database triggers.

    Statement level: one trigger call for a bulk statement's rows together (measured 1.3 times the
    time of no history, against 1.5 times for a call per row). No condition on updates: to compare old
    and new rows the trigger would join them, and PostgreSQL keeps that join's plan for the session; one
    made for a single row took minutes for 45,000. So an update that changes nothing leaves an event too.
    """
    track: Callable[[ModelT], ModelT] = pghistory.track(
        pghistory.InsertEvent(level=pghistory.Statement),
        pghistory.UpdateEvent(level=pghistory.Statement, condition=None),
        pghistory.DeleteEvent(level=pghistory.Statement),
        **options,
    )
    return track
