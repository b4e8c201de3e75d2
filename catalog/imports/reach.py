"""What an import may touch, beside what the person chooses."""

from dataclasses import dataclass
from typing import Any, Self

from catalog.models import Kind, kinds_with

EVERY_KIND = tuple(Kind.values)


@dataclass(frozen=True)
class Reach:
    """What a run may do; a row that would do more is refused. By default everything, as at the server's console.

    kinds: items that may be added and changed. publish_kinds: of these, the ones whose status and time of
    publication may change; a new item of another kind is a draft. new_terms and new_productions: whether
    unknown words and films are made. appearances: whether an item's list may add and take away some. The last
    four: whether rows of these tables may be added and changed; of images, changed.
    """

    kinds: tuple[str, ...] = EVERY_KIND
    publish_kinds: tuple[str, ...] = EVERY_KIND
    new_terms: bool = True
    new_productions: bool = True
    appearances: bool = True
    appearance_notes: bool = True
    productions: bool = True
    terms: bool = True
    images: bool = True

    @classmethod
    def of(cls, user: Any) -> Self:
        """Return what this account's rights allow."""
        return cls(
            kinds=tuple(sorted(kinds_with(user, "add") & kinds_with(user, "change"))),
            publish_kinds=tuple(sorted(kinds_with(user, "publish"))),
            new_terms=user.has_perm("catalog.add_term"),
            new_productions=user.has_perm("catalog.add_production"),
            appearances=user.has_perms(["catalog.add_appearance", "catalog.delete_appearance"]),
            appearance_notes=user.has_perms(["catalog.add_appearance", "catalog.change_appearance"]),
            productions=user.has_perms(["catalog.add_production", "catalog.change_production"]),
            terms=user.has_perms(["catalog.add_term", "catalog.change_term"]),
            images=user.has_perm("catalog.change_mediaasset"),
        )


EVERYTHING = Reach()
