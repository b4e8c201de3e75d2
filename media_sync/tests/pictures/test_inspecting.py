"""What is known of a file, and why it is refused."""

import json
import random
import resource
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from media_sync.pictures.errors import PictureRefused
from media_sync.pictures.inspecting import Facts, inspect
from media_sync.pictures.sandbox import Sandbox
from media_sync.tests.fixtures import picture
from media_sync.tests.pictures import samples
from media_sync.tests.pictures.bombs import BOMBS, encoded, jpeg_bits
from media_sync.tests.pictures.samples import POLYGLOTS, SECRETS, facts_of, talkative, with_exif

REAL_PICTURES = Path(__file__).parents[3].parent / "shared" / "data" / "images"
MEGABYTE = 1024 * 1024
LOOKS = ("dhash", "thumbhash", "colour")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def read(sandbox, tmp_path):
    """Return what inspects some content."""

    def inspected(content: bytes) -> Facts:
        path = tmp_path / "file"
        path.write_bytes(content)
        return inspect(path, sandbox)

    return inspected


def measures(facts: Facts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in facts_of()}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        *(
            pytest.param(picture(file_format=name), facts_of(), id=name)
            for name in ("JPEG", "PNG", "WEBP", "AVIF", "GIF")
        ),
        pytest.param(samples.animated("GIF"), facts_of(width=20, height=10, frames=3, has_alpha=True), id="animated GIF"),
        pytest.param(samples.animated("WEBP"), facts_of(width=20, height=10, frames=3), id="animated WebP"),
        pytest.param(samples.animated("PNG"), facts_of(width=20, height=10, frames=3, has_alpha=True), id="animated PNG"),
        pytest.param(samples.animated("AVIF"), facts_of(width=20, height=10, frames=3, has_alpha=True), id="animated AVIF"),
        pytest.param(samples.cmyk(), facts_of(), id="CMYK"),
        pytest.param(samples.sixteen_bits(), facts_of(), id="16 bits"),
        pytest.param(samples.transparent("PNG"), facts_of(has_alpha=True), id="transparent PNG"),
        pytest.param(samples.transparent("WEBP"), facts_of(has_alpha=True), id="transparent WebP"),
        pytest.param(samples.transparent("AVIF"), facts_of(has_alpha=True), id="transparent AVIF"),
        pytest.param(with_exif(b"Exif\0\0not a TIFF header"), facts_of(), id="damaged EXIF"),
        pytest.param(with_exif(b"Exif\0\0II*\0\x08\0\0\0\xff\xff"), facts_of(), id="EXIF cut short"),
    ],
)  # fmt: skip
def test_inspecting_measures(read, content, expected):
    assert measures(read(content)) == expected


@pytest.mark.parametrize("orientation", range(1, 9))
def test_inspecting_turns_the_picture_upright(read, orientation):
    facts = read(picture(40, 30, orientation=orientation))

    assert (facts.width, facts.height) == ((30, 40) if orientation >= 5 else (40, 30))


def test_inspecting_tells_the_whole_of_a_file(read):
    facts = read(picture(file_format="PNG"))

    assert (facts.content_type, facts.kind, facts.extension, facts.size) == (
        "image/png",
        "image",
        "png",
        len(picture(file_format="PNG")),
    )
    assert (len(facts.sha256), facts.colour, len(facts.thumbhash) <= 36) == (64, "#000080", True)


def lights(file_format: str) -> bytes:
    """Return a picture of soft light, which each format keeps in its own way."""
    file = BytesIO()
    Image.radial_gradient("L").resize((300, 200)).convert("RGB").save(file, file_format, quality=95)
    return file.getvalue()


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "AVIF"])
def test_inspecting_sees_that_formats_look_alike(read, file_format):
    one, other = read(lights("JPEG")), read(lights(file_format))

    assert bin((one.dhash ^ other.dhash) % 2**64).count("1") <= 6
    assert one.dhash not in (0, -1)


def test_inspecting_sees_through_cmyk(read):
    red = int(read(samples.cmyk()).colour[1:3], 16)

    assert red > 150


def test_inspecting_finds_no_colour_in_what_is_all_transparent(read):
    assert read(samples.transparent("PNG")).colour == ""


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_inspecting_keeps_the_cameras_notes_and_no_others(read, file_format):
    facts = read(talkative(file_format))

    assert facts.exif == {
        "make": "Canon", "model": "Canon EOS R5", "lens": "RF50mm F1.2 L USM", "taken_at": "2021-07-04T12:34:56+02:00",
        "exposure": "1/250", "f_number": 1.2, "iso": 100, "focal_length": 50.0, "focal_length_35mm": 50,
    }  # fmt: skip
    assert not [secret for secret in (*SECRETS, "48.", "GPS") if secret in json.dumps(facts.columns())]


