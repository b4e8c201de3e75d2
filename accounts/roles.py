"""The five roles: which rights each has, in the admin and over the API. docs/roles.md shows the same table.

A role is a group of this name, and the group's permissions are this table's, nobody else's: a migration
keeps them so (media_sync/migrations, the topmost room), and the admin shows them read-only. Whoever changes
the table adds a migration that calls `keep` with a copy of it; a test compares. A house that needs another
cut makes a group of its own.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps as live_apps

KINDS = ("vehicle", "memorabilia", "tool")


def rights(app: str, verbs: str, *names: str) -> frozenset[str]:
    """Return permissions by name: each verb of each model, such as catalog.change_vehicle."""
    return frozenset(f"{app}.{verb}_{name}" for name in names for verb in verbs.split())


VIEWER = (
    rights("catalog", "view", "item", *KINDS, "production", "appearance", "term", "mediaasset", "importrun")
    | rights("media_sync", "view", "syncrun")
)  # fmt: skip
CURATOR = (
    VIEWER
    | rights("catalog", "add change", *KINDS, "production", "term")
    | rights("catalog", "add change delete", "appearance")  # a line of an item's page
    | rights("catalog", "add change delete", "mediaasset")  # what is deleted goes to quarantine
    | rights("media_sync", "view add", "mediabatch")
    | rights("catalog", "add preview confirm undo", "importrun")
    | rights("catalog", "view change delete", "importlayout")
    | rights("catalog", "export", *KINDS, "production", "term")
)
PUBLISHER = (
    CURATOR
    | rights("catalog", "publish delete", *KINDS)
    | rights("catalog", "delete", "production", "term")
)  # fmt: skip
OPERATOR = (
    VIEWER
    | rights("media_sync", "add", "syncrun")
    | rights("procrastinate", "view", "procrastinatejob")
    | rights("accounts", "view", "auditevent")
)
ADMINISTRATOR = (
    PUBLISHER
    | OPERATOR
    | rights("accounts", "view add change delete", "user")
    | rights("accounts", "view add change", "apikey")  # a key is revoked, not deleted
    | rights("accounts", "view change", "session")  # it is ended
    | rights("auth", "view add change delete", "group")
)

ROLES: dict[str, frozenset[str]] = {
    "Viewer": VIEWER,
    "Curator": CURATOR,
    "Publisher": PUBLISHER,
    "Operator": OPERATOR,
    "Administrator": ADMINISTRATOR,
}


def keep(table: Mapping[str, Iterable[str]], *, apps: Any = live_apps) -> None:
    """Make the groups of these names hold exactly these permissions, which must be in the database.

    Sets, not rows: a group that is right already is not written, because a write to its permissions ends
    the sessions of all its members. Raises LookupError naming a permission that does not exist.
    """
    group_model = apps.get_model("auth", "Group")
    held = group_model.permissions.through.objects
    keys = permission_keys(frozenset().union(*table.values()), apps=apps)
    for role, names in table.items():
        group, _ = group_model.objects.get_or_create(name=role)
        wanted = {keys[name] for name in names}
        present = set(held.filter(group=group).values_list("permission_id", flat=True))
        if extra := present - wanted:
            held.filter(group=group, permission_id__in=extra).delete()
        if missing := wanted - present:
            held.bulk_create([held.model(group=group, permission_id=key) for key in sorted(missing)])


def set_aside(table: Mapping[str, Iterable[str]], *, apps: Any = live_apps) -> None:
    """Rename groups that a house made under the roles' names for rights of its own, before `keep` makes the roles.

    They go on as `Curator (before)`: nobody comes by a role's rights because a group was called like it.
    """
    groups = apps.get_model("auth", "Group").objects
    keys = permission_keys(frozenset().union(*table.values()), apps=apps)
    for group in groups.filter(name__in=list(table)):
        if set(group.permissions.values_list("pk", flat=True)) == {keys[name] for name in table[group.name]}:
            continue
        others = (f"{group.name} (before{number})" for number in ("", *(f" {n}" for n in range(2, 100))))
        group.name = next(name for name in others if not groups.filter(name=name).exists())
        group.save(update_fields=["name"])


def permission_keys(names: Iterable[str], *, apps: Any = live_apps) -> dict[str, int]:
    """Return the primary key of each permission named so; LookupError names those that there are none of."""
    wanted = set(names)
    rows = apps.get_model("auth", "Permission").objects.values_list(
        "content_type__app_label", "codename", "pk"
    )
    found = {f"{app}.{codename}": key for app, codename, key in rows}
    if lacking := sorted(wanted - found.keys()):
        raise LookupError(f"There is no permission {', '.join(lacking)}.")
    return {name: found[name] for name in wanted}


def is_role(group: Any) -> bool:
    """Return whether this group is one of the table's, which nobody changes by hand."""
    return group is not None and group.name in ROLES


# What the rows of the shown table are called.
THINGS = {
    "catalog.vehicle": "Vehicles",
    "catalog.memorabilia": "Memorabilia",
    "catalog.tool": "Tools",
    "catalog.item": "Items of all kinds together",
    "catalog.production": "Films and series",
    "catalog.appearance": "Appearances in them",
    "catalog.term": "Terms of the vocabularies",
    "catalog.mediaasset": "Media",
    "catalog.importrun": "Import runs",
    "catalog.importlayout": "Layouts of files that imports remember",
    "media_sync.mediabatch": "Imports of many media files",
    "media_sync.syncrun": "Syncs of the bucket",
    "procrastinate.procrastinatejob": "Background jobs",
    "accounts.auditevent": "Audit record",
    "accounts.user": "Accounts",
    "accounts.session": "Sessions",
    "accounts.apikey": "API keys",
    "auth.group": "Groups",
}
VERBS = ("view", "add", "change", "publish", "preview", "confirm", "undo", "export", "delete")


def as_markdown() -> str:
    """Return the table as docs/roles.md shows it."""
    lines = [f"| | {' | '.join(ROLES)} |", f"|---|{'---|' * len(ROLES)}"]
    for thing, title in THINGS.items():
        cells = [_verbs(held, thing) or "-" for held in ROLES.values()]
        lines.append(f"| {title} (`{thing}`) | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _verbs(held: frozenset[str], thing: str) -> str:
    app, _, model = thing.partition(".")
    return ", ".join(verb for verb in VERBS if f"{app}.{verb}_{model}" in held)
