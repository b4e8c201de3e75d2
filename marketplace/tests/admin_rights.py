"""What opens in the admin to whom, by its pages, and a row of each: the table of roles in terms of pages.

A page that is new belongs into PAGES or SITE, and its model into `make_row`: the first tests of
test_roles_everywhere fail until it is there.
"""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection

from accounts.models import Action, AuditEvent, SessionKind
from accounts.sessions import begin
from accounts.tests.factories import ApiKeyFactory, UserFactory
from catalog.models import BulkEdit, ImportLayout, ImportRun
from catalog.tests.factories import (
    ItemFactory,
    MediaAssetFactory,
    MemorabiliaFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
    VehicleFactory,
)
from media_sync.models import BatchSource, MediaBatch, SyncRun


@dataclass(frozen=True)
class Page:
    """The rights that open a model's pages, several of them with a blank between; "" is nobody's."""

    view: str
    add: str = ""
    change: str = ""
    delete: str = ""
    more: dict[str, str] = field(default_factory=dict)  # by the name of the address
    actions: dict[str, str] = field(default_factory=dict)
    opened: int = 200  # what the page of a row answers to those who may see it
    unseen: int = 403  # what its history answers to others; 302: as for a row that there is not


def kept(app: str, name: str, **more: Any) -> Page:
    """Return the page of a model with all four rights."""
    verbs: Any = {verb: f"{app}.{verb}_{name}" for verb in ("view", "add", "change", "delete")}
    actions = {"delete_selected": verbs["delete"]} | more.pop("actions", {})
    return Page(**verbs, actions=actions, **more)


def table(name: str, more: dict[str, str] | None = None, actions: dict[str, str] | None = None) -> Page:
    """Return the page of a model that is brought and taken as a spreadsheet."""
    spreadsheets = {
        f"catalog_{name}_import": f"catalog.add_importrun catalog.add_{name} catalog.change_{name}",
        f"catalog_{name}_export": f"catalog.export_{name}",
        f"catalog_{name}_personal": f"catalog.view_{name}",
    }
    actions = {"export_selected": f"catalog.export_{name}"} | (actions or {})
    return kept("catalog", name, more=spreadsheets | (more or {}), actions=actions)


def publication(right: str) -> dict[str, str]:
    return dict.fromkeys(("publish", "withdraw", "archive"), right)


def of_kind(kind: str) -> Page:
    actions = publication(f"catalog.publish_{kind}") | {"edit_many": f"catalog.change_{kind}"}
    more = {f"catalog_{kind}_{page}": f"catalog.view_{kind}" for page in ("counts", "preview")}
    return table(kind, more | {f"catalog_{kind}_publication": f"catalog.publish_{kind}"}, actions)


