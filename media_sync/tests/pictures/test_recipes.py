"""Which files are made of a picture."""

import pytest

from media_sync.pictures import recipes

MIDDLE = (0.5, 0.5)
SHA = "ab" * 32


@pytest.mark.parametrize(
    ("size", "made"),
    [
        pytest.param((6000, 4000), [(320, 213), (640, 427), (1280, 853), (2560, 1707)], id="a large one"),
        pytest.param(
            (2560, 1440), [(320, 180), (640, 360), (1280, 720), (2560, 1440)], id="the widest itself"
        ),
        pytest.param((900, 600), [(320, 213), (640, 427), (900, 600)], id="its own width is the last"),
        pytest.param((320, 200), [(320, 200)], id="the narrowest itself"),
        pytest.param((100, 3000), [(100, 3000)], id="a narrow one"),
        pytest.param((1, 1), [(1, 1)], id="one pixel"),
        pytest.param((30000, 3), [(320, 1), (640, 1), (1280, 1), (2560, 1)], id="a line"),
        pytest.param((400, 30000), [(218, 16350)], id="higher than WebP can be"),
    ],
)
def test_sizes_are_never_above_the_picture(size, made):
    assert list(recipes.sizes_of((0, 0, *size))) == made


@pytest.mark.parametrize(
    ("focal", "box"),
    [
        pytest.param((0.5, 0.5), (200, 0, 600, 600), id="middle"),
        pytest.param((0.4, 0.9), (100, 0, 600, 600), id="left of the middle"),
        pytest.param((0.0, 0.0), (0, 0, 600, 600), id="left edge"),
        pytest.param((1.0, 1.0), (400, 0, 600, 600), id="right edge"),
    ],
)
def test_crop_is_around_the_focal_point_and_inside_the_picture(focal, box):
    assert recipes.crop_box((1000, 600), "1:1", focal) == box


def test_crop_of_a_wider_shape_takes_the_whole_width():
    assert recipes.crop_box((600, 1000), "16:9", (0.5, 0.25)) == (0, 81, 600, 338)


def test_crop_of_the_own_shape_is_the_whole():
    assert recipes.crop_box((800, 600), "4:3", (0.1, 0.9)) == (0, 0, 800, 600)


def test_plan_holds_each_shape_in_both_formats():
    made = recipes.plan((900, 600), focal=MIDDLE, ratios=["1:1"])

    assert [(one.ratio, one.format, one.width, one.height) for one in made] == [
        ("", "avif", 320, 213), ("", "avif", 640, 427), ("", "avif", 900, 600),
        ("", "webp", 320, 213), ("", "webp", 640, 427), ("", "webp", 900, 600),
        ("1:1", "avif", 320, 320), ("1:1", "avif", 600, 600),
        ("1:1", "webp", 320, 320), ("1:1", "webp", 600, 600),
    ]  # fmt: skip


def test_plan_of_an_animation_is_in_webp_only():
    made = recipes.plan((300, 200), focal=MIDDLE, ratios=[], frames=12)

    assert [(one.format, one.width) for one in made] == [("webp", 300)]


def test_folder_tells_content_focal_point_and_shapes_apart():
    names = {
        recipes.folder(7, sha256, focal=focal, ratios=ratios)
        for sha256 in (SHA, "cd" * 32)
        for focal in (MIDDLE, (0.5, 0.4))
        for ratios in (["4:3"], ["4:3", "1:1"])
    }

    assert len(names) == 8


def test_folder_is_the_same_for_shapes_in_another_order():
    first, second = (
        recipes.folder(7, SHA, focal=MIDDLE, ratios=ratios) for ratios in (["4:3", "1:1"], ["1:1", "4:3"])
    )

    assert first == second


def test_folder_without_shapes_does_not_depend_on_the_focal_point():
    first, second = (recipes.folder(7, SHA, focal=focal, ratios=[]) for focal in (MIDDLE, (0.1, 0.2)))

    assert first == second


def test_folder_changes_with_the_recipe(monkeypatch):
    before = recipes.folder(7, SHA, focal=MIDDLE, ratios=[])
    monkeypatch.setattr(recipes, "VERSION", recipes.VERSION + 1)

    assert recipes.folder(7, SHA, focal=MIDDLE, ratios=[]) != before
