"""What the nightly pruning deletes, what it keeps, and that nobody waits for it."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session as BrowserSession
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts import tokens
from accounts.models import AttemptCount, EndReason, RefreshToken, Session, User
from accounts.pruning import WAITING_TOKENS, Pruned, prune
from accounts.tasks import nightly_pruning
from accounts.tests.client import at_once
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
NONE = Pruned(refresh_tokens=0, stray_tokens=0, sessions=0, browser_sessions=0, attempts=0)


def ago(**span):
    return timezone.now() - timedelta(**span)


@pytest.fixture
def user():
    return UserFactory.create()


def chain(user, links=2):
    """Begin a session and rotate its token; return the session."""
    pair = tokens.begin(user, verified=False)
    for _ in range(links):
        pair = tokens.rotate(pair.refresh)
    return Session.objects.get(pk=tokens.read(tokens.RefreshJWT, pair.refresh)["sid"])


def expire(session, at):
    session.refresh_tokens.update(expires_at=at)
    OutstandingToken.objects.filter(pk__in=session.refresh_tokens.values("outstanding")).update(expires_at=at)


def test_pruning_of_what_is_in_use_deletes_nothing(user):
    chain(user)
    BrowserSession.objects.create(session_key="a", expire_date=timezone.now() + timedelta(days=1))
    AttemptCount.objects.create(bucket="b", attempts=1, window_started_at=timezone.now())
    assert prune() == NONE


def test_pruning_deletes_expired_tokens_everywhere(user):
    kept, gone = chain(user), chain(user)
    expire(gone, ago(hours=2))

    assert prune() == Pruned(refresh_tokens=3, stray_tokens=0, sessions=0, browser_sessions=0, attempts=0)

    assert set(RefreshToken.objects.values_list("session", flat=True)) == {kept.pk}
    assert (OutstandingToken.objects.count(), BlacklistedToken.objects.count()) == (3, 2)
    assert Session.objects.count() == 2


def test_pruning_keeps_a_family_whose_first_tokens_expired_usable(user):
    pair = tokens.begin(user, verified=False)
    RefreshToken.objects.update(expires_at=ago(hours=2))
    after = tokens.rotate(pair.refresh)

    assert prune().refresh_tokens == 1

    assert tokens.rotate(after.refresh)


def test_pruning_of_a_token_that_its_predecessor_outlives(user):
    session = chain(user)
    last = session.refresh_tokens.filter(consumed_at=None)
    last.update(expires_at=ago(hours=2))

    assert prune().refresh_tokens == 1

    rows = session.refresh_tokens.order_by("pk").values_list("successor", flat=True)
    assert [successor is None for successor in rows] == [False, True]


def test_pruning_deletes_sessions_a_month_after_their_end(user):
    spans = {"ended long ago": 31, "ended lately": 29}
    for name, days in spans.items():
        session = chain(user, 0)
        expire(session, ago(days=days))
        Session.objects.filter(pk=session.pk).update(
            device=name, ended_at=ago(days=days), end_reason=EndReason.LOGOUT, expires_at=ago(days=1)
        )
    for name, days in {"expired long ago": 31, "expired lately": 29}.items():
        session = chain(user, 0)
        expire(session, ago(days=days))
        Session.objects.filter(pk=session.pk).update(device=name, expires_at=ago(days=days))

    assert prune().sessions == 2

    assert set(Session.objects.values_list("device", flat=True)) == {"ended lately", "expired lately"}


def test_pruning_deletes_tokens_of_accounts_that_are_gone(user):
    chain(user)
    user.delete()
    assert prune() == NONE  # they could still be asked for
    OutstandingToken.objects.update(expires_at=ago(hours=2))
    assert prune().stray_tokens == 3
    assert (OutstandingToken.objects.count(), BlacklistedToken.objects.count()) == (0, 0)


def test_pruning_deletes_what_the_browser_and_the_counters_left():
    BrowserSession.objects.create(session_key="a", expire_date=ago(seconds=1))
    AttemptCount.objects.create(bucket="b", attempts=1, window_started_at=ago(days=2))
    assert prune() == Pruned(refresh_tokens=0, stray_tokens=0, sessions=0, browser_sessions=1, attempts=1)


def expired_rows(user, number, **changes):
    """Write expired tokens of one session each, as sign-ins of long ago left them."""
    old = ago(days=40)
    sessions = Session.objects.bulk_create(
        Session(user=user, kind="api", epoch=1, created_at=old, last_used_at=old, expires_at=ago(days=31))
        for _ in range(number)
    )
    outstanding = OutstandingToken.objects.bulk_create(
        OutstandingToken(user=user, jti=uuid.uuid4().hex, token="", expires_at=ago(days=31))
        for _ in range(number)
    )
    RefreshToken.objects.bulk_create(
        RefreshToken(
            session=session,
            outstanding=row,
            token_hash=tokens._hash(row.jti),
            issued_at=old,
            expires_at=ago(days=31),
            consumed_at=old if number % 2 else None,
        )
        for number, (session, row) in enumerate(zip(sessions, outstanding, strict=True))
    )


def test_pruning_goes_in_batches(user, django_assert_max_num_queries):
    live = chain(user)
    expired_rows(user, 250)

    with django_assert_max_num_queries(130):
        pruned = prune(batch=30)

    assert (pruned.refresh_tokens, pruned.sessions) == (250, 250)
    assert [session.pk for session in Session.objects.all()] == [live.pk]
    assert RefreshToken.objects.count() == OutstandingToken.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_pruning_by_three_at_once_deletes_each_row_once():
    user = UserFactory.create()
    live = chain(user)
    expired_rows(user, 300)

    pruned = at_once([lambda: prune(batch=20)] * 3)

    assert prune().refresh_tokens == 0
    assert sum(each.refresh_tokens for each in pruned) == 300
    assert RefreshToken.objects.exclude(session=live).count() == 0


@pytest.mark.django_db(transaction=True)
def test_pruning_passes_over_what_somebody_holds():
    user = UserFactory.create()
    session = chain(user, 0)
    expire(session, ago(hours=2))

    def end_and_prune_meanwhile():
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(is_staff=True)
            return at_once([prune])[0]

    assert end_and_prune_meanwhile() == NONE
    assert (BlacklistedToken.objects.count(), prune().refresh_tokens) == (1, 1)


def test_pruning_finds_its_rows_by_index(user):
    expired_rows(user, 3000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_refreshtoken, token_blacklist_outstandingtoken, accounts_session")
        values = {"after": datetime.min.replace(tzinfo=UTC), "before": ago(days=35), "batch": 5}
        cursor.execute(f"EXPLAIN {WAITING_TOKENS}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "accounts_refreshtoken_expires" in plan
    assert "Seq Scan" not in plan


@pytest.mark.usefixtures("empty_queue")
@pytest.mark.django_db(transaction=True)
def test_pruning_is_enqueued_once_and_done_by_the_task():
    user = UserFactory.create()
    expire(chain(user), ago(hours=2))
    nightly_pruning.configure().defer(timestamp=0)

    nightly_pruning(timestamp=0)

    assert RefreshToken.objects.count() == 0
    assert ProcrastinateJob.objects.get().queueing_lock == "accounts.prune"


def test_pruning_that_was_killed_does_not_keep_the_next_from_its_turn():
    nightly_pruning.configure().defer(timestamp=0)
    with connection.cursor() as cursor:
        fetch = "SELECT task_name FROM procrastinate_fetch_job_v2(NULL, NULL)"
        cursor.execute(fetch)  # and its worker is gone
        nightly_pruning.configure().defer(timestamp=1)

        cursor.execute(fetch)

        assert cursor.fetchone() == ("accounts.tasks.nightly_pruning",)
