"""Filtered lists as files."""

import json
from io import BytesIO

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.utils.http import content_disposition_header

from accounts.models import Action, AuditEvent
from accounts.tests.client import at_once
from accounts.tests.factories import ApiKeyFactory, text_of
from accounts.tests.people import api, holder
from catalog.models import Item
from catalog.tests.api import staff_client
from catalog.tests.api_imports import importer, landed, read, told
from catalog.tests.factories import (
    MemorabiliaFactory,
    ProductionFactory,
    TermFactory,
    ToolFactory,
    VehicleFactory,
)

pytestmark = pytest.mark.django_db
EXPORTS = "/v1/exports/"
KINDS = ("vehicle", "memorabilia", "tool", "production", "term")


def content(answer):
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def objects(answer):
    return [json.loads(line) for line in content(answer).splitlines()]


def lasting_tables():
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_class WHERE relkind = 'r' AND relpersistence <> 't'")
        return set(cursor.fetchall())


def test_export_leaves_no_table_behind():
    VehicleFactory.create(published=True, genres=["Action"])
    before = lasting_tables()

    content(staff_client("export_vehicle", "view_vehicle").get(f"{EXPORTS}vehicle/?as=csv"))

    assert lasting_tables() == before


def test_export_is_a_file():
    VehicleFactory.create(reference="A-1", published=True)
    client = staff_client("export_vehicle", "view_vehicle")

    answer = client.get(f"{EXPORTS}vehicle/?as=csv", headers={"accept": "text/csv"})

    assert answer["Content-Type"] == "text/csv"
    assert answer["Content-Disposition"].startswith('attachment; filename="vehicle-20')
    assert answer["Cache-Control"] == "no-cache, private"
    assert content(answer).decode("utf-8-sig").startswith("reference,kind,slug,name")


@pytest.mark.parametrize("name", ["csv", "tsv", "xlsx", "ods", "jsonl"])
def test_export_in_every_format_has_the_rows(name):
    VehicleFactory.create(reference="A-1", name="=HYPERLINK(1)")

    answer = staff_client("export_vehicle", "view_vehicle").get(f"{EXPORTS}vehicle/?as={name}")

    found = content(answer)
    assert len(found) > 100
    if name == "xlsx":
        sheet = openpyxl.load_workbook(BytesIO(found)).active
        assert sheet is not None
        assert (sheet["D2"].value, sheet["D2"].data_type) == ("=HYPERLINK(1)", "s")


def test_export_is_narrowed_like_the_list():
    VehicleFactory.create(reference="A-1", genres=["Spy"], price=10)
    VehicleFactory.create(reference="A-2", genres=["Spy"], price=1000)
    VehicleFactory.create(reference="A-3", genres=["Comedy"], price=10)
    client = staff_client("export_vehicle", "view_vehicle")

    found = objects(client.get(f"{EXPORTS}vehicle/?as=jsonl&genres=Spy&price__max=100&q=item&status=draft"))

    assert [row["reference"] for row in found] == ["A-1"]


def test_export_holds_what_the_account_may_see():
    VehicleFactory.create(reference="draft")
    VehicleFactory.create(reference="public", published=True)

    found = objects(staff_client("export_vehicle").get(f"{EXPORTS}vehicle/?as=jsonl"))

    assert [row["reference"] for row in found] == ["public"]


def test_export_of_all_items_holds_the_kinds_that_may_be_exported():
    VehicleFactory.create(reference="V")
    ToolFactory.create(reference="T")
    MemorabiliaFactory.create(reference="M")
    client = staff_client("export_vehicle", "export_tool", "view_item")

    found = objects(client.get(f"{EXPORTS}item/?as=jsonl"))
    narrowed = objects(client.get(f"{EXPORTS}item/?as=jsonl&kind=tool"))

    assert [[row["reference"] for row in rows] for rows in (found, narrowed)] == [["V", "T"], ["T"]]


def test_export_of_films_and_terms():
    ProductionFactory.create(title="Goldfinger")
    TermFactory.create(name="Spy")
    client = staff_client("export_production", "export_term", "view_production")

    films = objects(client.get(f"{EXPORTS}production/?as=jsonl&q=gold"))
    terms = objects(client.get(f"{EXPORTS}term/?as=jsonl&q=spy"))

    assert ([row["title"] for row in films], [row["name"] for row in terms]) == (["Goldfinger"], ["Spy"])


