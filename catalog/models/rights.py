"""Which rights count, in one sentence each: the admin's pages and the API ask here."""

from typing import Any


def may_view(user: Any, name: str) -> bool:
    """Return whether this is staff who may open the pages of these rows, to view them or to change them.

    What shows in the admin shows over the API too, so that one table (docs/roles.md) decides on both.
    Anonymous users and clients cost no query. `name` is a model's: vehicle, production, mediaasset.
    """
    if not (user.is_active and user.is_staff):
        return False
    return bool(user.has_perm(f"catalog.view_{name}") or user.has_perm(f"catalog.change_{name}"))
