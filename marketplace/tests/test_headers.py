"""The headers of every answer, and the pages that must work under them in a real browser."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import OperationalError
from django.http import HttpResponseBase
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse
from playwright.sync_api import Browser, Page, Response
from rest_framework.test import APIClient

from accounts.tests.client import sign_in
from accounts.tests.factories import UserFactory
from catalog.api import views
from catalog.models import ImportIssue, ImportRun
from catalog.tests.factories import AppearanceFactory, MediaAssetFactory, TermFactory, VehicleFactory
from media_sync.models import SyncRun

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HSTS = "max-age=31536000; includeSubDomains; preload"


@pytest.fixture
def unraising() -> Client:
    """A client that gets the answer to an uncaught exception, as real ones do."""
    return Client(raise_request_exception=False)


def unmeasured_body() -> HttpResponseBase:
    environ = RequestFactory().post("/v1/auth/token/", {}, content_type="application/json").environ
    environ |= {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    return WSGIHandler().get_response(WSGIRequest(environ))


def large_body(client: Client) -> Any:
    body = b'"' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"'
    return client.post("/v1/auth/token/", body, content_type="application/json")


ANSWERS: dict[str, tuple[int, Callable[[Client], Any]]] = {
    "liveness": (200, lambda client: client.get("/healthz")),
    "probe by a wrong method": (405, lambda client: client.post("/healthz")),
    "static file": (200, lambda client: client.get("/static/catalog/favicon.svg")),
    "static file that is not there": (404, lambda client: client.get("/static/nothing.js")),
    "root": (302, lambda client: client.get("/")),
    "address without its slash": (301, lambda client: client.get("/v1/vehicles")),
    "index": (200, lambda client: client.get("/v1/")),
    "preflight": (
        200,
        lambda client: client.options("/v1/", headers={"access-control-request-method": "GET"}),
    ),
    "host of others": (400, lambda client: client.get("/v1/", headers={"host": "evil.example"})),
    "no token": (401, lambda client: client.get("/v1/auth/me/")),
    "no form's token": (403, lambda client: Client(enforce_csrf_checks=True).post("/admin/login/", {})),
    "nothing there": (404, lambda client: client.get("/nothing")),
    "method that is not offered": (405, lambda client: client.delete("/v1/")),
    "no length": (411, lambda client: unmeasured_body()),
    "large body": (413, large_body),
    "kind of body that is not read": (415, lambda client: client.post("/v1/auth/token/", {"a": "b"})),
    "sign-in page": (200, lambda client: client.get("/admin/login/")),
    "admin's redirect": (302, lambda client: client.get("/admin/")),
}


def assert_guarded(answer: Any) -> None:
    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "camera=()" in answer.headers["Permissions-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "ask"), ANSWERS.values(), ids=ANSWERS)
def test_answer_of_every_kind_carries_the_headers(
    unraising: Client, status: int, ask: Callable[[Client], Any]
) -> None:
    answer = ask(unraising)
    answer.close()  # a static file's

    assert answer.status_code == status
    assert_guarded(answer)


def test_answer_to_an_uncaught_fault_carries_the_headers(
    unraising: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "INDEX", {"secret-name": None})

    answer = unraising.get("/v1/")

    assert answer.status_code == 500
    assert_guarded(answer)


def test_answer_without_a_database_carries_the_headers(
    unraising: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused")

    for door in ("cursor", "ensure_connection"):
        monkeypatch.setattr(f"django.db.backends.base.base.BaseDatabaseWrapper.{door}", refuse)

    answers = [unraising.get("/v1/vehicles/"), unraising.get("/readyz")]

    assert [answer.status_code for answer in answers] == [503, 503]
    for answer in answers:
        assert_guarded(answer)


# HSTS


@pytest.fixture
def behind_tls(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SECURE_HSTS_PRELOAD = True
    settings.SECURE_HSTS_SECONDS = 31_536_000


@pytest.mark.django_db
@pytest.mark.usefixtures("behind_tls")
@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/healthz", "testserver", 200),
        ("/static/catalog/favicon.svg", "testserver", 200),
        ("/v1/", "testserver", 200),
        ("/v1/", "evil.example", 400),
        ("/nothing", "testserver", 404),
        ("/v1/vehicles", "testserver", 301),
        ("/admin/login/", "testserver", 200),
    ],
)
def test_answer_over_tls_asks_for_tls_ever_after(
    unraising: Client, path: str, host: str, status: int
) -> None:
    answer = unraising.get(path, headers={"host": host, "x-forwarded-proto": "https"})
    answer.close()  # a static file's

    assert (answer.status_code, answer.headers["Strict-Transport-Security"]) == (status, HSTS)


@pytest.mark.usefixtures("behind_tls")
def test_answer_over_plain_http_leads_to_tls(client: Client) -> None:
    answer = client.get("/v1/")

    assert (answer.status_code, answer.headers["Location"]) == (301, "https://testserver/v1/")
    assert "Strict-Transport-Security" not in answer.headers
    assert_guarded(answer)


@pytest.mark.usefixtures("behind_tls")
def test_probe_over_plain_http_is_answered(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


# Policies by place


@pytest.mark.django_db  # Django looks after its connection when an answer is closed
@pytest.mark.parametrize(
    "path", ["/v1/", "/v1/schema/", "/nothing", "/healthz", "/static/catalog/favicon.svg"]
)
def test_policy_outside_of_pages_allows_nothing(client: Client, path: str) -> None:
    answer = client.get(path)
    answer.close()  # a static file's

    assert answer.headers["Content-Security-Policy"] == CLOSED


@pytest.mark.parametrize("path", ["/v1/docs/", "/admin/login/", "/admin/nothing/"])
@pytest.mark.django_db
def test_policy_of_a_page_runs_scripts_of_its_own_files_only(client: Client, path: str) -> None:
    policy = client.get(path).headers["Content-Security-Policy"]
    parts = dict(part.split(" ", 1) for part in policy.split("; "))

    assert parts["script-src"].removesuffix(" 'unsafe-eval'") == "'self'"
    assert parts["default-src"] == parts["base-uri"] == parts["frame-ancestors"] == "'none'"


@pytest.mark.django_db
def test_policy_of_the_admin_names_the_public_bucket_and_no_path(client: Client, settings: Any) -> None:
    settings.S3_PUBLIC_ENDPOINT_URL = "https://media.example.com:9000/under/a/path"

    policy = client.get("/admin/login/").headers["Content-Security-Policy"]

    assert "img-src 'self' data: blob: https://media.example.com:9000; " in policy
    assert "connect-src 'self' https://media.example.com:9000; " in policy


@pytest.mark.django_db
def test_passkeys_are_for_the_admin_only(client: Client) -> None:
    policies = [client.get(path).headers["Permissions-Policy"] for path in ("/admin/login/", "/v1/docs/")]

    assert [re.findall(r"publickey-credentials-(\w+)=(\S+?)(?:,|$)", policy) for policy in policies] == [
        [("create", "(self)"), ("get", "(self)")],
        [("create", "()"), ("get", "()")],
    ]


@pytest.mark.django_db
def test_pictures_may_be_shown_by_pages_of_others(client: Client) -> None:
    asset = MediaAssetFactory.create(item=VehicleFactory.create(published=True), rendered=True)

    answer = client.get(f"/v1/media/{asset.pk}/file/")

    assert (answer.status_code, answer.headers["Cross-Origin-Resource-Policy"]) == (302, "cross-origin")


# What caches may keep


@pytest.mark.django_db
def test_answer_to_an_account_is_kept_by_no_shared_cache(client: Client) -> None:
    UserFactory.create(username="ada")
    access = sign_in(APIClient())["access"]

    answers = [
        client.get(path, headers={"authorization": f"Bearer {access}"})
        for path in ("/v1/vehicles/", "/v1/vehicles/nothing/", "/v1/auth/me/")
    ]

    assert [(answer.status_code, answer.headers["Cache-Control"]) for answer in answers] == [
        (200, "private, no-cache"),
        (404, "no-cache, private"),
        (200, "no-store"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status", "storing"),
    [
        ("/v1/vehicles/", 200, "public, no-cache"),
        ("/v1/vehicles/nothing/", 404, "no-cache"),
        ("/v1/vehicles", 301, "no-cache"),
        ("/v1/vehicles/?colour=red", 400, "no-cache"),
    ],
)
def test_answer_to_anybody_is_asked_for_again_each_time(
    client: Client, path: str, status: int, storing: str
) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (status, storing)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/nothing/", "/admin/catalog/vehicle"])
def test_page_of_the_admin_is_kept_by_nobody(client: Client, path: str) -> None:
    assert {"no-store", "private"} <= set(client.get(path).headers["Cache-Control"].split(", "))


# In a browser. Its console tells of whatever a policy stops, and the page then fails its test.


def addresses(kind: str) -> Iterator[str]:
    """Yield the admin's pages of this kind, of every model that has them and a row to show."""
    for model in admin.site._registry:
        row = model._default_manager.order_by("pk").first()
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}"
        try:
            if kind in {"change", "delete", "history"}:
                if row is not None:
                    yield reverse(name, args=[row.pk])
            else:
                yield reverse(name)
        except NoReverseMatch:
            continue


