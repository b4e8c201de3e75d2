"""The admin's pages of sessions."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from accounts import sessions, tokens
from accounts.models import Action, AuditEvent, EndReason, Session, SessionKind, User
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/admin/accounts/session/"


@pytest.fixture
def browser(client):
    client.force_login(UserFactory.create(superuser=True, username="root"))
    client.get("/admin/")  # begins the browser's own session
    return client


def shown(answer):
    return [
        (session.user.get_username(), answer.context["cl"].model_admin.state_shown(session))
        for session in answer.context["cl"].result_list
    ]


def begin(user, **changes):
    session = sessions.begin(user, kind=SessionKind.API, verified=False)
    Session.objects.filter(pk=session.pk).update(last_used_at=timezone.now() - timedelta(days=1), **changes)
    return session


@pytest.fixture
def ada():
    """An account with a session in each state."""
    ada = UserFactory.create(username="ada")
    begin(ada)
    begin(ada, expires_at=timezone.now())
    Session.objects.filter(pk=begin(ada).pk).update(last_used_at=timezone.now() - timedelta(days=7))
    begin(ada, epoch=0)
    begin(ada, ended_at=timezone.now(), end_reason=EndReason.REPLAY)
    return ada


def test_sessions_page_shows_who_is_signed_in_and_how_it_ended(browser, ada, django_assert_max_num_queries):
    browser.get(PAGE)
    with django_assert_max_num_queries(12):
        answer = browser.get(PAGE)
    rows = shown(answer)
    assert rows[0] == ("root", "Live")
    assert sorted(rows[1:]) == [
        ("ada", "A refresh token was used twice"),
        ("ada", "Account changed"),
        ("ada", "Expired"),
        ("ada", "Expired"),
        ("ada", "Live"),
    ]
    assert b"A refresh token was used twice" in answer.content


@pytest.mark.parametrize(
    ("query", "states"),
    [
        ({"state": "live"}, ["Account changed", "Live", "Live"]),
        ({"state": "expired"}, ["Expired", "Expired"]),
        ({"state": "ended"}, ["A refresh token was used twice"]),
        ({"end_reason__exact": "replay"}, ["A refresh token was used twice"]),
        ({"kind__exact": "browser"}, ["Live"]),
        ({"q": "ada", "state": "live"}, ["Account changed", "Live"]),
        ({"q": "AD"}, []),
        ({"q": "00000000-0000-0000-0000-000000000000"}, []),
        ({"q": "x\0"}, None),
    ],
)
def test_sessions_page_narrowed(browser, ada, query, states):
    answer = browser.get(PAGE, query)
    if states is None:
        assert answer.status_code == 302
    else:
        assert sorted(state for _, state in shown(answer)) == states


def test_sessions_page_found_by_id(browser, ada):
    session = Session.objects.get(user=ada, end_reason=EndReason.REPLAY)
    assert len(shown(browser.get(PAGE, {"q": str(session.pk)}))) == 1


def test_session_page_is_read_only(browser, ada):
    session = Session.objects.filter(user=ada, end_reason=EndReason.REPLAY).get()
    page = f"{PAGE}{session.pk}/change/"
    answer = browser.get(page)
    assert (answer.status_code, b"A refresh token was used twice" in answer.content) == (200, True)
    assert browser.post(page, {"device": "x"}).status_code == 403
    assert browser.get(f"{PAGE}add/").status_code == 403
    assert browser.post(f"{PAGE}{session.pk}/delete/", {"post": "yes"}).status_code == 403


def end(client, chosen):
    return client.post(
        PAGE,
        {"action": "end_selected", "_selected_action": [str(session.pk) for session in chosen]},
        follow=True,
    )


def test_sessions_ended_on_the_page(browser, ada):
    pair = tokens.begin(ada, verified=False)

    answer = end(browser, Session.objects.filter(user=ada))

    assert "5 sessions ended." in [str(message) for message in answer.context["messages"]]
    reasons = Session.objects.filter(user=ada).values_list("end_reason", flat=True)
    assert sorted(reasons) == ["ended"] * 5 + ["replay"]
    with pytest.raises(Exception, match="The session has ended"):
        tokens.session_of(tokens.read(tokens.AccessJWT, pair.access))
    event = AuditEvent.objects.get(action=Action.SESSION_ENDED)
    assert (event.actor, event.subject, event.detail) == ("root", "ada", {"sessions": 5})


def test_sessions_of_those_who_may_more_are_not_ended(client, ada):
    helper = UserFactory.create(is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["view_session", "change_session"]))
    client.force_login(helper)
    root = UserFactory.create(superuser=True)
    sessions.begin(root, kind=SessionKind.API, verified=False)

    answer = end(client, Session.objects.filter(user__in=[root, ada]))

    assert [str(message) for message in answer.context["messages"]] == [
        "Some of them belong to accounts with rights that you lack; none was ended."
    ]
    assert not Session.objects.filter(end_reason=EndReason.ENDED).exists()


@pytest.mark.parametrize(
    ("names", "statuses"),
    [((), (403, 403)), (("view_session",), (200, 200)), (("change_session",), (200, 200))],
)
def test_sessions_page_by_permission(client, ada, names, statuses):
    person = UserFactory.create(is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(person)
    chosen = Session.objects.filter(user=ada, ended_at=None)
    answers = [client.get(PAGE), end(client, chosen)]
    assert tuple(answer.status_code for answer in answers) == statuses
    may_end = "change_session" in names
    assert Session.objects.filter(user=ada, end_reason="ended").exists() is may_end


def test_account_page_leads_to_its_sessions(browser, ada):
    page = browser.get(reverse("admin:accounts_user_change", args=[ada.pk]))
    assert b'href="/admin/accounts/session/?q=ada"' in page.content
    assert User.objects.get(pk=ada.pk).session_epoch == 1
