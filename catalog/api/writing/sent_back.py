"""A replacement may be what the detail answered, sent back whole."""

import json
from collections.abc import Callable, Collection
from typing import Any


def without_told(body: Any, written: Collection[str], tell: Callable[[], str]) -> Any:
    """Return the body without what the detail tells and nobody writes (id, url, version, images ...), where it is as it is.

    What is another than `tell()` has it stays, to be refused by its name: nothing is passed over that would have to
    be done. The productions of appearances, which the detail tells whole, become their slugs.
    """
    if not isinstance(body, dict) or not (body.keys() - written or _tells_productions(body)):
        return body
    told = json.loads(tell())
    rest = {
        name: value
        for name, value in body.items()
        if name in written or name not in told or told[name] != value
    }
    if isinstance(listed := body.get("appearances"), list):
        known = [each["production"] for each in told.get("appearances", [])]
        rest["appearances"] = [_by_slug(each, known) for each in listed]
    return rest


def _tells_productions(body: dict[str, Any]) -> bool:
    listed = body.get("appearances")
    return isinstance(listed, list) and any(
        isinstance(each, dict) and isinstance(each.get("production"), dict) for each in listed
    )


def _by_slug(appearance: Any, known: list[Any]) -> Any:
    if isinstance(appearance, dict) and appearance.get("production") in known:
        return appearance | {"production": appearance["production"]["slug"]}
    return appearance
