"""Writes to one item: created, replaced, changed and deleted."""

from datetime import UTC, datetime
from decimal import Decimal

import pghistory.models
import pytest
from django.apps import apps

from accounts.models import Action, AuditEvent
from catalog.api.writing.bodies import ItemBody, ProductionBody, TermBody
from catalog.imports.columns import ITEM_COLUMNS, PRODUCTION_COLUMNS, TERM_COLUMNS
from catalog.models import Appearance, Item, OldSlug, Production, Status, Term
from catalog.tests.factories import (
    AppearanceFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
    VehicleFactory,
)
from catalog.tests.writes import VEHICLES, faults, send, staff_of_all

pytestmark = pytest.mark.django_db

# Columns that no body writes, each with its reason.
NOT_WRITTEN = {
    Item: {
        "id": "the database's own",
        "created_at": "the database keeps it",
        "updated_at": "the database keeps it",
        "version": "the database keeps it",
        "price_on_request": "staff's note, which the admin keeps",
        "no_production_reason": "staff's note, which the admin keeps",
    },
    Production: {
        "id": "the database's own",
        "created_at": "kept by the model",
        "updated_at": "kept by the model",
    },
    Term: {"id": "the database's own", "created_at": "kept by the model", "updated_at": "kept by the model"},
}
BODIES = {Item: ItemBody, Production: ProductionBody, Term: TermBody}
IMPORTED = {Item: ITEM_COLUMNS, Production: PRODUCTION_COLUMNS, Term: TERM_COLUMNS}


@pytest.fixture
def staff():
    return staff_of_all()


@pytest.mark.parametrize("model", BODIES)
def test_every_column_is_written_or_left_out_on_purpose(model):
    columns = {field.name for field in model._meta.concrete_fields if not field.generated}

    written = set(BODIES[model]().fields)

    assert columns - written == NOT_WRITTEN[model].keys()
    assert written == {column.name for column in IMPORTED[model]}  # the API and imports write the same


def test_item_is_created(staff):
    TermFactory.create(name="Spy", slug="spy")
    ProductionFactory.create(slug="goldfinger-1964", title="Goldfinger")

    answer = send(staff, "post", VEHICLES, {
        "reference": " DB5-1 ", "name": "Aston Martin DB5", "genres": ["spy", "Spy"], "production_years": [1964, 1964],
        "price": "4500000.50", "specs": {"Engine": "4.0 l"},
        "appearances": [{"production": "goldfinger-1964", "notes": "The one with the seat."}],
    })  # fmt: skip

    told = answer.json()
    assert (answer.status_code, answer["Location"]) == (201, told["url"])
    assert told["url"] == "http://testserver/v1/vehicles/aston-martin-db5-db5-1/"
    expected = {
        "kind": "vehicle", "reference": "DB5-1", "genres": ["Spy"], "production_years": [1964], "price": "4500000.50",
        "status": "draft", "published_at": None, "version": 1, "specs": {"Engine": "4.0 l"},
    }  # fmt: skip
    assert {name: told[name] for name in expected} == expected
    [appearance] = told["appearances"]
    assert (appearance["production"]["slug"], appearance["role"]) == ("goldfinger-1964", "hero")
    assert staff.get(told["url"]).json() == told


def test_item_of_any_kind_is_created_by_its_kind(staff):
    answer = send(staff, "post", "/v1/items/", {"kind": "tool", "reference": "T-1", "name": "Hammer"})

    assert (answer.status_code, answer["Location"]) == (201, "http://testserver/v1/tools/hammer-t-1/")
    assert Item.objects.get().kind == "tool"


def test_item_of_any_kind_needs_a_kind(staff):
    answer = send(staff, "post", "/v1/items/", {"reference": "T-1", "name": "Hammer"})

    assert faults(answer) == [("/kind", "required", "This field is required.")]
    assert answer.json()["detail"] == "/kind: This field is required."


def test_item_of_another_kind_is_refused(staff):
    answer = send(staff, "post", VEHICLES, {"kind": "tool", "reference": "T-1", "name": "Hammer"})

    sentence = "This address holds items of the kind vehicle; use /v1/items/."
    assert faults(answer) == [("/kind", "rule", sentence)]


