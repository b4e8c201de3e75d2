"""API keys: made, judged at every request, revoked.

A key reads `cat_<prefix>_<secret>`. The prefix finds its row; of the secret the row holds a SHA-256 only. A
slow hash, as passwords need, would protect nothing more: the secret is no choice of a person's but 256
random bits, which nobody guesses however fast the hash is, and every request pays for it.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet, TextChoices
from django.utils import timezone

from accounts import audit, scopes
from accounts.limits import limit_of
from accounts.models import Action, ApiKey, User
from marketplace.addresses import read_address, read_network
from marketplace.parameters import shown
from marketplace.requests import facts

MARK = "cat_"
PREFIX_LETTERS, PREFIX_LENGTH = string.ascii_lowercase + string.digits, 12
SECRET_LETTERS, SECRET_LENGTH = string.ascii_letters + string.digits, 43  # log2(62) * 43 > 256 bits
FORM = re.compile(
    rf"{MARK}(?P<prefix>[a-z0-9]{{{PREFIX_LENGTH}}})_(?P<secret>[A-Za-z0-9]{{{SECRET_LENGTH}}})"
)
NO_SECRET = bytes(hashlib.sha256().digest_size)  # what the secret of an unknown prefix is compared with

LONGEST_DAYS, DEFAULT_DAYS = 366, 90
MOST_LIVE = 50  # keys of one account
MOST_NETWORKS = 50
USE_NOTED_EVERY = timedelta(minutes=1)


class KeyRefused(Exception):
    """The key opens nothing; the message says why, for the log and not for the client."""


class State(TextChoices):
    LIVE = "live", "Live"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"


def state_of(key: ApiKey) -> State:
    if key.revoked_at is not None:
        return State.REVOKED
    return State.LIVE if key.expires_at > timezone.now() else State.EXPIRED


def in_state(state: State) -> Q:
    """Return the condition that narrows keys to those in this state."""
    now = timezone.now()
    return {
        State.LIVE: Q(revoked_at=None, expires_at__gt=now),
        State.EXPIRED: Q(revoked_at=None, expires_at__lte=now),
        State.REVOKED: Q(revoked_at__isnull=False),
    }[state]


@transaction.atomic
def issue(key: ApiKey, *, days: int) -> str:
    """Save the new key and return its text, which nobody can find out again.

    `key` has its owner, name, scopes and networks, and the `verified_at` of the session that makes it; it
    lives `days` days. Raises ValidationError (`check`).
    """
    check(key, days=days)
    secret = _random(SECRET_LETTERS, SECRET_LENGTH)
    key.prefix = _random(PREFIX_LETTERS, PREFIX_LENGTH)
    key.secret_hash = _hash(secret)
    key.created_at = timezone.now()
    key.expires_at = key.created_at + timedelta(days=days)
    key.save(force_insert=True)
    audit.record(
        Action.KEY_CREATED,
        by=key.owner,
        subject=str(key),
        scopes=key.scopes,
        networks=key.networks,
        expires_at=key.expires_at,
    )
    return f"{MARK}{key.prefix}_{secret}"


def check(key: ApiKey, *, days: int) -> None:
    """Write the scopes and networks of a new key in their plain form, and refuse what cannot be.

    Raises ValidationError keyed by field, or for the whole when the account has as many live keys as it
    may. Run in a transaction: it locks the owner's row, so that of two keys at once the second is counted.
    """
    faults: dict[str, ValidationError] = {}
    try:
        key.scopes = scopes.checked(key.scopes, key.owner.get_all_permissions())
    except ValidationError as error:
        faults["scopes"] = error
    try:
        key.networks = plain_networks(key.networks)
    except ValidationError as error:
        faults["networks"] = error
    if not 1 <= days <= LONGEST_DAYS:
        sentence = f"A key lives from 1 to {LONGEST_DAYS} days."
        faults["expires_in_days"] = ValidationError(sentence, code="range")
    if faults:
        raise ValidationError(faults)
    User.objects.select_for_update(no_key=True).get(pk=key.owner_id)
    if ApiKey.objects.filter(in_state(State.LIVE), owner=key.owner_id).count() >= MOST_LIVE:
        raise ValidationError(
            f"An account has up to {MOST_LIVE} live keys; revoke one that is no longer used.", code="too_many"
        )


def plain_networks(networks: Iterable[str]) -> list[str]:
    """Return the networks sorted and each once, as the standard writes them; ValidationError names a wrong one."""
    plain = sorted({_plain(network.strip()) for network in networks})
    if len(plain) > MOST_NETWORKS:
        raise ValidationError(f"A key has up to {MOST_NETWORKS} networks.", code="number")
    return plain


@transaction.atomic
def revoke(*, keys: QuerySet[ApiKey], by: User) -> int:
    """Revoke those of the keys that are not revoked; return their number. The next request with one is refused."""
    standing = ApiKey.objects.filter(pk__in=keys.order_by().values("pk"), revoked_at=None)
    # Locked in one order, so that two who revoke the same keys do not wait in a circle.
    revoked = list(
        standing.select_related("owner").select_for_update(of=("self",), no_key=True).order_by("pk")
    )
    ApiKey.objects.filter(pk__in=[key.pk for key in revoked]).update(revoked_at=timezone.now())
    for key in revoked:
        audit.record(Action.KEY_REVOKED, by=by, subject=str(key), owner=key.owner.get_username())
    return len(revoked)


def opened_by(text: str) -> ApiKey:
    """Return the key of this text, with its owner limited to what the key may do; raise KeyRefused if it opens nothing.

    Costs one query, and once a minute another that notes the use.
    """
    key = _found(text)
    if why := _hindrance(key):
        raise KeyRefused(f"{key.prefix}: {why}")
    note_use(key)
    _narrow(key)
    return key


def owner_now(key_id: int) -> User:
    """Return the key's owner, limited to what the key may do at this moment; raise KeyRefused if it opens nothing.

    For work that a request with the key left to be done later; from where it came was judged then.
    """
    key = ApiKey.objects.select_related("owner").filter(pk=key_id).first()
    if key is None:
        raise KeyRefused("unknown")
    if why := _end(key):
        raise KeyRefused(f"{key.prefix}: {why}")
    _narrow(key)
    return key.owner


def note_use(key: ApiKey) -> None:
    """Write down when and from where, at most once a minute: the condition lets one of many at once write."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY:
        unchanged = ApiKey.objects.filter(pk=key.pk, last_used_at=key.last_used_at)
        unchanged.update(last_used_at=now, last_used_address=facts().address or None)


