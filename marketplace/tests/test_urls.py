"""The routes as a whole: every error is a problem, and every route is in the OpenAPI document or listed here."""

import json
import re

import pytest
import yaml
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import OperationalError
from django.test import Client, RequestFactory
from drf_spectacular.generators import SchemaGenerator

from catalog.api import views
from marketplace.tests.routes import routes_outside_the_admin

pytestmark = pytest.mark.django_db  # every request is counted

OUTSIDE_THE_DOCUMENT = {
    "/",
    "/.well-known/jwks.json",
    "/healthz",
    "/readyz",
    "/v1/schema/",
    "/v1/docs/",
    # second addresses of sign-in routes
    "/v1/auth/refresh/",
    "/v1/auth/verify/",
    "/v1/auth/logout/",
    "/v1/auth/token/logout-all/",
    "/v1/auth/token/password/",
}


def assert_problem(answer, status):
    assert (answer.status_code, answer["Content-Type"]) == (
        status,
        "application/problem+json",
    ), answer.content
    body = answer.json()
    assert body["status"] == status
    assert {"type", "title", "status", "detail"} <= body.keys()
    return body


@pytest.mark.parametrize(
    "path", ["/v1/nothing/", "/v1/vehicles/a/b/", "/nothing", "/v1/vehicles/%00/", "/v1/terms/%00/x/"]
)
def test_unknown_address(client, path):
    assert assert_problem(client.get(path), 404)["detail"] == "There is nothing at this address."


OFFERED = {
    "/v1/": "GET, HEAD, OPTIONS",
    "/v1/schema/": "GET, HEAD, OPTIONS",
    "/v1/vehicles/": "GET, POST, HEAD, OPTIONS",
    "/v1/vehicles/x/": "GET, PUT, PATCH, DELETE, HEAD, OPTIONS",
    "/v1/vehicles/bulk/": "POST, PATCH, DELETE, OPTIONS",
    "/v1/terms/": "GET, POST, HEAD, OPTIONS",
}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "LIST", "DISPATCH"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "method"),
    [(path, method) for path, offered in OFFERED.items() for method in METHODS if method not in offered],
)
def test_method_that_is_not_offered(client, path, method):
    answer = client.generic(method, path)

    assert_problem(answer, 405)
    assert answer["Allow"] == OFFERED[path]


@pytest.mark.django_db
def test_head_answers_as_get_without_a_body(client):
    answer = client.head("/v1/vehicles/")

    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"", "application/json")


def test_options_names_the_methods(client):
    answer = client.options("/v1/vehicles/")

    assert (answer.status_code, answer["Allow"]) == (200, "GET, POST, HEAD, OPTIONS")


def test_answer_that_is_not_acceptable(client):
    answer = client.get("/v1/vehicles/", headers={"accept": "text/html"})

    assert_problem(answer, 406)
    assert answer.json()["detail"].endswith("This address answers application/json.")


def test_body_of_an_unknown_type(client):
    answer = client.post("/v1/auth/token/", b"a=b", content_type="text/csv")

    assert_problem(answer, 415)
    assert answer.json()["detail"].endswith("This address reads application/json.")


@pytest.mark.parametrize(
    ("name", "meant"), {"search": "q", "limit": "page_size", "sort": "ordering", "after": "cursor"}.items()
)
def test_parameter_that_other_services_have(client, name, meant):
    answer = client.get("/v1/vehicles/", {name: "1"})

    assert_problem(answer, 400)
    assert answer.json()["detail"] == f"'{name}' is not a parameter of this address; did you mean {meant}?"


BAD_BODIES = {
    "not JSON": b"{",
    "not UTF-8": b'{"username": "\xff"}',
    "nested too deep": b"[" * 10_000 + b"]" * 10_000,
    "deeply open": b'{"a":' * 100_000,
    "NaN": b'{"username": NaN}',
    "lone surrogate": b'{"username": "\\ud800", "password": "x"}',
    "a list": b"[]",
}


@pytest.mark.django_db
@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_body_that_cannot_be_read(client, body):
    assert_problem(client.post("/v1/auth/token/", body, content_type="application/json"), 400)


@pytest.mark.django_db
def test_number_of_too_many_digits(client):
    body = f'{{"username": {"9" * 5000}}}'

    answer = client.post("/v1/auth/token/", body, content_type="application/json")

    assert assert_problem(answer, 400)["detail"] == "JSON parse error - a number has too many digits"


