"""What an API key may do, in words: `read`, `write`, or permissions by name."""

from collections.abc import Callable, Iterable

from django.core.exceptions import ValidationError

from marketplace.parameters import shown

READ, WRITE = "read", "write"
# Who exports takes what he may see, in one file; each export is on record whoever does it.
READING = ("view_", "export_")
# The rooms that the two words are about. Those who look after people, keys and the record of what was
# done are not among them, and an app that comes new is not until it is named: such permissions a key
# has by name or not at all.
ROOMS = frozenset({"catalog", "media_sync"})
MOST_SCOPES = 100


def limit_of(scopes: Iterable[str]) -> Callable[[str], bool]:
    """Return the limit (`User.limit`) that these scopes set."""
    named = frozenset(scopes)

    def grants(permission: str) -> bool:
        return permission in named or bool(named & _words_for(permission))

    return grants


def checked(scopes: Iterable[str], held: set[str]) -> list[str]:
    """Return the scopes sorted, each once; `held` are the permissions of the key's owner.

    Raises ValidationError that names the first one which is neither a word nor a permission of the
    owner: whether such a permission exists, those who lack it need not know.
    """
    chosen = sorted({scope.strip() for scope in scopes})
    for scope in chosen:
        if scope not in {READ, WRITE} and scope not in held:
            raise ValidationError(
                f"{shown(scope)} is not {READ}, {WRITE}, or a permission that you have, such as catalog.view_item.",
                code="does_not_exist",
            )
    if not 0 < len(chosen) <= MOST_SCOPES:
        raise ValidationError(f"A key has from 1 to {MOST_SCOPES} scopes.", code="number")
    return chosen


def _words_for(permission: str) -> frozenset[str]:
    """Return the words that grant the permission: each read is part of writing."""
    room, _, codename = permission.partition(".")
    if room not in ROOMS:
        return frozenset()
    return frozenset({READ, WRITE}) if codename.startswith(READING) else frozenset({WRITE})
