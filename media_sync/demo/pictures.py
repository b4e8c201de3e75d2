"""Draws placeholder pictures: a silhouette on a coloured ground, the item's name, and the word "placeholder".

The same item always gets the same picture; its colours come from its reference.
"""

import colorsys
import hashlib
import io
import unicodedata
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from media_sync.demo.silhouettes import CUT, Bar, Body, Disc, Point, Shape, Silhouette

SIZE = (900, 600)
UNITS = (100, 60)  # of a silhouette
FINE = 2  # silhouettes are drawn this many times larger and then shrunk, which smooths their edges
MARGIN = 45
QUALITY = 78
Colour = tuple[int, int, int]


def picture(*, reference: str, title: str, subtitle: str, shapes: Silhouette, number: int) -> bytes:
    """Return the item's picture of that number (from 1) as a JPEG; even numbers look the other way."""
    seed = hashlib.sha256(reference.encode()).digest()
    sky, floor, ink = _palette(seed, number)
    image = _ground(sky, floor)
    mask = _mask(shapes)
    if number % 2 == 0:
        mask = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    size = _shown_size(number)
    image.paste(ink, _corner(size), mask.resize(size, Image.Resampling.LANCZOS))
    _write(image, _plain(title), _plain(subtitle), ink)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()


def _shown_size(number: int) -> tuple[int, int]:
    """Return the silhouette's size: the first picture shows it large, later ones from further away."""
    width = SIZE[0] - 2 * MARGIN - 110 * (number - 1)
    return width, width * UNITS[1] // UNITS[0]


def _corner(size: tuple[int, int]) -> tuple[int, int]:
    """Return where the silhouette's upper left corner goes, so that every size stands on the same ground."""
    ground = SIZE[1] * 72 // 100
    return (SIZE[0] - size[0]) // 2, ground - size[1] * 50 // UNITS[1]


def _palette(seed: bytes, number: int) -> tuple[Colour, Colour, Colour]:
    """Return sky, floor and silhouette: related hues; the second picture is by night."""
    hue = (seed[0] + 40 * (number - 1)) / 256
    near = hue + (0.04 + seed[1] / 256 * 0.08)
    if number % 2 == 0:
        return _colour(hue, 0.55, 0.22), _colour(near, 0.45, 0.42), _colour(near, 0.18, 0.93)
    return _colour(hue, 0.15, 0.93), _colour(near, 0.36, 0.58), _colour(hue, 0.55, 0.20)


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _ground(sky: Colour, floor: Colour) -> Image.Image:
    """Return the backdrop: sky fading down to the horizon, and a floor."""
    light = tuple(min(255, channel + 12) for channel in sky)
    strip = Image.new("RGB", (1, 3))
    strip.putdata([sky, light, floor])
    image = strip.resize(SIZE, Image.Resampling.BICUBIC)
    horizon = SIZE[1] * 66 // 100
    floor_strip = Image.new("RGB", (1, 2))
    floor_strip.putdata([floor, tuple(channel * 3 // 4 for channel in floor)])
    image.paste(floor_strip.resize((SIZE[0], SIZE[1] - horizon), Image.Resampling.BILINEAR), (0, horizon))
    return image


@lru_cache(maxsize=64)
def _mask(shapes: Silhouette) -> Image.Image:
    """Return the silhouette in grey: how much of its colour shows where."""
    scale = (SIZE[0] - 2 * MARGIN) * FINE / UNITS[0]
    mask = Image.new("L", (round(UNITS[0] * scale), round(UNITS[1] * scale)), CUT)
    draw = ImageDraw.Draw(mask)
    for shape in shapes:
        _draw(draw, shape, scale)
    return mask


def _draw(draw: ImageDraw.ImageDraw, shape: Shape, scale: float) -> None:
    match shape:
        case Body():
            points = _rounded(shape.points) if shape.smooth else shape.points
            draw.polygon([(x * scale, y * scale) for x, y in points], fill=shape.ink)
        case Disc():
            draw.circle((shape.x * scale, shape.y * scale), shape.radius * scale, fill=shape.ink)
        case Bar():
            points = tuple((x * scale, y * scale) for x, y in shape.points)
            draw.line(points, fill=shape.ink, width=round(shape.width * scale), joint="curve")
            for end in (points[0], points[-1]):
                draw.circle(end, shape.width * scale / 2, fill=shape.ink)


def _rounded(points: tuple[Point, ...], rounds: int = 3) -> tuple[Point, ...]:
    """Return the closed outline with its corners cut again and again (Chaikin's way to a curve)."""
    for _ in range(rounds):
        pairs = zip(points, points[1:] + points[:1], strict=True)
        points = tuple(
            (x1 + (x2 - x1) * part, y1 + (y2 - y1) * part)
            for (x1, y1), (x2, y2) in pairs
            for part in (0.2, 0.8)
        )
    return points


def _write(image: Image.Image, title: str, subtitle: str, ink: Colour) -> None:
    draw = ImageDraw.Draw(image)
    base = SIZE[1] - 78
    draw.text((MARGIN, base), title, font=_fitting(title), fill="white", anchor="ls")
    draw.text((MARGIN, base + 36), subtitle, font=_font(22), fill="white", anchor="ls")
    draw.text((SIZE[0] - MARGIN, 52), "placeholder", font=_font(20), fill=ink, anchor="rs")


def _plain(text: str) -> str:
    """Return the text without accents: Pillow's own font has the letters of ASCII only."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _fitting(text: str) -> ImageFont.FreeTypeFont:
    """Return the largest font in which the text fits the picture's width."""
    sizes = (42, 36, 30, 26)
    width = SIZE[0] - 2 * MARGIN
    return next((font for font in map(_font, sizes) if font.getlength(text) <= width), _font(22))


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):  # Pillow was built without FreeType
        raise TypeError("Pillow cannot scale its font")
    return font
