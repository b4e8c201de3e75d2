"""What an import may touch, beside what the person chooses."""

from dataclasses import dataclass, fields
from typing import Any, Self

from accounts import keys
from accounts.models import User
from catalog.imports.errors import ImportRefused
from catalog.models import Kind, kinds_with, may_see_all, may_view

EVERY_KIND = tuple(Kind.values)
# The targets that are no items, with what a reach says of them.
TABLES = {
    "production": "productions",
    "term": "terms",
    "appearance": "appearance_notes",
    "image": "images",
}


@dataclass(frozen=True)
class Reach:
    """What a run may do; a row that would do more is refused. By default everything, as at the server's console.

    kinds: items that may be added and changed. publish_kinds: of these, the ones whose status and time of
    publication may change; a new item of another kind is a draft. new_terms and new_productions: whether
    unknown words and films are made. appearances: whether an item's list may add and take away some. Then:
    whether rows of these tables may be added and changed; of images, changed. every_production: whether
    sentences may name films in which only drafts of other kinds appear.
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
    every_production: bool = True

    def covers(self, target: str) -> bool:
        """Return whether rows of this target may land at all."""
        return target in self.kinds or (target in TABLES and bool(getattr(self, TABLES[target])))

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
            every_production=may_see_all(user) or may_view(user, "production"),
        )

    def within(self, other: Self) -> Self:
        """Return what both allow."""

        def both(one: Any, two: Any) -> Any:
            return tuple(kind for kind in one if kind in two) if isinstance(one, tuple) else one and two

        named = [field.name for field in fields(self)]
        return type(self)(**{name: both(getattr(self, name), getattr(other, name)) for name in named})


def person_now(person: User | None, key_id: int | None) -> User:
    """Return who asked for a step, with the rights of this moment: an API key may do less than its owner.

    Raises ImportRefused where the account is gone or closed, and where the key by which it asked opens nothing any more.
    """
    if person is None or not (person.is_active and person.is_staff):
        raise ImportRefused("The account that asked for this may not do so any more; nothing was written.")
    if key_id is None:
        return person
    try:
        return keys.owner_now(key_id)
    except keys.KeyRefused as refused:
        raise ImportRefused(
            "The API key by which this was asked for is revoked or has expired; nothing was written."
        ) from refused


EVERYTHING = Reach()
