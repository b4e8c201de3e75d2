"""What breaks a usual API: values that JSON can spell and a database cannot keep, in every field of every body."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.tests.people import api
from catalog.tests.factories import MediaAssetFactory, ProductionFactory, TermFactory, VehicleFactory

pytestmark = pytest.mark.django_db

DEEP: Any = json.loads("[" * 500 + "]" * 500)
VALUES: dict[str, Any] = {
    "NUL": "a\0b",
    "key with NUL": {"a\0b": "c"},
    "lone surrogate": "\ud800",
    "lone surrogate within": {"a": ["\udfff"]},
    "deep": {"a": DEEP},
    "offset beyond 15:59": "3325-01-21T02:16:54-22:16",
    "beyond 64 bits": 10**30,
    "tiny number": "1E-50000",
    "null": None,
}
RAW = {
    "100,000 lists": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "NaN": b'{"price": NaN}',
    "1e999": b'{"price": 1e999}',
    "10,000 digits": b'{"price": ' + b"9" * 10_000 + b"}",
    "not UTF-8": b'{"name": "\xff"}',
    "UTF-16": '{"name": "a"}'.encode("utf-16"),
    "nothing": b"",
    "null": b"null",
    "text": b'"a"',
    "100,000 values": b"[" + b"1," * 99_999 + b"1]",
    "same key twice": b'{"name": "a", "name": "b"}',
}
SAME_VIEWS = ("/v1/memorabilia/", "/v1/tools/", "/v1/items/{")  # as those of vehicles
KEYS = {"slug": "full", "vocabulary": "genre", "prefix": "none", "name": "thumb", "session": "1" * 32}


def document() -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


def resolved(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return components[reference.rpartition("/")[2]] if reference else schema


def bodies() -> Iterator[Any]:
    """Yield method, path, whether the body is a list, and the names of the fields, of each operation that takes JSON."""
    made = document()
    for path, operations in made["paths"].items():
        if path.startswith(SAME_VIEWS):
            continue
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" not in content:
                continue
            schema = resolved(content["application/json"]["schema"], made["components"]["schemas"])
            is_list = schema.get("type") == "array"
            inner = resolved(schema["items"], made["components"]["schemas"]) if is_list else schema
            yield pytest.param(
                method, path, is_list, sorted(inner.get("properties", {})), id=f"{method.upper()} {path}"
            )


@pytest.fixture
def staff(settings, fast_hashes):
    """Makes requests as somebody who may do everything, beside a row of each kind."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)
    VehicleFactory.create(slug="full")
    ProductionFactory.create(slug="full")
    TermFactory.create(vocabulary="genre", slug="full")
    asset = MediaAssetFactory.create()
    user = UserFactory.create(superuser=True)

    def send(method: str, path: str, body: bytes) -> int:
        address = re.sub(r"\{(\w+)\}", lambda found: str(KEYS.get(found[1], asset.pk)), path)
        client = api(User.objects.get(pk=user.pk))
        answer = client.generic(method.upper(), address, body, content_type="application/json")
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"
        return answer.status_code

    return send


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("method", "path", "is_list", "fields"), list(bodies()))
def test_hostile_values_are_no_fault_of_the_server(staff, method, path, is_list, fields):
    bodies = {f"{field}: {name}": {field: value} for field in fields for name, value in VALUES.items()}

    statuses = {
        name: staff(method, path, json.dumps([body] if is_list else body).encode())
        for name, body in bodies.items()
    }

    assert {name: status for name, status in statuses.items() if status >= 500} == {}


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("method", "path", "is_list", "fields"), list(bodies()))
def test_hostile_bodies_are_no_fault_of_the_server(staff, method, path, is_list, fields):
    statuses = {name: staff(method, path, body) for name, body in RAW.items()}

    assert {name: status for name, status in statuses.items() if status >= 500} == {}


@pytest.mark.parametrize(("levels", "status"), [(64, 401), (65, 400)])
def test_json_is_read_so_deep(client, levels, status):
    body = '{"token": "x", "extra": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"

    answer = client.post("/v1/auth/token/verify/", body, content_type="application/json")

    assert answer.status_code == status
