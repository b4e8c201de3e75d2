"""What of schemathesis's findings are none: refusals of what only the rows, or two parts of a request, can tell."""

import json
from typing import Any

from schemathesis import Case, Response
from schemathesis.core.failures import Failure

# Codes of refusals that depend on what is in the catalogue, or on several parts of a request at once.
BEYOND_SCHEMA = {
    "beyond_end", "changed", "conflict", "does_not_exist", "does_not_fit", "needs_q", "not_found", "repeated", "required",
    "rule", "too_deep", "too_much", "unique", "with_page",
}  # fmt: skip
# That no text holds one is said once, in docs/api.md, and not of each text in the document.
NUL = "null_characters_not_allowed"
PASSWORDS = ("/new_password", "/old_password")  # what one may be beside its length
FILES = ("/file", "/Content-Length")  # schemathesis sends a file as a text, of any length
REFUSED_FOR_ITS_SENSE = {
    412,
    414,
    422,
    428,
}  # each parameter of a long address has a bound; their sum is one of the transport


def is_broken(failure: Failure, case: "Case[Any]", response: Response, *, is_staff: bool) -> bool:
    """Return whether the answer breaks a promise: a request that the document allows may be refused for its sense."""
    kind = type(failure).__name__
    if kind == "AcceptedNegativeData":
        return not (response.status_code in REFUSED_FOR_ITS_SENSE or _has_refused_rows(case, response))
    if kind == "ServerError":  # sizes of a new picture are being made: the answer says when to come back
        is_early = response.status_code == 503 and case.path.startswith("/v1/media/")
        return not (is_early and "retry-after" in response.headers)
    if kind != "RejectedPositiveData" or response.status_code in REFUSED_FOR_ITS_SENSE:
        return kind != "RejectedPositiveData"
    faults = json.loads(response.content).get("errors", [])
    for_staff = set() if is_staff else _for_staff(case)
    return not (faults and all(_is_beyond(fault, for_staff) for fault in faults))


def _has_refused_rows(case: "Case[Any]", response: Response) -> bool:
    return case.path.endswith("/bulk/") and json.loads(response.content).get("failed", 0) > 0


def _is_beyond(fault: dict[str, str], for_staff: set[str]) -> bool:
    hidden = fault["code"] == "unknown" and fault.get("parameter") in for_staff
    # A cursor means something to the list that gave it, and to no other.
    of_list = fault.get("parameter") == "cursor"
    return (
        hidden
        or of_list
        or fault["code"] in BEYOND_SCHEMA
        or fault["code"] == NUL
        or fault.get("pointer", "").startswith((*PASSWORDS, *FILES))
    )


def _for_staff(case: "Case[Any]") -> set[str]:
    """Return the parameters of the operation that the document keeps for staff."""
    parameters = case.operation.definition.raw.get("parameters", [])
    return {each["name"] for each in parameters if each.get("x-staff-only")}
