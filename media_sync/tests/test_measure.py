"""Sizes of pictures, from their first bytes."""

import random
from io import BytesIO
from pathlib import Path

import pytest
from django.utils import timezone
from PIL import Image

from catalog.models import MediaAsset
from catalog.tests.factories import MediaAssetFactory
from media_sync.errors import BucketUnavailable
from media_sync.measure import measure_pending, size_of
from media_sync.sync import sync_bucket
from media_sync.tests.fixtures import picture, put

REAL_PICTURES = Path(__file__).parents[2].parent / "shared" / "data" / "images" / "pillow"


def sizes() -> dict[str, tuple[int | None, int | None]]:
    return {
        key: (width, height)
        for key, width, height in MediaAsset.objects.values_list("key", "width", "height")
    }


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
def test_size_of_each_format(file_format):
    assert size_of(picture(40, 30, file_format=file_format)) == (40, 30)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "size"),
    [*((upright, (40, 30)) for upright in (1, 2, 3, 4, 9)), *((turned, (30, 40)) for turned in (5, 6, 7, 8))],
)
def test_size_is_as_viewers_turn_the_picture(file_format, orientation, size):
    assert size_of(picture(40, 30, file_format=file_format, orientation=orientation)) == size


def test_size_of_a_picture_with_damaged_exif_is_as_stored():
    file = BytesIO()
    Image.new("RGB", (40, 30)).save(file, "JPEG", exif=b"Exif\0\0not a TIFF header")

    assert size_of(file.getvalue()) == (40, 30)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html><script>alert(1)</script></html>", id="HTML"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", id="SVG"),
        pytest.param(picture(file_format="TIFF"), id="a format that is not shown"),
        pytest.param(picture(file_format="BMP"), id="another"),
        pytest.param(picture(file_format="PNG")[:20], id="cut short in its header"),
        pytest.param(b"GIF89a\xff\xff\xff\xff\x00\x00\x00", id="4,294 megapixels in 13 bytes"),
    ],
)
def test_size_of_what_is_no_picture_is_unknown(content):
    assert size_of(content) is None


def test_size_of_damaged_files_is_known_or_unknown():
    chance = random.Random(5)
    for file_format in ("JPEG", "PNG", "WEBP", "AVIF", "GIF"):
        whole = picture(file_format=file_format, orientation=6)
        for _ in range(200):
            damaged = bytearray(whole[: chance.randrange(1, len(whole))])
            for _ in range(chance.randrange(6)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)

            size = size_of(bytes(damaged))

            assert size is None or min(size) > 0


@pytest.mark.skipif(not REAL_PICTURES.exists(), reason="needs the shared pictures beside the checkout")
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("hopper_bad_exif.jpg", (500, 500)),
        ("truncated_jpeg.jpg", (100, 100)),
        ("pil_sample_cmyk.jpg", (100, 100)),
        ("invalid-exif-without-x-resolution.jpg", (300, 200)),
        ("broken.png", None),
        ("decompression_bomb.gif", None),
        ("multipage.tiff", None),
    ],
)
def test_size_of_real_pictures(name, size):
    assert size_of((REAL_PICTURES / name).read_bytes()) == size


@pytest.mark.django_db
def test_measuring_writes_sizes_and_leaves_the_unreadable_unknown(bucket):
    put("vehicles/x/1.jpg", body=picture(40, 30))
    put("vehicles/x/2.jpg", body=b"no picture")
    put("vehicles/x/3.jpg", body=b"")
    put("vehicles/x/4.pdf", body=picture(40, 30))
    sync_bucket()
    MediaAssetFactory.create(key="vehicles/x/gone.jpg")

    measure_pending()

    assert sizes() == {
        "vehicles/x/1.jpg": (40, 30),
        "vehicles/x/2.jpg": (None, None),
        "vehicles/x/3.jpg": (None, None),
        "vehicles/x/4.pdf": (None, None),
        "vehicles/x/gone.jpg": (None, None),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "AVIF"])
def test_measuring_reads_large_files_as_far_as_needed(bucket, file_format):
    file = BytesIO()
    Image.effect_noise((900, 700), 90).convert("RGB").save(file, file_format, quality=95)
    assert len(file.getvalue()) > 256 * 1024
    put("vehicles/x/1.jpg", body=file.getvalue())
    sync_bucket()

    measure_pending()

    assert sizes() == {"vehicles/x/1.jpg": (900, 700)}


@pytest.mark.django_db
def test_measuring_goes_on_where_the_last_batch_ended(bucket):
    put("vehicles/x/1.jpg", "vehicles/x/2.jpg", "vehicles/x/3.jpg")
    sync_bucket()
    ids = list(MediaAsset.objects.order_by("pk").values_list("pk", flat=True))

    first = measure_pending(limit=2)
    second = measure_pending(limit=2, after=ids[1])
    third = measure_pending(limit=2, after=ids[2])

    assert (first, second, third) == (ids[1], ids[2], None)


@pytest.mark.django_db
def test_measuring_narrows_to_what_was_written_since(bucket):
    put("vehicles/x/1.jpg", body=picture())
    sync_bucket()

    assert measure_pending(since=timezone.now()) is None


@pytest.mark.django_db
def test_measuring_without_a_bucket_says_so(settings):
    settings.S3_BUCKET = "nobody-made-this"
    MediaAssetFactory.create()

    with pytest.raises(BucketUnavailable, match=r"^Bucket nobody-made-this does not exist"):
        measure_pending()
