"""What is told of a row: fields, omit, include; and that the projections keep to the documented shapes."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.api import serializers, views
from catalog.api.shapes.given import PUBLIC, Places, Reader
from catalog.models import Item
from catalog.tests.api import staff_client
from catalog.tests.factories import AppearanceFactory, MediaAssetFactory, ToolFactory, VehicleFactory

pytestmark = pytest.mark.django_db

STAFF = Reader(frozenset(["catalog.view_item"]))
SHAPES = [
    (views.ItemViewSet, serializers.ItemDetailSerializer, {"history"}),
    (views.ProductionViewSet, serializers.ProductionSerializer, set()),
    (views.TermViewSet, serializers.TermSerializer, set()),
]


@pytest.fixture
def aston(db):
    item = VehicleFactory.create(published=True, slug="aston", name="Aston")
    AppearanceFactory.create(item=item)
    MediaAssetFactory.create(item=item)
    return item


@pytest.mark.parametrize(("view", "serializer", "more"), SHAPES)
@pytest.mark.parametrize("reader", [PUBLIC, STAFF], ids=["public", "staff"])
def test_every_promised_field_can_be_told(view, serializer, more, reader):
    fields = view.every_field(reader, Places((), {}))

    assert fields.keys() == serializer().fields.keys() | more


@pytest.mark.parametrize("address", ["/v1/items/aston/", "/v1/vehicles/"])
def test_every_value_is_of_its_promised_type(client, aston, address):
    """What PostgreSQL wrote is read by the documented fields, and comes out of them as it went in."""
    answer = client.get(address, headers={"host": "localhost"}).json()
    row, serializer = (
        (answer["results"][0], serializers.ItemListSerializer)
        if "results" in answer
        else (answer, serializers.ItemDetailSerializer)
    )

    read = serializer(data=row)

    assert read.is_valid(), read.errors
    assert list(row) == [name for name in serializers.ItemDetailSerializer().fields if name in row]


CHOICES = [
    ("fields=name,slug", ["slug", "name"]),
    ("fields=slug&fields=name", ["slug", "name"]),
    ("fields=slug,images", ["slug", "images"]),
    ("fields=slug&include=images", ["slug", "images"]),
    ("fields=slug,name&omit=slug", ["name"]),
]


@pytest.mark.usefixtures("aston")
@pytest.mark.parametrize("address", ["/v1/vehicles/", "/v1/items/", "/v1/items/aston/"])
@pytest.mark.parametrize(("query", "expected"), CHOICES, ids=[query for query, _ in CHOICES])
def test_fields_are_chosen(client, address, query, expected):
    answer = client.get(f"{address}?{query}").json()

    row = answer["results"][0] if "results" in answer else answer
    assert list(row) == expected


@pytest.mark.usefixtures("aston")
def test_chosen_fields_tell_what_the_whole_row_tells(client):
    whole = client.get("/v1/items/aston/").json()

    parts = [client.get(f"/v1/items/aston/?fields={name}").json() for name in whole]

    assert {name: value for part in parts for name, value in part.items()} == whole


@pytest.mark.usefixtures("aston")
def test_omitted_fields_are_left_out(client):
    row = client.get("/v1/vehicles/?omit=image,location").json()["results"][0]

    assert serializers.ItemListSerializer().fields.keys() - row.keys() == {"image", "location"}


@pytest.mark.usefixtures("aston")
def test_included_parts_are_those_of_the_detail(client):
    detail = client.get("/v1/items/aston/").json()

    row = client.get("/v1/items/?include=appearances,images").json()["results"][0]

    assert {name: row[name] for name in ("appearances", "images")} == {
        name: detail[name] for name in ("appearances", "images")
    }
    assert len(row["images"]) == len(row["appearances"]) == 1


@pytest.mark.usefixtures("aston")
@pytest.mark.parametrize("address", ["/v1/items/", "/v1/items/aston/", "/v1/terms/", "/v1/media/"])
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("fields=search", "fields"),
        ("fields=", "fields"),
        ("omit=nothing", "omit"),
        ("fields=id&omit=id", "omit"),
        ("include=search", "include"),
        ("fields=__class__", "fields"),
        ("fields=id%00", "fields"),
    ],
)
def test_field_that_is_not_there(client, address, query, parameter):
    answer = client.get(f"{address}?{query}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == parameter


def test_history_tells_staff_of_each_change(aston):
    aston.name = "Aston Martin"
    aston.price = 5
    aston.save()

    history = staff_client("view_item").get("/v1/items/aston/?include=history").json()["history"]

    assert [(each["change"], each["version"], each["fields"]) for each in history] == [
        ("update", 2, ["name", "price"]),
        ("insert", 1, []),
    ]


@pytest.mark.usefixtures("aston")
@pytest.mark.parametrize("address", ["/v1/items/", "/v1/items/aston/", "/v1/vehicles/"])
@pytest.mark.parametrize("query", ["include=history", "fields=history"])
def test_history_is_not_offered_to_readers(client, address, query):
    answer = client.get(f"{address}?{query}")

    assert answer.status_code == 400
    assert "history" not in answer.json()["errors"][0]["detail"].split(", not ")[0]


def test_history_is_told_of_the_kinds_whose_drafts_one_sees(aston):
    ToolFactory.create(published=True, slug="camera")

    rows = staff_client("view_vehicle").get("/v1/items/?include=history&fields=slug").json()["results"]

    assert {row["slug"]: row["history"] is None for row in rows} == {"aston": False, "camera": True}


ADDRESSES = [
    ("items", "include=appearances,images,history"),
    ("vehicles", "fields=slug&include=history"),
    ("items", "facets=genres&q=item&highlight=true"),
    ("productions", ""),
    ("media", ""),
]


@pytest.fixture
def hundred(db):
    """A hundred vehicles, each with a picture and an appearance in a film of its own."""
    for item in VehicleFactory.create_batch(100, published=True):
        AppearanceFactory.create(item=item)
        MediaAssetFactory.create(item=item)


@pytest.mark.usefixtures("hundred")
@pytest.mark.parametrize(("route", "query"), ADDRESSES)
def test_queries_are_as_many_for_one_row_as_for_a_hundred(route, query):
    staff, made = staff_client("view_item"), {}

    for size in (1, 10, 99):  # after each comes another page
        address = f"/v1/{route}/?page_size={size}&count=exact&{query}"
        staff.get(address.replace("exact", "none"))  # an estimate of the rows is kept from here on
        with CaptureQueriesContext(connection) as queries:
            assert len(staff.get(address).json()["results"]) == size
        made[size] = len(queries)

    assert len(set(made.values())) == 1, made


def test_times_are_in_utc_and_amounts_are_texts(client, aston):
    moment = datetime(2026, 1, 31, 14, 0, 0, 120000, tzinfo=timezone(timedelta(hours=2)))
    Item.objects.update(
        price=Decimal("1234567.5"), published_at=moment, created_at=moment.replace(microsecond=0)
    )

    row = client.get("/v1/items/aston/").json()

    assert (row["price"], row["published_at"], row["created_at"]) == (
        "1234567.50", "2026-01-31T12:00:00.120000Z", "2026-01-31T12:00:00Z",
    )  # fmt: skip


def test_unknown_values_are_told_and_not_left_out(client):
    VehicleFactory.create(published=True, slug="bare", make="", model="", price=None, genres=[])

    row = client.get("/v1/items/bare/").json()

    assert row.keys() == serializers.ItemDetailSerializer().fields.keys()
    assert (row["price"], row["image"], row["make"], row["genres"], row["images"]) == (None, None, "", [], [])
