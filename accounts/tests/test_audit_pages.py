"""The audit record in the admin: found by what people know, read, changed by nobody."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import Action, AuditEvent
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
LIST = "admin:accounts_auditevent_changelist"


@pytest.fixture
def auditor(client):
    """Staff who may look at the record, and no more."""
    user = UserFactory.create(username="auditor", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    client.force_login(user)
    return user


def event(subject, **values):
    return AuditEvent.objects.create(**{"action": Action.SIGN_IN, "subject": subject} | values)


def found(client, **query):
    """Return the subjects that the list shows of the events of this file, as it shows them."""
    page = client.get(reverse(LIST), query)
    assert page.status_code == 200
    return [row.subject for row in page.context["cl"].result_list if row.subject.startswith("Case")]


def test_list_is_newest_first(client, auditor):
    event("Case 1", at=datetime(2026, 5, 1, tzinfo=UTC))
    event("Case 2", at=datetime(2026, 5, 3, tzinfo=UTC))
    event("Case 3", at=datetime(2026, 5, 2, tzinfo=UTC))

    assert found(client) == ["Case 2", "Case 3", "Case 1"]


def test_times_are_shown_to_the_second(client, auditor):
    told = event("Case 1", at=datetime(2026, 5, 1, 15, 4, 59, tzinfo=UTC))

    pages = [
        client.get(reverse(LIST)),
        client.get(reverse("admin:accounts_auditevent_change", args=[told.pk])),
    ]

    assert ["2026-05-01 15:04:59" in page.content.decode() for page in pages] == [True, True]


@pytest.mark.parametrize(
    ("query", "values"),
    [
        pytest.param("Ada.Lov", {"actor": "ada.lovelace"}, id="start of a name"),
        pytest.param("case 1", {}, id="start of a subject"),
        pytest.param("203.0.113.9", {"address": "203.0.113.9"}, id="address"),
        pytest.param("2001:DB8::9", {"address": "2001:db8::9"}, id="address of version 6"),
        pytest.param("fe80::1%eth0", {"address": "fe80::1"}, id="address with a zone"),
        pytest.param("::ffff:203.0.113.9", {"address": "203.0.113.9"}, id="address as a socket shows it"),
        pytest.param("req-0017", {"request_id": "req-0017"}, id="request id"),
        pytest.param(
            "A-17", {"action": Action.DELETED, "detail": {"count": 2, "first": ["A-1", "A-17"]}}, id="deleted"
        ),
    ],
)
def test_search_finds(client, auditor, query, values):
    event("Case 1", **values)
    event("Case 2", actor="bob", address="203.0.113.10", request_id="req-0018")

    assert found(client, q=query) == ["Case 1"]


@pytest.mark.parametrize("query", ["%", "it's", "\\", "::", "1.2.3", "é" * 500])
def test_search_for_what_is_not_there(client, auditor, query):
    event("Case 1")
    assert found(client, q=query) == []


def test_filter_by_action(client, auditor):
    event("Case 1")
    event("Case 2", action=Action.EXPORT)

    assert found(client, action__exact="export") == ["Case 2"]


def test_filter_by_time(client, auditor):
    for day in (1, 2, 3):
        event(f"Case {day}", at=datetime(2026, 5, day, 12, tzinfo=UTC))

    assert found(client, at_from="2026-05-02T00:00", at_to="2026-05-03T00:00") == ["Case 2"]


@pytest.mark.parametrize(
    "moment", ["yesterday", "0001-01-01T00:00", "9999-12-31T23:59", "2026-05-01T00:00-22:16"]
)
def test_filter_by_an_odd_time_is_no_error(client, auditor, moment):
    event("Case 1", at=datetime(2026, 5, 3, tzinfo=UTC))
    assert found(client, at_from=moment) == (["Case 1"] if moment.startswith("2026") else [])


def test_event_page_shows_it_whole(client, auditor):
    shown = event(
        "Case 1",
        actor="ada",
        address="203.0.113.9",
        device="Firefox",
        request_id="req-1",
        detail={"n": "<b>"},
    )
    page = client.get(reverse("admin:accounts_auditevent_change", args=[shown.pk])).content.decode()

    told = ["Signed in", "Case 1", "ada", "203.0.113.9", "Firefox", "req-1", "&lt;b&gt;"]
    assert [text for text in told if text not in page] == []


@pytest.mark.parametrize("page", ["add", "change", "delete"])
def test_not_even_a_superuser_writes(admin_client, page):
    kept = event("Case 1")
    address = reverse(f"admin:accounts_auditevent_{page}", args=[] if page == "add" else [kept.pk])

    answer = admin_client.post(address, {"subject": "Other", "post": "yes"})

    assert (answer.status_code, AuditEvent.objects.get(pk=kept.pk).subject) == (403, "Case 1")


def test_superuser_is_offered_no_deletion(admin_client):
    event("Case 1")
    answer = admin_client.get(reverse(LIST))
    assert answer.context["action_form"] is None


def test_without_the_permission(client):
    client.force_login(UserFactory.create(is_staff=True))
    assert client.get(reverse(LIST)).status_code == 403
