"""Rotation: a refresh token works once and gives the next pair, whoever else asks at that moment."""

import threading
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts import actions, sessions, tokens
from accounts.models import Action, AuditEvent, EndReason, RefreshToken, Session, User
from accounts.tests.client import assert_refused, at_once, me, refresh
from accounts.tests.factories import UserFactory
from accounts.tests.forge import claims, forged
from marketplace.tests.database import wait_until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db
WITHDRAWN = "The refresh token was used or withdrawn."
ENDED = "The session has ended; sign in again."


@pytest.fixture
def api():
    return APIClient()


@pytest.fixture
def user():
    return UserFactory.create(username="ada")


@pytest.fixture
def pair(user):
    return tokens.begin(user, verified=False)


def test_rotation_gives_a_new_pair_of_the_same_session(api, pair):
    answer = refresh(api, pair.refresh)

    assert (answer.status_code, set(answer.json())) == (200, {"access", "refresh"})
    before, after = claims(pair.refresh), claims(answer.json()["refresh"])
    assert {name for name in before if before[name] != after[name]} - {"iat", "exp"} == {"jti"}
    assert me(api, answer.json()["access"]).status_code == 200
    assert me(api, pair.access).status_code == 200
    assert refresh(api, answer.json()["refresh"]).status_code == 200


def test_rotation_keeps_hashes_and_a_blacklist_and_no_token(api, pair):
    after = refresh(api, pair.refresh).json()["refresh"]

    spent, waiting = RefreshToken.objects.order_by("pk")
    assert (spent.successor, spent.consumed_at is None, waiting.consumed_at) == (waiting, False, None)
    assert [bytes(row.token_hash) for row in (spent, waiting)] == [
        tokens._hash(claims(token)["jti"]) for token in (pair.refresh, after)
    ]
    assert set(OutstandingToken.objects.values_list("token", flat=True)) == {""}
    assert list(BlacklistedToken.objects.values_list("token__jti", flat=True)) == [
        claims(pair.refresh)["jti"]
    ]


def test_rotation_marks_the_session_used(api, pair):
    before = Session.objects.get().last_used_at
    refresh(api, pair.refresh)
    assert Session.objects.get().last_used_at > before


def test_rotation_of_a_token_that_somebody_blacklisted(api, pair):
    """With simplejwt's own means, as a script of an older installation does."""
    BlacklistedToken.objects.create(token=OutstandingToken.objects.get())
    for _ in range(2):
        assert_refused(refresh(api, pair.refresh), WITHDRAWN)
    assert (RefreshToken.objects.get().consumed_at, BlacklistedToken.objects.count()) == (None, 1)


def test_rotation_costs_nine_statements(pair, django_assert_num_queries):
    with django_assert_num_queries(9 + 2):  # and a savepoint
        tokens.rotate(pair.refresh)


def test_rotation_with_an_access_token(api, pair):
    assert_refused(refresh(api, pair.access), "The token is not valid.")


def test_rotation_of_a_token_never_issued(api, pair):
    unknown = forged(pair.refresh, jti="0" * 32)
    assert_refused(refresh(api, unknown), WITHDRAWN)
    assert refresh(api, pair.refresh).status_code == 200


def test_rotation_of_a_token_under_another_session(api, pair, user):
    other = tokens.begin(user, verified=False)
    assert_refused(refresh(api, forged(pair.refresh, sid=claims(other.refresh)["sid"])), WITHDRAWN)
    assert [refresh(api, each.refresh).status_code for each in (pair, other)] == [200, 200]


def test_rotation_keeps_what_a_second_factor_opened_and_what_it_lacks(user, settings):
    settings.REQUIRE_SECOND_FACTOR = True
    User.objects.update(is_staff=True)
    user.refresh_from_db()
    limited, whole = (tokens.begin(user, verified=verified) for verified in (False, True))

    after = [tokens.rotate(each.refresh) for each in (limited, whole)]

    opened = [tokens.session_of(tokens.read(tokens.AccessJWT, each.access)) for each in after]
    assert [(each.verified_at is None, each.user.limit is None) for each in opened] == [
        (True, False), (False, True),
    ]  # fmt: skip


def test_rotation_that_is_cut_off_leaves_the_token_usable(api, pair):
    class CutOff(Exception):
        pass

    rotated = []

    def rotate_and_break_off():
        with transaction.atomic():
            rotated.append(tokens.rotate(pair.refresh))
            raise CutOff

    with pytest.raises(CutOff):
        rotate_and_break_off()
    answer = refresh(api, pair.refresh)

    assert answer.status_code == 200
    assert claims(answer.json()["refresh"])["jti"] == claims(rotated[0].refresh)["jti"]


