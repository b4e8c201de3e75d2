"""What renditions look like: turned, cut, coloured, transparent and moving as the original is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import pyvips
from PIL import Image, ImageSequence

from media_sync.pictures import inspecting
from media_sync.pictures.errors import PictureRefused
from media_sync.pictures.sandbox import Sandbox
from media_sync.tests.pictures.bombs import deep_animation
from media_sync.tests.pictures.making import (
    converted,
    furthest,
    made,
    middles,
    opened,
    pixel,
    profile,
    quartered,
    saved,
    with_numbers,
)

REAL_PICTURES = Path(__file__).parents[3].parent / "shared" / "data" / "images"
CLOSE = 8  # of 255, that a lossy file may be off in the middle of a plain field
SHARP = {"quality": 100, "subsampling": 0}
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]
RED, GREEN, BLUE, YELLOW = COLOURS
# How a camera stores an upright picture when it says that orientation.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_rendition_is_upright(tmp_path, sandbox, file_format, orientation):
    turn, exif = STORED[orientation], Image.Exif()
    exif[0x0112] = orientation
    upright = quartered()
    stored = upright.transpose(turn) if turn is not None else upright
    content = saved(stored, file_format, exif=exif, quality=100)

    files = made(tmp_path, content, sandbox, size=upright.size)

    for name, shown in (("full-320.webp", (320, 240)), ("full-400.avif", (400, 300))):
        image = opened(files[name])
        assert image.size == shown
        assert furthest(middles(image), COLOURS) <= CLOSE


@pytest.mark.parametrize(
    ("focal", "seen"),
    [
        pytest.param((0.0, 0.5), [RED, RED, BLUE, BLUE], id="left"),
        pytest.param((1.0, 0.5), [GREEN, GREEN, YELLOW, YELLOW], id="right"),
        pytest.param((0.5, 0.5), [RED, GREEN, BLUE, YELLOW], id="middle"),
    ],
)
def test_crop_shows_what_the_focal_point_names(tmp_path, sandbox, focal, seen):
    content = saved(quartered(800, 400), "PNG")

    files = made(tmp_path, content, sandbox, size=(800, 400), ratios=["1:1"], focal=focal)

    image = opened(files["1x1-400.webp"])
    assert image.size == (400, 400)
    assert furthest(middles(image), seen) <= CLOSE


def test_crop_of_a_turned_jpeg_is_of_the_upright_picture(tmp_path, sandbox):
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = quartered(800, 1600)
    content = saved(upright.transpose(STORED[6]), "JPEG", exif=exif, **SHARP)

    files = made(tmp_path, content, sandbox, size=(800, 1600), ratios=["1:1"], focal=(0.5, 0.0))

    assert furthest(middles(opened(files["1x1-640.webp"])), [RED, GREEN, RED, GREEN]) <= CLOSE


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (319, 5), (321, 200), (2600, 40), (400, 17000)])
def test_rendition_is_never_larger_than_the_picture(tmp_path, sandbox, size):
    content = saved(Image.new("RGB", size, "navy"), "PNG")

    files = made(tmp_path, content, sandbox, size=size, ratios=["4:3"])

    for name, file in files.items():
        width, height = opened(file).size
        assert width == int(name.rpartition("-")[2].partition(".")[0])
        assert width <= size[0]
        assert height <= size[1]


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "AVIF", "GIF"])
def test_transparency_stays(tmp_path, sandbox, file_format):
    image = Image.new("RGBA", (400, 300), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 200, 300))
    content = saved(image, file_format)

    files = made(tmp_path, content, sandbox, size=image.size)

    for name in ("full-320.webp", "full-320.avif"):
        shown = opened(files[name]).convert("RGBA")
        assert furthest([pixel(shown, (80, 120), "RGBA")], [(255, 0, 0, 255)]) <= CLOSE
        assert pixel(shown, (300, 120), "RGBA")[3] == 0


def test_transparency_lends_no_colour_to_what_is_beside_it(tmp_path, sandbox):
    image = Image.new("RGBA", (1280, 960), (0, 0, 0, 0))
    for left in range(0, 1280, 4):
        image.paste((255, 255, 255, 255), (left, 0, left + 2, 960))

    files = made(tmp_path, saved(image, "PNG"), sandbox, size=image.size)

    red, green, blue, alpha = pixel(opened(files["full-320.webp"]), (160, 120), "RGBA")
    assert min(red, green, blue) >= 240
    assert 100 < alpha < 155


def test_opaque_alpha_is_left_out(tmp_path, sandbox):
    content = saved(Image.new("RGBA", (100, 80), (10, 20, 30, 255)), "PNG")

    files = made(tmp_path, content, sandbox, size=(100, 80))

    assert {opened(file).mode for file in files.values()} == {"RGB"}


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animation_stays(tmp_path, sandbox, file_format):
    frames = [Image.new("RGB", (640, 480), colour) for colour in COLOURS]
    content = saved(
        frames[0], file_format, save_all=True, append_images=frames[1:], duration=[100, 200, 300, 400], loop=3
    )

    files = made(tmp_path, content, sandbox, size=(640, 480), ratios=["1:1"], frames=4)

    assert sorted(files) == ["1x1-320.webp", "1x1-480.webp", "full-320.webp", "full-640.webp"]
    for file in files.values():
        image = opened(file)
        seen, durations = [], []
        for frame in ImageSequence.Iterator(image):
            seen.append(pixel(frame, (frame.width // 2, frame.height // 2)))
            durations.append(frame.info["duration"])
        assert durations == [100, 200, 300, 400]
        assert furthest(seen, COLOURS) <= CLOSE


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        pytest.param("WEBP", {"lossless": True}, id="WebP"),
        pytest.param("PNG", {}, id="PNG"),
        pytest.param("AVIF", {"speed": 10}, id="AVIF"),
    ],
)
def test_animation_keeps_transparency(tmp_path, sandbox, file_format, options):
    frames = [Image.new("RGBA", (400, 300), (0, 0, 0, 0)) for _ in range(3)]
    for number, frame in enumerate(frames):
        frame.paste((255, 0, 0, 255), (number * 100, 0, number * 100 + 100, 300))
    content = saved(frames[0], file_format, save_all=True, append_images=frames[1:], duration=100, **options)

    files = made(tmp_path, content, sandbox, size=(400, 300), frames=3)

    image = pyvips.Image.webpload_buffer(files["full-320.webp"], n=-1)
    assert (image.bands, image.height, image.get("page-height")) == (4, 720, 240)
    assert image(40, 120)[3] == 255
    assert image(40, 360)[3] == 0
    assert image(120, 360)[3] == 255


def test_picture_before_an_animation_is_left_out(tmp_path, sandbox):
    frames = [Image.new("RGB", (400, 300), colour) for colour in (RED, GREEN, BLUE)]
    content = saved(
        frames[0], "PNG", save_all=True, default_image=True, append_images=frames[1:], duration=100
    )

    files = made(tmp_path, content, sandbox, size=(400, 300), frames=2)

    shown = [pixel(frame, (160, 120)) for frame in ImageSequence.Iterator(opened(files["full-320.webp"]))]
    assert furthest(shown, [GREEN, BLUE]) <= CLOSE


def test_animation_of_sixteen_bits_becomes_eight(tmp_path, sandbox):
    files = made(tmp_path, deep_animation((400, 300), (128, 255)), sandbox, size=(400, 300), frames=2)

    shown = [pixel(frame, (160, 120)) for frame in ImageSequence.Iterator(opened(files["full-320.webp"]))]
    assert furthest(shown, [(128, 128, 128), (255, 255, 255)]) <= CLOSE


@pytest.mark.parametrize("file_format", ["PNG", "AVIF"])
def test_animation_cut_short_is_refused(tmp_path, sandbox, file_format):
    frames = [Image.effect_noise((400, 300), 90) for _ in range(3)]
    content = saved(frames[0], file_format, save_all=True, append_images=frames[1:], duration=100)

    with pytest.raises(PictureRefused, match="damaged"):
        made(tmp_path, content[: len(content) * 3 // 4], sandbox, size=(400, 300), frames=3)


def test_cmyk_comes_out_as_the_reference_has_it(tmp_path, sandbox):
    inks = [(200, 30, 30, 10), (20, 180, 160, 5), (10, 20, 190, 0), (40, 40, 40, 120)]
    image = quartered(colours=inks, mode="CMYK")
    content = saved(image, "JPEG", icc_profile=profile("cmyk"), **SHARP)

    files = made(tmp_path, content, sandbox, size=image.size)

    shown = opened(files["full-400.webp"])
    space = "p3" if shown.info.get("icc_profile") else "srgb"
    assert furthest(middles(shown), middles(converted(image, profile("cmyk"), space))) <= CLOSE


def test_cmyk_without_a_profile_is_taken_for_usual_print(tmp_path, sandbox):
    image = quartered(colours=[(0, 90, 90, 0), (90, 0, 90, 0), (0, 0, 0, 200), (0, 0, 0, 0)], mode="CMYK")

    files = made(tmp_path, saved(image, "JPEG", **SHARP), sandbox, size=image.size)

    reference = middles(converted(image, profile("cmyk"), "srgb"))
    assert furthest(middles(opened(files["full-400.webp"])), reference) <= CLOSE


def test_wide_gamut_is_kept_where_the_picture_uses_it(tmp_path, sandbox):
    image = quartered()
    content = saved(image, "PNG", icc_profile=profile("p3"))

    files = made(tmp_path, content, sandbox, size=image.size)

    for name in ("full-320.webp", "full-320.avif"):
        shown = opened(files[name])
        assert shown.info["icc_profile"] == profile("p3")
        assert furthest(middles(shown), COLOURS) <= 12


def test_wide_gamut_that_the_picture_does_not_use_becomes_srgb(tmp_path, sandbox):
    image = quartered(colours=[(200, 60, 60), (90, 160, 90), (70, 80, 150), (128, 128, 128)])
    content = saved(image, "JPEG", icc_profile=profile("p3"), **SHARP)

    files = made(tmp_path, content, sandbox, size=image.size)

    for name in ("full-400.webp", "full-400.avif"):
        shown = opened(files[name])
        assert "icc_profile" not in shown.info
        assert furthest(middles(shown), middles(converted(image, profile("p3"), "srgb"))) <= CLOSE


@pytest.mark.parametrize("file_format", ["PNG", "AVIF"])
def test_wide_gamut_told_in_numbers_is_honoured(tmp_path, sandbox, file_format):
    content = with_numbers(saved(quartered(), file_format, quality=100, subsampling="4:4:4"), 12, 13)

    files = made(tmp_path, content, sandbox, size=(400, 300))

    shown = opened(files["full-320.webp"])
    assert shown.info["icc_profile"] == profile("p3")
    assert furthest(middles(shown), COLOURS) <= 12


@pytest.mark.parametrize("file_format", ["PNG", "AVIF"])
@pytest.mark.parametrize(
    ("primaries", "transfer"),
    [pytest.param(9, 16, id="HDR10"), pytest.param(9, 18, id="HLG"), pytest.param(12, 16, id="PQ in P3"),
     pytest.param(9, 14, id="BT.2020"), pytest.param(1, 8, id="linear")],
)  # fmt: skip
def test_colours_that_would_come_out_wrong_are_refused(tmp_path, sandbox, file_format, primaries, transfer):
    content = with_numbers(saved(quartered(), file_format), primaries, transfer)

    with pytest.raises(
        PictureRefused, match=r"^Its colours are in HDR or in BT\.2020 and would come out wrong"
    ):
        made(tmp_path, content, sandbox, size=(400, 300))


@pytest.mark.parametrize("damaged", [b"no profile at all" * 20, profile("cmyk"), profile("p3")[:200]])
def test_unusable_profile_is_passed_over(tmp_path, sandbox, damaged):
    image = quartered()
    content = saved(image, "JPEG", icc_profile=damaged, **SHARP)

    files = made(tmp_path, content, sandbox, size=image.size)

    shown = opened(files["full-400.webp"])
    assert "icc_profile" not in shown.info
    assert furthest(middles(shown), COLOURS) <= CLOSE


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_sixteen_bits_become_eight(tmp_path, sandbox, bands):
    space = "grey16" if bands < 3 else "rgb16"
    grey, opaque = (
        pyvips.Image.new_from_array([[value] * 400] * 300).cast("ushort") for value in (128 * 257, 65535)
    )
    others = [grey] * (bands - 1) if bands in (1, 3) else [*[grey] * (bands - 2), opaque]
    image = grey.bandjoin(others) if others else grey
    content = image.copy(interpretation=space).pngsave_buffer(bitdepth=16)

    files = made(tmp_path, content, sandbox, size=(400, 300))

    for name in ("full-320.webp", "full-320.avif"):
        assert furthest([pixel(opened(files[name]), (160, 120))], [(128, 128, 128)]) <= 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "I;16"])
def test_grey_and_palettes_come_out(tmp_path, sandbox, mode):
    image = Image.new("L", (400, 300), 255).convert("I;16" if mode == "I;16" else mode)
    if mode == "I;16":
        image = image.point(lambda value: value * 257)

    files = made(tmp_path, saved(image, "PNG"), sandbox, size=(400, 300))

    assert furthest([pixel(opened(files["full-320.webp"]), (9, 9))], [(255, 255, 255)]) <= 1


def test_picture_of_another_size_than_told_is_refused(tmp_path, sandbox):
    with pytest.raises(PictureRefused):
        made(tmp_path, saved(quartered(), "PNG"), sandbox, size=(300, 400))


def test_damaged_picture_is_refused(tmp_path, sandbox):
    content = saved(quartered(), "PNG")

    with pytest.raises(PictureRefused, match="damaged"):
        made(tmp_path, content[: len(content) // 2], sandbox, size=(400, 300))


@pytest.mark.skipif(not REAL_PICTURES.exists(), reason="needs the shared pictures beside the checkout")
def test_real_pictures_that_are_accepted_are_all_rendered(tmp_path, sandbox):
    rendered = 0
    for path in sorted(path for path in REAL_PICTURES.rglob("*") if path.is_file()):
        copy = tmp_path / "copy"
        copy.write_bytes(path.read_bytes())
        try:
            facts = inspecting.inspect(copy, sandbox)
        except PictureRefused:
            continue
        if not (facts.width and facts.height):
            continue  # no picture

        files = made(
            tmp_path,
            path.read_bytes(),
            sandbox,
            size=(facts.width, facts.height),
            ratios=["1:1"],
            frames=facts.frames,
        )

        for name, file in files.items():
            assert (path.name, name, opened(file).width) == (
                path.name,
                name,
                int(name[:-5].rpartition("-")[2]),
            )
        rendered += 1
    assert rendered > 20
