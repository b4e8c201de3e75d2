"""Writes as a client does them: what was read is sent back, nothing is left of a rehearsal, and sizes are bounded."""

import json
from typing import Any

import pytest
from django.apps import apps

from accounts.models import AuditEvent
from catalog.models import AnsweredRequest, CatalogueChange, Item, MediaAsset, Production, Term
from catalog.tests.factories import (
    AppearanceFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
    VehicleFactory,
)
from catalog.tests.writes import BULK, VEHICLES, faults, send, staff_of_all

pytestmark = pytest.mark.django_db
DETAILS = ["/v1/vehicles/db5/", "/v1/items/db5/", "/v1/productions/ronin/", "/v1/terms/genre/spy/"]
EVENTS = ("ItemEvent", "ProductionEvent", "TermEvent", "AppearanceEvent", "MediaAssetEvent")


@pytest.fixture
def staff():
    return staff_of_all()


@pytest.fixture
def rows():
    TermFactory.create(name="Spy", slug="spy", aliases=["Agents"])
    TermFactory.create(name="Unused", slug="unused")
    item = VehicleFactory.create(
        slug="db5", reference="A-1", genres=["Spy"], price=5, specs={"Engine": {"l": 4.0}}, published=True
    )
    AppearanceFactory.create(
        item=item, production=ProductionFactory.create(slug="ronin", years=[1998]), notes="x"
    )
    MediaAssetFactory.create(item=item)
    return item


def traces() -> list[int]:
    """Return how much there is of everything that a write leaves behind."""
    models: list[Any] = [apps.get_model("catalog", name) for name in EVENTS]
    models += [AuditEvent, Item, Production, Term, CatalogueChange, AnsweredRequest]
    return [model.objects.count() for model in models]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("address", DETAILS)
def test_answer_that_is_sent_back_changes_nothing(staff, address):
    read = staff.get(address)
    before = traces()

    answer = send(staff, "put", address, read.json(), If_Match=read["ETag"])

    assert (answer.status_code, answer["ETag"]) == (200, read["ETag"]), answer.content
    assert answer.json() == read.json()
    assert traces() == before


@pytest.mark.usefixtures("rows")
def test_answer_that_is_sent_back_with_a_change_changes_that(staff):
    read = staff.get(DETAILS[0]).json()
    read["price"] = "7.00"
    read["appearances"][0]["notes"] = "y"

    told = send(staff, "put", DETAILS[0], read).json()

    assert {name for name in read if read[name] != told[name]} == {"version", "updated_at"}


@pytest.mark.usefixtures("rows")
def test_answer_that_is_sent_back_with_what_nobody_writes_is_refused(staff):
    read = staff.get(DETAILS[0]).json() | {"id": 7, "images": [], "surplus": 1}
    read["appearances"][0]["production"]["title"] = "Other"

    answer = send(staff, "put", DETAILS[0], read)

    assert [(where, code) for where, code, _ in faults(answer)] == [
        ("/id", "unknown"), ("/images", "unknown"), ("/surplus", "unknown"),
    ]  # fmt: skip


NEW = {"reference": "B-1", "name": "Car", "appearances": [{"production": "ronin"}]}
REHEARSED: list[tuple[str, str, Any]] = [
    ("post", VEHICLES, NEW),
    ("post", f"{VEHICLES}?upsert=true", NEW | {"reference": "a-1"}),
    ("put", DETAILS[0], NEW),
    ("patch", DETAILS[1], {"price": "7", "slug": "db6", "status": "archived"}),
    ("delete", DETAILS[1], None),
    ("post", BULK, [NEW]),
    ("post", f"{BULK}?upsert=true", [{"reference": "A-1", "price": "7"}, NEW]),
    ("patch", "/v1/items/bulk/", [{"reference": "A-1", "appearances": []}]),
    ("delete", BULK, [{"reference": "A-1"}]),
    ("post", "/v1/productions/", {"title": "Heat"}),
    ("put", DETAILS[2], {"title": "Heat"}),
    ("patch", "/v1/productions/bulk/", [{"slug": "ronin", "title": "Heat"}]),
    ("post", "/v1/terms/bulk/", [{"vocabulary": "genre", "name": "Heist"}]),
    ("patch", DETAILS[3], {"name": "Espionage"}),
    ("patch", "/v1/terms/bulk/", [{"vocabulary": "genre", "slug": "spy", "name": "Espionage"}]),
    ("delete", "/v1/terms/genre/unused/", None),
    ("delete", "/v1/terms/bulk/", [{"vocabulary": "genre", "slug": "unused"}]),
]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("method", "address", "body"), REHEARSED, ids=[f"{m} {a}" for m, a, _ in REHEARSED])
def test_rehearsal_leaves_nothing_behind(staff, method, address, body):
    before, told = traces(), [staff.get(detail).content for detail in DETAILS]
    query = f"{'&' if '?' in address else '?'}dry_run=true&reason=Trial"

    answer = send(staff, method, address + query, body, Idempotency_Key="k-1")

    assert answer.status_code in {200, 201, 204}, answer.content
    assert (traces(), [staff.get(detail).content for detail in DETAILS]) == (before, told)


# Limits

TOO_LARGE = [
    pytest.param(BULK, json.dumps([{"reference": "A", "name": "x" * 1_048_576}]), 413, id="1 MiB"),
    pytest.param(VEHICLES, '{"specs": ' + '{"a": ' * 65 + "1" + "}" * 66, 400, id="65 levels"),
    pytest.param(BULK, "[" * 10_000 + "]" * 10_000, 400, id="10,000 levels"),
    pytest.param(BULK, json.dumps([{}] * 1_001), 400, id="1,001 rows"),
    pytest.param(BULK, json.dumps([1] * 100_000), 400, id="100,000 rows"),
    pytest.param(VEHICLES, json.dumps({"production_years": [1964] * 100_000}), 400, id="100,000 years"),
    pytest.param(VEHICLES, json.dumps({"appearances": [{}] * 100_000}), 400, id="100,000 appearances"),
    pytest.param(VEHICLES, '{"price": ' + "9" * 5_000 + "}", 400, id="5,000 digits"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "body", "status"), TOO_LARGE)
def test_body_beyond_a_limit_is_refused_without_the_database(
    staff, address, body, status, django_assert_max_num_queries
):
    with django_assert_max_num_queries(8):  # who asks, and may he
        answer = send(staff, "post", address, body)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert len(answer.content) < 100_000


def test_a_thousand_rows_are_added_and_deleted_with_their_files(staff, django_assert_max_num_queries):
    rows = [{"reference": f"A-{number}", "name": "Car"} for number in range(1_000)]
    made = send(staff, "post", BULK, rows).json()
    MediaAsset.objects.bulk_create(
        MediaAssetFactory.build(item_id=row["id"], key=f"{row['id']}.jpg") for row in made["results"]
    )

    with django_assert_max_num_queries(30):
        gone = send(staff, "delete", BULK, [{"reference": row["reference"]} for row in rows]).json()

    assert (made["created"], gone["deleted"], Item.objects.count()) == (1_000, 1_000, 0)
    assert MediaAsset.objects.filter(item=None).count() == 1_000