def test_body_of_unknown_length():
    environ = RequestFactory().post("/v1/auth/token/", {}, content_type="application/json").environ
    environ |= {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}

    answer = WSGIHandler().get_response(WSGIRequest(environ))

    assert answer.status_code == 411
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(("method", "status"), [("GET", 301), ("HEAD", 301), ("POST", 308), ("PATCH", 308)])
def test_address_without_its_slash(client, settings, method, status, debug):
    settings.DEBUG = debug

    answer = client.generic(method, "/v1/vehicles?page=2")

    assert (answer.status_code, answer["Location"]) == (status, "/v1/vehicles/?page=2")


def test_body_that_is_too_large(client):
    body = b'"' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"'

    assert_problem(client.post("/v1/auth/token/", body, content_type="application/json"), 413)


def test_host_that_is_not_ours(client):
    assert_problem(client.get("/v1/", headers={"host": "evil.example"}), 400)


def test_more_parameters_than_can_be_read(client):
    assert_problem(client.get(f"/v1/vehicles/?{'a=1&' * 6000}"), 400)


@pytest.fixture
def unraising():
    """A client that gets the answer to an uncaught exception, as real ones do."""
    return Client(raise_request_exception=False)


def test_fault_of_the_server_tells_nothing_of_itself(unraising, monkeypatch):
    monkeypatch.setattr(views, "INDEX", {"secret-name": None})

    body = assert_problem(unraising.get("/v1/"), 500)

    assert body["detail"] == "The server could not answer; what went wrong is in its log."
    assert "errors" not in body


def test_database_that_is_down(unraising, monkeypatch):
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", "127.0.0.1")

    def refuse(*args, **kwargs):
        raise OperationalError("connection refused")

    for door in ("cursor", "ensure_connection"):  # statements that are prepared take no cursor of Django's
        monkeypatch.setattr(f"django.db.backends.base.base.BaseDatabaseWrapper.{door}", refuse)

    answer = unraising.get("/v1/vehicles/")

    assert_problem(answer, 503)
    assert answer["Retry-After"] == "5"


def test_admin_answers_people(client):
    answer = client.get("/admin/nothing", follow=True)

    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_root_leads_to_the_documentation(method):
    answer = Client(enforce_csrf_checks=True).generic(method, "/")

    assert (answer.status_code, answer["Location"]) == (302, "/v1/docs/")


def test_index_names_the_lists(client):
    answer = client.get("/v1/").json()

    assert answer == {
        name: f"http://testserver/v1/{name}/"
        for name in [
            "vehicles",
            "memorabilia",
            "tools",
            "items",
            "productions",
            "terms",
            "media",
            "imports",
            "schema",
            "docs",
        ]
    }


def test_documentation_is_served_from_here(client):
    answer = client.get("/v1/docs/")

    assert answer.status_code == 200
    assert b"/static/drf_spectacular_sidecar/" in answer.content
    assert b"//cdn" not in answer.content


@pytest.mark.parametrize(
    ("query", "read"), [("", yaml.safe_load), ("?format=yaml", yaml.safe_load), ("?format=json", json.loads)]
)
def test_openapi_document(client, query, read):
    answer = client.get(f"/v1/schema/{query}")

    assert answer.status_code == 200
    assert read(answer.content)["openapi"].startswith("3.1")


@pytest.mark.parametrize("query", ["format=xml", "lang=de", "format=json&format=yaml"])
def test_openapi_document_in_another_form(client, query):
    assert_problem(client.get(f"/v1/schema/?{query}"), 400)


def shape(path):
    """The path with its variables as blanks, `/v1/terms/{}/{}/`, whatever they are called."""
    return re.sub(r"<[^>]*>|\{[^}]*\}", "{}", f"/{path.removeprefix('/')}")


def test_every_route_is_documented_or_left_out_on_purpose():
    document = SchemaGenerator().get_schema(request=None, public=True)

    served = {shape(path) for path in routes_outside_the_admin()}
    assert served - {shape(path) for path in document["paths"]} == OUTSIDE_THE_DOCUMENT


def test_every_operation_declares_its_problems():
    document = SchemaGenerator().get_schema(request=None, public=True)

    lacking = [
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if operation["responses"]["default"] != {"$ref": "#/components/responses/Problem"}
    ]
    assert lacking == []
    assert list(document["components"]["responses"]["Problem"]["content"]) == ["application/problem+json"]


def test_openapi_file_is_current():
    document = SchemaGenerator().get_schema(request=None, public=True)

    stored = yaml.safe_load((settings.BASE_DIR / "docs" / "openapi.yaml").read_text())
    assert json.loads(json.dumps(document, default=str)) == stored