IMPORT_STEPS = {
    "template": "add", "progress": "view", "rejected": "view", "original": "view", "columns": "preview", "leave_out": "preview",
    "leave_out_columns": "preview", "confirm": "confirm", "cancel": "add", "undo": "undo",
}  # fmt: skip
BRING_MEDIA = "media_sync.add_mediabatch catalog.add_mediaasset"
MEDIA_STEPS = ("send", "announce", "content", "complete", "finish", "assign")
MERGE = "catalog.change_term catalog.delete_term"
JOBS = "procrastinate.view_procrastinatejob"
PAGES = {
    "catalog.vehicle": of_kind("vehicle"),
    "catalog.memorabilia": of_kind("memorabilia"),
    "catalog.tool": of_kind("tool"),
    "catalog.item": Page(
        "catalog.view_item",
        more={
            "catalog_item_export": "catalog.view_item catalog.export_vehicle",
            "catalog_item_personal": "catalog.view_item",
            "catalog_item_counts": "catalog.view_item",
        },
        actions=publication("catalog.publish_vehicle")
        | {"export_selected": "catalog.export_vehicle", "edit_many": "catalog.change_vehicle"},
        opened=302,
        unseen=302,
    ),
    "catalog.production": table("production"),
    "catalog.term": table(
        "term",
        {
            "catalog_term_words": "catalog.view_term",
            "catalog_term_merge": MERGE,
            "catalog_term_look_alikes": "catalog.change_term",
        },
        {"merge": MERGE},
    ),
    "catalog.mediaasset": Page(
        "catalog.view_mediaasset",
        change="catalog.change_mediaasset",
        more={f"catalog_mediaasset_{part}": "catalog.view_mediaasset" for part in ("unassigned", "personal")},
        actions={"quarantine": "catalog.delete_mediaasset", "restore": "catalog.add_mediaasset"},
        unseen=302,
    ),
    "catalog.importrun": Page(
        "catalog.view_importrun",
        add="catalog.add_importrun",
        more={
            f"catalog_importrun_{step}": f"catalog.{verb}_importrun" for step, verb in IMPORT_STEPS.items()
        },
        unseen=302,
    ),
    "catalog.importlayout": Page(
        "catalog.view_importlayout",
        change="catalog.change_importlayout",
        delete="catalog.delete_importlayout",
        actions={"delete_selected": "catalog.delete_importlayout"},
    ),
    "catalog.bulkedit": Page(
        "catalog.change_vehicle",  # of any kind
        more={f"catalog_bulkedit_{step}": "catalog.change_vehicle" for step in ("progress", "undo")},
    ),
    "media_sync.syncrun": Page(
        "media_sync.view_syncrun", more={"media_sync_syncrun_sync_now": "media_sync.add_syncrun"}
    ),
    "media_sync.mediabatch": Page(
        "media_sync.view_mediabatch",
        add=BRING_MEDIA,
        more={"media_sync_mediabatch_progress": "media_sync.view_mediabatch"}
        | {f"media_sync_mediabatch_{step}": BRING_MEDIA for step in MEDIA_STEPS},
    ),
    "procrastinate.procrastinatejob": Page(JOBS, actions=dict.fromkeys(("retry", "cancel", "abort"), JOBS)),
    "accounts.user": kept("accounts", "user", more={"auth_user_password_change": "accounts.change_user"}),
    "accounts.apikey": Page(
        "accounts.view_apikey", add="accounts.add_apikey", actions={"revoke": "accounts.change_apikey"}
    ),
    "accounts.session": Page("accounts.view_session", actions={"end_selected": "accounts.change_session"}),
    "accounts.auditevent": Page("accounts.view_auditevent"),
    "auth.group": kept("auth", "group"),
}
# The site's own pages, and what they answer to staff without any right; strangers to the admin are sent to sign in.
SITE = {"index": 200, "search": 200, "password_change": 200, "password_change_done": 200, "autocomplete": 403}
NOT_PAGES = {"login", "logout", "jsi18n", "view_on_site", "app_list", None}  # open to all, or only lead on


def make_row(model: Any) -> Any:
    """Make a row of the model; the account and the group have no rights, so that everybody reaches them."""
    made: dict[str, Any] = {
        "catalog.vehicle": VehicleFactory, "catalog.memorabilia": MemorabiliaFactory, "catalog.tool": ToolFactory,
        "catalog.item": ItemFactory, "catalog.production": ProductionFactory, "catalog.term": TermFactory,
        "catalog.mediaasset": MediaAssetFactory, "accounts.user": UserFactory, "accounts.apikey": ApiKeyFactory,
    }  # fmt: skip
    label = model._meta.label_lower
    if label in made:
        return made[label].create().pk
    if label == "accounts.session":
        return begin(UserFactory.create(), kind=SessionKind.API, verified=False).pk
    if label == "procrastinate.procrastinatejob":
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO procrastinate_jobs (task_name, queue_name) VALUES ('t', 'q') RETURNING id"
            )
            return cursor.fetchone()[0]
    rows = {
        "catalog.bulkedit": lambda: BulkEdit(changes={"price": {"op": "set", "value": "1"}}),
        "catalog.importrun": lambda: ImportRun(target="vehicle", file_name="cars.csv", state="done"),
        "catalog.importlayout": lambda: ImportLayout(target="vehicle", name="cars.csv"),
        "media_sync.syncrun": lambda: SyncRun(bucket="catalogue"),
        "media_sync.mediabatch": lambda: MediaBatch(source=BatchSource.FOLDER, name="photos"),
        "accounts.auditevent": lambda: AuditEvent(action=Action.EXPORT),
        "auth.group": lambda: Group(name="Own"),
    }
    row = rows[label]()
    row.save()
    return row.pk
