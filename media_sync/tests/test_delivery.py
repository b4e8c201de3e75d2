"""How files reach whoever may see them, and nobody else."""

import re
from itertools import chain, product
from urllib.request import urlopen

import pytest
from django.test import Client
from django.urls import URLPattern

from accounts.tests.factories import UserFactory
from catalog.models import MediaKind, MediaState, Processing, rendition_name
from catalog.tests.api import staff_client
from catalog.tests.factories import ItemFactory, MediaAssetFactory, VehicleFactory
from media_sync.pictures.recipes import plan
from media_sync.pictures.rendering import key_of
from media_sync.tests.fixtures import picture, put
from media_sync.tests.sick_bucket import says_nothing, sick_bucket
from media_sync.urls import urlpatterns

pytestmark = [pytest.mark.django_db, pytest.mark.both_servers]

FOLDER = f"renditions/7-{'0' * 32}"


def sizes(*widths: int, ratio: str = "") -> list[dict[str, object]]:
    return [
        {"ratio": ratio, "format": name, "width": width, "height": width // 2, "size": 1000 + width}
        for name in ("avif", "webp")
        for width in widths
    ]


def rendered(**more):
    """Make a published picture that the worker has done."""
    more = {"item": VehicleFactory.create(published=True, slug="db5")} | more
    return MediaAssetFactory.create(
        processing=Processing.READY, renditions=sizes(320, 640), rendered_as=FOLDER, **more
    )


def fetched(answer) -> tuple[bytes, str]:
    assert answer.status_code == 302, answer.content
    with urlopen(answer["Location"]) as served:
        return served.read(), served.headers["Content-Type"]


def test_file_of_a_picture_is_its_largest_rendition(client, bucket):
    asset = rendered(key="vehicles/db5/1.jpg")
    put("vehicles/db5/1.jpg", body=picture())
    put(f"{FOLDER}/full-640.webp", body=b"large", content_type="text/html")

    answer = client.get(f"/v1/media/{asset.pk}/file/")

    assert answer["Cache-Control"] == "private, max-age=300"
    assert fetched(answer) == (b"large", "image/webp")


def test_rendition_is_the_one_named(client, bucket):
    asset = rendered()
    put(f"{FOLDER}/full-320.avif", body=b"small")

    answer = client.get(f"/v1/media/{asset.pk}/renditions/full-320.avif/")

    assert fetched(answer) == (b"small", "image/avif")


@pytest.mark.parametrize(
    "name", ["full-1280.webp", "full-320.jpg", "..", "full-320.webp%00", "%2e%2e%2f1.jpg"]
)
def test_rendition_of_another_name_is_not_found(client, name):
    asset = rendered()

    assert client.get(f"/v1/media/{asset.pk}/renditions/{name}/").status_code == 404


def test_file_of_a_picture_whose_sizes_are_being_made_comes_later(client):
    asset = MediaAssetFactory.create(item=VehicleFactory.create(published=True))

    answer = client.get(f"/v1/media/{asset.pk}/file/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["detail"] == "The sizes of this picture are being made; try again in a few seconds."


def test_file_of_a_refused_picture_does_not_come_later():
    asset = MediaAssetFactory.create(processing="refused", refusal="It is empty.")

    answer = staff_client("view_item", "view_mediaasset").get(f"/v1/media/{asset.pk}/file/")

    assert answer.status_code == 404
    assert answer.json()["detail"] == "This picture was refused, so it has no sizes to show. It is empty."


def test_original_is_for_staff_who_may_view_media(bucket):
    asset = rendered(key="vehicles/db5/1.jpg")
    put("vehicles/db5/1.jpg", body=picture())

    answer = staff_client("view_item", "view_mediaasset").get(f"/v1/media/{asset.pk}/original/")

    assert fetched(answer) == (picture(), "image/jpeg")


@pytest.mark.parametrize(("permissions", "status"), [((), 401), (("view_item",), 403)])
def test_original_is_refused_to_others(client, permissions, status):
    asset = rendered()
    caller = staff_client(*permissions) if permissions else client

    assert caller.get(f"/v1/media/{asset.pk}/original/").status_code == status


def test_file_of_a_document_is_for_download(client, bucket):
    asset = MediaAssetFactory.create(
        key="vehicles/db5/1.svg",
        kind=MediaKind.DOCUMENT,
        content_type="",
        item=VehicleFactory.create(published=True),
    )
    put("vehicles/db5/1.svg", body=b"<svg/>", content_type="image/svg+xml")

    answer = client.get(f"/v1/media/{asset.pk}/file/")

    with urlopen(answer["Location"]) as served:
        assert served.headers["Content-Type"] == "application/octet-stream"
        assert served.headers["Content-Disposition"] == "attachment"


def test_file_of_a_draft_is_for_staff():
    asset = rendered(item=ItemFactory.create())

    answer = staff_client("view_item").get(f"/v1/media/{asset.pk}/file/")

    assert answer.status_code == 302


def test_file_that_is_gone_is_not_found_for_staff_either():
    asset = rendered(state=MediaState.MISSING)

    answer = staff_client("view_item", "view_mediaasset").get(f"/v1/media/{asset.pk}/file/")

    assert answer.status_code == 404


def test_file_refuses_parameters(client):
    assert client.get(f"/v1/media/{rendered().pk}/file/?key=draft.jpg").status_code == 400


def test_file_with_an_unusable_bucket_name_is_unavailable(client, settings):
    asset = rendered()
    settings.S3_BUCKET = "no bucket!"

    answer = client.get(f"/v1/media/{asset.pk}/file/")

    assert answer.status_code == 503
    assert answer.json()["detail"] == "Files cannot be read just now; try again later."


def test_item_tells_the_sizes_ready_for_srcset(client):
    asset = rendered(thumbhash="3OcRJYB4d3h/iIeHeEh3eIhw+j2w", colour="#7f1d1d", focal_x=0.25)
    at = f"http://testserver/v1/media/{asset.pk}/renditions/full"

    image = client.get("/v1/vehicles/db5/").json()["images"][0]

    assert image["srcset"] == {
        "avif": f"{at}-320.avif/ 320w, {at}-640.avif/ 640w",
        "webp": f"{at}-320.webp/ 320w, {at}-640.webp/ 640w",
    }
    assert image["renditions"][-1] == {
        "ratio": "", "format": "webp", "width": 640, "height": 320, "size": 1640, "url": f"{at}-640.webp/",
    }  # fmt: skip
    assert (image["thumbhash"], image["colour"]) == ("3OcRJYB4d3h/iIeHeEh3eIhw+j2w", "#7f1d1d")
    assert image["focal_point"] == {"x": 0.25, "y": 0.5}


def test_list_tells_the_sizes_of_covers(client):
    asset = rendered()

    cover = client.get("/v1/vehicles/").json()["results"][0]["image"]

    assert cover["srcset"]["webp"].startswith(
        f"http://testserver/v1/media/{asset.pk}/renditions/full-320.webp/ 320w"
    )


def test_crops_stand_by_themselves(client):
    asset = rendered()
    asset.renditions = sizes(320) + sizes(320, ratio="4:3")
    asset.save()

    body = client.get(f"/v1/media/{asset.pk}/").json()

    at = f"http://testserver/v1/media/{asset.pk}/renditions"
    assert body["srcset"]["webp"] == f"{at}/full-320.webp/ 320w"
    assert body["crops"] == {"4:3": {"avif": f"{at}/4x3-320.avif/ 320w", "webp": f"{at}/4x3-320.webp/ 320w"}}


def test_public_bucket_is_read_at_its_own_address(client, settings):
    settings.MEDIA_PUBLIC_URL = "https://cdn.example.com"
    asset = rendered()

    body = client.get(f"/v1/media/{asset.pk}/").json()
    file = client.get(f"/v1/media/{asset.pk}/file/")

    at = f"https://cdn.example.com/{FOLDER}"
    assert body["srcset"]["webp"] == f"{at}/full-320.webp 320w, {at}/full-640.webp 640w"
    assert file["Location"] == f"{at}/full-640.webp"


@pytest.mark.parametrize("public", ["", "https://cdn.example.com"])
def test_addresses_name_the_files_that_are_made(client, settings, public):
    """PostgreSQL writes the addresses; the worker names the files, and the routes find them, in Python."""
    settings.MEDIA_PUBLIC_URL = public
    asset = rendered()
    made = plan((3000, 2000), focal=(0.5, 0.5), ratios=["4:3", "21:9"])
    asset.renditions = [each.as_json() | {"size": 1} for each in made]
    asset.save()

    body = client.get(f"/v1/media/{asset.pk}/").json()

    ours = f"http://testserver/v1/media/{asset.pk}/renditions"
    written = [
        f"{public}/{key_of(FOLDER, each)}" if public else f"{ours}/{rendition_name(each)}/"
        for each in asset.renditions
    ]
    sets = [body["srcset"], *body["crops"].values()]
    in_sets = [size.rpartition(" ")[0] for one in sets for text in one.values() for size in text.split(", ")]
    assert [each["url"] for each in body["renditions"]] == written
    assert sorted(in_sets) == sorted(written)
    assert len({each["ratio"] for each in asset.renditions}) == 3


PAGES = (
    "/v1/items/", "/v1/vehicles/", "/v1/vehicles/db5/", "/v1/memorabilia/", "/v1/tools/", "/v1/productions/", "/v1/media/",
    "/v1/media/{pk}/", "/v1/media/{pk}/file/", "/v1/media/{pk}/original/", "/admin/", "/admin/catalog/mediaasset/",
    "/admin/catalog/mediaasset/{pk}/change/", "/admin/catalog/vehicle/", "/admin/catalog/vehicle/{item}/change/",
    "/admin/media_sync/mediabatch/", "/admin/media_sync/syncrun/",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", ["anonymous", "staff"])
def test_answer_asks_nothing_of_the_bucket(settings, page, who):
    asset = rendered()
    caller = Client()
    if who == "staff":
        caller.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    with sick_bucket(says_nothing) as bucket:
        settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = bucket.address
        answer = caller.get(page.format(pk=asset.pk, item=asset.item_id))

    assert answer.status_code in {200, 302, 401}
    assert bucket.connections == 0


HIDDEN = {
    "draft": lambda: rendered(item=ItemFactory.create()),
    "unassigned": lambda: rendered(item=None),
    "missing": lambda: rendered(state=MediaState.MISSING),
    "quarantined": lambda: rendered(state=MediaState.QUARANTINED),
}
OF_AN_ASSET = [
    pattern for pattern in urlpatterns if isinstance(pattern, URLPattern) and "pk" in str(pattern.pattern)
]


@pytest.mark.parametrize("sort", HIDDEN)
@pytest.mark.parametrize("pattern", OF_AN_ASSET, ids=lambda pattern: pattern.name)
@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete"])
def test_anonymous_clients_find_no_route_to_what_is_hidden(pattern, sort, method):
    asset = HIDDEN[sort]()
    path = re.sub(r"<str:name>", "full-640.webp", str(pattern.pattern).replace("<int:pk>", str(asset.pk)))

    answer = getattr(Client(), method)(f"/v1/media/{path}", content_type="application/json")

    assert answer.status_code in {401, 404, 405}
    assert asset.key.encode() not in answer.content


NOWHERE = 2**31 - 1  # no asset has this id
PASSING = {"X-Request-ID", "RateLimit"}  # these two tell of the request alone
ASKED = {
    "plainly": {},
    "if it is known": {"If-None-Match": "*"},
    "if it is newer": {"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"},
    "for a range": {"Range": "bytes=0-0", "If-Range": "x"},
    "for a preview": {"Accept": "image/webp"},
}


@pytest.mark.parametrize("sort", HIDDEN)
@pytest.mark.parametrize("pattern", OF_AN_ASSET, ids=lambda pattern: pattern.name)
def test_what_is_hidden_answers_as_what_is_not_there(pattern, sort):
    """Nothing of an answer but what counts requests tells a draft's picture from none."""
    template = re.sub(r"<str:name>", "full-640.webp", str(pattern.pattern))
    ids = (HIDDEN[sort]().pk, NOWHERE)

    def told(pk: int, method: str, asked: str) -> tuple[int, bytes, dict[str, str]]:
        path = template.replace("<int:pk>", str(pk))
        answer = Client(headers=ASKED[asked]).generic(method, f"/v1/media/{path}")
        headers = {name: value for name, value in answer.headers.items() if name not in PASSING}
        return answer.status_code, answer.content, headers

    plain = product(("OPTIONS", "POST", "PATCH", "DELETE"), ["plainly"])
    for method, asked in chain(product(("GET", "HEAD"), ASKED), plain):
        assert told(ids[0], method, asked) == told(ids[1], method, asked)
