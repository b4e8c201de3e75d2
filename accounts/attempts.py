"""Counts attempts to sign in, exactly over all processes, before a password is hashed.

Every attempt is counted for the client's address (an IPv6 client by its /64 network), and for the account
that was named, whether there is one or not. What an account gets from everywhere is one count, except
that an address where it signed in during the last 30 days has a count of its own: strangers who keep
guessing cannot shut its owner out of the place where he works.

A window begins with its first attempt and ends 15 minutes later, however many were refused in between.
The database's clock decides.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import Throttled

from accounts import audit, passwords, second_factor
from accounts.models import Action, AttemptCount, Session, User
from marketplace.addresses import network_of
from marketplace.requests import facts

WINDOW = timedelta(minutes=15)
LIMITS = {"account": 5, "address": 60}  # attempts in a window
KNOWN_FOR = timedelta(days=30)  # an address, since the last sign-in from it

# EXCLUDED.window_started_at is this statement's time, read once. The commit does not wait for the disk, or the
# next in line would: a crash of the database may lose the counts of its last second, and nobody can cause one.
COUNT = """
INSERT INTO accounts_attemptcount AS counted (bucket, attempts, window_started_at)
VALUES (%(bucket)s, 1, statement_timestamp())
ON CONFLICT (bucket) DO UPDATE SET
    attempts = CASE WHEN counted.window_started_at > EXCLUDED.window_started_at - %(window)s::interval
        THEN counted.attempts + 1 ELSE 1 END,
    window_started_at = CASE WHEN counted.window_started_at > EXCLUDED.window_started_at - %(window)s::interval
        THEN counted.window_started_at ELSE EXCLUDED.window_started_at END
RETURNING attempts, window_started_at,
    ceil(extract(epoch FROM window_started_at + %(window)s::interval - statement_timestamp()))::int,
    set_config('synchronous_commit', 'off', true)
"""


class TooManyAttempts(Throttled):
    """An attempt that was refused unseen; `wait` is the number of whole seconds until the next may succeed."""

    default_detail = "Too many attempts to sign in; try again later."

    def __init__(self, wait: int) -> None:
        super().__init__(detail=self.default_detail)  # given the wait, DRF would add words
        self.wait = wait


@dataclass(frozen=True)
class Count:
    """What one bucket holds after an attempt was added to it; `wait` is seconds to the end of its window."""

    bucket: str
    kind: str
    attempts: int
    window_started_at: datetime
    wait: int

    @property
    def is_over(self) -> bool:
        return self.attempts > LIMITS[self.kind]


@dataclass(frozen=True)
class Reservation:
    """An attempt that was counted and may go on to the password."""

    address: Count
    account: Count

    def succeeded(self) -> None:
        """Give the attempt back, for it was no guess, and forget the account's others: its owner is in."""
        _give_back(self.address)
        AttemptCount.objects.filter(bucket=self.account.bucket).delete()

    def give_back(self) -> None:
        """Give this attempt back, and no other."""
        _give_back(self.address)
        _give_back(self.account)


def reserve(username: str) -> Reservation:
    """Count an attempt on the account of this name, from the address of the request at hand.

    Raises TooManyAttempts when the account or the address has had its share; such an attempt takes
    nothing from the other's. The count is committed before this returns: inside a transaction, whose end
    might take it back, it is a RuntimeError.
    """
    name = User.normalize_username(username)
    buckets = {"address": _address_bucket(facts().address), "account": _account_bucket(name)}
    _refuse_what_is_over(buckets)
    account = None
    with transaction.atomic(durable=True):
        # Always the address before the account, so that two attempts never wait for each other.
        address = _count("address", buckets["address"])
        if not address.is_over:
            account = _count("account", buckets["account"])
            if account.is_over:
                _give_back(address)
    if account is None or account.is_over:
        raise _refusal(account or address, name)
    return Reservation(address=address, account=account)


def confirm_password(user: User, raw: str) -> bool:
    """Return whether this is the password of somebody who is signed in; a wrong one counts as an attempt.

    For pages that ask for it once more. Raises TooManyAttempts, and counts before a transaction, as
    `reserve` does.
    """
    attempt = reserve(user.get_username())
    if not passwords.is_password_of(user, raw):
        audit.record(Action.SIGN_IN_FAILED, by=None, subject=user.get_username())
        return False
    # The others stay: who knows the password may still be guessing at the second factor.
    attempt.give_back()
    return True


def forgive(username: str) -> None:
    """Forget the attempts of an account that has signed in, in a later request than its password was judged.

    For accounts with a second factor: call it once, when the code was right, and before the session is
    marked by it: from then on the place counts by itself. What strangers have used up elsewhere stays.
    """
    name, place = User.normalize_username(username), facts().address
    AttemptCount.objects.filter(bucket=_address_bucket(place), attempts__gt=0).update(
        attempts=F("attempts") - 1
    )
    AttemptCount.objects.filter(bucket=_account_bucket(name)).delete()


