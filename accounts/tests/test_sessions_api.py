"""/v1/auth/sessions/: where an account is signed in, and ending one of its sessions."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import sessions, tokens
from accounts.models import Action, AuditEvent, EndReason, Session, SessionKind, User
from accounts.tests.client import TOKEN, assert_refused, at_once, me, refresh
from accounts.tests.factories import PASSWORD, ApiKeyFactory, UserFactory, text_of
from accounts.tests.forge import claims

pytestmark = pytest.mark.django_db
SESSIONS = "/v1/auth/sessions/"
NOT_FOUND = {
    "type": "about:blank",
    "title": "Not Found",
    "status": 404,
    "detail": "There is nothing at this address.",
}


@pytest.fixture
def user():
    return UserFactory.create(username="ada")


@pytest.fixture
def pair(user):
    return tokens.begin(user, verified=False)


@pytest.fixture
def api(pair):
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    return api


def sid(pair):
    return claims(pair.refresh)["sid"]


def test_sessions_show_where_the_account_is_signed_in(user):
    headers = {"User-Agent": "Fleet/2.1"}
    body = {"username": "ada", "password": PASSWORD}
    pair = APIClient().post(TOKEN, body, format="json", headers=headers).json()
    browser = sessions.begin(user, kind=SessionKind.BROWSER, verified=False)

    answer = APIClient().get(SESSIONS, headers={"Authorization": f"Bearer {pair['access']}"})

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    mine = Session.objects.exclude(pk=browser.pk).get()
    common = {"previous": None, "next": None, "count": 2}

    def shown(session, **more):
        times = {
            name: getattr(session, name).isoformat().replace("+00:00", "Z")
            for name in ("created_at", "last_used_at", "expires_at")
        }
        return {"id": str(session.pk), "kind": session.kind, **times, **more}

    assert answer.json() == common | {
        "results": [
            shown(browser, device="", address=None, current=False),
            shown(mine, device="Fleet/2.1", address="127.0.0.1", current=True),
        ]
    }


def test_sessions_leave_out_what_opens_nothing(api, user, pair):
    ended, expired, stale, idle = (
        sessions.begin(user, kind=SessionKind.API, verified=False) for _ in range(4)
    )
    Session.objects.filter(pk=idle.pk).update(last_used_at=timezone.now() - timedelta(days=7))
    Session.objects.filter(pk=ended.pk).end(EndReason.LOGOUT)
    Session.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    Session.objects.filter(pk=stale.pk).update(epoch=0)
    tokens.begin(UserFactory.create(), verified=False)

    assert [each["id"] for each in api.get(SESSIONS).json()["results"]] == [sid(pair)]


def test_sessions_come_in_pages_at_a_constant_cost(api, user, django_assert_num_queries):
    for number in range(30):
        session = sessions.begin(user, kind=SessionKind.API, verified=False)
        at = timezone.now() + timedelta(minutes=number)
        Session.objects.filter(pk=session.pk).update(last_used_at=at)

    with django_assert_num_queries(3):  # who asks, the page, the number
        first = api.get(SESSIONS, {"page_size": 10}).json()
    rest = [api.get(SESSIONS, {"page_size": 10, "page": page}).json() for page in (2, 3, 4)]

    assert first["count"] == 31
    listed = [each["last_used_at"] for page in (first, *rest) for each in page["results"]]
    assert (len(listed), listed) == (31, sorted(listed, reverse=True))


def test_sessions_with_a_parameter_that_is_not_known(api):
    answer = api.get(SESSIONS, {"user": "1"})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "user")


def test_session_ended_by_its_owner(api, user):
    other = tokens.begin(user, verified=False)

    answer = api.delete(f"{SESSIONS}{sid(other)}/")

    assert (answer.status_code, answer.content) == (204, b"")
    assert_refused(me(APIClient(), other.access), "The session has ended; sign in again.")
    assert_refused(refresh(APIClient(), other.refresh), "The refresh token was used or withdrawn.")
    assert Session.objects.get(pk=sid(other)).end_reason == EndReason.ENDED
    event = AuditEvent.objects.get(action=Action.SESSION_ENDED)
    assert (event.actor_id, event.subject) == (user.pk, sid(other))
    assert api.get(SESSIONS).status_code == 200


def test_session_of_the_request_ended(api, pair):
    assert api.delete(f"{SESSIONS}{sid(pair)}/").status_code == 204
    assert_refused(api.get(SESSIONS), "The session has ended; sign in again.")


def test_session_that_is_not_ones_own_or_is_over_or_is_not_answers_alike(api, user):
    foreign = tokens.begin(UserFactory.create(), verified=False)
    ended, expired = (sessions.begin(user, kind=SessionKind.API, verified=False) for _ in range(2))
    Session.objects.filter(pk=ended.pk).end(EndReason.LOGOUT)
    Session.objects.filter(pk=expired.pk).update(expires_at=timezone.now())

    places = [sid(foreign), str(uuid.uuid4()), str(ended.pk), str(expired.pk), "5", "x" * 300, "A" * 36]
    answers = [api.delete(f"{SESSIONS}{place}/") for place in places]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(404, NOT_FOUND)] * len(places)
    assert len({answer.content for answer in answers}) == 1
    assert me(APIClient(), foreign.access).status_code == 200
    assert Session.objects.get(pk=ended.pk).end_reason == EndReason.LOGOUT


@pytest.mark.parametrize("method", ["get", "post", "put", "patch"])
def test_session_has_no_other_methods(api, pair, method):
    assert getattr(api, method)(f"{SESSIONS}{sid(pair)}/").status_code == 405


def test_sessions_without_a_sign_in(pair):
    message = "Authentication credentials were not provided."
    assert_refused(APIClient().get(SESSIONS), message)
    assert_refused(APIClient().delete(f"{SESSIONS}{sid(pair)}/"), message)


@pytest.mark.parametrize("method", ["get", "delete"])
def test_sessions_are_not_for_keys(user, pair, method):
    key = ApiKeyFactory.create(owner=user, scopes=["read", "write"])
    path = SESSIONS if method == "get" else f"{SESSIONS}{sid(pair)}/"
    answer = getattr(APIClient(), method)(path, headers={"Authorization": f"Api-Key {text_of(key)}"})
    assert answer.status_code == 403
    assert me(APIClient(), pair.access).status_code == 200


def test_sessions_are_not_for_a_limited_sign_in(user):
    User.objects.update(temporary_password_until=timezone.now() + timedelta(hours=1))
    pair = tokens.begin(user, verified=False)
    headers = {"Authorization": f"Bearer {pair.access}"}
    answers = [
        APIClient().get(SESSIONS, headers=headers),
        APIClient().delete(f"{SESSIONS}{sid(pair)}/", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403, 403]


@pytest.mark.django_db(transaction=True)
def test_session_ended_by_ten_at_once_is_ended_once():
    user = UserFactory.create()
    pair, other = (tokens.begin(user, verified=False) for _ in range(2))
    headers = {"Authorization": f"Bearer {pair.access}"}
    path = f"{SESSIONS}{sid(other)}/"

    statuses = at_once([lambda: APIClient().delete(path, headers=headers).status_code] * 10)

    assert sorted(statuses) == [204] + [404] * 9
    assert AuditEvent.objects.filter(action=Action.SESSION_ENDED).count() == 1
