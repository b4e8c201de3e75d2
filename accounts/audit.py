"""Writes the audit record. One function for all rooms; where and who comes from the request at hand."""

from typing import Any

from accounts.models import Action, AuditEvent, User
from marketplace.requests import facts

LONGEST_SUBJECT = 300


def record(action: Action, *, by: User | None, subject: str = "", **detail: Any) -> None:
    """Add an event in the transaction at hand: it stands if that does.

    `by` is who did it, None where nobody is known (a failed sign-in, a command). `subject` says to what.
    `detail` holds JSON values; never a secret, and never what somebody typed in place of a name.
    """
    here = facts()
    AuditEvent.objects.create(
        action=action,
        actor_id=by.pk if by else None,
        actor=by.get_username() if by else "",
        subject=subject[:LONGEST_SUBJECT],
        address=here.address or None,
        device=here.device,
        request_id=here.request_id,
        detail=detail,
    )
