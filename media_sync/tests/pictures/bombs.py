"""31 small files that are made to exhaust whoever decodes them, and truncated pictures."""

import struct
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
NOISE = Image.effect_noise((300, 200), 60).convert("RGB")


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(
    width: int, height: int, *, depth: int = 1, colour: int = 0, before: bytes = b"", rows: int = 0
) -> bytes:
    """Return a PNG of zeros that declares this size; `rows` of them are there (all if 0)."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    bits = width * depth * {0: 1, 2: 3, 6: 4}[colour]
    packing = zlib.compressobj(9)
    row = bytes(1 + (bits + 7) // 8)
    pixels = b"".join(packing.compress(row) for _ in range(rows or height)) + packing.flush()
    return SIGNATURE + chunk(b"IHDR", header) + before + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def png_size(width: int, height: int) -> bytes:
    """Return a small PNG whose header declares another size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + png(9, 9)[33:]


def deep_animation(size: tuple[int, int], greys: Sequence[int], *, declared: int = 0) -> bytes:
    """Return an animated PNG of 16 bits, a grey frame for each of these; its header may declare more."""
    header = struct.pack(">IIBBBBB", *size, 16, 0, 0, 0, 0)
    made = [SIGNATURE, chunk(b"IHDR", header), chunk(b"acTL", struct.pack(">II", declared or len(greys), 0))]
    for number, grey in enumerate(greys):
        place = struct.pack(">IIIIIHHBB", max(0, 2 * number - 1), *size, 0, 0, 1, 10, 0, 0)
        pixels = zlib.compress((b"\0" + bytes([grey] * 2 * size[0])) * size[1])
        made.append(chunk(b"fcTL", place))
        made.append(
            chunk(b"fdAT", struct.pack(">I", 2 * number) + pixels) if number else chunk(b"IDAT", pixels)
        )
    return b"".join([*made, chunk(b"IEND", b"")])


def zeros(megabytes: int) -> bytes:
    """Return so many megabytes of zeros, packed."""
    packing = zlib.compressobj(9)
    return b"".join(packing.compress(bytes(1_000_000)) for _ in range(megabytes)) + packing.flush()


