"""The page that files are dropped on, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from catalog.models import MediaAsset
from catalog.tests.factories import VehicleFactory
from media_sync.models import MediaBatch
from media_sync.tests.fixtures import picture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.usefixtures("bucket", "empty_queue"),
    pytest.mark.django_db(transaction=True),
]
DROP = """async ([zone, files]) => {
    const transfer = new DataTransfer();
    for (const [name, bytes] of files) transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
    for (const event of ["dragenter", "dragover", "drop"])
        zone.dispatchEvent(new DragEvent(event, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


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
