"""Our encoder of ThumbHash against the answers of the original one (its crate for Rust)."""

import base64

import pytest

from media_sync.pictures.thumbhash import thumbhash


def pixels(width: int, height: int, *, is_opaque: bool) -> bytes:
    """Return pixels of every colour, the same at every call."""
    value, found = 1, bytearray()
    for at in range(width * height * 4):
        value = (value * 1103515245 + 12345) & 0x7FFFFFFF
        found.append(255 if is_opaque and at % 4 == 3 else value >> 16 & 255)
    return bytes(found)


@pytest.mark.parametrize(
    ("width", "height", "is_opaque", "expected"),
    [
        (48, 36, True, "IAgCDYKLos5Dcg+zWwiXh0mv9XeG"),
        (36, 48, True, "IAgCDQJ3RoaTV4hHSrdsCeGvJX+K"),
        (48, 48, False, "4AeCBQAHecmWJkc4b0T8+6mRzOmAZXOHew=="),
        (7, 5, True, "nxgGHYiYdtvtGVrTR3JsX/KTGx8s"),
        (24, 8, False, "3weCCoIHs4+JNbybj+NQMqm3pIt/qGY="),
        (30, 10, True, "H/gBEoKEz9uFt4mJdZb/4kY="),
    ],
)
def test_thumbhash_is_the_originals(width, height, is_opaque, expected):
    assert (
        base64.b64encode(thumbhash(width, height, pixels(width, height, is_opaque=is_opaque))).decode()
        == expected
    )


def test_thumbhash_of_nothing_but_transparency_has_at_most_25_bytes():
    assert len(thumbhash(48, 48, bytes(48 * 48 * 4))) <= 25
