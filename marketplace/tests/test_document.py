"""Answers are what the OpenAPI document says of them, and hold nothing else."""

import re
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from accounts.models import User
from catalog.tests.api import staff_client
from catalog.tests.factories import (
    AppearanceFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
    VehicleFactory,
)

pytestmark = pytest.mark.django_db

ADDRESSES = {
    "/v1/": "/v1/",
    "/v1/auth/me/": "/v1/auth/me/",
    "/v1/vehicles/": "/v1/vehicles/",
    "/v1/items/?count=none": "/v1/items/",
    "/v1/items/?page_size=1": "/v1/items/",
    "/v1/vehicles/?q=vantage&highlight=true&facets=genres,price,decades&include=appearances,images,history": "/v1/vehicles/",
    "/v1/vehicles/?q=vantgae": "/v1/vehicles/",
    "/v1/vehicles/?fields=slug,history&omit=slug": "/v1/vehicles/",
    "/v1/vehicles/full/": "/v1/vehicles/{slug}/",
    "/v1/vehicles/full/?include=history": "/v1/vehicles/{slug}/",
    "/v1/vehicles/bare/": "/v1/vehicles/{slug}/",
    "/v1/productions/": "/v1/productions/",
    "/v1/productions/film/": "/v1/productions/{slug}/",
    "/v1/terms/": "/v1/terms/",
    "/v1/terms/genre/spy/": "/v1/terms/{vocabulary}/{slug}/",
    "/v1/media/": "/v1/media/",
    "/v1/suggest/?q=fu": "/v1/suggest/",
}


@pytest.fixture
def staff():
    """A client of a staff account without an address, beside a bare draft and a vehicle with everything."""
    VehicleFactory.create(slug="bare")
    full = VehicleFactory.create(
        slug="full", name="Full Vantage", published=True, price=1, specs={"Doors": 2}, genres=["Spy"]
    )
    AppearanceFactory.create(item=full, production=ProductionFactory.create(slug="film"))
    MediaAssetFactory.create(item=full, width=640, height=480)
    MediaAssetFactory.create(key="assigned-to-nothing.jpg", item=None)
    TermFactory.create(vocabulary="genre", slug="spy")
    client = staff_client("view_item")
    User.objects.update(email="")
    return client


def closed(schema: Any) -> Any:
    """Return the schema with nothing allowed that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(part) for name, part in schema.items()}
    return {"additionalProperties": False} | inner if isinstance(schema.get("properties"), dict) else inner


@pytest.mark.parametrize(("address", "path"), ADDRESSES.items())
def test_answer_is_as_documented(staff, address, path):
    document = SchemaGenerator().get_schema(request=None, public=True)
    promised = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    judge = Draft202012Validator(
        closed(promised | {"components": document["components"]}),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )

    answer = staff.get(address)

    assert answer.status_code == 200
    assert [error.message for error in judge.iter_errors(answer.json())] == []


@pytest.mark.parametrize(
    ("percent", "is_taken"),
    [
        ("0", True),
        ("5.", True),
        (".5", True),
        ("99.99", True),
        ("100.0", True),
        ("100.01", False),
        ("101", False),
    ],
)
def test_document_bounds_a_percentage(percent, is_taken):
    document = SchemaGenerator().get_schema(request=None, public=True)

    pattern = document["components"]["schemas"]["Upload"]["properties"]["max_withdrawn"]["pattern"]

    assert bool(re.search(pattern, percent)) is is_taken
