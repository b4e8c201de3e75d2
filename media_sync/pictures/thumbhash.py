"""ThumbHash (https://github.com/evanw/thumbhash): a picture in at most 25 bytes, to show until it has come.

Its own encoder, because no maintained package without a compiler holds one; tests compare it with the original's answers.
"""

from collections.abc import Sequence
from math import cos, floor, pi
from operator import mul
from typing import NamedTuple

LARGEST = 100  # pixels on a side
Plane = Sequence[float]


class Channel(NamedTuple):
    """One plane as waves: its mean, the waves' heights from 0 to 1 around 0.5, and their scale."""

    mean: float
    waves: list[float]
    scale: float


def thumbhash(width: int, height: int, rgba: bytes) -> bytes:
    """Return the hash of pixels in rows, four bytes each, colours not multiplied with alpha; at most 100 on a side."""
    alphas = [alpha / 255 for alpha in rgba[3::4]]
    lights, yellows, reds = _planes(rgba, alphas)
    has_alpha = sum(alphas) < width * height
    limit, longest = (5 if has_alpha else 7), max(width, height)
    across, down = (max(1, floor(limit * side / longest + 0.5)) for side in (width, height))
    size = (width, height)
    light = _channel(lights, size, max(3, across), max(3, down))
    yellow, red = _channel(yellows, size, 3, 3), _channel(reds, size, 3, 3)
    alpha = _channel(alphas, size, 5, 5) if has_alpha else None
    landscape = width > height
    head = (
        _whole(63, light.mean) | _whole(63, 0.5 + yellow.mean / 2) << 6 | _whole(63, 0.5 + red.mean / 2) << 12
        | _whole(31, light.scale) << 18 | has_alpha << 23
    )  # fmt: skip
    tail = (
        (down if landscape else across)
        | _whole(63, yellow.scale) << 3
        | _whole(63, red.scale) << 9
        | landscape << 15
    )
    ends = bytes([_whole(15, alpha.mean) | _whole(15, alpha.scale) << 4]) if alpha else b""
    waves = [*light.waves, *yellow.waves, *red.waves, *(alpha.waves if alpha else [])]
    return head.to_bytes(3, "little") + tail.to_bytes(2, "little") + ends + _nibbles(waves)


def _planes(rgba: bytes, alphas: list[float]) -> tuple[Plane, Plane, Plane]:
    """Return lightness, yellow against blue, and red against green, laid over the mean colour."""
    colours = (rgba[0::4], rgba[1::4], rgba[2::4])
    seen = sum(alphas)
    means = [
        sum(a * value / 255 for a, value in zip(alphas, plane, strict=True)) / seen if seen else 0
        for plane in colours
    ]
    red, green, blue = (
        [mean * (1 - a) + a / 255 * value for a, value in zip(alphas, plane, strict=True)]
        for mean, plane in zip(means, colours, strict=True)
    )
    mixed = list(zip(red, green, blue, strict=True))
    return (
        [(r + g + b) / 3 for r, g, b in mixed],
        [(r + g) / 2 - b for r, g, b in mixed],
        [r - g for r, g, _ in mixed],
    )


def _channel(plane: Plane, size: tuple[int, int], across: int, down: int) -> Channel:
    """Return the lowest waves of a plane: a triangle of the cosine transform."""
    width, height = size
    rows = [plane[y * width : (y + 1) * width] for y in range(height)]
    bends = [[cos(pi / width * cx * (x + 0.5)) for x in range(width)] for cx in range(across)]
    # each row's share of every wave across, before the waves down are taken of those
    shares = [[sum(map(mul, row, bend)) for row in rows] for bend in bends]
    waves = []
    for cy in range(down):
        fall = [cos(pi / height * cy * (y + 0.5)) for y in range(height)]
        for cx in range(across):
            if cx * down < across * (down - cy):
                waves.append(sum(map(mul, shares[cx], fall)) / (width * height))
    mean, *others = waves
    scale = max((abs(wave) for wave in others), default=0.0)
    return Channel(mean, [0.5 + 0.5 / scale * wave for wave in others] if scale else others, scale)


def _whole(largest: int, part: float) -> int:
    return floor(largest * part + 0.5)


def _nibbles(waves: list[float]) -> bytes:
    """Return the waves in half a byte each, the first in the lower half."""
    halves = [_whole(15, wave) for wave in waves]
    halves += [0] * (len(halves) % 2)
    return bytes(low | high << 4 for low, high in zip(halves[::2], halves[1::2], strict=True))
