"""No door writes a field that the table of roles does not open: every field of every model is sent to it, forged."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.test import Client
from django.urls import reverse

from accounts import roles
from accounts.tests.factories import UserFactory
from accounts.tests.people import STAFF, account, api, browser, holder, may, member
from catalog.api.bodies import Body
from catalog.api.import_serializers import (
    ConfirmSerializer,
    LeaveOutSerializer,
    MappedSheetsSerializer,
    UndoSerializer,
    UploadSerializer,
)
from catalog.api.writing.items import ItemWriter
from catalog.api.writing.productions import ProductionWriter
from catalog.api.writing.terms import TermWriter
from catalog.imports.columns import ITEM_COLUMNS, PRODUCTION_COLUMNS
from catalog.models import ImportRun, Item, MediaAsset, Production
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MediaAssetFactory,
    MemorabiliaFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
    VehicleFactory,
)
from catalog.tests.imports import run, table
from catalog.tests.test_admin_forms import posted_back
from marketplace.tests.admin_rights import PAGES, make_row
from media_sync.api.changes import DescribeSerializer
from media_sync.api.upload_serializers import AnnounceSerializer
from media_sync.models import Upload

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2001, 2, 3, 4, 5, tzinfo=UTC)
OF_EVERY_ITEM = {
    "name", "reference", "make", "model", "production_years", "slug", "genres", "condition", "authenticity", "price",
    "currency", "availability", "location", "description", "provenance", "specs",
    "price_on_request", "no_production_reason",
}  # fmt: skip
PUBLICATION = {"status", "published_at"}
# What the page of a row writes, by the right that it takes. Whatever is not here, nobody writes by a form.
WRITTEN: dict[str, dict[str, set[str]]] = {
    "catalog.vehicle": {
        "catalog.change_vehicle": OF_EVERY_ITEM | {"vehicle_types", "chassis_number"},
        "catalog.publish_vehicle": PUBLICATION,
    },
    "catalog.memorabilia": {
        "catalog.change_memorabilia": OF_EVERY_ITEM | {"categories"},
        "catalog.publish_memorabilia": PUBLICATION,
    },
    "catalog.tool": {
        "catalog.change_tool": OF_EVERY_ITEM | {"categories"},
        "catalog.publish_tool": PUBLICATION,
    },
    "catalog.production": {
        "catalog.change_production": {"title", "kind", "years", "slug", "genres", "franchise", "external_ids"}
    },
    "catalog.term": {"catalog.change_term": {"name", "slug", "aliases"}},
    "catalog.mediaasset": {
        "catalog.change_mediaasset": {"item", "position", "alt_text", "caption", "focal_x", "focal_y"}
    },
    "accounts.user": {
        "accounts.change_user": {
            "username", "first_name", "last_name", "email", "is_active", "is_staff", "groups", "user_permissions",
        },
        "to be a superuser": {"is_superuser"},
    },
    "catalog.importlayout": {"catalog.change_importlayout": {"name"}},
    "auth.group": {"auth.change_group": {"name", "permissions"}},
}  # fmt: skip
KEPT_BY_THE_DATABASE = {"version", "updated_at", "session_epoch"}  # they follow a change
ROWS: dict[str, Any] = {
    "catalog.vehicle": VehicleFactory, "catalog.memorabilia": MemorabiliaFactory, "catalog.tool": ToolFactory,
    "catalog.production": ProductionFactory, "catalog.term": TermFactory, "catalog.mediaasset": MediaAssetFactory,
    "accounts.user": UserFactory,
}  # fmt: skip
WITNESSES = {
    "catalog.production": "franchise", "catalog.term": "aliases", "catalog.mediaasset": "caption",
    "accounts.user": "first_name", "auth.group": "name", "catalog.importlayout": "name",
}  # fmt: skip
MODELS = [
    pytest.param(model, id=label)
    for label, model in ((model._meta.label_lower, model) for model in admin.site._registry)
    if label in PAGES and label != "catalog.item"  # whose rows have pages of their kinds
]


def fields_of(model: Any) -> list[Any]:
    return [*model._meta.concrete_fields, *model._meta.many_to_many]


FORGED = {  # by type of field, the first that fits
    models.DateTimeField: LONG_AGO.isoformat(),
    models.FloatField: "0.25",
    models.IntegerField: "4711",
    models.DecimalField: "4711",
    ArrayField: "1999",
    models.Field: "ZZZ",
}


def forged(field: Any, row: Any) -> Any:
    """Return a value for the field that the row has not, as a form would send it."""
    if field.is_relation:
        key = field.related_model.objects.order_by("-pk").values_list("pk", flat=True).first() or "1"
        return [key] if field.many_to_many else key
    now = getattr(row, field.attname)
    if field.choices:
        return next(value for value, _ in field.choices if value != now)
    if isinstance(field, models.BooleanField):
        return "" if now else "on"
    return next(value for kind, value in FORGED.items() if isinstance(field, kind))


def posts_of(field: Any, row: Any) -> dict[str, Any]:
    """Return everything that a browser could call the field."""
    value = forged(field, row)
    named = {field.name: value, getattr(field, "attname", field.name): value}
    if isinstance(field, models.DateTimeField):
        named |= {f"{field.name}_0": "2001-02-03", f"{field.name}_1": "04:05:00"}
    return named


def contents(row: Any) -> dict[str, Any]:
    """Return the row as the database has it, with what it is linked to."""
    now = type(row)._base_manager.get(pk=row.pk)
    plain = {field.name: getattr(now, field.attname) for field in now._meta.concrete_fields}
    linked = {
        field.name: sorted(getattr(now, field.name).values_list("pk", flat=True))
        for field in now._meta.many_to_many
    }
    return plain | linked


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in before if before[name] != after[name]} - KEPT_BY_THE_DATABASE


def writable(label: str, who: str) -> set[str]:
    rights = WRITTEN.get(label, {})
    return set().union(*(names for right, names in rights.items() if may(who, right)))


def row_of(model: Any) -> Any:
    label = model._meta.label_lower
    made = ROWS[label].create() if label in ROWS else model._base_manager.get(pk=make_row(model))
    return model._base_manager.get(pk=made.pk)


@pytest.mark.parametrize("who", STAFF)
@pytest.mark.parametrize("model", MODELS)
def test_form_writes_no_field_beyond_the_table(model, who):
    label = model._meta.label_lower
    row, client = row_of(model), browser(account(who))
    ItemFactory.create(), UserFactory.create()  # for foreign keys to point to
    address = reverse(f"admin:{label.replace('.', '_')}_change", args=[row.pk])
    allowed, witness = writable(label, who), WITNESSES.get(label, "name")
    body: dict[str, Any] = {}
    if witness in allowed:
        body = posted_back(client, address)
    for field in fields_of(model):
        if field.name not in allowed:
            body |= posts_of(field, row)
    body |= {witness: "Witness"}
    before = contents(row)

    answer = client.post(address, body)

    # The witness shows that the form was saved with all the rest in it.
    assert changed(before, contents(row)) == ({witness} if witness in allowed else set())
    assert answer.status_code == (302 if witness in allowed else 403)


def test_fields_of_the_table_are_those_of_the_forms(admin_client: Client) -> None:
    """What the table opens is on the page, and what is on the page is in the table."""
    shown = {}
    for label in WRITTEN:
        model = next(each for each in admin.site._registry if each._meta.label_lower == label)
        page = admin_client.get(reverse(f"admin:{label.replace('.', '_')}_change", args=[row_of(model).pk]))
        shown[label] = {
            name for name, field in page.context["adminform"].form.fields.items() if not field.disabled
        }

    for label, names in shown.items():
        extra = {"attach"} if label in {"catalog.vehicle", "catalog.memorabilia", "catalog.tool"} else set()
        assert names - {"password"} == set().union(*WRITTEN[label].values()) | extra, label


@pytest.mark.parametrize("who", roles.ROLES)
def test_lines_of_other_pages_are_out_of_reach(who):
    """A forged line number does not lead to the file or the appearance of another item."""
    mine, theirs = VehicleFactory.create(), ToolFactory.create()
    MediaAssetFactory.create(key="mine.jpg", item=mine)
    asset = MediaAssetFactory.create(key="theirs.jpg", item=theirs)
    seen = AppearanceFactory.create(item=theirs)
    AppearanceFactory.create(item=mine)
    client = browser(member(who))
    address = reverse("admin:catalog_vehicle_change", args=[mine.pk])
    body = posted_back(client, address) if may(who, "catalog.change_vehicle") else {}
    before = contents(asset), contents(seen)

    client.post(address, body | {
        "media-TOTAL_FORMS": "1", "media-INITIAL_FORMS": "1", "media-0-id": asset.pk, "media-0-item": mine.pk,
        "media-0-position": "9", "media-0-alt_text": "Mine now", "media-0-caption": "", "media-0-key": "stolen.jpg",
        "appearances-TOTAL_FORMS": "1", "appearances-INITIAL_FORMS": "1", "appearances-0-id": seen.pk,
        "appearances-0-item": mine.pk, "appearances-0-production": seen.production_id, "appearances-0-role": "stunt",
        "appearances-0-DELETE": "on",
    })  # fmt: skip

    assert (contents(asset), contents(seen)) == before


# Spreadsheets

HEADERS = sorted(
    {field.name for field in Item._meta.concrete_fields} | {"item", "media", "owner", "is_superuser"}
)


def test_spreadsheet_of_items_writes_its_columns_alone(tmp_path):
    car = VehicleFactory.create(reference="A-1")
    own = {column.name for column in ITEM_COLUMNS}
    before = contents(car)
    cells = {"reference": "A-1", "name": "Witness"}
    foreign = [name for name in HEADERS if name not in own]

    run(
        table(
            tmp_path / "t.csv",
            ",".join(["reference", "name", *foreign]),
            [*cells.values(), *["4711"] * len(foreign)],
        )
    )

    assert changed(before, contents(car)) == {"name"}
    assert set(foreign) >= {"id", "created_at", "updated_at", "version"}


def test_spreadsheet_of_productions_writes_its_columns_alone(tmp_path):
    film = ProductionFactory.create(title="Goldfinger", slug="goldfinger-1964")
    own = {column.name for column in PRODUCTION_COLUMNS}
    foreign = sorted({field.name for field in Production._meta.concrete_fields} - own)
    before = contents(film)

    header = ",".join(["slug", "franchise", *foreign])
    run(
        table(tmp_path / "t.csv", header, ["goldfinger-1964", "Witness", *["4711"] * len(foreign)]),
        "production",
    )

    assert changed(before, contents(film)) == {"franchise"}
    assert set(foreign) == {"id", "created_at", "updated_at"}


# Imports over the API

BODIES: dict[str, Any] = {
    "": UploadSerializer,
    "confirm/": ConfirmSerializer,
    "leave-out/": LeaveOutSerializer,
    "mapping/": MappedSheetsSerializer,
    "undo/": UndoSerializer,
    "cancel/": Body,
}


@pytest.mark.parametrize("step", BODIES)
def test_request_about_an_import_takes_its_own_fields_alone(step):
    user = holder(*[f"catalog.{verb}_importrun" for verb in ("add", "preview", "confirm", "undo")])
    row = ImportRun.objects.create(target="vehicle", file_name="a.csv", started_by=user, state="ready")
    before = contents(row)
    fields = {name for field in ImportRun._meta.concrete_fields for name in (field.name, field.attname)}
    foreign = sorted(fields - set(BODIES[step]().fields))
    address = f"/v1/imports/{row.pk}/{step}" if step else "/v1/imports/"
    kind: Any = {"content_type": "application/json"} if step else {}
    send = api(user).put if step == "mapping/" else api(user).post

    answer = send(address, dict.fromkeys(foreign, "4711"), **kind)

    assert answer.status_code == 400
    assert {fault["pointer"].strip("/") for fault in answer.json()["errors"]} >= set(foreign)
    assert contents(row) == before
    assert set(foreign) >= {"state", "started_by", "confirmed_by", "origin", "file_key", "history_context"}


# Items, films and terms over the API

WRITERS: dict[str, tuple[Any, Any]] = {
    "vehicles": (VehicleFactory, ItemWriter), "memorabilia": (MemorabiliaFactory, ItemWriter), "tools": (ToolFactory, ItemWriter),
    "items": (VehicleFactory, ItemWriter), "productions": (ProductionFactory, ProductionWriter), "terms": (TermFactory, TermWriter),
}  # fmt: skip
WRITERS_ROLES = ["Curator", "Publisher", "Administrator"]


def address_of(name: str, row: Any) -> str:
    return f"/v1/{name}/{f'{row.vocabulary}/' if name == 'terms' else ''}{row.slug}/"


@pytest.mark.parametrize("who", WRITERS_ROLES)
@pytest.mark.parametrize("name", WRITERS)
def test_change_over_the_api_takes_its_own_fields_alone(name: str, who: str) -> None:
    factory, writer = WRITERS[name]
    row, client = factory.create(), api(member(who))
    before, foreign = contents(row), names_of(type(row), but=writer.body())
    address = address_of(name, row)
    kind: Any = {"content_type": "application/json"}

    answers = [
        send(where, body, **kind)
        for field in foreign
        for send, where, body in (
            (client.patch, address, {field: "4711"}),
            (client.put, address, {field: "4711"}),
            (client.post, f"/v1/{name}/", {field: "4711"}),
        )
    ]

    assert {answer.status_code for answer in answers} == {400}
    assert {fault["code"] for answer in answers for fault in answer.json()["errors"]} == {"unknown"}
    assert contents(row) == before
    assert set(foreign) >= {"id", "created_at", "updated_at"}


@pytest.mark.parametrize("name", ["vehicles", "memorabilia", "tools", "items"])
def test_publication_is_written_by_those_who_publish(name: str) -> None:
    row = WRITERS[name][0].create()
    before = contents(row)
    attempts = [{"status": "published"}, {"status": "archived"}, {"published_at": LONG_AGO.isoformat()}]

    answers = [
        getattr(api(member("Curator")), method)(address, body, content_type="application/json")
        for attempt in attempts
        for method, address, body in (
            ("patch", address_of(name, row), attempt),
            ("put", address_of(name, row), {"name": "x", "reference": row.reference} | attempt),
            ("post", f"/v1/{name}/", {"name": "x", "reference": "New", "kind": row.kind} | attempt),
            ("patch", f"/v1/{name}/bulk/", [{"reference": row.reference} | attempt]),
        )
    ]

    assert {answer.status_code for answer in answers} == {403, 400}  # one by one, and of many
    assert contents(row) == before
    assert Item.objects.count() == 1


# Media over the API


def names_of(model: Any, *, but: Body) -> list[str]:
    """Return what a body could call the model's fields, without those that it takes."""
    fields = {name for field in model._meta.concrete_fields for name in (field.name, field.attname)}
    return sorted(fields - set(but.fields))


def test_description_of_a_file_takes_its_own_fields_alone() -> None:
    asset = MediaAssetFactory.create()
    before, foreign = contents(asset), names_of(MediaAsset, but=DescribeSerializer())

    answer = api(member("Curator")).patch(
        f"/v1/media/{asset.pk}/", dict.fromkeys(foreign, "4711"), content_type="application/json"
    )

    assert answer.status_code == 400
    assert {fault["pointer"].strip("/") for fault in answer.json()["errors"]} == set(foreign)
    assert contents(asset) == before
    assert set(foreign) >= {"key", "state", "sha256", "processing", "item_id", "renditions", "rendered_as"}


def test_announcement_of_a_file_takes_its_own_fields_alone() -> None:
    foreign = names_of(Upload, but=AnnounceSerializer())

    answer = api(member("Curator")).post(
        "/v1/media/uploads/", dict.fromkeys(foreign, "4711"), content_type="application/json"
    )

    assert answer.status_code == 400
    assert {fault["pointer"].strip("/") for fault in answer.json()["errors"]} >= set(foreign)
    assert Upload.objects.count() == 0
    assert set(foreign) >= {"id", "owner", "key", "state", "asset", "multipart_id", "expires_at"}