def _found(text: str) -> ApiKey:
    """Return the row whose secret this is; an unknown prefix takes the same work as a wrong secret."""
    form = FORM.fullmatch(text)
    if form is None:
        raise KeyRefused("it has not the form of a key")
    key = ApiKey.objects.select_related("owner").filter(prefix=form["prefix"]).first()
    kept = bytes(key.secret_hash) if key else NO_SECRET
    if not hmac.compare_digest(_hash(form["secret"]), kept) or key is None:
        raise KeyRefused(f"{form['prefix']}: unknown, or not its secret")
    return key


def _hindrance(key: ApiKey) -> str:
    """Return why the key opens nothing now and here, or "" if it does."""
    address = facts().address
    here = "" if _may_come_from(key, address) else f"not from {address or 'an unknown address'}"
    return _end(key) or here


def _end(key: ApiKey) -> str:
    """Return why the key opens nothing any more, or "" if it does."""
    state = state_of(key)
    if state != State.LIVE:
        return state.value
    return "" if key.owner.is_active else "its owner is inactive"


def _may_come_from(key: ApiKey, address: str) -> bool:
    if not key.networks:
        return True
    here = read_address(address)
    return here is not None and any(here in read_network(network) for network in key.networks)


def _narrow(key: ApiKey) -> None:
    """Limit the owner, for this request, to the key's scopes.

    A key counts as the sign-in that made it: made without a second factor, it opens nothing that needs one.
    """
    limits = [scopes.limit_of(key.scopes)]
    if of_owner := limit_of(key.owner, key.verified_at):
        limits.append(of_owner)
    key.owner.limit = lambda permission: all(limit(permission) for limit in limits)
    key.owner.key_id = key.pk


def _plain(network: str) -> str:
    try:
        return str(read_network(network))
    except ValueError as error:
        raise ValidationError(
            f"{shown(network)} is not an address or a network such as 203.0.113.0/24 or 2001:db8::/32.",
            code="invalid",
        ) from error


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _random(letters: str, length: int) -> str:
    return "".join(secrets.choice(letters) for _ in range(length))
