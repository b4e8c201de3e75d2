"""The page that files are dropped on, in a real browser."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Page, Request, Route, expect

from catalog.models import MediaAsset
from catalog.tests.factories import VehicleFactory
from media_sync import storage, tasks
from media_sync.models import MediaBatch, Upload
from media_sync.tests.fixtures import picture
from media_sync.tests.servers import MOTO, RCLONE
from media_sync.uploads import tickets

pytestmark = [
    pytest.mark.browser,
    pytest.mark.usefixtures("bucket", "empty_queue"),
    pytest.mark.django_db(transaction=True),
]
MIB = 2**20
FILM = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(range(256)) * (11 * 4096)  # some more than 11 MiB
BY_PART = re.compile(r"[?&]part(Number)?=")
DROP = """async ([zone, files]) => {
    const transfer = new DataTransfer();
    for (const [name, bytes] of files) transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
    for (const event of ["dragenter", "dragover", "drop"])
        zone.dispatchEvent(new DragEvent(event, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""

NO_WAY = """() => {
    const real = window.fetch;
    window.fetch = (url, how) => how.method === "PUT" ? Promise.reject(new TypeError("Failed to fetch")) : real(url, how);
}"""


def allow_pages(origin: str) -> None:
    """Let pages of this origin send to the bucket, as docs/storage.md says."""
    rule: Any = {
        "AllowedMethods": ["PUT"],
        "AllowedOrigins": [origin],
        "AllowedHeaders": ["content-type", "x-amz-checksum-sha256"],
        "MaxAgeSeconds": 3600,
    }
    storage.client().put_bucket_cors(Bucket=settings.S3_BUCKET, CORSConfiguration={"CORSRules": [rule]})


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    VehicleFactory.create(reference="DB5", name="Aston Martin DB5")
    made = {"DB5_2.jpg": picture(50), "aston.jpg": picture(60), "DB5_3.jpg": b"<html></html>"}
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in made]


def test_files_are_chosen_matched_and_assigned(staff_page: Page, photos: list[Path]) -> None:
    page = staff_page
    page.goto("/admin/media_sync/mediabatch/")
    page.get_by_role("link", name="Bring many files").click()
    page.get_by_label("Drop files or folders here").set_input_files(photos)
    page.get_by_role("button", name="Bring them").click()
    expect(page.locator("#told")).to_have_text("3 of 3 files")
    page.get_by_role("link", name="See what matched").click()
    expect(page.locator("#progress")).to_contain_text("Done")
    expect(page.locator("#files")).to_contain_text("The content is of no kind that is taken")
    page.locator("#unmatched").get_by_role("button", name="Aston Martin DB5").click()
    expect(page.locator("#unmatched")).to_have_count(0)

    assert sorted(MediaAsset.objects.values_list("item__reference", "original_name")) == [
        ("DB5", "DB5_2.jpg"),
        ("DB5", "aston.jpg"),
    ]


def test_files_are_dropped(staff_page: Page, photos: list[Path]) -> None:
    page = staff_page
    page.goto("/admin/media_sync/mediabatch/add/")
    files = [[path.name, list(path.read_bytes())] for path in photos[:2]]

    page.evaluate(DROP, [page.locator("#zone").element_handle(), files])

    expect(page.locator("#told")).to_have_text("2 of 2 files")
    expect(page.get_by_role("link", name="See what matched")).to_be_visible()
    assert MediaAsset.objects.count() == 2
    assert MediaBatch.objects.get().state == "done"


@pytest.mark.parametrize("s3_server", [MOTO], indirect=True)
@pytest.mark.parametrize("allowed", ["this service", "another"])
def test_files_go_straight_to_a_bucket_that_allows_it(
    staff_page: Page, photos: list[Path], live_server: Any, allowed: str
) -> None:
    page, sent = staff_page, []
    allow_pages(live_server.url if allowed == "this service" else "https://elsewhere.example")
    page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    page.goto("/admin/media_sync/mediabatch/add/")

    page.get_by_label("Drop files or folders here").set_input_files(photos[:2])
    page.get_by_role("button", name="Bring them").click()

    expect(page.locator("#told")).to_have_text("2 of 2 files")
    expect(page.get_by_role("link", name="See what matched")).to_be_visible()
    expect(page.locator("#list .refused")).to_have_count(0)
    straight = f"{settings.S3_PUBLIC_ENDPOINT_URL}/{settings.S3_BUCKET}/quarantine/"
    assert MediaAsset.objects.count() == 2
    assert [url.startswith(straight) for url in sent] == [allowed == "this service"] * 2


def part_of(address: str) -> str:
    """Return the number of the part that is sent to this address, of the bucket or of this service."""
    asked = parse_qs(urlsplit(address).query)
    return (asked.get("partNumber") or asked["part"])[0]


@pytest.mark.parametrize("s3_server", [RCLONE, MOTO], indirect=True)
def test_large_file_goes_on_where_a_closed_page_left_it(
    staff_page: Page, tmp_path: Path, live_server: Any, s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, sent = staff_page, []
    monkeypatch.setattr(tickets, "IN_ONE_PIECE", 5 * MIB)
    monkeypatch.setattr(tickets, "PART_BYTES", 5 * MIB)  # the least that S3 takes
    (tmp_path / "film.mp4").write_bytes(FILM)
    if s3_server == MOTO:
        allow_pages(live_server.url)

    def leave(route: Route) -> None:
        """Let the first part arrive, and keep the next one on its way."""
        if part_of(route.request.url) == "1":
            route.continue_()

    def note(request: Request) -> None:
        if request.method == "PUT":
            sent.append(request.url)

    def bring() -> None:
        page.goto("/admin/media_sync/mediabatch/add/")
        page.get_by_label("Drop files or folders here").set_input_files(tmp_path / "film.mp4")
        page.get_by_role("button", name="Bring them").click()

    page.on("request", note)
    page.route(BY_PART, leave)
    with page.expect_request(lambda request: request.method == "PUT" and part_of(request.url) == "2"):
        bring()
    page.goto("about:blank")
    page.unroute_all()
    bring()
    expect(page.locator("#told")).to_have_text("1 of 1 files")
    expect(page.get_by_role("link", name="See what matched")).to_be_visible()
    upload = Upload.objects.get()
    tasks.check_upload(upload_id=str(upload.pk))
    page.get_by_role("link", name="See what matched").click()
    expect(page.locator("#progress")).to_contain_text("Done")

    straight = f"{settings.S3_PUBLIC_ENDPOINT_URL}/{settings.S3_BUCKET}/quarantine/"
    assert [part_of(url) for url in sent] == ["1", "2", "2", "3"]
    assert {url.startswith(straight) for url in sent} == {s3_server == MOTO}
    assert MediaAsset.objects.values_list("sha256", "size").get() == (upload.sha256, len(FILM))


def test_file_that_cannot_be_sent_says_so(staff_page: Page, photos: list[Path]) -> None:
    page = staff_page
    page.goto("/admin/media_sync/mediabatch/add/")
    page.evaluate(NO_WAY)

    page.get_by_label("Drop files or folders here").set_input_files(photos[0])
    page.get_by_role("button", name="Bring them").click()

    expect(page.locator("#list .refused")).to_have_text(
        "DB5_2.jpg: It could not be sent; bring it again, and it goes on where it broke off."
    )


@pytest.mark.parametrize("width", [375, 1280])
def test_pages_fit_the_screen(staff_page: Page, photos: list[Path], width: int) -> None:
    page = staff_page
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/admin/media_sync/mediabatch/add/")
    wide = [page.evaluate("document.documentElement.scrollWidth")]
    page.get_by_label("Drop files or folders here").set_input_files(photos)
    page.get_by_role("button", name="Bring them").click()
    page.get_by_role("link", name="See what matched").click()
    expect(page.locator("#files")).to_be_visible()

    wide.append(page.evaluate("document.documentElement.scrollWidth"))
    assert max(wide) <= width
