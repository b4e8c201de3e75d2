"""Deletes what sign-ins leave behind: in small transactions, so that nobody who signs in waits for it.

It waits for nobody either: rows that somebody else holds are left for the next time, and two that prune
at once take different ones.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts import attempts

BATCH = 5000  # rows in one transaction
TOKENS_KEPT = timedelta(hours=1)  # after they expired; more than the clocks of machines differ
SESSIONS_KEPT = timedelta(days=30)  # after they ended or expired, for people to look at
ATTEMPTS_KEPT = timedelta(days=1)

# Each of these finds (id, place, id of simplejwt's row) in the order of an index, from a place on.
#
# A token that was never used goes onto simplejwt's blacklist when its session ends, so that the session
# is held, too; nobody uses it any more, its one token having expired.
WAITING_TOKENS = """
SELECT r.id, r.expires_at, o.id FROM accounts_refreshtoken r
JOIN token_blacklist_outstandingtoken o ON o.id = r.outstanding_id JOIN accounts_session s ON s.id = r.session_id
WHERE r.expires_at >= %(after)s AND r.expires_at < %(before)s AND r.consumed_at IS NULL
ORDER BY r.expires_at LIMIT %(batch)s FOR UPDATE OF r, o SKIP LOCKED FOR SHARE OF s SKIP LOCKED
"""
SPENT_TOKENS = """
SELECT r.id, r.expires_at, o.id FROM accounts_refreshtoken r
JOIN token_blacklist_outstandingtoken o ON o.id = r.outstanding_id
WHERE r.expires_at >= %(after)s AND r.expires_at < %(before)s AND r.consumed_at IS NOT NULL
ORDER BY r.expires_at LIMIT %(batch)s FOR UPDATE OF r, o SKIP LOCKED
"""
# Of accounts that were deleted, and of releases that kept no sessions.
STRAY_TOKENS = """
SELECT o.id, o.id, o.id FROM token_blacklist_outstandingtoken o
WHERE o.id >= %(after)s AND o.expires_at < %(before)s
    AND NOT EXISTS (SELECT FROM accounts_refreshtoken r WHERE r.outstanding_id = o.id)
ORDER BY o.id LIMIT %(batch)s FOR UPDATE OF o SKIP LOCKED
"""
# One that ended so long ago has expired meanwhile: no session lasts longer than they are kept.
SESSIONS = """
SELECT s.id, s.expires_at, NULL FROM accounts_session s
WHERE s.expires_at >= %(after)s AND s.expires_at < %(now)s
    AND (s.expires_at < %(before)s OR s.ended_at < %(before)s)
    AND NOT EXISTS (SELECT FROM accounts_refreshtoken r WHERE r.session_id = s.id)
ORDER BY s.expires_at LIMIT %(batch)s FOR UPDATE OF s SKIP LOCKED
"""
BROWSER_SESSIONS = """
SELECT session_key, expire_date, NULL FROM django_session WHERE expire_date >= %(after)s AND expire_date < %(now)s
ORDER BY expire_date LIMIT %(batch)s FOR UPDATE SKIP LOCKED
"""

# The foreign keys are judged when the transaction ends. A token that outlives its successor, because the
# lifetime was shortened in between, forgets it.
DELETE_TOKENS = (
    "UPDATE accounts_refreshtoken SET successor_id = NULL"
    " WHERE successor_id = ANY(%(ids)s) AND id <> ALL(%(ids)s)",
    "DELETE FROM accounts_refreshtoken WHERE id = ANY(%(ids)s)",
)
DELETE_OUTSTANDING = (
    "DELETE FROM token_blacklist_blacklistedtoken WHERE token_id = ANY(%(outstanding)s)",
    "DELETE FROM token_blacklist_outstandingtoken WHERE id = ANY(%(outstanding)s)",
)
DELETE_SESSIONS = ("DELETE FROM accounts_session WHERE id = ANY(%(ids)s)",)
DELETE_BROWSER_SESSIONS = ("DELETE FROM django_session WHERE session_key = ANY(%(ids)s)",)

BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Pruned:
    """How many rows were deleted; `stray_tokens` are those of simplejwt that belong to no session."""

    refresh_tokens: int
    stray_tokens: int
    sessions: int
    browser_sessions: int
    attempts: int


def prune(batch: int = BATCH) -> Pruned:
    """Delete expired tokens, sessions that ended or expired a month ago, and counts of attempts long over.

    At most `batch` rows go in one transaction. A run that is cut short has done what it has done.
    """
    now = timezone.now()
    token_limits: dict[str, Any] = {"before": now - TOKENS_KEPT, "batch": batch}
    session_limits: dict[str, Any] = {"before": now - SESSIONS_KEPT, "now": now, "batch": batch}
    tokens = sum(
        _delete(which, *DELETE_TOKENS, *DELETE_OUTSTANDING, after=BEGINNING, **token_limits)
        for which in (WAITING_TOKENS, SPENT_TOKENS)
    )
    return Pruned(
        refresh_tokens=tokens,
        stray_tokens=_delete(STRAY_TOKENS, *DELETE_OUTSTANDING, after=0, **token_limits),
        sessions=_delete(SESSIONS, *DELETE_SESSIONS, after=BEGINNING, **session_limits),
        browser_sessions=_delete(
            BROWSER_SESSIONS, *DELETE_BROWSER_SESSIONS, after=BEGINNING, **session_limits
        ),
        attempts=attempts.prune(now - ATTEMPTS_KEPT, batch),
    )


def _delete(choose: str, *delete: str, after: Any, batch: int, **limits: Any) -> int:
    """Delete what is found, batch by batch; return the number."""
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(choose, limits | {"after": after, "batch": batch})
            found = cursor.fetchall()
            chosen = {"ids": [row[0] for row in found], "outstanding": [row[2] for row in found]}
            for statement in delete:
                cursor.execute(statement, chosen)
        total += len(found)
        if len(found) < batch:
            return total
        after = found[-1][1]
