"""Transport: what pages of others may read, cookies, sizes, and who is believed to speak of TLS."""

import ipaddress
import json
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from accounts.tests.client import sign_in
from accounts.tests.factories import PASSWORD, UserFactory
from marketplace.requests import keep_facts
from marketplace.tests import stack
from marketplace.tests.routes import addresses

SHOP = "https://shop.example.com"
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
EXPOSED = (
    "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate,"
    " X-Request-ID"
)

# Pages of others


@pytest.fixture
def open_to_shop(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [SHOP]


def cors_of(answer: Any) -> dict[str, str]:
    return {
        name: value for name, value in answer.headers.items() if name.lower().startswith("access-control")
    }


@pytest.mark.django_db
def test_pages_of_others_read_nothing_by_default(client: Client) -> None:
    answer = client.get("/v1/", headers={"origin": SHOP})

    assert (answer.status_code, cors_of(answer)) == (200, {})


@pytest.mark.usefixtures("open_to_shop")
@pytest.mark.django_db
def test_page_of_an_allowed_origin_reads_the_api_without_cookies(client: Client) -> None:
    answer = client.get("/v1/", headers={"origin": SHOP})

    assert cors_of(answer) == {
        "access-control-allow-origin": SHOP,
        "access-control-expose-headers": EXPOSED,
    }
    assert "origin" in answer.headers["Vary"].lower()


@pytest.mark.usefixtures("open_to_shop")
@pytest.mark.django_db
@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "",
        "http://shop.example.com",
        "https://shop.example.com:8443",
        "https://shop.example.com.evil.example",
        "https://evil.example/https://shop.example.com",
        "https://evilshop.example.com",
        "https://sub.shop.example.com",
        "https://SHOP.example.com",
        "https://user@shop.example.com",
        "https://shop.example.com@evil.example",
        "https://[shop.example.com",
        "shop.example.com",
    ],
)
def test_page_of_another_origin_reads_nothing(client: Client, origin: str) -> None:
    answers = [
        client.get("/v1/", headers={"origin": origin}),
        client.options("/v1/", headers={"origin": origin, "access-control-request-method": "GET"}),
    ]

    assert [cors_of(answer) for answer in answers] == [{}, {}]


@pytest.mark.usefixtures("open_to_shop")
@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", "/healthz", "/", "/nothing", "/v1"])
def test_outside_of_the_api_nothing_is_for_pages_of_others(client: Client, path: str) -> None:
    assert cors_of(client.get(path, headers={"origin": SHOP})) == {}


@pytest.mark.usefixtures("open_to_shop")
@pytest.mark.parametrize("path", ["/v1/vehicles/", "/v1/nothing/", "/v1/healthz", "/v1/vehicles"])
@pytest.mark.parametrize("method", ["PATCH", "BREW"])
def test_preflight_of_any_route_names_what_may_be_sent(client: Client, path: str, method: str) -> None:
    answer = client.options(
        path,
        headers={
            "origin": SHOP,
            "access-control-request-method": method,
            "access-control-request-headers": "x-anything",
        },
    )

    assert (answer.status_code, answer.content) == (200, b"")
    assert cors_of(answer) == {
        "access-control-allow-origin": SHOP,
        "access-control-expose-headers": EXPOSED,
        "access-control-allow-headers": "accept, authorization, content-type, idempotency-key, if-match, if-none-match",
        "access-control-allow-methods": "DELETE, GET, OPTIONS, PATCH, POST, PUT",
        "access-control-max-age": "86400",
    }


@pytest.mark.usefixtures("open_to_shop")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing/", 404),
        pytest.param("DELETE", "/v1/", 405, marks=pytest.mark.django_db),  # a view counts it
        pytest.param("GET", "/v1/auth/me/", 401, marks=pytest.mark.django_db),
        ("GET", "/v1/vehicles", 301),
    ],
)
def test_error_is_readable_for_a_page_of_an_allowed_origin(
    client: Client, method: str, path: str, status: int
) -> None:
    answer = client.generic(method, path, headers={"origin": SHOP})

    assert (answer.status_code, answer.headers[ALLOW_ORIGIN]) == (status, SHOP)


# Cookies


@pytest.mark.django_db
def test_cookies_of_the_admin_are_for_no_script_and_no_foreign_form(client: Client) -> None:
    UserFactory.create(username="ada", superuser=True)
    client.get("/admin/login/")

    client.post("/admin/login/", {"username": "ada", "password": PASSWORD, "next": "/admin/"})

    kept = {
        name: (bool(cookie["httponly"]), cookie["samesite"], cookie["path"], cookie["domain"])
        for name, cookie in client.cookies.items()
    }
    assert kept == {"sessionid": (True, "Lax", "/", ""), "csrftoken": (True, "Lax", "/", "")}


@pytest.mark.django_db
def test_cookie_of_a_session_ends_with_the_browser(client: Client) -> None:
    UserFactory.create(username="ada", superuser=True)

    client.post("/admin/login/", {"username": "ada", "password": PASSWORD, "next": "/admin/"})

    assert (client.cookies["sessionid"]["max-age"], client.cookies["sessionid"]["expires"]) == ("", "")
    assert client.session.get_expiry_age() == 12 * 60 * 60


@pytest.mark.django_db
def test_sign_in_changes_the_keys_of_session_and_form(client: Client) -> None:
    UserFactory.create(username="ada", superuser=True)
    client.get("/admin/login/")
    session = client.session
    session["planted"] = True
    session.save()
    before = {"sessionid": session.session_key, "csrftoken": client.cookies["csrftoken"].value}
    client.cookies["sessionid"] = str(session.session_key)

    client.post("/admin/login/", {"username": "ada", "password": PASSWORD, "next": "/admin/"})

    after = {name: client.cookies[name].value for name in before}
    assert after["sessionid"] != before["sessionid"]
    assert after["csrftoken"] != before["csrftoken"]


