"""`/v1/media/`: files of what the caller may see, and nothing of the rest."""

import pytest
from django.test import Client
from django.utils.dateparse import parse_datetime

from catalog.api.shapes.given import PUBLIC, Places
from catalog.models import MediaAsset, MediaState, Processing, Status
from catalog.tests.api import staff_client
from catalog.tests.factories import ItemFactory, MediaAssetFactory, ToolFactory, VehicleFactory
from media_sync.api.media import LEFT_OUT, MediaFilters, MediaSerializer, MediaViewSet

pytestmark = pytest.mark.django_db


def listed(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"/v1/media/{query}")
    assert answer.status_code == 200, answer.content
    return [row["key"] for row in answer.json()["results"]]


@pytest.fixture
def assets():
    """One asset of each sort that the public may not see, and one that it may."""
    item = VehicleFactory.create(published=True, slug="db5")
    return {
        "public": MediaAssetFactory.create(key="public.jpg", item=item),
        "draft": MediaAssetFactory.create(key="draft.jpg", item=ItemFactory.create(slug="draft")),
        "archived": MediaAssetFactory.create(
            key="archived.jpg", item=ItemFactory.create(published=True, status=Status.ARCHIVED)
        ),
        "scheduled": MediaAssetFactory.create(
            key="scheduled.jpg",
            item=ItemFactory.create(
                status=Status.PUBLISHED, published_at=parse_datetime("2999-01-01T00:00:00Z")
            ),
        ),
        "unassigned": MediaAssetFactory.create(key="unassigned.jpg"),
        "missing": MediaAssetFactory.create(key="missing.jpg", item=item, state=MediaState.MISSING),
        "pending": MediaAssetFactory.create(key="pending.jpg", item=item, state=MediaState.PENDING),
        "refused": MediaAssetFactory.create(
            key="refused.jpg", item=item, processing=Processing.REFUSED, refusal="It is no picture."
        ),
        "quarantined": MediaAssetFactory.create(
            key="quarantined.jpg", item=item, state=MediaState.QUARANTINED
        ),
    }


HIDDEN = ["draft", "archived", "scheduled", "unassigned", "missing", "pending", "refused", "quarantined"]


def test_detail_tells_all_of_a_file(client, assets):
    asset = assets["public"]

    answer = client.get(f"/v1/media/{asset.pk}/")

    body = answer.json()
    assert [parse_datetime(body.pop(name)) for name in ("created_at", "updated_at")] == [
        asset.created_at, asset.updated_at,
    ]  # fmt: skip
    assert body == {
        "id": asset.pk,
        "url": f"http://testserver/v1/media/{asset.pk}/file/",
        "key": "public.jpg",
        "item": {"kind": "vehicle", "slug": "db5", "url": "http://testserver/v1/vehicles/db5/"},
        "kind": "image", "content_type": "image/jpeg", "size": 1000, "width": None, "height": None,
        "alt_text": "", "caption": "", "position": 0, "state": "present", "processing": "waiting", "refusal": "",
        "srcset": {}, "crops": {}, "renditions": [], "thumbhash": "", "colour": "",
        "focal_point": {"x": 0.5, "y": 0.5}, "animated": False,
    }  # fmt: skip


def test_list_shows_the_public_what_is_published(client, assets):
    assert listed(client) == ["public.jpg"]


@pytest.mark.parametrize("query", ["?item=draft", "?kind=image&item=draft", "?item=draft,db5&page_size=100"])
def test_list_shows_the_public_nothing_more_by_any_filter(client, assets, query):
    assert set(listed(client, query)) <= {"public.jpg"}


@pytest.mark.parametrize("query", ["?state=missing", "?assigned=false", "?processing=refused", "?sort=1"])
def test_list_refuses_the_public_what_is_for_staff(client, assets, query):
    answer = client.get(f"/v1/media/{query}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "unknown"


@pytest.mark.parametrize("sort", HIDDEN)
@pytest.mark.parametrize("route", ["", "file/", "renditions/full-320.webp/"])
def test_what_is_hidden_is_not_found(client, assets, sort, route):
    answer = client.get(f"/v1/media/{assets[sort].pk}/{route}")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("route", ["0/", "9223372036854775808/file/", f"{'9' * 5000}/", "x/", "-1/file/"])
def test_no_such_file_is_not_found(client, route):
    assert client.get(f"/v1/media/{route}").status_code == 404


def test_list_shows_staff_everything(assets):
    assert set(listed(staff_client("view_item", "view_mediaasset"))) == {
        asset.key for asset in assets.values()
    }


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("?state=missing,pending", {"missing.jpg", "pending.jpg"}),
        ("?assigned=false", {"unassigned.jpg"}),
        ("?assigned=true&state=present&item=draft", {"draft.jpg"}),
        ("?kind=video", set()),
        ("?processing=refused", {"refused.jpg"}),
    ],
)
def test_list_narrows_for_staff(assets, query, keys):
    assert set(listed(staff_client("view_item", "view_mediaasset"), query)) == keys


def test_staff_who_may_not_view_media_see_the_pictures_of_drafts_alone(assets):
    assert set(listed(staff_client("view_item"))) == {
        "public.jpg", "draft.jpg", "archived.jpg", "scheduled.jpg",
    }  # fmt: skip


def test_staff_of_one_kind_see_nothing_of_the_drafts_of_others(assets):
    MediaAssetFactory.create(key="tool.jpg", item=ToolFactory.create())

    client = staff_client("view_vehicle", "view_mediaasset")

    assert set(listed(client, "?page_size=100")) == {asset.key for asset in assets.values()}


def test_staff_without_the_right_to_view_items_are_the_public(assets):
    assert listed(staff_client("view_term")) == ["public.jpg"]


@pytest.mark.parametrize("size", [1, 10, 100])
def test_list_costs_the_same_for_any_number_of_rows(client, assets, django_assert_max_num_queries, size):
    MediaAssetFactory.create_batch(100, item=assets["public"].item)

    # The catalogue's state, the rows' places, the rows, and their number.
    with django_assert_max_num_queries(4):
        assert len(listed(client, f"?page_size={size}")) == size


def test_list_is_in_the_order_of_an_item(client):
    item = ToolFactory.create(published=True)
    for position, key in ((2, "a.jpg"), (1, "c.jpg"), (1, "b.jpg")):
        MediaAssetFactory.create(item=item, position=position, key=key)

    assert listed(client) == ["b.jpg", "c.jpg", "a.jpg"]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_media_is_only_read(client, assets, method):
    assert getattr(client, method)("/v1/media/").status_code == 405


def test_every_field_is_filterable_or_left_out():
    fields = {field.name for field in MediaAsset._meta.concrete_fields}
    filtered = {each.field_name for each in MediaFilters.base_filters.values()}

    assert fields - filtered == LEFT_OUT.keys()


def test_every_promised_field_can_be_told():
    fields = MediaViewSet.every_field(PUBLIC, Places((), {}))

    assert fields.keys() == MediaSerializer().fields.keys()
