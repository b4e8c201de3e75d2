"""What a file can hold, in words, and the rights that it takes to bring one."""

from typing import Any

from catalog.models import Kind

WORKBOOK = "workbook"
TARGETS = {
    "vehicle": "Vehicles",
    "memorabilia": "Memorabilia",
    "tool": "Tools",
    "production": "Films and series",
    "term": "Terms of the vocabularies",
    "appearance": "Appearances of items in films and series",
    "image": "Images of items",
    WORKBOOK: "A workbook with several of these, one sheet each",
}
# Without these nothing of such a file could land; each row is judged by the account's rights besides.
NEEDED = {
    **{
        name: (f"catalog.add_{name}", f"catalog.change_{name}")
        for name in (*Kind.values, "production", "term")
    },
    "appearance": ("catalog.add_appearance", "catalog.delete_appearance"),
    "image": ("catalog.change_mediaasset",),
    WORKBOOK: (),
}


def may_bring(user: Any, target: str) -> bool:
    """Return whether this account may upload a file of this target."""
    return bool(user.has_perms(("catalog.add_importrun", *NEEDED[target])))
