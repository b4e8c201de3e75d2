"""PATCH and DELETE of `/v1/media/<id>/`, and `restore/`: one file's record, changed by who may change its item."""

import pytest
from django.apps import apps
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.tests.people import api, holder, member
from catalog.models import MediaAsset, MediaState, Processing
from catalog.tests.factories import MediaAssetFactory, ToolFactory, VehicleFactory
from media_sync.reconcile.sync import sync_bucket
from media_sync.tests.fixtures import counts, put, remove
from media_sync.tests.sending import uploaded, uploader

pytestmark = pytest.mark.django_db


def curator() -> Client:
    return api(member("Curator"))


def patch(client: Client, asset: MediaAsset, **body):
    return client.patch(f"/v1/media/{asset.pk}/", body, content_type="application/json")


def restore(client: Client, asset: MediaAsset):
    return client.post(f"/v1/media/{asset.pk}/restore/", {}, content_type="application/json")


@pytest.fixture
def asset():
    item = VehicleFactory.create(slug="db5", published=True)
    return MediaAssetFactory.create(item=item, processing=Processing.READY)


def state(asset: MediaAsset) -> str:
    return MediaAsset.objects.values_list("state", flat=True).get(pk=asset.pk)


def test_patch_describes_a_file(asset):
    ToolFactory.create(slug="crane")

    answer = patch(
        curator(), asset, alt_text="Front", caption="At dawn", position=4, item="crane", focal_point={"x": 0.2, "y": 1}
    )  # fmt: skip

    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["alt_text"], body["caption"], body["position"]) == ("Front", "At dawn", 4)
    assert (body["item"]["slug"], body["focal_point"]) == ("crane", {"x": 0.2, "y": 1.0})


def test_patch_of_nothing_writes_nothing(asset):
    before = MediaAsset.objects.values_list("updated_at", flat=True).get()

    assert patch(curator(), asset).status_code == 200
    assert MediaAsset.objects.values_list("updated_at", flat=True).get() == before


def test_patch_takes_a_file_from_its_item(asset):
    assert patch(curator(), asset, item=None).json()["item"] is None


def test_new_focal_point_has_the_sizes_made_again(asset):
    assert patch(curator(), asset, focal_point={"x": 0, "y": 0}).json()["processing"] == "rendering"
    assert ProcrastinateJob.objects.filter(task_name="media_sync.tasks.process_media").count() == 1


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("alt_text", "x" * 301, "/alt_text"), ("caption", "\0", "/caption"), ("position", -1, "/position"),
        ("focal_point", {"x": 1.1, "y": 0}, "/focal_point/x"), ("focal_point", {"x": 0}, "/focal_point/y"),
        ("focal_point", None, "/focal_point"), ("focal_point", {"x": "nan", "y": 0}, "/focal_point/x"),
        ("item", "none", "/item"), ("item", "", "/item"),
        ("key", "a.jpg", "/key"), ("state", "present", "/state"), ("sha256", "", "/sha256"), ("processing", "ready", "/processing"),
    ],
)  # fmt: skip
def test_patch_that_cannot_be_is_refused_by_its_field(asset, field, value, pointer):
    before = MediaAsset.objects.values().get()

    answer = patch(curator(), asset, **{field: value})

    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert MediaAsset.objects.values().get() == before


def test_delete_puts_a_file_into_quarantine(asset, client):
    answer = curator().delete(f"/v1/media/{asset.pk}/")

    assert (answer.status_code, answer.content) == (204, b"")
    assert state(asset) == MediaState.QUARANTINED
    for route in ("", "file/", "original/", "renditions/full-320.webp/"):
        assert client.get(f"/v1/media/{asset.pk}/{route}").status_code in {401, 404}
    for route in ("file/", "original/", "renditions/full-320.webp/"):
        assert curator().get(f"/v1/media/{asset.pk}/{route}").status_code == 404
    assert client.get("/v1/media/").json()["count"] == 0
    assert client.get("/v1/vehicles/db5/").json()["images"] == []


