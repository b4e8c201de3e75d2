"""Export in the admin: who may, what is in the file, that it is streamed, and that it is put on record."""

import csv
import io
import re

import orjson
import pytest
import python_calamine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Action, AuditEvent
from accounts.tests.factories import UserFactory
from catalog.models import Vocabulary
from catalog.tests.factories import (
    AppearanceFactory,
    ItemFactory,
    MemorabiliaFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
    VehicleFactory,
)

pytestmark = pytest.mark.django_db
CSV, XLSX, ODS, JSONL = "0123"


@pytest.fixture
def staff(client):
    """Return a function that signs in a member of staff with just these rights."""

    def sign_in(*codenames):
        user = UserFactory.create(username="ada", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return sign_in


def address(name: str) -> str:
    return reverse(f"admin:catalog_{name}_export")


def taken(answer) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("name", ["vehicle", "memorabilia", "tool", "production", "term"])
@pytest.mark.parametrize(
    ("rights", "status"), [((), 403), (("view",), 403), (("export",), 403), (("view", "export"), 200)]
)
def test_export_needs_the_right_to_view_and_to_export(staff, name, rights, status):
    client = staff(*(f"{right}_{name}" for right in rights))

    assert client.get(address(name)).status_code == status
    assert client.post(address(name), {"format": CSV}).status_code == status
    assert AuditEvent.objects.filter(action=Action.EXPORT).exists() is (status == 200)


@pytest.mark.parametrize(("rights", "shown"), [(("view",), False), (("view", "export"), True)])
def test_export_button_and_action_need_the_right(staff, rights, shown):
    VehicleFactory.create()
    client = staff(*(f"{right}_vehicle" for right in rights))

    page = client.get(reverse("admin:catalog_vehicle_changelist")).content.decode()

    assert (address("vehicle") in page, "export_selected" in page) == (shown, shown)


@pytest.mark.parametrize("chosen", [CSV, XLSX, ODS, JSONL])
def test_export_is_streamed_in_the_format(staff, chosen):
    VehicleFactory.create(reference="V-1", name="=1+1")
    client = staff("view_vehicle", "export_vehicle")

    answer = client.post(address("vehicle"), {"format": chosen})

    content = b"".join(answer.streaming_content)
    ending = ("csv", "xlsx", "ods", "jsonl")[int(chosen)]
    assert answer["Content-Disposition"].endswith(f'.{ending}"')
    if chosen == CSV:
        assert content.decode("utf-8-sig").splitlines()[1].startswith("V-1,vehicle,item-v-1,'=1+1,")
    elif chosen == JSONL:
        assert (orjson.loads(content)["reference"], orjson.loads(content)["name"]) == ("V-1", "=1+1")
    else:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        assert (book.sheet_names, book.get_sheet_by_index(0).to_python()[1][:4]) == (
            ["Vehicles"], ["V-1", "vehicle", "item-v-1", "=1+1"],
        )  # fmt: skip


def test_export_follows_filters_and_search(staff):
    VehicleFactory.create(reference="V-1", genres=["Spy"], name="Aston Martin")
    VehicleFactory.create(reference="V-2", genres=["Spy"], name="Lotus")
    VehicleFactory.create(reference="V-3", genres=["Western"], name="Aston Martin")
    ToolFactory.create(reference="T-1", genres=["Spy"], name="Aston Martin")
    client = staff("view_vehicle", "export_vehicle")

    answer = client.post(f"{address('vehicle')}?genres=Spy&q=aston", {"format": CSV})

    assert [row[0] for row in taken(answer)] == ["reference", "V-1"]
    event = AuditEvent.objects.get(action=Action.EXPORT)
    assert (event.actor, event.subject) == ("ada", "vehicles (1)")
    assert event.detail == {"rows": 1, "format": "csv", "filters": "genres=Spy&q=aston"}


def test_export_leaves_fields_out(staff):
    VehicleFactory.create(reference="V-1")
    client = staff("view_vehicle", "export_vehicle")

    answer = client.post(
        address("vehicle"),
        {"format": CSV, "vehicleresource_reference": "on", "vehicleresource_status": "on"},
    )

    assert taken(answer) == [["reference", "status"], ["V-1", "draft"]]


def test_selected_rows_are_exported_and_no_others(staff):
    first, _, third = VehicleFactory.create_batch(3)
    tool = ToolFactory.create()
    client = staff("view_vehicle", "export_vehicle")
    form = client.post(
        reverse("admin:catalog_vehicle_changelist"),
        {"action": "export_selected", "_selected_action": [first.pk, third.pk]},
    )
    chosen = re.findall(r'name="export_items" value="(\d+)"', form.content.decode())
    assert chosen == [str(first.pk), str(third.pk)]

    answer = client.post(address("vehicle"), {"format": CSV, "export_items": [first.pk, third.pk, tool.pk]})

    assert [row[0] for row in taken(answer)[1:]] == [first.reference, third.reference]


def test_whole_list_selected_leads_to_the_form_with_its_filters(staff):
    car, _ = VehicleFactory.create_batch(2, genres=["Spy"])
    client = staff("view_vehicle", "export_vehicle")

    answer = client.post(
        f"{reverse('admin:catalog_vehicle_changelist')}?genres=Spy",
        {"action": "export_selected", "select_across": "1", "_selected_action": [car.pk]},
    )

    assert (answer.status_code, answer["Location"]) == (302, f"{address('vehicle')}?genres=Spy")


def test_export_of_all_kinds_holds_those_that_may_be_exported(staff):
    ItemFactory.create(reference="V-1")
    MemorabiliaFactory.create(reference="M-1")
    ToolFactory.create(reference="T-1")
    client = staff("view_vehicle", "export_vehicle", "view_tool", "export_memorabilia")

    answer = client.post(address("item"), {"format": CSV})

    assert [row[0] for row in taken(answer)[1:]] == ["V-1"]


def test_export_of_a_text_too_long_for_excel_is_refused_in_a_sentence(staff):
    VehicleFactory.create(reference="V-1", provenance="x" * 33_000)
    client = staff("view_vehicle", "export_vehicle")

    answer = client.post(address("vehicle"), {"format": XLSX})

    assert "The provenance of V-1 has 33,000 characters" in answer.content.decode()
    assert not AuditEvent.objects.filter(action=Action.EXPORT).exists()


@pytest.mark.parametrize("wrong", [{"format": "9"}, {}, {"format": CSV, "export_items": ["x", "9" * 30]}])
def test_export_with_a_forged_form_is_no_error(staff, wrong):
    client = staff("view_vehicle", "export_vehicle")

    assert client.post(address("vehicle"), wrong).status_code == 200


def test_queries_grow_with_chunks_only(staff):
    for car in VehicleFactory.create_batch(60, genres=["Spy"]):
        AppearanceFactory.create(item=car)
    client = staff("view_vehicle", "export_vehicle")
    client.get("/admin/jsi18n/")  # the first request of a browser also begins its session

    with CaptureQueriesContext(connection) as captured:
        answer = client.post(address("vehicle"), {"format": CSV})
        asked = len(captured)
        rows = taken(answer)

    assert (len(rows), len(captured) - asked) == (61, 2)


def test_terms_and_productions_are_exported_with_the_headers_of_imports(staff):
    TermFactory.create(vocabulary=Vocabulary.GENRE, name="Spy", slug="spy", aliases=["bond", "007"])
    ProductionFactory.create(title="Goldfinger", slug="goldfinger", years=[1964], genres=["Spy"])
    client = staff("view_term", "export_term", "view_production", "export_production")

    terms = taken(client.post(address("term"), {"format": CSV}))
    productions = taken(client.post(address("production"), {"format": CSV}))

    assert terms == [["vocabulary", "name", "slug", "aliases"], ["genre", "Spy", "spy", "bond | 007"]]
    assert productions[1] == ["Goldfinger", "goldfinger", "film", "1964", "Spy", "", ""]
