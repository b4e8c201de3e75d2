"""Files that are not what their names say, and pictures that say too much."""

import struct
import warnings
import zipfile
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin

from media_sync.tests.fixtures import picture
from media_sync.tests.pictures.bombs import encoded

NOT_SAVED_BY_PILLOW = {
    "CUR": b"\0\0\2\0\1\0", "DCX": b"\xb1\x68\xde\x3a", "FITS": b"SIMPLE  =                    T", "FLI": b"\0\0\0\0\x11\xaf",
    "FTEX": b"FTEX\1\0\0\0", "GBR": b"\0\0\0\x1c\0\0\0\2", "IMT": b"\nwidth 9\n", "IPTC": b"\x1c\x01\x5a\0\1",
    "MCIDAS": b"\0\0\0\0\0\0\0\4", "MPEG": b"\0\0\1\xb3\x16\0\xf0", "PCD": bytes(2048) + b"PCD_IPI", "PIXAR": b"\200\350\0\0",
    "PSD": b"8BPS\0\1", "SUN": b"\x59\xa6\x6a\x95", "XPM": b"/* XPM */\n", "XVTHUMB": b"P7 332\n",
}  # fmt: skip
ALLOWED = {"JPEG", "PNG", "WEBP", "AVIF", "GIF"}
# Pillow saves these with somebody else's help only
STARTS = {
    "BUFR": b"BUFR\0\0\1",
    "GRIB": b"GRIB\0\0\0\1",
    "HDF5": b"\x89HDF\r\n\x1a\n",
    "WMF": b"\xd7\xcd\xc6\x9a\0\0",
}
MODES = {"MSP": "1", "XBM": "1", "SPIDER": "F", "BLP": "P"}


def other_formats() -> dict[str, bytes]:
    """Return a file in each format that Pillow reads and the catalogue does not take."""
    Image.init()
    samples = {name: start + bytes(2048) for name, start in (NOT_SAVED_BY_PILLOW | STARTS).items()}
    for name in sorted(set(Image.OPEN) - ALLOWED - set(samples)):
        file = BytesIO()
        with warnings.catch_warnings(action="ignore"):  # some will not be written by a later Pillow
            Image.new("RGB", (64, 64), "navy").convert(MODES.get(name, "RGB")).save(file, name)
        samples[name] = file.getvalue()
    return samples


def with_comment(file_format: str, comment: bytes) -> bytes:
    """Return a picture with a comment in it, where the format keeps one."""
    if file_format == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", comment.decode("latin-1"))
        return encoded("PNG", pnginfo=info)
    return encoded(file_format, comment=comment)


def with_tail(file_format: str, tail: bytes) -> bytes:
    return encoded(file_format) + tail


def archive() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("evil.html", "boo")
    return file.getvalue()


SCRIPT, PHP, HTML = (
    b"<script>alert(1)</script>",
    b"<?php system($_GET[0]); ?>",
    b"<html><body onload=alert(1)>",
)
MARKS = {"a script": SCRIPT, "PHP": PHP, "HTML": HTML, "a frame": b"<IFRAME src=//x>"}
POLYGLOTS: dict[str, bytes] = {
    f"{file_format} with {name} {where}": make(file_format, mark)
    for file_format in ("JPEG", "PNG", "GIF")
    for name, mark in MARKS.items()
    for where, make in {"in its comment": with_comment, "behind it": with_tail}.items()
}
POLYGLOTS |= {
    f"{name} with {mark} behind it": with_tail(name, MARKS[mark])
    for name in ("WEBP", "AVIF")
    for mark in MARKS
}
POLYGLOTS |= {
    f"{name} with a ZIP behind it": with_tail(name, archive())
    for name in ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
}
POLYGLOTS |= {
    "JPEG that is a PDF": with_comment("JPEG", b"%PDF-1.4\n"),
    "PNG that is a PDF": with_comment("PNG", b"%PDF-1.4\n"),
    "GIF that is a PDF": with_comment("GIF", b"%PDF-1.4\n"),
    "GIF that is a script's comment": b"GIF89a/*" + bytes(9) + b"*/=1;" + SCRIPT,
    "HTML alone": b"<!doctype html><script>alert(1)</script>",
    "SVG with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
}

SECRETS = ("SERIAL-4711", "OWNER-JANE", "LENS-0815", "COMMENT-X", "COPYRIGHT-Z", "ARTIST-Q", "SOFTWARE-7")


def talkative(file_format: str = "JPEG", orientation: int = 1) -> bytes:
    """Return a picture whose EXIF block says all that a camera can say, place and names included."""
    exif = Image.Exif()
    base, place = ExifTags.Base, ExifTags.GPS
    exif[base.Orientation] = orientation
    exif[base.Make], exif[base.Model] = "Canon\0", " Canon EOS R5 "
    exif[base.Artist], exif[base.Copyright], exif[base.Software] = "ARTIST-Q", "COPYRIGHT-Z", "SOFTWARE-7"
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            base.BodySerialNumber: "SERIAL-4711", base.LensSerialNumber: "LENS-0815", base.CameraOwnerName: "OWNER-JANE",
            base.UserComment: b"ASCII\0\0\0COMMENT-X", base.LensModel: "RF50mm F1.2 L USM", base.FNumber: 1.2,
            base.ExposureTime: 0.004, base.ISOSpeedRatings: 100, base.FocalLength: 50.0, base.FocalLengthIn35mmFilm: 50,
            base.DateTimeOriginal: "2021:07:04 12:34:56", base.OffsetTimeOriginal: "+02:00", base.MakerNote: b"SERIAL-4711",
        }
    )  # fmt: skip
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {place.GPSLatitudeRef: "N", place.GPSLatitude: (48.0, 51.0, 30.5), place.GPSLongitudeRef: "E", place.GPSLongitude: (2.0, 17.0, 40.25)}
    )  # fmt: skip
    file = BytesIO()
    Image.new("RGB", (40, 30), "navy").save(file, file_format, exif=exif)
    return file.getvalue()


def animated(file_format: str) -> bytes:
    file = BytesIO()
    frames = [Image.new("RGBA", (20, 10), (200, 30, at, 255)) for at in (0, 90, 180)]
    frames[0].save(file, file_format, save_all=True, append_images=frames[1:], duration=40, loop=0)
    return file.getvalue()


def cmyk() -> bytes:
    file = BytesIO()
    Image.new("CMYK", (40, 30), (0, 255, 255, 0)).save(file, "JPEG")
    return file.getvalue()


def sixteen_bits() -> bytes:
    file = BytesIO()
    Image.new("I;16", (40, 30), 40_000).save(file, "PNG")
    return file.getvalue()


def transparent(file_format: str) -> bytes:
    file = BytesIO()
    Image.new("RGBA", (40, 30), (10, 200, 30, 0)).save(file, file_format)
    return file.getvalue()


def with_exif(block: bytes) -> bytes:
    """Return a JPEG with these bytes for its EXIF block."""
    whole = picture()
    return whole[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + whole[2:]


def facts_of(**values: Any) -> dict[str, Any]:
    """Return the measures of a plain upright picture of 40 x 30 pixels, but for these."""
    return {"width": 40, "height": 30, "frames": 1, "has_alpha": False, "exif": {}} | values
