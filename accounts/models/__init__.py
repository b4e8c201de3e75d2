"""People and machines that sign in, what they signed in with, and the record of it."""

from accounts.models.api_key import ApiKey
from accounts.models.attempts import AttemptCount
from accounts.models.audit import Action, AuditEvent
from accounts.models.recovery_code import RecoveryCode
from accounts.models.request_count import RequestCount
from accounts.models.session import EndReason, RefreshToken, Session, SessionKind, SessionQuerySet
from accounts.models.user import User

__all__ = [
    "Action",
    "ApiKey",
    "AttemptCount",
    "AuditEvent",
    "EndReason",
    "RecoveryCode",
    "RefreshToken",
    "RequestCount",
    "Session",
    "SessionKind",
    "SessionQuerySet",
    "User",
]