@pytest.fixture
def rows() -> None:
    car = VehicleFactory.create(genres=["Spy"], production_years=[1964], price=1)
    MediaAssetFactory.create(item=car, alt_text="A car")
    AppearanceFactory.create(item=car)
    TermFactory.create(aliases=["Other"])
    ImportIssue.objects.create(
        run=ImportRun.objects.create(target="vehicle", file_name="cars.csv"), line=1, message="No."
    )
    SyncRun.objects.create(bucket="catalogue")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("kind", ["changelist", "add", "change", "delete", "history", "import", "export"])
def test_pages_of_the_admin_work_under_their_policy(staff_page: Page, kind: str) -> None:
    cookies = {cookie["name"]: cookie["value"] for cookie in staff_page.context.cookies()}
    client = Client()
    client.cookies.load(cookies)
    # What this model does not offer (adding a run, say) is a 403, which the console would tell of too.
    offered = [path for path in addresses(kind) if client.get(path).status_code == 200]

    statuses = {path: status_of(staff_page.goto(path)) for path in offered}

    assert statuses == dict.fromkeys(offered, 200)
    assert offered


def status_of(answer: Response | None) -> int:
    assert answer
    return answer.status


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "path",
    [
        "/admin/", "/admin/login/", "/admin/password_change/", "/admin/second-factor/",
        "/admin/second-factor/app/", "/admin/catalog/", "/admin/search/?s=car",
    ],
)  # fmt: skip
def test_page_of_the_site_works_under_its_policy(staff_page: Page, path: str) -> None:
    assert status_of(staff_page.goto(path)) == 200


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_documentation_makes_a_real_request_under_its_policy(page: Page) -> None:
    VehicleFactory.create(name="A car to be found", published=True)
    page.goto("/v1/docs/")
    operation = page.locator("#operations-v1-v1_vehicles_list, [id$='vehicles_list']").first
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()

    operation.get_by_role("button", name="Execute").click()

    answer = operation.locator(".live-responses-table")
    answer.get_by_text("A car to be found").first.wait_for()
    assert answer.locator(".response-col_status").nth(1).inner_text().startswith("200")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/admin/login/", "/v1/docs/", "/v1/"])
def test_script_written_into_a_page_does_not_run(browser: Browser, live_server: Any, path: str) -> None:
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    page.goto(path)

    stopped = page.evaluate("""() => new Promise(done => {
            document.addEventListener("securitypolicyviolation", event => done(event.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.head.append(script);
        })""")
    ran = page.evaluate("window.ran")
    context.close()

    assert (stopped, ran) == ("script-src-elem", None)