@pytest.mark.parametrize("name", BOMBS)
def test_inspecting_refuses_bombs(read, sandbox, name):
    content = BOMBS[name]()
    read(picture())
    child, before = sandbox.pid, peak()

    with pytest.raises(PictureRefused, match=r"^[A-Z][^\n]{10,200}\.$"):
        read(content)
    assert peak() - before - len(content) < 50 * MEGABYTE
    assert sandbox.pid == child  # which read no more than it may


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_inspecting_accepts_a_picture_with_a_film_behind_it(read, file_format):
    """Telephones make such JPEGs. Among its bytes are some hundred that look like the beginning of a scan."""
    film = random.Random(7).randbytes(12_000_000)

    assert read(encoded(file_format) + film).width == 300


@pytest.mark.parametrize("scans", [1, 12, 63])
def test_inspecting_accepts_progressive_jpegs(read, scans):
    assert read(jpeg_bits(640, 480, scans)).width == 640


@pytest.mark.parametrize(("width", "height"), [(101, 1), (1, 101)])
def test_inspecting_refuses_lines(read, width, height):
    with pytest.raises(PictureRefused, match=r"one side may be 100 times as long as the other\.$"):
        read(picture(width, height))


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("name", POLYGLOTS)
def test_inspecting_accepts_nothing_that_is_something_else_too(read, name):
    try:
        kind = read(POLYGLOTS[name]).kind
    except PictureRefused as refusal:
        kind = str(refusal)

    assert kind != "image"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"%PDF-1.7\n", id="PDF"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK\3\4\x14\0", id="ZIP"),
        pytest.param(b"\0\0\0\x1cftypisom\0\0\2\0", id="MP4"),
    ],
)
def test_inspecting_refuses_nothing_that_is_no_picture(read, content):
    facts = read(content)

    assert (facts.width, facts.exif, facts.size) == (None, {}, len(content))


def test_inspecting_damaged_pictures_ends_with_facts_or_a_sentence(read):
    chance = random.Random(7)
    for file_format in ("JPEG", "PNG", "WEBP", "AVIF", "GIF"):
        whole = encoded(file_format)
        for _ in range(12):
            damaged = bytearray(whole)
            for _ in range(chance.randrange(1, 8)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            try:
                facts = read(bytes(damaged))
            except PictureRefused as refusal:
                sentence = str(refusal)
            else:
                sentence = f"{facts.kind} {facts.width}."
            assert sentence.endswith(".")


# None: refused. All else that lies there is in a format that the catalogue does not take.
REAL: dict[str, tuple[int, int, int] | None] = {
    "image-rs/3.jpg": (650, 470, 1), "image-rs/anim.webp": (200, 200, 6), "image-rs/ball.png": (100, 100, 20),
    "image-rs/basi0g16.png": (32, 32, 1), "image-rs/cat.jpg": (320, 240, 1), "image-rs/test.jpg": (32, 23, 1),
    "libavif/paris_exif_xmp_icc.jpg": (403, 302, 1), "pillow/broken.png": None, "pillow/broken_data_stream.png": None,
    "pillow/decompression_bomb.gif": None, "pillow/delay.png": (128, 64, 4), "pillow/empty_gps_ifd.jpg": (10, 10, 1),
    "pillow/exif_gps.jpg": (8, 8, 1), "pillow/exif_gps_typeerror.jpg": (800, 531, 1), "pillow/hopper.avif": (128, 128, 1),
    "pillow/hopper.gif": (128, 128, 1), "pillow/hopper.jpg": (128, 128, 1), "pillow/hopper.png": (128, 128, 1),
    "pillow/hopper.webp": (128, 128, 1), "pillow/hopper_bad_exif.jpg": (500, 500, 1),
    **{f"pillow/hopper_orientation_{at}.jpg": (128, 128, 1) for at in range(2, 9)},
    "pillow/invalid-exif-without-x-resolution.jpg": (300, 200, 1), "pillow/invalid-exif.jpg": (200, 200, 1),
    "pillow/pil_sample_cmyk.jpg": (100, 100, 1), "pillow/rgb.jpg": (100, 100, 1), "pillow/truncated_jpeg.jpg": None,
    "pillow/xmp_padded.jpg": (1, 1, 1),
}  # fmt: skip
OTHERS = {".heif", ".tif", ".tiff", ".bmp", ".ico"}


@pytest.mark.skipif(not REAL_PICTURES.exists(), reason="needs the shared pictures beside the checkout")
def test_inspecting_real_pictures(read):
    found: dict[str, tuple[int | None, int | None, int] | None] = {}
    for path in sorted(REAL_PICTURES.rglob("*.*")):
        name = str(path.relative_to(REAL_PICTURES))
        try:
            facts = read(path.read_bytes())
        except PictureRefused:
            found[name] = None
        else:
            if facts.kind == "image":
                found[name] = (facts.width, facts.height, facts.frames)
            else:
                assert path.suffix in OTHERS

    assert found == REAL
