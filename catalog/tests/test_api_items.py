"""Lists and details of items, as anonymous readers and as staff see them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from accounts.models import User
from catalog.api import serializers
from catalog.models import Kind
from catalog.tests.api import listed_slugs, staff_client
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    MemorabiliaFactory,
    ProductionFactory,
    ToolFactory,
    VehicleFactory,
)

pytestmark = pytest.mark.django_db

LISTS = ["vehicles", "memorabilia", "tools", "items"]


@pytest.fixture
def aston(db):
    """A vehicle with a value in every field, two images and an appearance."""
    item = VehicleFactory.create(
        published=True,
        reference="DB5-1",
        slug="aston-martin-db5",
        name="Aston Martin DB5",
        make="Aston Martin",
        model="DB5",
        description="Silver birch.",
        production_years=[1963, 1964],
        vehicle_types=["Car"],
        genres=["Action", "Thriller"],
        condition="excellent",
        authenticity="screen_used",
        chassis_number="DP/216/1",
        specs={"Engine": {"litres": 4.0, "serial": 123456789012345678901234567890}},
        provenance="From the studio.",
        price=Decimal("4500000.50"),
        currency="GBP",
        location="London",
    )
    MediaAssetFactory.create(item=item, key="vehicles/a/2.jpg", position=2)
    MediaAssetFactory.create(
        item=item, key="vehicles/a/1.jpg", position=1, alt_text="Side", width=640, height=480
    )
    MediaAssetFactory.create(item=item, key="vehicles/a/0.jpg", position=0, state="missing")
    MediaAssetFactory.create(item=item, key="vehicles/a/0.pdf", position=0, kind="document")
    AppearanceFactory.create(
        item=item,
        production=ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964"),
        role="hero",
        notes="The one with the seat.",
    )
    return item


def moment(value):
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


# Of a picture that the worker has not come to.
NO_SIZES = {
    "srcset": {}, "crops": {}, "thumbhash": "", "colour": "", "focal_point": {"x": 0.5, "y": 0.5}, "animated": False,
}  # fmt: skip


def in_list(item):
    """What a list tells of the item in the fixture."""
    image = item.media.get(key="vehicles/a/1.jpg")
    return {
        "id": item.pk,
        "kind": "vehicle",
        "reference": "DB5-1",
        "slug": "aston-martin-db5",
        "url": "http://testserver/v1/vehicles/aston-martin-db5/",
        "name": "Aston Martin DB5",
        "make": "Aston Martin",
        "model": "DB5",
        "production_years": [1963, 1964],
        "vehicle_types": ["Car"],
        "categories": [],
        "genres": ["Action", "Thriller"],
        "condition": "excellent",
        "authenticity": "screen_used",
        "price": "4500000.50",
        "currency": "GBP",
        "availability": "available",
        "status": "published",
        "published_at": "2026-01-01T00:00:00Z",
        "location": "London",
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
        "version": 1,
        "image": {
            "id": image.pk,
            "url": f"http://testserver/v1/media/{image.pk}/file/",
            "alt_text": "Side",
            "width": 640,
            "height": 480,
        }
        | NO_SIZES,
    }


def in_detail(item):
    def image(key, **more):
        asset = item.media.get(key=key)
        address = f"http://testserver/v1/media/{asset.pk}/file/"
        blank = {"width": None, "height": None, "alt_text": "", "caption": "", "content_type": "image/jpeg"}
        own = {"id": asset.pk, "url": address, "position": asset.position, "renditions": []}
        return own | NO_SIZES | blank | more

    return in_list(item) | {
        "description": "Silver birch.",
        "provenance": "From the studio.",
        "chassis_number": "DP/216/1",
        "specs": {"Engine": {"litres": 4.0, "serial": 123456789012345678901234567890}},
        "appearances": [
            {
                "production": {
                    "slug": "goldfinger-1964",
                    "title": "Goldfinger",
                    "kind": "film",
                    "years": [1964],
                },
                "role": "hero",
                "notes": "The one with the seat.",
            }
        ],
        "images": [
            image("vehicles/a/1.jpg", alt_text="Side", width=640, height=480),
            image("vehicles/a/2.jpg"),
        ],
    }


@pytest.mark.parametrize("route", ["vehicles", "items"])
def test_list_with_one_item(client, aston, route):
    aston.refresh_from_db()

    answer = client.get(f"/v1/{route}/")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {"count": 1, "next": None, "previous": None, "results": [in_list(aston)]}


def test_list_holds_the_promised_fields(client, aston):
    row = client.get("/v1/vehicles/").json()["results"][0]

    assert row.keys() == serializers.ItemListSerializer().fields.keys()
    assert row["image"].keys() == serializers.CoverSerializer().fields.keys()


@pytest.mark.parametrize("route", ["vehicles", "items"])
def test_detail(client, aston, route):
    aston.refresh_from_db()

    answer = client.get(f"/v1/{route}/aston-martin-db5/")

    assert answer.status_code == 200
    assert answer.json() == in_detail(aston)


def test_detail_holds_the_promised_fields(client, aston):
    item = client.get("/v1/vehicles/aston-martin-db5/").json()

    assert item.keys() == serializers.ItemDetailSerializer().fields.keys()
    assert item["images"][0].keys() == serializers.ImageSerializer().fields.keys()
    assert item["appearances"][0].keys() == serializers.AppearanceSerializer().fields.keys()
    assert (
        item["appearances"][0]["production"].keys()
        == serializers.AppearanceProductionSerializer().fields.keys()
    )


@pytest.mark.parametrize("route", ["", "bare/"])
def test_item_without_image_or_price(client, route):
    ItemFactory.create(published=True, slug="bare")

    answer = client.get(f"/v1/items/{route}").json()

    row = answer["results"][0] if "results" in answer else answer
    assert (row["image"], row["price"], row.get("images", [])) == (None, None, [])


@pytest.mark.parametrize(
    "path", ["vehicles/", "vehicles/seen/", "vehicles/missing/", "productions/", "terms/"]
)
def test_answer_varies_by_who_asks(client, path):
    VehicleFactory.create(slug="seen", published=True)

    answers = [caller.get(f"/v1/{path}") for caller in (client, staff_client("view_item"))]

    assert [answer["Vary"] for answer in answers] == ["Authorization, origin"] * 2


@pytest.mark.parametrize("route", LISTS)
def test_each_route_has_its_kind(client, route):
    vehicle, poster, tool = (
        factory.create(published=True).slug for factory in (VehicleFactory, MemorabiliaFactory, ToolFactory)
    )
    expected = {
        "vehicles": {vehicle},
        "memorabilia": {poster},
        "tools": {tool},
        "items": {vehicle, poster, tool},
    }

    assert set(listed_slugs(client, f"/v1/{route}/")) == expected[route]


@pytest.mark.parametrize("kind", Kind.values)
def test_detail_of_another_kind_is_absent(client, kind):
    item = ItemFactory.create(published=True, kind=kind)
    routes = {"vehicle": "vehicles", "memorabilia": "memorabilia", "tool": "tools"}

    found = {key: client.get(f"/v1/{route}/{item.slug}/").status_code for key, route in routes.items()}

    assert found == {key: 200 if key == kind else 404 for key in routes}


@pytest.mark.parametrize("route", LISTS)
@pytest.mark.parametrize("rows", [1, 30])
def test_list_takes_three_queries(client, django_assert_max_num_queries, route, rows):
    kinds = {"memorabilia": "memorabilia", "tools": "tool"}
    items = ItemFactory.create_batch(rows, published=True, kind=kinds.get(route, "vehicle"))
    for item in items:
        MediaAssetFactory.create(item=item)

    with django_assert_max_num_queries(3):  # the catalogue's state, the rows, their number
        client.get(f"/v1/{route}/")


@pytest.mark.parametrize("images", [0, 5])
def test_detail_takes_two_queries(client, django_assert_num_queries, images):
    item = VehicleFactory.create(published=True)
    MediaAssetFactory.create_batch(images, item=item)
    for _ in range(images):
        AppearanceFactory.create(item=item)

    with django_assert_num_queries(2):  # the catalogue's state, and the item
        client.get(f"/v1/vehicles/{item.slug}/")


def test_old_slug_leads_to_the_present_one(client):
    item = VehicleFactory.create(published=True, slug="old")
    item.slug = "new"
    item.save()

    answer = client.get("/v1/vehicles/old/")

    assert (answer.status_code, answer["Location"]) == (301, "/v1/vehicles/new/")


@pytest.mark.parametrize(
    ("route", "traits"),
    [
        pytest.param("vehicles", {}, id="draft"),
        pytest.param("tools", {"published": True}, id="another kind's route"),
    ],
)
def test_old_slug_of_what_is_not_here_is_absent(client, route, traits):
    item = VehicleFactory.create(slug="old", **traits)
    item.slug = "new"
    item.save()

    assert client.get(f"/v1/{route}/old/").content == client.get(f"/v1/{route}/never-was/").content


UNSEEN = [
    pytest.param({}, id="draft"),
    pytest.param({"status": "archived", "published_at": datetime(2026, 1, 1, tzinfo=UTC)}, id="archived"),
    pytest.param({"status": "published", "published_at": datetime(9000, 1, 1, tzinfo=UTC)}, id="scheduled"),
]


@pytest.mark.parametrize("fields", UNSEEN)
def test_unpublished_item_is_unseen_by_readers(client, fields):
    VehicleFactory.create(slug="hidden", **fields)

    answer = client.get("/v1/vehicles/hidden/")
    missing = client.get("/v1/vehicles/missing/")

    assert listed_slugs(client, "/v1/vehicles/") == []
    assert (answer.status_code, answer.content) == (404, missing.content)


@pytest.mark.parametrize("fields", UNSEEN)
def test_unpublished_item_is_seen_by_staff(fields):
    VehicleFactory.create(slug="hidden", **fields)
    staff = staff_client("view_item")

    assert listed_slugs(staff, "/v1/vehicles/") == ["hidden"]
    assert staff.get("/v1/vehicles/hidden/").status_code == 200


def test_unpublished_item_is_unseen_by_staff_without_the_right():
    VehicleFactory.create(slug="hidden")
    staff = staff_client()

    assert listed_slugs(staff, "/v1/vehicles/") == []
    assert staff.get("/v1/vehicles/hidden/").status_code == 404


def test_status_is_a_filter_for_staff():
    VehicleFactory.create(slug="draft")
    VehicleFactory.create(slug="seen", published=True)

    assert listed_slugs(staff_client("view_item"), "/v1/vehicles/?status=draft") == ["draft"]


def test_status_is_unknown_to_readers(client):
    answer = client.get("/v1/vehicles/?status=draft")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == "status"


def test_session_of_the_admin_is_not_looked_at(client, django_assert_num_queries):
    client.force_login(User.objects.create_superuser("root"))
    VehicleFactory.create(slug="hidden")

    with django_assert_num_queries(2):  # there is nothing to tell of
        answer = client.get("/v1/vehicles/")

    assert answer.json()["results"] == []
    assert "Cookie" not in answer.headers.get("Vary", "")
