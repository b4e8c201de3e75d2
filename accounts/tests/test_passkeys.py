"""Passkeys: hostile answers to the four steps, and the whole way in a real browser."""

import base64
import json
import re

import pytest
from django.conf import settings
from django.test import RequestFactory
from django_otp_webauthn.models import WebAuthnCredential
from playwright.sync_api import CDPSession, Page, expect

from accounts import passkeys, second_factor
from accounts.models import Action, AttemptCount, AuditEvent, Session, User
from accounts.tests.authenticator import Authenticator
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.second_factors import OVERVIEW, VERIFY, app_of, code_of, sign_in

pytestmark = pytest.mark.django_db

BEGIN, COMPLETE = f"{OVERVIEW}passkey/register/", f"{OVERVIEW}passkey/registered/"
SHOW, SHOWN = f"{OVERVIEW}passkey/show/", f"{OVERVIEW}passkey/shown/"


@pytest.fixture
def chief():
    return UserFactory.create(username="chief", superuser=True)


def passkey_of(user, number=1):
    return WebAuthnCredential.objects.create(
        user=user,
        name=f"Passkey {number}",
        credential_id=bytes([number]) * 16,
        public_key=b"\xa1",
        confirmed=True,
    )


# The name that a passkey is bound to


@pytest.mark.parametrize(
    ("named", "host", "expected"),
    [
        pytest.param("localhost", "localhost:8000", "localhost", id="this machine"),
        pytest.param("example.com", "example.com", "example.com", id="the name"),
        pytest.param("example.com", "shop.example.com", "example.com", id="a name below it"),
        pytest.param("example.com", "notexample.com", "notexample.com", id="a name that ends like it"),
        pytest.param("example.com", "localhost:8000", "localhost", id="this machine, of a named service"),
        pytest.param("example.com", "cars.example.org", "cars.example.org", id="another name of the service"),
    ],
)
def test_passkey_is_bound_to_the_name_that_the_browser_is_at(settings, named, host, expected):
    settings.OTP_WEBAUTHN_RP_ID, settings.ALLOWED_HOSTS = named, ["*"]
    helper = passkeys.PasskeyHelper(RequestFactory().get("/", headers={"Host": host}))
    assert helper.get_relying_party_domain() == expected
    assert helper.get_allowed_origins()[0] == f"http://{host}"


@pytest.mark.parametrize(
    ("host", "work"),
    [("localhost:8000", True), ("127.0.0.1:8000", False), ("[::1]:8000", False), ("a.example", True)],
)
def test_passkeys_work_at_names(settings, host, work):
    settings.ALLOWED_HOSTS = ["*"]
    assert passkeys.work_at(RequestFactory().get("/", headers={"Host": host})) is work


def test_page_at_a_number_says_why_there_are_no_passkeys(client, chief):
    sign_in(client, chief)
    page = client.get(OVERVIEW, headers={"Host": "127.0.0.1:8000"}).content.decode()
    assert "Browsers make passkeys for names, not for numbers" in page
    assert "otp_webauthn_register.js" not in page


# Hostile answers

PARTS = ("clientDataJSON", "attestationObject", "authenticatorData", "signature")
SHAPES: dict[str, tuple[object, object, object]] = {
    "numbers": (1, 2, 3),
    "no response": ("AQ", "public-key", None),
    "a list for a response": ("AQ", "public-key", []),
    "empty response": ("AQ", "public-key", {}),
    "no base64": ("AQ", "public-key", dict.fromkeys(PARTS, "%%%")),
    "bytes of nothing": ("AQ", "public-key", dict.fromkeys(PARTS, "AAAA")),
    "JSON that is no object": ("AQ", "public-key", dict.fromkeys(PARTS, "W10")),
    "an empty object": ("AQ", "public-key", dict.fromkeys(PARTS, "e30")),
    "objects": ("AQ", "public-key", {part: {} for part in PARTS}),
    "long": ("A" * 100_000, "public-key", dict.fromkeys(PARTS, "A" * 100_000)),
    "surrogates": ("\ud800", "\ud800", dict.fromkeys(PARTS, "\ud800")),
    "NUL": ("\x00", "public-key", dict.fromkeys(PARTS, "\x00")),
}
ANSWERS = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"{", id="no JSON"),
    pytest.param(b"\xff\xfe", id="no text"),
    pytest.param(b"[" * 100_000, id="deep"),
    pytest.param(b"[]", id="a list"),
    pytest.param(b"null", id="null"),
    pytest.param(b"{}", id="empty"),
    *(
        pytest.param(json.dumps({"id": raw, "rawId": raw, "type": kind, "response": parts}).encode(), id=name)
        for name, (raw, kind, parts) in SHAPES.items()
    ),
]


@pytest.mark.parametrize("body", ANSWERS)
@pytest.mark.parametrize(("begin", "complete"), [(BEGIN, COMPLETE), (SHOW, SHOWN)])
def test_hostile_answer_is_refused(client, chief, begin, complete, body):
    sign_in(client, chief)
    assert client.post(begin).status_code == 200
    answer = client.post(complete, body, content_type="application/json")
    assert answer.status_code in {400, 404, 422}
    assert set(answer.json()) == {"detail", "code"}
    assert Session.objects.get().verified_at is None


