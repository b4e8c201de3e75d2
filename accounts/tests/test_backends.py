"""Whichever door a password comes by: it is counted, then judged, and the answer tells nothing."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import attempts
from accounts.attempts import TooManyAttempts
from accounts.models import AttemptCount, AuditEvent, User
from accounts.tests.client import TOKEN, me, sign_in
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.hashing import COUNTED_HASHERS, computed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_hashes")]
LOGIN, OWN_PASSWORD = "/admin/login/", "/admin/password_change/"
KINDS = ("wrong", "absent", "inactive", "unusable", "run out")


@pytest.fixture
def ada():
    return UserFactory.create(username="ada", superuser=True)


@pytest.fixture(params=KINDS)
def credentials(request):
    """What opens nothing, for one reason or another."""
    UserFactory.create(username="wrong")
    UserFactory.create(username="inactive", is_active=False)
    UserFactory.create(username="unusable", password=None)
    yesterday = timezone.now() - timedelta(days=1)
    # Setting the password makes it last, so the end of its time comes after.
    UserFactory.create(username="run out")
    User.objects.filter(username="run out").update(temporary_password_until=yesterday)
    password = "wrong" if request.param == "wrong" else PASSWORD
    return {"username": request.param, "password": password}


def by_api(username, password):
    return APIClient().post(TOKEN, {"username": username, "password": password}, format="json")


def by_page(username, password):
    return Client().post(LOGIN, {"username": username, "password": password})


def use_up(username):
    for _ in range(5):
        attempts.reserve(username)


def told(answer):
    """What a client can compare, but for what differs with every request and for what it sent itself."""
    differing = {"X-Request-ID", "RateLimit"}  # the latter counts down, by the client's address
    headers = {name: text for name, text in answer.headers.items() if name not in differing}
    return answer.status_code, headers, answer.content


def test_refused_credentials_cost_one_hash_each(credentials):
    before = computed.value
    by_api(**credentials)
    assert computed.value - before == 1


def test_refused_credentials_get_the_same_answer(credentials):
    assert told(by_api(**credentials)) == told(by_api("somebody", "else"))


def test_refused_credentials_of_a_locked_account_cost_no_hash(credentials):
    use_up(credentials["username"])
    before = computed.value
    by_api(**credentials)
    assert computed.value == before


def test_refused_credentials_of_a_locked_account_get_the_same_answer(credentials):
    use_up(credentials["username"])
    use_up("somebody")
    (mine, my_headers, my_body), (other, headers, body) = (
        told(by_api(**credentials)),
        told(by_api("somebody", "else")),
    )
    waits = [int(each.pop("Retry-After")) for each in (my_headers, headers)]
    assert (mine, my_headers, my_body) == (other, headers, body)
    assert all(840 <= wait <= 900 for wait in waits)


def test_refused_credentials_are_recorded_with_the_name_of_an_account_only(credentials):
    by_api(**credentials)
    name = credentials["username"]
    events = AuditEvent.objects.filter(action="sign_in_failed").values_list("actor", "subject")
    assert list(events) == [("", "" if name == "absent" else name)]


def test_refused_credentials_on_the_sign_in_page_cost_one_hash_each(credentials):
    before = computed.value
    answer = by_page(**credentials)
    assert (answer.status_code, computed.value - before) == (200, 1)


def test_right_credentials_leave_no_count(ada):
    sign_in(APIClient())
    assert list(AttemptCount.objects.values_list("attempts", flat=True)) == [0]


def test_right_credentials_of_a_second_factor_are_counted_until_its_code(ada):
    ada.totpdevice_set.create(name="phone", confirmed=True)
    authenticate(username="ada", password=PASSWORD)
    counted = list(AttemptCount.objects.values_list("attempts", flat=True))
    attempts.forgive("ada")
    assert (counted, list(AttemptCount.objects.values_list("attempts", flat=True))) == ([1, 1], [0])


def test_temporary_password_opens_until_its_time_is_over(ada):
    User.objects.update(temporary_password_until=timezone.now() + timedelta(hours=1))
    assert authenticate(username="ada", password=PASSWORD) == ada


def test_hash_of_an_older_hasher_is_replaced_and_the_session_lives(ada, settings):
    settings.PASSWORD_HASHERS = [*COUNTED_HASHERS, "accounts.hashers.BoundedArgon2PasswordHasher"]
    older = make_password(PASSWORD, hasher="argon2")
    User.objects.update(password=older)

    pair = sign_in(APIClient())

    stored = User.objects.get(pk=ada.pk).password
    assert stored.startswith(f"{PBKDF2PasswordHasher.algorithm}$")
    assert me(APIClient(), pair["access"]).status_code == 200


def test_authenticate_asynchronously_is_counted(ada):
    use_up("ada")
    with pytest.raises(TooManyAttempts):
        async_to_sync(aauthenticate)(username="ada", password=PASSWORD)


@pytest.mark.parametrize("credentials", [{}, {"username": "ada"}, {"password": PASSWORD}, {"key": "x"}])
def test_authenticate_without_both_counts_nothing(credentials):
    assert authenticate(**credentials) is None
    assert not AttemptCount.objects.exists()


def test_sign_in_page_opens_with_the_right_password(ada):
    answer = by_page("ada", PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_sign_in_page_after_too_many_attempts(ada):
    for _ in range(5):
        by_page("ada", "wrong")

    answer = by_page("ada", PASSWORD)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (429, "no-store")
    assert answer.templates[0].name == "admin/too_many_attempts.html"
    assert 840 <= int(answer.headers["Retry-After"]) <= 900
    assert "Try again in 15 minutes" in answer.content.decode()
    assert "_auth_user_id" not in answer.client.session


def test_doors_share_one_count(ada):
    for _ in range(5):
        by_page("ada", "wrong")
    assert by_api("ada", PASSWORD).status_code == 429


def test_password_route_counts_the_old_password(ada):
    api = APIClient()
    headers = {"Authorization": f"Bearer {sign_in(api)['access']}"}
    body = {"old_password": "wrong", "new_password": "Another 52 gullwing"}
    change = [
        api.post("/v1/auth/password/", body, format="json", headers=headers).status_code for _ in range(6)
    ]
    assert change == [400] * 5 + [429]
    assert AuditEvent.objects.filter(action="sign_in_failed", subject="ada").count() == 5


def test_password_page_counts_the_old_password(ada):
    client = Client()
    client.force_login(ada)
    new = "Another 52 gullwing"
    body = {"old_password": "wrong", "new_password1": new, "new_password2": new}

    answers = [client.post(OWN_PASSWORD, body) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert 840 <= int(answers[-1].headers["Retry-After"]) <= 900
