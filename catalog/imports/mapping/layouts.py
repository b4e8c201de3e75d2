"""Layouts that were mapped once, so that the same dealer's next file needs no click.

A layout is the set of a file's titles for one table; the order of the columns does not count, since a mapping goes by
titles. Nor does the column `error`, so that a file of rejected rows has the layout of the file that they come from.
"""

import hashlib
import json
from typing import Any

from django.utils import timezone

from accounts.models import User
from catalog.imports.columns import Target, column_name
from catalog.imports.mapping.binding import ERROR_HEADER, titles
from catalog.models import ImportLayout

LONGEST_NAME = 255
MOST_COMPARED = 500  # layouts


def signature(target: Target, header: list[str]) -> str:
    """Return what tells a layout: SHA-256 over the table and the titles, without letter case and order."""
    return hashlib.sha256(json.dumps([target.name, *sorted(_names(header))]).encode()).hexdigest()


def _names(header: list[str]) -> set[str]:
    return {column_name(title) for title in titles(header)} - {ERROR_HEADER}


def remember(
    target: Target, header: list[str], mapping: dict[str, Any], *, by: User | None, name: str
) -> ImportLayout:
    """Keep the mapping for files with this header; a layout that is known takes the new one. Safe for two at once."""
    layout, _ = ImportLayout.objects.update_or_create(
        target=target.name,
        signature=signature(target, header),
        defaults={"mapping": mapping, "header": header, "made_by": by},
        create_defaults={"mapping": mapping, "header": header, "made_by": by, "name": name[-LONGEST_NAME:]},
    )
    return layout


def closest(target: Target, header: list[str]) -> dict[str, Any]:
    """Return the mapping of the remembered layout that has most titles in common with this one; empty for none.

    More than half of the titles of both together must be the same.
    """
    names = _names(header)
    best, most = {}, 0.5
    newest_first = ImportLayout.objects.filter(target=target.name).order_by("-id")[:MOST_COMPARED]
    for known, mapping in newest_first.values_list("header", "mapping"):
        others = _names(known)
        if (alike := len(names & others) / max(len(names | others), 1)) > most:
            best, most = mapping, alike
    return best


def remembered(target: Target, header: list[str]) -> dict[str, Any] | None:
    """Return the mapping that was remembered for files with this header, and note its use; None for a new layout."""
    known = ImportLayout.objects.filter(target=target.name, signature=signature(target, header))
    mapping = known.values_list("mapping", flat=True).first()
    if mapping is not None:
        known.update(used_at=timezone.now())
    return mapping
