"""What of schemathesis's findings are none: refusals of what only the rows, or two parts of a request, can tell."""

import json
from typing import Any

from schemathesis import Case, Response
from schemathesis.core.failures import Failure

# Codes of refusals that depend on what is in the catalogue, or on several parts of a request at once.
BEYOND_SCHEMA = {
    "beyond_end", "changed", "conflict", "does_not_exist", "does_not_fit", "needs_q", "not_found", "nothing_left",
    "repeated", "rule", "too_deep", "too_many", "too_much", "unique", "with_page",
}  # fmt: skip
# That no text holds one is said once, in docs/api.md, and not of each text in the document.
NUL = "null_characters_not_allowed"
# Nor how large the numbers are, and how deep the objects, that a field for any JSON object keeps.
NOT_STORABLE = "not_storable"
# Parts of a request whose rules no schema tells, by the address that takes them.
UNTOLD = {
    "/v1/auth/keys/": ("/networks",),  # that 203.0.113.5/24 is no network, since bits beyond the mask are set
    "/v1/auth/password/": ("/new_password", "/old_password"),  # what a password may be beside its length
    "/v1/imports/": ("/file",),  # schemathesis sends a text for it, which is no sheet
}
# `history` may be chosen by staff alone, which the document says in words.
CHOOSING, FOR_STAFF = {"fields", "omit", "include"}, "not 'history'."
NOWHERE = ("\n",)
# A tag of an older version, a key given again with another body, a tag not given where one is demanded; and each
# parameter of a long address has a bound, but their sum is one of the transport.
REFUSED_FOR_ITS_SENSE = {412, 414, 422, 428}


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
    return not (faults and all(_is_beyond(fault, case, is_staff=is_staff) for fault in faults))


def _has_refused_rows(case: "Case[Any]", response: Response) -> bool:
    return case.path.endswith("/bulk/") and json.loads(response.content).get("failed", 0) > 0


def _is_beyond(fault: dict[str, str], case: "Case[Any]", *, is_staff: bool) -> bool:
    parameter = fault.get("parameter")
    return (
        fault["code"] in BEYOND_SCHEMA
        or fault["code"] in {NUL, NOT_STORABLE}
        or (fault["code"] == "blank" and _holds_blanks(fault.get("pointer", ""), case.body))
        or parameter == "cursor"  # means something to the list that gave it, and to no other
        or (fault["code"] == "unknown" and not is_staff and parameter in _for_staff(case))
        or (not is_staff and parameter in CHOOSING and fault["detail"].endswith(FOR_STAFF))
        or (fault["code"] == "required" and _may_lack(case))
        or fault.get("pointer", "").startswith(UNTOLD.get(case.path, NOWHERE))
        or (case.path == "/v1/imports/" and _is_of_a_form(fault, case.body))
    )


def _is_of_a_form(fault: dict[str, str], form: Any) -> bool:
    """Whether a form alone is to blame: its null is a word like others."""
    return (
        fault.get("pointer") == "/max_rejected"
        and fault["code"] == "invalid"
        and form["max_rejected"] is None
    )


def _holds_blanks(pointer: str, body: Any) -> bool:
    """Whether the text there is of blanks alone: they are taken off before its length is judged; "" is too short."""
    value = body
    for name in pointer.split("/")[1:]:
        value = value[int(name)] if isinstance(value, list) else value[name]
    return isinstance(value, str) and value != "" and not value.strip()


def _may_lack(case: "Case[Any]") -> bool:
    """Whether rows decide what the body needs: all of a new row of an upsert; `kind`, at the address of all kinds."""
    return case.path.endswith("/bulk/") or case.path.startswith("/v1/items/")


def _for_staff(case: "Case[Any]") -> set[str]:
    """Return the parameters of the operation that the document keeps for staff."""
    parameters = case.operation.definition.raw.get("parameters", [])
    return {each["name"] for each in parameters if each.get("x-staff-only")}
