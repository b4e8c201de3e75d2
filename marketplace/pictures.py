"""Settings of pictures: where the public reads them, and in which shapes they are made."""

import re

from django.core.exceptions import ImproperlyConfigured

from marketplace import environment

RATIO = re.compile(r"([1-9][0-9]?):([1-9][0-9]?)")


def _ratios(name: str) -> list[str]:
    """Return shapes such as 4:3, in the order given; the pictures' own shape is always made."""
    found = list(dict.fromkeys(environment.words(name)))
    for word in found:
        if not RATIO.fullmatch(word):
            raise ImproperlyConfigured(
                f"{name} must hold ratios like 4:3 or 1:1, comma-separated, not {word!r}."
            )
    return found


# Unset: the bucket is private, and addresses of files are signed for a quarter of an hour.
MEDIA_PUBLIC_URL = environment.http_url("MEDIA_PUBLIC_URL")
MEDIA_RATIOS = _ratios("MEDIA_RATIOS")