@pytest.mark.parametrize("address", [COMPLETE, SHOWN])
def test_answer_without_a_question_is_refused(client, chief, address):
    sign_in(client, chief)
    assert client.post(address, b"{}", content_type="application/json").json()["code"] == "invalid_state"


@pytest.mark.parametrize(("begin", "complete"), [(BEGIN, COMPLETE), (SHOW, SHOWN)])
def test_question_is_answered_once(client, chief, begin, complete):
    sign_in(client, chief)
    client.post(begin)
    codes = [client.post(complete, b"{}", content_type="application/json").json()["code"] for _ in range(2)]
    assert codes[0] != "invalid_state"
    assert codes[1] == "invalid_state"


@pytest.mark.parametrize("address", [BEGIN, COMPLETE, SHOW, SHOWN])
def test_steps_are_for_staff_who_are_signed_in(client, address):
    assert client.post(address).headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("address", [BEGIN, COMPLETE, SHOW, SHOWN])
def test_steps_are_taken_by_post(client, chief, address):
    sign_in(client, chief)
    assert client.get(address).status_code == 405


@pytest.mark.parametrize("address", [BEGIN, COMPLETE])
def test_passkey_is_not_added_before_the_one_there_was_shown(client, chief, address):
    passkey_of(chief)
    sign_in(client, chief)
    answer = client.post(address, headers={"Sec-Fetch-Mode": "same-origin"})
    assert answer.status_code == 403


def test_options_name_ones_own_passkeys_only(client, chief):
    passkey_of(chief, 1)
    passkey_of(UserFactory.create(), 2)
    sign_in(client, chief)
    options = client.post(SHOW).json()
    assert [one["id"] for one in options["allowCredentials"]] == ["AQEBAQEBAQEBAQEBAQEBAQ"]


# Answers of a key, and of thieves


def post(client, address, answer):
    return client.post(address, json.dumps(answer), content_type="application/json")


def register(client, key):
    return post(client, COMPLETE, key.made(client.post(BEGIN).json()))


def show(client, key):
    return post(client, SHOWN, key.shown(client.post(SHOW).json()))


@pytest.fixture
def key(client, chief):
    """The chief's passkey, registered; signed in anew, it was not shown yet."""
    made = Authenticator()
    sign_in(client, chief)
    assert register(client, made).status_code == 200
    client.post("/admin/logout/")
    sign_in(client, chief)
    return made


def test_passkey_is_added(client, chief):
    sign_in(client, chief)
    answer = register(client, Authenticator())
    added = WebAuthnCredential.objects.get(user=chief)
    assert (answer.status_code, answer.json()) == (200, {"id": added.pk, "codes_left": 0})
    assert client.get("/admin/").status_code == 200  # it counts as shown


def test_passkey_that_is_shown_opens_the_admin(client, key):
    before = client.cookies[settings.SESSION_COOKIE_NAME].value
    answer = show(client, key)
    assert (answer.status_code, answer.json()["redirect_url"]) == (200, "/admin/")
    assert client.get("/admin/").status_code == 200
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before


def test_passkey_leads_to_the_page_that_was_asked_for(client, key):
    answer = post(client, f"{SHOWN}?next=/admin/auth/group/", key.shown(client.post(SHOW).json()))
    assert answer.json()["redirect_url"] == "/admin/auth/group/"


def test_passkey_does_not_lead_elsewhere(client, key):
    answer = post(client, f"{SHOWN}?next=//evil.example/", key.shown(client.post(SHOW).json()))
    assert answer.json()["redirect_url"] == "/admin/"


def test_passkey_forgives_the_attempts(client, key):
    for _ in range(3):
        client.post(VERIFY, {"code": "none"})
    show(client, key)
    assert not AttemptCount.objects.filter(attempts__gte=4).exists()


def test_answer_that_is_sent_again_is_refused(client, key):
    answer = key.shown(client.post(SHOW).json())
    post(client, SHOWN, answer)
    client.post(SHOW)
    assert post(client, SHOWN, answer).json()["code"] == "invalid_authentication_response"


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        pytest.param("https://evil.example", "testserver", id="page of somebody else"),
        pytest.param("http://testserver:81", "testserver", id="another port"),
        pytest.param("http://testserver", "evil.example", id="passkey of another name"),
    ],
)
def test_answer_from_elsewhere_is_refused(client, key, origin, name):
    key.origin, key.name = origin, name
    assert show(client, key).status_code == 422
    assert client.get("/admin/").headers["Location"].startswith(VERIFY)


def test_answer_with_a_broken_signature_is_refused(client, key):
    key.private = Authenticator().private
    assert show(client, key).status_code == 422
    assert client.get("/admin/").headers["Location"].startswith(VERIFY)


