"""Images from a file: what belongs to which item, in which order, with which words."""

import pytest

from catalog.models import MediaAsset
from catalog.tests.factories import ItemFactory, MediaAssetFactory
from catalog.tests.imports import counts, faults, run, table

pytestmark = pytest.mark.django_db

NO_FILE = "No file of the bucket that the catalogue knows has this key; upload it and sync first."


def test_image_gets_its_item_place_and_words(tmp_path):
    item = ItemFactory.create(reference="A-1")
    MediaAssetFactory.create(key="cars/1.jpg")
    path = table(
        tmp_path / "t.csv", "key,reference,position,alt_text,caption,focal_x,focal_y",
        ["cars/1.jpg", "a-1", "3", "A car", "In the sun", "0.25", "1"],
    )  # fmt: skip

    first, second = run(path, "image"), run(path, "image")

    assert (faults(first), counts(first), counts(second)) == ([], (0, 1, 0, 0), (0, 0, 1, 0))
    names = ("item_id", "position", "alt_text", "caption", "focal_x", "focal_y")
    assert MediaAsset.objects.values_list(*names).get() == (item.pk, 3, "A car", "In the sun", 0.25, 1.0)


@pytest.mark.parametrize(
    ("cell", "options", "stays"),
    [("", {}, True), ("[clear]", {}, False), ("", {"blank": "clear"}, False)],
)
def test_empty_reference_leaves_the_item_and_clear_takes_it_away(tmp_path, cell, options, stays):
    asset = MediaAssetFactory.create(key="1.jpg", item=ItemFactory.create(reference="A-1"))

    run(table(tmp_path / "t.csv", "key,reference,caption", ["1.jpg", cell, "New"]), "image", **options)

    asset.refresh_from_db()
    assert (asset.item is not None, asset.caption) == (stays, "New")


def test_key_counts_byte_by_byte(tmp_path):
    MediaAssetFactory.create(key=" Größe.jpg ")
    MediaAssetFactory.create(key="=1+1.jpg")
    rows = [
        [" Größe.jpg ", "a"],
        ["Größe.jpg", "b"],
        [" größe.jpg ", "c"],
        [" Gro\u0308ße.jpg ", "d"],
        ["'=1+1.jpg", "e"],
    ]

    result = run(table(tmp_path / "t.csv", "key,caption", *rows), "image")

    assert counts(result) == (0, 2, 0, 3)
    assert {line for line, *_ in faults(result)} == {3, 4, 5}
    assert sorted(MediaAsset.objects.values_list("key", "caption")) == [
        (" Größe.jpg ", "a"),
        ("=1+1.jpg", "e"),
    ]


REJECTED = [
    pytest.param({"key": "2.jpg"}, ("key", "2.jpg", NO_FILE), id="unknown"),
    pytest.param({"key": ""}, ("key", "", "The key is missing; it tells which file the row is."), id="no key"),
    pytest.param({"reference": "A-2"}, ("reference", "A-2", "There is no item with the reference 'A-2'."), id="item"),
    pytest.param({"position": "first"}, ("position", "first", "position must be a whole number, such as 3."), id="position"),
    pytest.param({"position": "-1"}, ("position", "-1", "position must be a whole number, such as 3."), id="negative"),
    pytest.param({"position": "99999999999"}, ("position", "99999999999", "position must be a whole number, such as 3."), id="huge"),
    pytest.param({"focal_x": "0,5"}, ("focal_x", "0,5", "focal_x must be a number such as 0.5."), id="comma"),
    pytest.param({"focal_x": "NaN"}, ("focal_x", "NaN", "focal_x must be a number such as 0.5."), id="nan"),
    pytest.param({"focal_y": "1.5"}, ("focal_y", "1.5", "The focal point must lie inside the picture."), id="outside"),
    pytest.param({"alt_text": "x" * 301}, ("alt_text", "x" * 301, "Ensure this value has at most 300 characters (it has 301)."), id="long"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "fault"), REJECTED)
def test_wrong_image_row_is_rejected(tmp_path, cells, fault):
    ItemFactory.create(reference="A-1")
    MediaAssetFactory.create(key="1.jpg")
    row = {"key": "1.jpg", "caption": "New"} | cells

    result = run(table(tmp_path / "t.csv", ",".join(row), list(row.values())), "image")

    assert faults(result) == [(2, *fault)]
    assert not MediaAsset.objects.exclude(caption="").exists()