def test_two_items_of_one_name_have_slugs_of_their_own(staff):
    VehicleFactory.create(reference="A", slug="db5-a-1")
    OldSlug.objects.create(slug="db5-a-2", item=VehicleFactory.create())

    first = send(staff, "post", VEHICLES, {"reference": "A 1", "name": "DB5"}).json()
    second = send(staff, "post", VEHICLES, {"reference": "A 2", "name": "DB5"}).json()

    assert {first["slug"][:8], second["slug"][:8]} == {"db5-a-1-", "db5-a-2-"}


def test_item_is_changed(staff):
    item = VehicleFactory.create(slug="db5", name="DB5", price=5, genres=["Gone"])

    answer = send(staff, "patch", f"{VEHICLES}db5/", {"price": "7", "genres": ["Gone"]})

    item.refresh_from_db()
    assert answer.status_code == 200, answer.content
    assert (item.price, item.name, item.genres, item.version) == (Decimal(7), "DB5", ["Gone"], 2)
    assert answer.json() == staff.get(f"{VEHICLES}db5/").json()


def test_change_of_nothing_writes_nothing(staff):
    item = VehicleFactory.create(slug="db5", price=5)

    answer = send(staff, "patch", f"{VEHICLES}db5/", {"price": "5.00", "name": item.name})

    item.refresh_from_db()
    assert (answer.status_code, answer.json()["version"], item.version) == (200, 1, 1)