@pytest.mark.parametrize("kind", KINDS)
def test_export_without_its_right_is_forbidden(kind):
    others = [f"catalog.export_{other}" for other in KINDS if other != kind]
    client = api(holder(*others, "catalog.view_item"))

    assert client.get(f"{EXPORTS}{kind}/?as=csv").status_code == 403
    assert Client().get(f"{EXPORTS}{kind}/?as=csv").status_code == 401
    assert not AuditEvent.objects.filter(action=Action.EXPORT).exists()


def test_export_is_put_on_record():
    VehicleFactory.create(published=True)
    user = holder("catalog.export_vehicle")

    content(api(user).get(f"{EXPORTS}vehicle/?as=xlsx&availability=available"))

    [event] = AuditEvent.objects.filter(action=Action.EXPORT)
    assert (event.actor, event.subject) == (user.username, "vehicle (1)")
    assert event.detail == {"rows": 1, "format": "xlsx", "filters": "as=xlsx&availability=available"}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "as"),
        ("as=pdf", "as"),
        ("as=csv&as=xlsx", "as"),
        ("as=csv&ordering=name", "ordering"),
        ("as=csv&page=2", "page"),
        ("as=csv&genre=Spy", "genre"),
        ("as=csv&price__max=many", "price__max"),
    ],
)
def test_export_with_a_query_that_cannot_be_used(query, named):
    answer = staff_client("export_vehicle").get(f"{EXPORTS}vehicle/?{query}")

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [named]
    assert not AuditEvent.objects.filter(action=Action.EXPORT).exists()


def test_text_that_no_cell_of_the_format_holds_is_told():
    VehicleFactory.create(reference="A-1", description="x" * 40_000)
    client = staff_client("export_vehicle", "view_vehicle")

    answer = client.get(f"{EXPORTS}vehicle/?as=xlsx")

    assert answer.status_code == 400
    [fault] = answer.json()["errors"]
    assert fault["parameter"] == "as"
    assert "The description of A-1 has 40,000 characters" in fault["detail"]


@pytest.mark.usefixtures("bucket", "empty_queue")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["csv", "xlsx", "ods"])
def test_export_that_is_brought_back_changes_nothing(name):
    client = importer("catalog.export_vehicle", "catalog.add_term", "catalog.publish_vehicle")
    landed(client)
    odd = {"name": "+ -@", "genres": ["Spy"], "specs": {"Doors": 2}, "slug": "odd"}
    VehicleFactory.create(reference="=1+1", published=True, **odd)
    before = list(Item.objects.order_by("pk").values())
    file = content(client.get(f"{EXPORTS}vehicle/?as={name}"))

    address = read(client, file, name=f"back.{name}")

    [counts] = told(client, address, "counts")
    assert (counts["rows"], counts["unchanged"]) == (3, 3)
    assert list(Item.objects.order_by("pk").values()) == before


def test_template_is_a_workbook():
    answer = staff_client("add_importrun").get("/v1/imports/template/")

    assert answer["Content-Disposition"] == content_disposition_header(
        as_attachment=True, filename="template.xlsx"
    )
    assert "Vehicles" in openpyxl.load_workbook(BytesIO(content(answer))).sheetnames


@pytest.mark.parametrize(
    ("scopes", "status"),
    [(["read"], 200), (["write"], 200), (["catalog.export_vehicle"], 200), (["catalog.view_vehicle"], 403)],
    ids=str,
)
def test_key_exports_by_its_scopes(scopes, status):
    key = ApiKeyFactory.create(owner=holder("catalog.view_vehicle", "catalog.export_vehicle"), scopes=scopes)
    client = Client(headers={"authorization": f"Api-Key {text_of(key)}"})

    answer = client.get(f"{EXPORTS}vehicle/?as=jsonl")

    assert answer.status_code == status


def test_key_that_reads_exports_nothing_that_its_owner_may_not_export():
    key = ApiKeyFactory.create(owner=holder("catalog.view_vehicle"), scopes=["read"])

    answer = Client(headers={"authorization": f"Api-Key {text_of(key)}"}).get(f"{EXPORTS}vehicle/?as=jsonl")

    assert answer.status_code == 403


def test_export_makes_no_table_that_lasts():
    VehicleFactory.create(genres=["Spy"])

    content(staff_client("export_vehicle", "view_vehicle").get(f"{EXPORTS}vehicle/?as=csv"))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'import\\_%' AND relpersistence <> 't'"
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db(transaction=True)
def test_exports_at_once_are_in_nobodys_way():
    VehicleFactory.create(genres=["Spy"])
    client = staff_client("export_vehicle", "view_vehicle")

    answers = at_once([lambda: content(client.get(f"{EXPORTS}vehicle/?as=csv"))] * 6)

    assert len(set(answers)) == 1
