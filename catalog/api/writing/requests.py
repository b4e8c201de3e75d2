"""A request that writes, from its parameters to its one transaction."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

import pghistory
from django.db import IntegrityError, OperationalError, transaction
from django.http import HttpResponse
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure
from rest_framework.exceptions import APIException, ErrorDetail, NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request

from catalog.api.etags import PreconditionFailed
from catalog.api.writing import idempotency
from catalog.api.writing.rows import CHANGED, CONFLICT, FORBIDDEN, NOT_FOUND, Fault, Row, nested
from catalog.api.writing.steps import Overtaken
from marketplace.parameters import Choice, Flag, ParameterType, Words
from marketplace.problems import NOT_FOUND as NOTHING_THERE

MOST_ROWS = 1_000  # of one request
TRIES = 4  # of a transaction that others got in the way of
PASSING = (DeadlockDetected, LockNotAvailable, SerializationFailure)
OVERTAKEN = "Somebody else wrote the same at this very moment; try again."

DRY_RUN: dict[str, ParameterType] = {"dry_run": Flag(), "reason": Words()}
UPSERT: dict[str, ParameterType] = {"upsert": Flag()}
ON_ERROR: dict[str, ParameterType] = {"on_error": Choice(("reject_all", "skip_failed"))}
DESCRIPTIONS = {
    "dry_run": "true: judge it all and answer as if it were done, but change nothing.",
    "reason": "Why; kept in the history of what is written.",
    "upsert": "true: what is there already, by its natural key, is changed instead of refused.",
    "on_error": "What a row that is at fault does to the others: nothing of them is written (reject_all, the"
    " default), or they are (skip_failed).",
}


class Conflict(APIException):
    """What the request says cannot be done as things are."""

    status_code = HTTPStatus.CONFLICT
    default_detail = OVERTAKEN


def transact(request: Request, given: Mapping[str, Any], work: Callable[[], HttpResponse]) -> HttpResponse:
    """Do the work in one transaction and return its answer; a dry run is rolled back.

    Where somebody else got in the way (he locked or wrote the same rows at this moment), it is done anew on what
    there is then.
    """
    for left in reversed(range(TRIES)):
        try:
            with ExitStack() as stack:
                if reason := given.get("reason"):
                    stack.enter_context(pghistory.context(reason=reason))
                stack.enter_context(transaction.atomic())
                if given.get("dry_run"):
                    return _as_if(request, work)
                return idempotency.once(request, work) if request.method == "POST" else work()
        except (IntegrityError, Overtaken) as error:
            if not left:
                raise Conflict from error
        except OperationalError as error:
            if not left or not isinstance(error.__cause__, PASSING):
                raise
    raise Conflict  # pragma: no cover  (the last try returns or raises)


def _as_if(request: Request, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Do the work and take it back with the transaction; an `Idempotency-Key` is judged, and not used up."""
    if request.method == "POST":
        idempotency.key_of(request)
    answer = work()
    transaction.set_rollback(True)
    return answer


EXCEPTIONS: dict[str, type[APIException]] = {
    FORBIDDEN: PermissionDenied,
    NOT_FOUND: NotFound,
    CHANGED: PreconditionFailed,
    CONFLICT: Conflict,
}


def refuse(row: Row) -> None:
    """Raise what is wrong with the only row of a request."""
    if not row.faults:
        return
    first = row.faults[0]
    if first.code == NOT_FOUND:
        raise NotFound(NOTHING_THERE)
    if first.code in EXCEPTIONS:
        raise EXCEPTIONS[first.code](first.sentence)
    raise ValidationError(nested((fault.path, _error(fault)) for fault in row.faults))


def refuse_all(rows: list[Row]) -> None:
    """Raise everything that is wrong with the rows of a request, each with its place."""
    raise ValidationError(
        nested(((row.place, *fault.path), _error(fault)) for row in rows for fault in row.faults)
    )


def _error(fault: Fault) -> ErrorDetail:
    return ErrorDetail(fault.sentence, code=fault.code)
