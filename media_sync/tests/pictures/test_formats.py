"""What files are by their first bytes."""

from io import BytesIO

import pytest
from PIL import Image

from media_sync.pictures import formats
from media_sync.pictures.formats import sniff
from media_sync.tests.fixtures import picture

FTYP = b"\0\0\0\x1cftyp"


@pytest.mark.parametrize(
    ("head", "found"),
    [
        pytest.param(picture(), formats.JPEG, id="JPEG"),
        pytest.param(picture(file_format="PNG"), formats.PNG, id="PNG"),
        pytest.param(picture(file_format="WEBP"), formats.WEBP, id="WebP"),
        pytest.param(picture(file_format="AVIF"), formats.AVIF, id="AVIF"),
        pytest.param(picture(file_format="GIF"), formats.GIF, id="GIF"),
        pytest.param(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", formats.AVIF, id="AVIF by its second brand"),
        pytest.param(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heicavif", None, id="HEIC before something else"),
        pytest.param(FTYP + b"isom\0\0\2\0isomiso2avc1mp41", formats.MP4, id="MP4"),
        pytest.param(FTYP + b"qt  \0\0\2\0", formats.QUICKTIME, id="QuickTime"),
        pytest.param(b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm\x42\x87", formats.WEBM, id="WebM"),
        pytest.param(b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska", None, id="Matroska, which browsers do not play"),
        pytest.param(FTYP + b"heic\0\0\0\0mif1heic", None, id="HEIC"),
        pytest.param(FTYP + b"crx \0\0\0\1", None, id="a camera's raw picture"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3", formats.PDF, id="PDF"),
        pytest.param("Ein Käfer, 1963\r\n".encode(), formats.TEXT, id="text"),
        pytest.param("ä".encode() * 2047 + b"x\xc3", formats.TEXT, id="text that is cut inside a letter"),
        pytest.param(b"\xef\xbb\xbfname;price\n", formats.TEXT, id="text with a byte order mark"),
        pytest.param(b"", None, id="nothing"),
        pytest.param(b" \n\t", None, id="blanks"),
        pytest.param(b"caf\xe9", None, id="another encoding"),
        pytest.param(b"a\0b", None, id="a NUL"),
        pytest.param(b"\n <html><script>alert(1)</script>", None, id="HTML"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", None, id="SVG"),
        pytest.param(b"PK\3\4\x14\0", None, id="ZIP"),
        pytest.param(b"MZ\x90\0\3", None, id="a program"),
        pytest.param(b"RIFF\x24\0\0\0WAVEfmt ", None, id="sound"),
        pytest.param(b"BM6\0\0\0\0\0", None, id="BMP"),
    ],
)  # fmt: skip
def test_sniff(head, found):
    assert sniff(head) == found


def test_sniff_needs_no_more_than_the_head():
    file = BytesIO()
    Image.effect_noise((300, 300), 90).save(file, "PNG")

    assert sniff(file.getvalue()[: formats.HEAD_BYTES]) == formats.PNG