def unlock(user: User, *, address: str = "", dry_run: bool = False) -> int:
    """Forget all attempts on the account; return how many counts that drops.

    With an address, forget what came from there too, and let the account have a count of its own there
    until it signs in, as if it had before.
    """
    name = user.get_username()
    places = Session.objects.filter(user=user).values_list("address", flat=True).distinct()
    buckets = {_anywhere(name), *(_at(place, name) for place in places if place)}
    if address:
        buckets |= {_address_bucket(address), _at(address, name)}
    counts = AttemptCount.objects.filter(bucket__in=buckets)
    if dry_run:
        return counts.count()
    dropped, _ = counts.delete()
    if address:
        own = AttemptCount(bucket=_at(address, name), attempts=0, window_started_at=Now())
        AttemptCount.objects.bulk_create([own], ignore_conflicts=True)
    return dropped


def prune(before: datetime, batch: int = 5000) -> int:
    """Delete counts whose window began before this time and is over, in batches; return their number."""
    over = AttemptCount.objects.filter(window_started_at__lt=before).filter(
        window_started_at__lt=Now() - WINDOW
    )
    total = 0
    while True:
        chosen = list(over.order_by("window_started_at").values_list("bucket", flat=True)[:batch])
        # Asked again, for one may have begun a new window meanwhile.
        total += over.filter(bucket__in=chosen).delete()[0]
        if len(chosen) < batch:
            return total


def _refuse_what_is_over(buckets: dict[str, str]) -> None:
    """Raise TooManyAttempts without a lock or a write: under attack nearly every attempt ends here.

    It decides nothing: what it lets pass is counted.
    """
    is_over = Q()
    for kind, bucket in buckets.items():
        is_over |= Q(bucket=bucket, attempts__gt=LIMITS[kind])
    waits = AttemptCount.objects.filter(is_over, window_started_at__gt=Now() - WINDOW).values_list(
        ExpressionWrapper(F("window_started_at") + WINDOW - Now(), DurationField()), flat=True
    )
    if wait := max(waits, default=None):
        raise TooManyAttempts(math.ceil(wait.total_seconds()))


def _count(kind: str, bucket: str) -> Count:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"bucket": bucket, "window": str(WINDOW)})
        attempts, started, wait, _ = cursor.fetchone()
    return Count(bucket=bucket, kind=kind, attempts=attempts, window_started_at=started, wait=max(wait, 1))


def _give_back(count: Count) -> None:
    """Take one attempt off the count, if it is still in the same window."""
    AttemptCount.objects.filter(
        bucket=count.bucket, window_started_at=count.window_started_at, attempts__gt=0
    ).update(attempts=F("attempts") - 1)


def _refusal(over: Count, name: str) -> TooManyAttempts:
    """Return the error; the first of a window is recorded, and no more, or an attack could fill the record."""
    if over.attempts == LIMITS[over.kind] + 1:
        # What was typed is kept only if it names an account: people type passwords there.
        known = User.objects.filter(username=name).exists()
        audit.record(Action.SIGN_IN_REFUSED, by=None, subject=name if known else "", limit=over.kind)
    return TooManyAttempts(over.wait)


def _account_bucket(name: str) -> str:
    """Return where attempts on the account count. It costs the same whether there is such an account or not."""
    place = facts().address
    here = _at(place, name)
    by_itself = _has_signed_in(name, place) or AttemptCount.objects.filter(bucket=here).exists()
    return here if by_itself else _anywhere(name)


def _has_signed_in(name: str, place: str) -> bool:
    network = network_of(place)
    if network is None:
        return False
    recent = Session.objects.filter(user__username=name, created_at__gt=Now() - KNOWN_FOR).filter(
        address__range=(str(network[0]), str(network[-1]))
    )
    # With the second factor first. One who only had the password of an account that has both is not its owner.
    last = recent.select_related("user").order_by(F("verified_at").desc(nulls_last=True)).first()
    return last is not None and (last.verified_at is not None or not second_factor.has_one(last.user))


def _address_bucket(place: str) -> str:
    return _bucket("address", place)


def _anywhere(name: str) -> str:
    return _bucket("account", "", name)


def _at(place: str, name: str) -> str:
    return _bucket("account", place, name)


def _bucket(kind: str, place: str, name: str = "") -> str:
    """Return a name that tells neither whose bucket it is nor of which address."""
    # The name comes last: it may hold anything, blanks too.
    key = f"{kind} {network_of(place) or '-'} {name}"
    return salted_hmac("accounts.attempts", key, algorithm="sha256").hexdigest()