def gif(width: int, height: int, frames: int, *, frame: tuple[int, int] = (1, 1)) -> bytes:
    """Return a GIF that declares this canvas and so many small frames."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    one = b"\x21\xf9\x04\x00\x01\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, *frame, 0)
    return head + (one + b"\x02\x02\x44\x01\x00") * frames + b"\x3b"


def webp_frames(count: int, *, size: tuple[int, int] = (8, 8)) -> bytes:
    """Return a WebP animation of one frame repeated."""
    file = BytesIO()
    images = [Image.new("RGB", size, (at, 0, 0)) for at in (0, 255)]
    images[0].save(file, "WEBP", save_all=True, append_images=images[1:], duration=10, lossless=True)
    whole = file.getvalue()
    start = whole.index(b"ANMF")
    length = 8 + struct.unpack("<I", whole[start + 4 : start + 8])[0]
    body = whole[8:start] + whole[start : start + length] * count
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_size(width: int, height: int) -> bytes:
    """Return a small lossless WebP whose header declares another size."""
    file = BytesIO()
    Image.new("RGB", (16, 16), "navy").save(file, "WEBP", lossless=True)
    whole = bytearray(file.getvalue())
    at = whole.index(b"VP8L") + 9
    packed = struct.unpack("<I", whole[at : at + 4])[0] & ~((1 << 28) - 1)
    whole[at : at + 4] = struct.pack("<I", packed | (width - 1) | (height - 1) << 14)
    return bytes(whole)


def avif_size(width: int, height: int) -> bytes:
    """Return a small AVIF whose header declares another size."""
    whole = encoded("AVIF")
    at = whole.index(b"ispe") + 8
    return whole[:at] + struct.pack(">II", width, height) + whole[at + 8 :]


def jpeg_size(width: int, height: int) -> bytes:
    """Return a small JPEG whose header declares another size."""
    whole = encoded("JPEG")
    at = whole.index(b"\xff\xc0") + 5
    return whole[:at] + struct.pack(">HH", height, width) + whole[at + 4 :]


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg_bits(width: int, height: int, scans: int) -> bytes:
    """Return a grey progressive JPEG by the rules: each of its scans goes through all pixels, and changes none."""
    blocks = (width + 7) // 8 * ((height + 7) // 8)
    made = [
        b"\xff\xd8",
        segment(0xDB, b"\0" + b"\1" * 64),
        segment(0xC2, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0)),
        segment(0xC4, b"\0" + b"\1" + bytes(15) + b"\0"),
        segment(0xC4, b"\x10" + b"\1" + bytes(15) + b"\0"),
    ]
    pixels = bytes((blocks + 7) // 8)  # one bit for each block: nothing in it
    made.append(segment(0xDA, b"\1\1\0\0\0\0") + pixels)
    for number in range(scans - 1):
        which = number % 63 + 1
        made.append(segment(0xDA, bytes((1, 1, 0, which, which, 0x0D if number < 63 else 0xDC))) + pixels)
    return b"".join([*made, b"\xff\xd9"])


def jpeg_arithmetic() -> bytes:
    """Return a JPEG that says to be in a coding whose pixels can take a thousandth of a bit."""
    return encoded("JPEG").replace(b"\xff\xc0", b"\xff\xc9", 1)


def jpeg_scans(count: int) -> bytes:
    """Return a progressive JPEG whose last scan comes so often."""
    file = BytesIO()
    NOISE.save(file, "JPEG", progressive=True)
    whole = file.getvalue()
    start = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[start:-2] * count + b"\xff\xd9"


def encoded(file_format: str, **how: object) -> bytes:
    file = BytesIO()
    NOISE.save(file, file_format, **how)
    return file.getvalue()


def cut(file_format: str, share: float, **how: object) -> bytes:
    """Return the beginning of a picture."""
    whole = encoded(file_format, **how)
    return whole[: int(len(whole) * share)]


BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG of 177 megapixels": lambda: png(13_300, 13_300),
    "PNG of 400 megapixels": lambda: png(20_000, 20_000),
    "PNG that declares 4 exapixels": lambda: png_size(2**31 - 1, 2**31 - 1),
    "PNG of one long row": lambda: png(40_000_000, 1),
    "PNG in 100,000 chunks": lambda: png(9, 9, before=chunk(b"tEXt", b"a\0b") * 100_000),
    "PNG with a text of a gigabyte": lambda: png(9, 9, before=chunk(b"zTXt", b"a\0\0" + zeros(1000))),
    "PNG with a colour profile of a gigabyte": lambda: png(
        9, 9, before=chunk(b"iCCP", b"a\0\0" + zeros(1000))
    ),
    "GIF of 10,000 frames": lambda: gif(9, 9, 10_000),
    "GIF of 4,294 megapixels": lambda: gif(65_535, 65_535, 1),
    "GIF of 900 frames with 36 megapixels": lambda: gif(6_000, 6_000, 900, frame=(6_000, 6_000)),
    "WebP of 10,000 frames": lambda: webp_frames(10_000),
    "WebP of 268 megapixels": lambda: webp_size(16_383, 16_383),
    "AVIF of 4,294 megapixels": lambda: avif_size(65_535, 65_535),
    "JPEG of 4,294 megapixels": lambda: jpeg_size(65_500, 65_500),
    "JPEG of 1,000 scans": lambda: jpeg_scans(1_000),
    "JPEG cut at 1 %": lambda: cut("JPEG", 0.01),
    "JPEG cut at half": lambda: cut("JPEG", 0.5),
    "progressive JPEG cut at 90 %": lambda: cut("JPEG", 0.9, progressive=True),
    "PNG cut at half": lambda: cut("PNG", 0.5),
    "PNG cut at 99 %": lambda: cut("PNG", 0.99),
    "GIF cut at half": lambda: cut("GIF", 0.5),
    "WebP cut at half": lambda: cut("WEBP", 0.5),
    "WebP cut at 99 %": lambda: cut("WEBP", 0.99),
    "AVIF cut at half": lambda: cut("AVIF", 0.5),
    "AVIF cut at 99 %": lambda: cut("AVIF", 0.99),
    "WebP of 300,000 frames": lambda: webp_frames(300_000),
    "PNG with 990 texts of 4 megabytes": lambda: png(9, 9, before=chunk(b"zTXt", b"a\0\0" + zeros(4)) * 990),
    "JPEG of 99 scans through 49 megapixels": lambda: jpeg_bits(7_000, 7_000, 99),
    "JPEG in arithmetic coding": jpeg_arithmetic,
    "PNG animation of 2,147,483,647 frames": lambda: deep_animation((9, 9), (1, 2), declared=2**31 - 1),
    "PNG animation of 1,001 frames": lambda: deep_animation((9, 9), (1, 2), declared=1_001),
}
