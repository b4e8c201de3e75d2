"""Nothing of what a file holds beside its pixels is published: 200 files with places, names, numbers and programs."""

import random
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from media_sync.pictures import formats
from media_sync.pictures.sandbox import Sandbox
from media_sync.tests.pictures.making import made, opened, profile, quartered, saved

SECRET = b"SECRET-7d1fb2"
PROGRAMS = (
    b"<script>alert(1)</script>",
    b"<?php system('id'); ?>",
    b"PK\x03\x04",
    b"%PDF-1.4",
    b"<svg onload=x>",
)
# What tells of a block of notes: of EXIF, GPS among it, XMP, IPTC, comments, and previews.
MARKERS = (
    SECRET, *PROGRAMS, b"Exif", b"EXIF", b"XMP ", b"x:xmpmeta", b"ns.adobe.com", b"Photoshop", b"8BIM", b"GPSL", b"iTXt",
    b"tEXt", b"zTXt", b"II*\0", b"MM\0*", b"JFXX", b"JFIF",
)  # fmt: skip
SAMPLES = 200
SIZE = (64, 48)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


def exif(chance: random.Random) -> bytes:
    """Return notes with a place, a serial number, an owner, a comment and a preview."""
    notes, text = Image.Exif(), SECRET.decode()
    notes[ExifTags.Base.Orientation] = chance.randint(1, 8)
    notes[ExifTags.Base.Artist] = notes[ExifTags.Base.Copyright] = notes[ExifTags.Base.Software] = text
    notes[ExifTags.Base.XPComment] = text.encode("utf-16-le")
    detail = notes.get_ifd(ExifTags.IFD.Exif)
    detail[ExifTags.Base.BodySerialNumber] = detail[ExifTags.Base.CameraOwnerName] = text
    detail[ExifTags.Base.UserComment] = b"ASCII\0\0\0" + SECRET + chance.choice(PROGRAMS)
    place = notes.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLatitude] = "N", (
        52.0,
        chance.randrange(60),
        7.5,
    )
    place[ExifTags.GPS.GPSLongitudeRef], place[ExifTags.GPS.GPSLongitude] = "E", (13.0, 24.0, 1.0)
    place[ExifTags.GPS.GPSAreaInformation] = SECRET
    return notes.tobytes()


def xmp(chance: random.Random) -> bytes:
    return (
        b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>'
        b"<exif:GPSLatitude>52,30N</exif:GPSLatitude>"
        + SECRET
        + chance.choice(PROGRAMS)
        + b"</rdf:RDF></x:xmpmeta>"
    )


def jpeg(image: Image.Image, chance: random.Random) -> bytes:
    content = saved(
        image, "JPEG", exif=exif(chance), xmp=xmp(chance), comment=SECRET + chance.choice(PROGRAMS)
    )
    iptc = (
        b"Photoshop 3.0\x008BIM\x04\x04\0\0"
        + struct.pack(">I", 5 + len(SECRET))
        + b"\x1c\x02\x05\0\x0d"
        + SECRET
    )
    segment = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
    preview = saved(image.resize((16, 12)), "JPEG", comment=SECRET)
    jfxx = b"JFXX\0\x10" + preview
    segment += b"\xff\xe0" + struct.pack(">H", len(jfxx) + 2) + jfxx
    return content[:2] + segment + content[2:] + SECRET + chance.choice(PROGRAMS)


def png(image: Image.Image, chance: random.Random) -> bytes:
    notes = PngInfo()
    notes.add_text("Comment", SECRET.decode() + chance.choice(PROGRAMS).decode(errors="replace"))
    notes.add_text("GPSLatitude", SECRET.decode(), zip=True)
    notes.add_itxt("XML:com.adobe.xmp", xmp(chance).decode(errors="replace"))
    content = saved(image, "PNG", pnginfo=notes, exif=exif(chance))
    private = b"seCr" + SECRET
    chunk = struct.pack(">I", len(SECRET)) + private + struct.pack(">I", zlib.crc32(private))
    return content[:33] + chunk + content[33:] + SECRET


def webp(image: Image.Image, chance: random.Random) -> bytes:
    return saved(image, "WEBP", exif=exif(chance), xmp=xmp(chance), quality=90)


def avif(image: Image.Image, chance: random.Random) -> bytes:
    return saved(image, "AVIF", exif=exif(chance), xmp=xmp(chance), speed=10)


def gif(image: Image.Image, chance: random.Random) -> bytes:
    return saved(image, "GIF", comment=SECRET + chance.choice(PROGRAMS)) + SECRET


MAKERS = (jpeg, jpeg, png, webp, avif, gif)


def told_profile() -> bytes:
    """Return a colour profile whose description tells a secret."""
    changed = profile("p3").replace(b"D\0i\0s\0p", b"S\0E\0C\0R", 1)
    ImageCms.ImageCmsProfile(BytesIO(changed))  # it is a profile still
    return changed


def test_published_bytes_hold_nothing_but_the_picture(tmp_path, sandbox):
    chance = random.Random(20)
    found = set()
    for number in range(SAMPLES):
        image = Image.frombytes("RGB", SIZE, chance.randbytes(3 * SIZE[0] * SIZE[1]))
        content = MAKERS[number % len(MAKERS)](image, chance)
        assert SECRET in content or number % len(MAKERS) == 4  # AVIF packs its notes, too

        files = made(tmp_path, content, sandbox, size=upright(content), ratios=["1:1"])

        for name, file in files.items():
            found |= {(name, marker) for marker in MARKERS if marker in file}
            shown = opened(file)
            assert not shown.getexif()
            assert set(shown.info) <= {"loop", "background", "timestamp", "duration"}
            assert (
                formats.sniff(file) == {"webp": formats.WEBP, "avif": formats.AVIF}[name.rpartition(".")[2]]
            )
    assert found == set()


def test_colour_profile_is_not_the_stranger_s(tmp_path, sandbox):
    content = saved(quartered(), "JPEG", quality=100, icc_profile=told_profile())

    files = made(tmp_path, content, sandbox, size=(400, 300))

    assert {opened(file).info.get("icc_profile") for file in files.values()} == {profile("p3")}


def upright(content: bytes) -> tuple[int, int]:
    orientation = opened(content).getexif().get(ExifTags.Base.Orientation, 1)
    return SIZE[::-1] if orientation >= 5 else SIZE
