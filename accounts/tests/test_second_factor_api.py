"""The API: a token of an account with a second factor needs it, and one of staff without it opens nothing of theirs."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import attempts, second_factor
from accounts.models import Session
from accounts.tests.client import ME, TOKEN, assert_refused, at_once, refresh
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.second_factors import app_of, code_of, wrong_code_of
from marketplace.tests.routes import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock")]

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def api():
    return APIClient()


@pytest.fixture
def ada():
    return UserFactory.create(username="ada", superuser=True)


def sign_in_with(api, code=None, username="ada"):
    body = {"username": username, "password": PASSWORD} | ({} if code is None else {"code": code})
    return api.post(TOKEN, body, format="json")


ROUTES = [path for path, _ in addresses("/v1/") if not path.startswith("/v1/auth/")]


def as_owner_of(answer) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {answer.json()['access']}"})


# The code


def test_token_of_an_account_with_an_app_needs_its_code(api, ada):
    app_of(ada)
    assert_refused(sign_in_with(api), "This account has a second factor: send its code, too, as code.")
    assert not Session.objects.exists()


def test_token_with_a_wrong_code_is_refused(api, ada):
    assert_refused(sign_in_with(api, wrong_code_of(app_of(ada))), "The code is not valid.")
    assert not Session.objects.exists()


def test_token_with_the_right_code_is_given(api, ada):
    answer = sign_in_with(api, code_of(app_of(ada)))
    assert answer.status_code == 200
    assert Session.objects.get().verified_at == timezone.now()


def test_token_with_a_recovery_code_is_given(api, ada):
    app_of(ada)
    assert sign_in_with(api, second_factor.new_recovery_codes(ada)[0]).status_code == 200


def test_wrong_password_does_not_tell_of_the_factor(api, ada):
    app_of(ada)
    answer = api.post(TOKEN, {"username": "ada", "password": "wrong"}, format="json")
    assert_refused(answer, "No active account has these credentials.")


def test_code_is_taken_once(api, ada):
    code = code_of(app_of(ada))
    assert [sign_in_with(api, code).status_code for _ in range(2)] == [200, 401]


@pytest.mark.django_db(transaction=True)
def test_code_sent_by_many_at_once_opens_one_session(ada, monkeypatch):
    monkeypatch.setitem(attempts.LIMITS, "account", 100)  # not what refuses them here
    code = code_of(app_of(ada))
    answers = at_once([lambda: sign_in_with(APIClient(), code).status_code] * 20)
    assert sorted(answers) == [200] + [401] * 19
    assert Session.objects.count() == 1


def test_wrong_codes_are_limited_though_the_password_is_right(api, ada):
    device = app_of(ada)
    answers = [sign_in_with(api, wrong_code_of(device)).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    assert sign_in_with(api, code_of(device)).status_code == 429


def test_session_begun_without_a_factor_ends_when_one_is_added(api, ada):
    key = second_factor.new_key()
    theirs, stranger = sign_in_with(api).json(), as_owner_of(
        sign_in_with(api, username=UserFactory().username)
    )

    assert second_factor.add_app(ada, key, code_of(second_factor.app_for(ada, key)))

    assert api.get(ME, headers={"Authorization": f"Bearer {theirs['access']}"}).status_code == 401
    assert refresh(api, theirs["refresh"]).status_code == 401
    assert stranger.get(ME).status_code == 200


def test_session_begun_with_a_factor_stays_when_another_is_added(api, ada):
    answer = sign_in_with(api, code_of(app_of(ada)))

    second_factor.note_added(ada, app_of(ada))

    assert as_owner_of(answer).get(ME).status_code == 200


def test_refreshed_token_needs_no_new_code(api, ada, settings):
    settings.REQUIRE_SECOND_FACTOR = True
    first = sign_in_with(api, code_of(app_of(ada))).json()
    second = refresh(api, first["refresh"])
    assert second.status_code == 200
    assert (
        APIClient(headers={"Authorization": f"Bearer {second.json()['access']}"})
        .get("/v1/items/")
        .status_code
        == 200
    )


# Required by the setting


@pytest.fixture
def limited(api, ada, settings):
    """A superuser's client, signed in by the password alone though a second factor is required."""
    settings.REQUIRE_SECOND_FACTOR = True
    answer = sign_in_with(api)
    assert answer.status_code == 200
    return as_owner_of(answer)


@pytest.fixture
def plain(api):
    """The client of an account that has no right at all."""
    UserFactory.create(username="plain")
    return as_owner_of(sign_in_with(api, username="plain"))


@pytest.fixture
def hidden():
    """What only staff see: a draft with its picture, and a file that no item has. Returns what names them."""
    draft = apps.get_model("catalog", "Vehicle").objects.create(name="Draft", reference="V-1", slug="a-draft")
    assets = apps.get_model("catalog", "MediaAsset").objects
    picture = assets.create(key="vehicles/a-draft/1.jpg", item_id=draft.pk)
    return {str(draft.pk), draft.slug, str(picture.pk), str(assets.create(key="stray.jpg").pk)}


def what(client, method, path):
    body = {} if method in {"get", "delete"} else {"data": {}, "format": "json"}
    answer = getattr(client, method)(path, **body)
    return answer.status_code, answer.headers.get("Location"), answer.getvalue()


def differences(one, other, method, names):
    """Return the routes that answer the two clients differently."""
    paths = {path.replace("/1/", f"/{name}/") for path in ROUTES for name in names}
    return {path for path in paths if what(one, method, path) != what(other, method, path)}


def test_every_route_is_walked():
    assert len(ROUTES) > 15
    assert {"/v1/items/", "/v1/vehicles/1/", "/v1/media/1/file/"} <= set(ROUTES)


@pytest.mark.parametrize("method", METHODS)
def test_staff_without_a_required_factor_get_what_anybody_gets(limited, plain, hidden, method):
    assert differences(limited, plain, method, hidden) == set()


def test_staff_with_the_required_factor_get_more(api, ada, plain, hidden, settings):
    settings.REQUIRE_SECOND_FACTOR = True
    unlimited = as_owner_of(sign_in_with(api, code_of(app_of(ada))))
    different = differences(unlimited, plain, "get", hidden)
    assert {"/v1/items/", "/v1/vehicles/", "/v1/media/"} <= different
    assert len(different) > 6


def test_staff_without_a_required_factor_have_no_permission(limited, ada):
    assert Permission.objects.count() > 50
    answer = limited.get(ME).json()
    assert answer["username"] == "ada"
    assert answer.get("permissions", []) == []


def test_token_of_before_the_setting_reaches_nothing_after(api, ada, plain, hidden, settings):
    before = as_owner_of(sign_in_with(api))
    settings.REQUIRE_SECOND_FACTOR = True
    assert before.get(ME).status_code == 200
    assert differences(before, plain, "get", hidden) == set()


@pytest.mark.usefixtures("fast_hashes")
def test_owner_who_signs_in_at_home_gives_strangers_no_more_guesses(api, ada):
    app = app_of(ada)
    assert sign_in_with(api, code_of(app, -1)).status_code == 200  # from here on the address is known
    stranger = APIClient(REMOTE_ADDR="203.0.113.9")
    guess = {"username": "ada", "password": "wrong"}
    for _ in range(attempts.LIMITS["account"]):
        assert stranger.post(TOKEN, guess, format="json").status_code == 401

    assert sign_in_with(api, code_of(app)).status_code == 200

    assert stranger.post(TOKEN, guess, format="json").status_code == 429