@pytest.mark.django_db
def test_api_knows_nobody_by_a_cookie(client: Client) -> None:
    client.force_login(UserFactory.create(superuser=True))

    assert client.get("/v1/auth/me/").status_code == 401


@pytest.mark.django_db
def test_post_to_any_page_of_the_admin_needs_the_token_of_its_form() -> None:
    UserFactory.create(username="ada", superuser=True)
    client = Client(enforce_csrf_checks=True)
    client.login(request=RequestFactory().get("/"), username="ada", password=PASSWORD)
    pages = [address for address, _ in addresses("/admin/")]

    taken = [path for path in pages if client.post(path, {"action": "delete_selected"}).status_code != 403]

    assert taken == []
    assert len(pages) > 100


# Under a public name


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a deployment that a proxy with TLS stands before."""
    return stack.environment(
        tmp_path_factory.mktemp("var"),
        ALLOWED_HOSTS="catalogue.example.com",
        SECRET_KEY="a-secret-of-a-deployment-with-more-than-fifty-characters-in-it",
        DATABASE_URL="postgresql://nobody:nothing@127.0.0.1:1/none",
        S3_ENDPOINT_URL="http://127.0.0.1:1",
        AWS_ACCESS_KEY_ID="nobody",
        AWS_SECRET_ACCESS_KEY="nothing",
    )


def test_deployment_check_has_nothing_to_say(public: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, stack.MANAGE, "check", "--deploy", "--fail-level", "DEBUG"],
        env=public, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (
        0,
        "System check identified no issues (0 silenced).\n",
    ), done.stderr


def test_settings_under_a_public_name_take_tls_for_granted(public: dict[str, str]) -> None:
    names = [
        "SESSION_COOKIE_NAME",
        "CSRF_COOKIE_NAME",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SESSION_COOKIE_DOMAIN",
        "CSRF_COOKIE_DOMAIN",
        "SESSION_COOKIE_PATH",
        "CSRF_COOKIE_PATH",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
        "USE_X_FORWARDED_HOST",
    ]
    program = (
        "import json, sys; from django.conf import settings;"
        "print(json.dumps([getattr(settings, name) for name in sys.argv[1:]]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, *names],
        env=public | {"DJANGO_SETTINGS_MODULE": "marketplace.settings"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    assert json.loads(done.stdout) == [
        "__Host-sessionid", "__Host-csrftoken", True, True, None, None, "/", "/", True, 31_536_000, False,
    ]  # fmt: skip


# Who is believed to speak of TLS


def said_of_tls(peer: str, **headers: str) -> bool:
    """Return whether the service takes this request for one over TLS."""
    found: list[bool] = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append(request.is_secure())
        return HttpResponse()

    keep_facts(view)(RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers))
    return found[0]


@pytest.fixture
def behind_tls(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.mark.usefixtures("behind_tls")
@pytest.mark.parametrize(
    ("proxies", "peer", "secure"),
    [
        pytest.param(["10.0.0.0/8"], "10.0.0.2", True, id="the proxy"),
        pytest.param(["10.0.0.0/8"], "203.0.113.9", False, id="a client past the proxy"),
        pytest.param(["10.0.0.0/8"], "", False, id="nobody knows who"),
        pytest.param([], "203.0.113.9", True, id="no proxy named"),
    ],
)
def test_tls_is_believed_of_our_proxies_only(
    settings: Any, proxies: list[str], peer: str, secure: bool
) -> None:
    settings.TRUSTED_PROXIES = [ipaddress.ip_network(text) for text in proxies]

    assert said_of_tls(peer, **{"X-Forwarded-Proto": "https"}) is secure


@pytest.mark.usefixtures("behind_tls")
@pytest.mark.django_db
def test_host_is_never_taken_from_a_proxy(client: Client) -> None:
    answer = client.get("/v1/", headers={"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"})

    assert "evil" not in answer.content.decode()


# Sizes


@pytest.fixture
def signed_in() -> APIClient:
    api = APIClient()
    UserFactory.create(username="ada", superuser=True)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in(api)['access']}")
    return api


def body_of(size: int) -> str:
    return '{"padding": "' + "x" * (size - 15) + '"}'


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/v1/auth/token/", "/v1/auth/token/refresh/", "/v1/auth/token/verify/", "/v1/auth/password/"]
)
def test_body_above_a_mebibyte_is_refused(signed_in: APIClient, path: str) -> None:
    answer = signed_in.generic("POST", path, body_of(2**20 + 1), content_type="application/json")

    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert answer.json()["detail"] == "The body is larger than this service takes."


@pytest.mark.django_db
def test_body_of_a_mebibyte_is_read(client: Client) -> None:
    answer = client.post("/v1/auth/token/", body_of(2**20), content_type="application/json")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "required")


@pytest.mark.django_db
def test_form_of_more_fields_than_any_page_has_is_refused() -> None:
    form = "&".join(f"field{number}=1" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1))

    answer = Client(raise_request_exception=False).post(
        "/admin/login/", form, content_type="application/x-www-form-urlencoded"
    )

    assert answer.status_code == 400


@pytest.mark.django_db
def test_form_of_more_files_than_any_page_takes_is_refused() -> None:
    files = {
        f"file{number}": SimpleUploadedFile("a.txt", b"a")
        for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FILES + 1)
    }

    answer = Client(raise_request_exception=False).post("/admin/login/", files)

    assert answer.status_code == 400
