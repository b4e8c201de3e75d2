"""Where each key belongs."""

import pytest

from media_sync.keys import LAST_NUMBER, UNNUMBERED, Ignored, Place, place


def placed(key: str) -> Place:
    where = place(key)
    assert isinstance(where, Place)
    return where


NFD = "e\u0301"  # é as macOS writes it


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        pytest.param("vehicles/db5/1.jpg", ("vehicle", "db5", "db5"), id="vehicle"),
        pytest.param("memorabilia/poster/1.jpg", ("memorabilia", "poster", "poster"), id="memorabilia"),
        pytest.param("tools/crane/1.jpg", ("tool", "crane", "crane"), id="tool"),
        pytest.param("vehicles/db5/sub/deeper/1.jpg", ("vehicle", "db5", "db5"), id="deeper path"),
        pytest.param("vehicles/db5//1.jpg", ("vehicle", "db5", "db5"), id="empty folder below"),
        pytest.param("vehicles/db5/../x/1.jpg", ("vehicle", "db5", "db5"), id="dots below are a name"),
        pytest.param("vehicles/../db5/1.jpg", ("vehicle", "..", ".."), id="dots as a folder"),
        pytest.param("vehicles/ AM 1 /1.jpg", ("vehicle", " AM 1 ", "AM 1"), id="blanks around"),
        pytest.param("vehicles/\uff21\uff2d1/1.jpg", ("vehicle", "\uff21\uff2d1", "AM1"), id="full width"),
        pytest.param(f"vehicles/caf{NFD}/1.jpg", ("vehicle", f"caf{NFD}", "café"), id="decomposed"),
        pytest.param("vehicles/a+b%20c/1.jpg", ("vehicle", "a+b%20c", "a+b%20c"), id="no unquoting"),
        pytest.param("vehicles/a\\b\t/1.jpg", ("vehicle", "a\\b\t", "a\\b"), id="backslash and tab"),
        pytest.param("vehicles/1.jpg", ("", "", ""), id="no folder"),
        pytest.param("vehicles//1.jpg", ("", "", ""), id="empty folder"),
        pytest.param("/vehicles/db5/1.jpg", ("", "", ""), id="leading slash"),
        pytest.param("Vehicles/db5/1.jpg", ("", "", ""), id="capital folder"),
        pytest.param("boats/db5/1.jpg", ("", "", ""), id="unknown folder"),
        pytest.param("1.jpg", ("", "", ""), id="top level"),
        pytest.param("../vehicles/db5/1.jpg", ("", "", ""), id="above"),
    ],
)
def test_place_names_the_owner(key, owner):
    where = placed(key)

    assert (where.item_kind, where.folder, where.reference) == owner


@pytest.mark.parametrize(
    ("name", "position"),
    [
        pytest.param("1.jpg", 1, id="number only"),
        pytest.param("01-front.jpg", 1, id="leading zero"),
        pytest.param("0.jpg", 0, id="zero"),
        pytest.param("12 side.jpg", 12, id="blank behind"),
        pytest.param("20260102_101500.jpg", LAST_NUMBER, id="date"),
        pytest.param(f"{'9' * 300}.jpg", LAST_NUMBER, id="300 digits"),
        pytest.param("front.jpg", UNNUMBERED, id="no number"),
        pytest.param("IMG_0001.jpg", UNNUMBERED, id="number not leading"),
        pytest.param("-1.jpg", UNNUMBERED, id="sign"),
        pytest.param("\u0661.jpg", UNNUMBERED, id="digit of another script"),
        pytest.param("²x.jpg", UNNUMBERED, id="superscript"),
        pytest.param(".jpg", UNNUMBERED, id="extension only"),
    ],
)
def test_place_reads_the_position(name, position):
    assert placed(f"vehicles/db5/{name}").position == position


def test_place_takes_the_position_from_the_name_not_the_folder():
    assert placed("vehicles/db5/7/2.jpg").position == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("1.jpg", ("image", "image/jpeg"), id="jpg"),
        pytest.param("1.JPEG", ("image", "image/jpeg"), id="capitals"),
        pytest.param("1.png", ("image", "image/png"), id="png"),
        pytest.param("1.webp", ("image", "image/webp"), id="webp"),
        pytest.param("1.avif", ("image", "image/avif"), id="avif"),
        pytest.param("1.gif", ("image", "image/gif"), id="gif"),
        pytest.param("1.mp4", ("video", "video/mp4"), id="video"),
        pytest.param("1.pdf", ("document", "application/pdf"), id="document"),
        pytest.param("1.svg", ("document", "application/octet-stream"), id="svg can hold scripts"),
        pytest.param("1.html", ("document", "application/octet-stream"), id="html"),
        pytest.param("1.tif", ("document", "application/octet-stream"), id="no browser shows it"),
        pytest.param("1.jpg.exe", ("document", "application/octet-stream"), id="last extension counts"),
        pytest.param("1", ("document", "application/octet-stream"), id="no extension"),
        pytest.param("1.", ("document", "application/octet-stream"), id="dot only"),
    ],
)
def test_place_tells_the_kind_of_media(name, expected):
    where = placed(f"vehicles/db5/{name}")

    assert (where.kind, where.content_type) == expected


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        pytest.param("vehicles/db5/", Ignored.FOLDER, id="folder"),
        pytest.param("/", Ignored.FOLDER, id="slash"),
        pytest.param("", Ignored.FOLDER, id="nothing"),
        pytest.param("vehicles/db5/.DS_Store", Ignored.LITTER, id="Finder"),
        pytest.param("vehicles/db5/Thumbs.db", Ignored.LITTER, id="Explorer"),
        pytest.param("vehicles/db5/._1.jpg", Ignored.LITTER, id="AppleDouble"),
        pytest.param(".keep", Ignored.LITTER, id="placeholder"),
        pytest.param("vehicles/db5_$folder$", Ignored.LITTER, id="Hadoop"),
        pytest.param("renditions/vehicles/db5/1.webp", Ignored.RENDITION, id="rendition"),
        pytest.param("imports/7-0f/stock.xlsx", Ignored.IMPORT, id="imported spreadsheet"),
        pytest.param("vehicles/db5/a\0.jpg", Ignored.UNSTORABLE, id="NUL"),
        pytest.param("vehicles/db5/\ud800.jpg", Ignored.UNSTORABLE, id="half a character"),
        pytest.param("v" * 1025, Ignored.TOO_LONG, id="too long"),
    ],
)
def test_place_passes_over(key, reason):
    assert place(key) is reason


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("v" * 1024, id="longest"),
        pytest.param("vehicles/db5/😀\U0010ffff.jpg", id="beyond the basic plane"),
        pytest.param("vehicles/db5/\x01\r\n\x7f.jpg", id="control characters"),
        pytest.param("vehicles/db5/%00.jpg", id="escape of NUL is a name"),
        pytest.param("renditions.jpg", id="like renditions"),
        pytest.param("imports.xlsx", id="like imports"),
        pytest.param("vehicles/renditions/1.jpg", id="an item named renditions"),
        pytest.param(".", id="dot"),
        pytest.param("\u202e.jpg", id="right to left"),
    ],
)
def test_place_keeps_odd_keys(key):
    assert isinstance(place(key), Place)