def test_rotation_of_a_session_that_expired_while_it_waited(pair):
    Session.objects.update(expires_at=timezone.now())
    with pytest.raises(AuthenticationFailed, match=WITHDRAWN):
        tokens.rotate(pair.refresh)
    assert Session.objects.get().end_reason == ""


def statuses(token, times):
    return sorted(at_once([lambda: refresh(APIClient(), token).status_code] * times))


@pytest.mark.django_db(transaction=True)
def test_rotation_of_staff_by_thirty_at_once_succeeds_once_and_ends_the_family():
    pair = tokens.begin(UserFactory.create(is_staff=True), verified=False)

    answers = at_once([lambda: refresh(APIClient(), pair.refresh)] * 30)

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 29
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    assert_refused(refresh(APIClient(), won["refresh"]), WITHDRAWN)
    assert_refused(me(APIClient(), won["access"]), ENDED)
    assert_refused(me(APIClient(), pair.access), ENDED)
    assert Session.objects.get().end_reason == EndReason.REPLAY
    assert AuditEvent.objects.filter(action=Action.TOKEN_REPLAYED).count() == 1
    assert (OutstandingToken.objects.count(), BlacklistedToken.objects.count()) == (2, 2)


@pytest.mark.django_db(transaction=True)
def test_rotation_by_fifty_at_once_gives_them_one_successor():
    pair = tokens.begin(UserFactory.create(), verified=False)

    answers = at_once([lambda: refresh(APIClient(), pair.refresh)] * 50)

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh"] for answer in answers}) == 1
    assert Session.objects.get().ended_at is None
    assert RefreshToken.objects.filter(consumed_at=None).count() == 1
    assert {me(APIClient(), answer.json()["access"]).status_code for answer in answers} == {200}


@pytest.mark.django_db(transaction=True)
def test_rotation_of_many_families_at_once():
    user = UserFactory.create()
    pairs = [tokens.begin(user, verified=False) for _ in range(20)]
    answers = at_once([partial(tokens.rotate, pair.refresh) for pair in pairs])
    assert len({answer.refresh for answer in answers}) == 20


def change_password(user):
    user.set_password("Another 52 gullwing")
    user.save()


ENDINGS = {
    "deletion": lambda user, pair: actions.delete_users(users=User.objects.filter(pk=user.pk), by=None),
    "logout": lambda user, pair: tokens.revoke(pair.refresh),
    "logout-all": lambda user, pair: sessions.end_all(user),
    "deactivation": lambda user, pair: User.objects.filter(pk=user.pk).update(is_active=False),
    "password": lambda user, pair: change_password(user),
    "rights": lambda user, pair: User.objects.filter(pk=user.pk).update(is_staff=True),
    "administrator": lambda user, pair: sessions.end_chosen(Session.objects.filter(user=user), by=user),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ending", list(ENDINGS))
def test_rotation_beside_an_ending_leaves_nothing_live(ending):
    for _ in range(3):
        user = UserFactory.create()
        pairs = [tokens.begin(user, verified=False) for _ in range(5)]

        calls = [partial(rotated, pair) for pair in pairs]
        _, *rotations = at_once([partial(ENDINGS[ending], user, pairs[0]), *calls])

        issued = [pair for pair in (*pairs, *rotations) if pair is not None]
        if ending == "logout":  # ends one of them
            issued = [pair for pair in (pairs[0], rotations[0]) if pair is not None]
        assert {refresh(APIClient(), pair.refresh).status_code for pair in issued} == {401}
        assert {me(APIClient(), pair.access).status_code for pair in issued} == {401}


def rotated(pair):
    try:
        return tokens.rotate(pair.refresh)
    except AuthenticationFailed:
        return None


@pytest.mark.django_db(transaction=True)
def test_sign_in_beside_a_change_of_password_is_ended_or_refused():
    for _ in range(3):
        user = UserFactory.create()
        judged = User.objects.get(pk=user.pk)

        _, *begun = at_once([partial(change_password, user), *[partial(began, judged) for _ in range(5)]])

        issued = [pair for pair in begun if pair is not None]
        assert {me(APIClient(), pair.access).status_code for pair in issued} <= {401}
        assert not Session.objects.filter(user=user, ended_at=None).exists()


def began(user):
    try:
        return tokens.begin(user, verified=False)
    except AuthenticationFailed:
        return None


@pytest.mark.django_db(transaction=True)
def test_rotation_waits_for_a_change_of_rights_that_is_under_way():
    user = UserFactory.create()
    pair = tokens.begin(user, verified=False)
    changed = threading.Event()

    def change():
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(is_staff=True)
            changed.set()
            wait_until_somebody_waits_for_a_lock()

    def rotate():
        changed.wait(timeout=30)
        return rotated(pair)

    assert at_once([change, rotate]) == [None, None]
