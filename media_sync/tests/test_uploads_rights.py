"""Who may bring files, to which items; and that nobody else's uploads exist."""

import pytest
from django.test import Client

from accounts.tests.factories import ApiKeyFactory, text_of
from accounts.tests.people import api, holder, member
from catalog.models import MediaAsset
from catalog.tests.factories import ToolFactory, VehicleFactory
from media_sync.models import Upload
from media_sync.tests.fixtures import picture
from media_sync.tests.sending import UPLOADS, announce, announcement, complete, send, stored, uploader

pytestmark = [pytest.mark.usefixtures("bucket"), pytest.mark.django_db]


def announced(client: Client, **more) -> int:
    body = announcement(picture(), **more)
    return client.post(UPLOADS, body, content_type="application/json").status_code


@pytest.mark.parametrize(
    ("rights", "item", "status"),
    [
        ("catalog.add_mediaasset", None, 201),
        ("catalog.change_mediaasset catalog.change_vehicle", None, 403),
        ("catalog.add_mediaasset", "public", 403),
        ("catalog.add_mediaasset", "draft", 400),
        ("catalog.add_mediaasset catalog.view_vehicle", "draft", 403),
        ("catalog.add_mediaasset catalog.change_vehicle", "draft", 201),
        ("catalog.add_mediaasset catalog.change_tool", "public", 403),
    ],
)
def test_file_is_brought_to_a_kind_by_its_rights(rights, item, status):
    VehicleFactory.create(slug="public", published=True), VehicleFactory.create(slug="draft")

    assert announced(api(holder(*rights.split())), item=item) == status
    assert Upload.objects.count() == (status == 201)


@pytest.mark.parametrize(("role", "status"), [("Viewer", 403), ("Operator", 403), ("Curator", 201)])
def test_role_decides_who_brings_files(role, status):
    VehicleFactory.create(slug="db5")

    assert announced(api(member(role)), item="db5") == status


def test_key_of_a_narrow_scope_brings_nothing():
    key = ApiKeyFactory.create(owner=member("Curator"), scopes=["read"])

    assert announced(Client(headers={"authorization": f"Api-Key {text_of(key)}"})) == 403


def test_upload_of_somebody_else_does_not_exist():
    content = picture()
    upload = announce(uploader(), content)
    other, boss = uploader(), api(member(is_superuser=True))

    found = {
        client.generic(method, address, b"", content_type="application/json").status_code
        for client in (other, boss)
        for method, address in (
            ("GET", upload["url"]), ("POST", upload["links"]["complete"]), ("PUT", upload["links"]["content"]),
        )
    }  # fmt: skip

    assert found == {404}


def test_right_that_is_taken_meanwhile_completes_nothing():
    VehicleFactory.create(slug="db5")
    user = holder("catalog.add_mediaasset", "catalog.change_vehicle")
    content = picture()
    upload = announce(api(user), content, item="db5")
    send(upload, content)
    user.user_permissions.remove(user.user_permissions.get(codename="change_vehicle"))

    complete(api(user), upload, status=403)

    assert MediaAsset.objects.count() == 0
    assert len(stored("quarantine/")) == 1


def test_upload_for_an_item_that_is_gone_belongs_to_none():
    item = ToolFactory.create(slug="crane")
    client, content = uploader("catalog.change_tool"), picture()
    upload = announce(client, content, item="crane")
    send(upload, content)
    item.delete()

    assert complete(client, upload)["state"] == "done"
    assert MediaAsset.objects.get().item is None


BAD = [
    ("size", 0), ("size", -1), ("size", 50 * 2**20 + 1), ("size", "x"), ("size", 1e300), ("size", None),
    ("type", "image/svg+xml"), ("type", "text/html"), ("type", ""), ("type", "image/jpeg; charset=x"), ("type", []),
    ("sha256", ""), ("sha256", "0" * 63), ("sha256", "G" * 64), ("sha256", None),
    ("name", ""), ("name", "\0"), ("name", {}), ("position", -1), ("position", 2**31), ("item", "none"),
    ("item", "a b"), ("item", {}), ("key", "media/mine.jpg"), ("id", "0"), ("owner", 1), ("state", "done"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD)
def test_announcement_that_cannot_be_is_refused_by_its_field(field, value):
    answer = uploader().post(
        UPLOADS, announcement(picture()) | {field: value}, content_type="application/json"
    )

    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{field}"]
    assert Upload.objects.count() == 0


@pytest.mark.parametrize(
    ("kind", "most"), [("image/jpeg", 50 * 2**20), ("application/pdf", 50 * 2**20), ("video/mp4", 2**31)]
)
def test_size_is_limited_by_type(kind, most):
    client = uploader()

    found = [
        client.post(
            UPLOADS, announcement(b"x", type=kind, size=size), content_type="application/json"
        ).status_code
        for size in (most, most + 1)
    ]

    assert found == [201, 400]