def test_passkey_of_a_clone_is_refused(client, key):
    key.uses = 5
    show(client, key)
    client.post("/admin/logout/")
    sign_in(client, User.objects.get(username="chief"))
    key.uses = 2
    assert show(client, key).status_code == 422


def test_passkey_of_somebody_else_is_refused(client, key):
    other = UserFactory.create(superuser=True)
    app_of(other)
    client.post("/admin/logout/")
    sign_in(client, other)
    assert show(client, key).json()["code"] == "credential_user_mismatch"
    assert client.get("/admin/").headers["Location"].startswith(VERIFY)


def test_passkey_that_is_not_in_use_is_refused(client, chief, key):
    WebAuthnCredential.objects.update(confirmed=False)
    app_of(chief)
    assert show(client, key).json()["detail"] == "This passkey is not in use."


def test_passkey_that_nobody_registered_is_refused(client, key):
    assert show(client, Authenticator()).status_code == 404


def test_wrong_answers_are_limited_and_recorded(client, key):
    stranger = Authenticator()
    answers = [show(client, stranger) for _ in range(5)]
    # The sign-in by password was the first attempt.
    assert [answer.status_code for answer in answers] == [404] * 4 + [429]
    assert answers[-1].json()["detail"] == "Too many attempts to sign in; try again later."
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 900
    failed = AuditEvent.objects.filter(action=Action.SIGN_IN_FAILED)
    assert [(event.actor, event.detail) for event in failed] == [("chief", {"second_factor": True})] * 4
    assert show(client, key).status_code == 429


def test_passkey_is_added_once(client, chief, key):
    show(client, key)
    answer = register(client, key)
    assert (answer.status_code, answer.json()["detail"]) == (422, "This passkey is registered already.")


def test_eleventh_passkey_is_refused(client, chief, key):
    show(client, key)
    for number in range(2, 11):
        passkey_of(chief, number)
    assert register(client, Authenticator()).json()["detail"].startswith("An account has at most 10 passkeys")


def test_passkey_is_removed_with_the_password(client, chief, key):
    show(client, key)
    made = WebAuthnCredential.objects.get()
    assert f"{OVERVIEW}remove/passkey/{made.pk}/" in client.get(OVERVIEW).content.decode()
    client.post(f"{OVERVIEW}remove/passkey/{made.pk}/", {"password": PASSWORD})
    assert not WebAuthnCredential.objects.exists()


def test_page_offers_a_passkey_to_who_has_one(client, key):
    assert "Use a passkey" in client.get(VERIFY).content.decode()


# In a browser


@pytest.fixture
def authenticator(page: Page) -> CDPSession:
    """Plug a key into the browser that makes passkeys, and whose owner always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def sign_in_at(page: Page, username: str = "chief") -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def sign_out_of(page: Page) -> None:
    page.locator("#logout-form").evaluate("form => form.submit()")
    page.wait_for_url("**/admin/logout/")


def codes_on(page: Page) -> list[str]:
    expect(page.locator("#codes li")).to_have_count(10)
    return page.locator("#codes li").all_inner_texts()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_app_set_up_and_used_in_a_browser(page: Page, chief) -> None:
    sign_in_at(page)
    page.goto(OVERVIEW)
    page.get_by_role("link", name="Set up the app").click()
    expect(page.locator("svg.segno")).to_be_visible()
    secret = re.sub(r"\s", "", page.locator("#secret").inner_text())
    device = second_factor.app_for(chief, base64.b32decode(secret).hex())
    page.get_by_role("textbox", name="Code").fill(code_of(device))
    page.get_by_role("button", name="Add the app").click()
    codes = codes_on(page)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 codes are left.")).to_be_visible()

    sign_out_of(page)
    sign_in_at(page)
    page.wait_for_url(f"**{VERIFY}**")
    page.get_by_role("textbox", name="Code").fill(code_of(device, 1))  # the one of now was used
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/admin/")

    sign_out_of(page)
    sign_in_at(page)
    page.get_by_role("textbox", name="Code").fill(codes[0])
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/admin/")
    assert second_factor.codes_left(chief) == 9


@pytest.mark.browser
@pytest.mark.usefixtures("authenticator")
@pytest.mark.django_db(transaction=True)
def test_passkey_added_and_used_in_a_browser(page: Page, chief, settings) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    sign_in_at(page)
    page.wait_for_url(f"**{OVERVIEW}**")
    page.get_by_role("button", name="Add a passkey").click()
    codes_on(page)
    passkey = WebAuthnCredential.objects.get(user=chief)
    assert passkey.name.startswith("Passkey of ")
    added = AuditEvent.objects.filter(action=Action.SECOND_FACTOR_ADDED).order_by("pk").first()
    assert added is not None
    assert added.detail == {"factor": passkey.name, "sessions_ended": 0}

    sign_out_of(page)
    sign_in_at(page)
    page.wait_for_url(f"**{VERIFY}**")
    page.goto("/admin/accounts/user/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/admin/accounts/user/")
    assert Session.objects.get(ended_at=None).verified_at is not None