def test_item_is_replaced(staff):
    item = VehicleFactory.create(
        slug="db5", name="DB5", price=5, currency="EUR", genres=["Spy"], published=True
    )
    AppearanceFactory.create(item=item)
    MediaAssetFactory.create(item=item)

    answer = send(staff, "put", f"{VEHICLES}db5/", {"reference": "R-1", "name": "DB5 again"})

    item.refresh_from_db()
    assert answer.status_code == 200, answer.content
    assert (item.reference, item.name, item.price, item.currency, item.genres) == (
        "R-1",
        "DB5 again",
        None,
        "USD",
        [],
    )
    # Its address, its publication and its files are not its contents.
    assert (item.slug, item.status, item.published_at) == (
        "db5",
        "published",
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert (item.appearances.count(), item.media.count()) == (0, 1)


def test_replacement_that_lacks_what_is_needed(staff):
    VehicleFactory.create(slug="db5")

    answer = send(staff, "put", f"{VEHICLES}db5/", {"price": "1"})

    required = "This field is required."
    assert faults(answer) == [("/reference", "required", required), ("/name", "required", required)]


def test_kind_never_changes(staff):
    VehicleFactory.create(slug="db5")

    answer = send(staff, "patch", "/v1/items/db5/", {"kind": "tool"})

    assert faults(answer) == [("/kind", "rule", "The kind never changes; here it is vehicle.")]


def test_new_slug_leaves_the_old_address_behind(staff):
    VehicleFactory.create(slug="db5")

    answer = send(staff, "patch", f"{VEHICLES}db5/", {"slug": "db5-silver"})

    assert answer.status_code == 200, answer.content
    moved = staff.get(f"{VEHICLES}db5/")
    assert (moved.status_code, moved["Location"]) == (301, f"{VEHICLES}db5-silver/")


def test_item_is_deleted(staff):
    item = VehicleFactory.create(slug="db5", reference="A-1")
    AppearanceFactory.create(item=item)
    asset = MediaAssetFactory.create(item=item)

    answer = send(staff, "delete", f"{VEHICLES}db5/")

    asset.refresh_from_db()
    assert (answer.status_code, answer.content, answer.get("Content-Type")) == (204, b"", None)
    assert (Item.objects.count(), Appearance.objects.count(), asset.item_id) == (0, 0, None)
    event = AuditEvent.objects.get(action=Action.DELETED)
    assert (event.subject, event.request_id) == ("1 item: A-1", answer["X-Request-ID"])


def test_item_that_is_published_without_a_time_is_published_now(staff):
    item = VehicleFactory.create(slug="db5")

    answer = send(staff, "patch", f"{VEHICLES}db5/", {"status": "published"})

    item.refresh_from_db()
    assert answer.status_code == 200, answer.content
    assert item.status == Status.PUBLISHED
    assert item.published_at is not None


def test_item_that_was_published_before_keeps_its_time(staff):
    item = VehicleFactory.create(slug="db5", status="draft", published_at=datetime(2020, 1, 1, tzinfo=UTC))

    send(staff, "patch", f"{VEHICLES}db5/", {"status": "published", "published_at": None})

    item.refresh_from_db()
    assert (item.status, item.published_at) == ("published", datetime(2020, 1, 1, tzinfo=UTC))


def test_list_of_appearances_takes_the_place_of_the_present_one(staff):
    item = VehicleFactory.create(slug="db5")
    kept = AppearanceFactory.create(item=item, production__slug="goldfinger", role="hero", notes="old")
    AppearanceFactory.create(item=item, production__slug="ronin", role="stunt")
    ProductionFactory.create(slug="goldeneye")

    answer = send(staff, "patch", f"{VEHICLES}db5/", {"appearances": [
        {"production": "goldfinger", "role": "hero", "notes": "new"}, {"production": "goldeneye", "role": "camera"},
    ]})  # fmt: skip

    rows = item.appearances.order_by("id").values_list("production__slug", "role", "notes")
    assert answer.status_code == 200, answer.content
    assert list(rows) == [("goldfinger", "hero", "new"), ("goldeneye", "camera", "")]
    assert item.appearances.filter(pk=kept.pk).exists()


def test_appearances_stay_when_none_are_given(staff):
    item = VehicleFactory.create(slug="db5")
    AppearanceFactory.create(item=item)

    send(staff, "patch", f"{VEHICLES}db5/", {"price": "1"})

    assert item.appearances.count() == 1


def test_dry_run_answers_as_if_and_writes_nothing(staff):
    item = VehicleFactory.create(slug="db5", price=5)

    answers = [
        send(staff, "post", f"{VEHICLES}?dry_run=true", {"reference": "X", "name": "New"}),
        send(staff, "patch", f"{VEHICLES}db5/?dry_run=true", {"price": "7"}),
        send(staff, "delete", f"{VEHICLES}db5/?dry_run=true"),
    ]

    item.refresh_from_db()
    assert [answer.status_code for answer in answers] == [201, 200, 204]
    assert (answers[0].json()["name"], answers[1].json()["price"]) == ("New", "7.00")
    assert (Item.objects.count(), item.price, item.version) == (1, Decimal(5), 1)


def test_dry_run_tells_what_is_wrong(staff):
    answer = send(staff, "post", f"{VEHICLES}?dry_run=true", {"reference": "X", "name": "New", "price": "-1"})

    assert faults(answer) == [("/price", "rule", "A price cannot be negative.")]


def test_reason_is_kept_in_the_history(staff):
    item = VehicleFactory.create(slug="db5")

    send(staff, "patch", f"{VEHICLES}db5/?reason=Typing%20error", {"price": "7"})

    event = apps.get_model("catalog.ItemEvent").objects.get(pgh_obj=item.pk, pgh_label="update")
    context = pghistory.models.Context.objects.get(pk=event.pgh_context_id)
    assert (context.metadata["reason"], context.metadata["url"]) == ("Typing error", f"{VEHICLES}db5/")
    assert context.metadata["user"]


def test_upsert_changes_what_is_there(staff):
    item = VehicleFactory.create(reference="A-1", price=5)

    answer = send(staff, "post", f"{VEHICLES}?upsert=true", {"reference": "a-1", "name": "Other"})

    item.refresh_from_db()
    assert (answer.status_code, "Location" in answer) == (200, False)
    assert (item.reference, item.name, item.price) == ("A-1", "Other", Decimal(5))


def test_upsert_adds_what_is_not(staff):
    answer = send(staff, "post", f"{VEHICLES}?upsert=true", {"reference": "a-1", "name": "Other"})

    assert (answer.status_code, Item.objects.get().name) == (201, "Other")


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_address_without_an_item(staff, method):
    ToolFactory.create(slug="hammer")  # at an address of its own

    answers = [send(staff, method, f"{VEHICLES}{slug}/", {}) for slug in ("hammer", "none")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
