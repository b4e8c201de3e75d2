"""What a file can hold, in words, and who may bring one."""

from typing import Any

from catalog.imports.columns import WORKBOOK
from catalog.imports.reach import Reach

TARGETS = {
    "vehicle": "Vehicles",
    "memorabilia": "Memorabilia",
    "tool": "Tools",
    "production": "Films and series",
    "term": "Terms of the vocabularies",
    "appearance": "Appearances of items in films and series",
    "image": "Images of items",
    WORKBOOK: "A workbook of several sheets",
}


def may_bring(user: Any, target: str) -> bool:
    """Return whether this account may upload a file of this target, and rows of it could land."""
    if not user.has_perm("catalog.add_importrun"):
        return False
    return target == WORKBOOK or Reach.of(user).covers(target)