def test_restore_takes_it_back(asset, client):
    curator().delete(f"/v1/media/{asset.pk}/")

    answer = restore(curator(), asset)

    assert (answer.status_code, answer.json()["state"]) == (200, "present")
    assert client.get(f"/v1/media/{asset.pk}/").status_code == 200


def test_delete_and_restore_repeated_change_nothing_more(asset):
    one, address = curator(), f"/v1/media/{asset.pk}/"
    before = MediaAsset.objects.values_list("updated_at", flat=True).get()

    assert restore(one, asset).status_code == 200
    assert MediaAsset.objects.values_list("updated_at", flat=True).get() == before
    assert [one.delete(address).status_code for _ in range(3)] == [204] * 3
    since = MediaAsset.objects.values_list("state_since", "updated_at").get()
    one.delete(address)
    assert MediaAsset.objects.values_list("state_since", "updated_at").get() == since


def test_history_says_who_put_it_into_quarantine(asset):
    user = member("Curator")

    api(user).delete(f"/v1/media/{asset.pk}/")

    events = apps.get_model("catalog.MediaAssetEvent").objects.select_related("pgh_context")
    event = events.get(state="quarantined")
    assert (event.pgh_context.metadata["user"], event.pgh_context.metadata["action"]) == (
        user.pk, "set media quarantined",
    )  # fmt: skip


@pytest.mark.parametrize("rights", ["change_mediaasset", "delete_mediaasset", "add_mediaasset"])
@pytest.mark.parametrize("kind", ["vehicle", "tool"])
def test_each_change_takes_its_right_and_the_kinds(asset, rights, kind):
    client = api(holder(f"catalog.{rights}", f"catalog.change_{kind}", "catalog.view_mediaasset"))
    calls = {
        "change_mediaasset": lambda: patch(client, asset, caption="x").status_code,
        "delete_mediaasset": lambda: client.delete(f"/v1/media/{asset.pk}/").status_code,
        "add_mediaasset": lambda: restore(client, asset).status_code,
    }

    found = {name: call() for name, call in calls.items()}

    assert {name for name, status in found.items() if status in (200, 204)} == (
        {rights} if kind == "vehicle" else set()
    )
    assert set(found.values()) <= {200, 204, 403}


def test_file_is_given_to_no_item_of_a_kind_that_one_may_not_change(asset):
    ToolFactory.create(slug="crane", published=True)
    client = api(holder("catalog.change_mediaasset", "catalog.change_vehicle"))

    assert patch(client, asset, item="crane").status_code == 403
    assert MediaAsset.objects.get().item_id == asset.item_id


def test_file_that_is_not_seen_does_not_exist():
    hidden = MediaAssetFactory.create(item=ToolFactory.create())
    client = api(holder("catalog.change_vehicle", "catalog.delete_mediaasset", "catalog.add_mediaasset"))

    found = {client.delete(f"/v1/media/{hidden.pk}/").status_code, restore(client, hidden).status_code}

    assert found == {404}


@pytest.mark.usefixtures("bucket")
def test_sync_leaves_what_is_in_quarantine_alone():
    put("vehicles/db5/1.jpg", "vehicles/db5/2.jpg")
    VehicleFactory.create(slug="db5")
    sync_bucket()
    MediaAsset.objects.update(state=MediaState.QUARANTINED)
    remove("vehicles/db5/1.jpg")
    put("vehicles/db5/2.jpg", body=b"another")
    before = list(MediaAsset.objects.order_by("key").values())

    result = sync_bucket()

    assert list(MediaAsset.objects.order_by("key").values()) == before
    assert not {"created", "changed", "missing", "returned"} & counts(result).keys()


@pytest.mark.usefixtures("bucket")
def test_content_of_a_file_in_quarantine_is_a_new_file_when_it_comes_again():
    client = uploader()
    first = uploaded(client)
    MediaAsset.objects.update(state=MediaState.QUARANTINED)

    second = uploaded(client)

    assert second["asset"]["id"] != first["asset"]["id"]
