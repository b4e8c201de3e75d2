"""An import over the API from upload to undo."""

import json
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from catalog.imports.life import work
from catalog.models import ImportRun, Item
from catalog.tests.api_imports import IMPORTS, STOCK, importer, landed, post, read, told, upload
from catalog.tests.factories import VehicleFactory

pytestmark = [
    pytest.mark.usefixtures("bucket"),
    pytest.mark.django_db,
]
APPEARANCES = tuple(f"catalog.{verb}_appearance" for verb in ("view", "add", "change", "delete"))


def test_upload_is_accepted_and_waits_to_be_read():
    client = importer()

    answer = upload(client, terms="refuse", max_rejected="3")

    run = ImportRun.objects.get()
    assert (answer.status_code, answer["Location"]) == (202, f"http://testserver{IMPORTS}{run.pk}/")
    body = answer.json()
    assert (body["state"], body["target"], body["origin"], body["sheets"]) == ("queued", "vehicle", "api", [])
    assert body["file"] == {"name": "stock.csv", "size": len(STOCK), "sha256": run.file_sha256}
    assert (body["options"]["terms"], body["options"]["max_rejected"]) == ("refuse", 3)


def test_import_that_was_read_tells_what_it_found_and_what_can_be_done():
    client = importer()
    VehicleFactory.create(reference="A-2", name="Lotus", make="Lotus", price=90000)

    address = read(client)

    run = client.get(address).json()
    assert run["state"] == "ready"
    assert run["counts"] == {
        "rows": 2, "created": 1, "changed": 1, "unchanged": 0, "rejected": 0, "left_out": 0, "withdrawn": 0,
    }  # fmt: skip
    assert run["changed_fields"] == {"name": 1}
    assert {name: bool(link) for name, link in run["links"].items()} == {
        "mapping": True, "rows": True, "leave_out": True, "confirm": True, "cancel": True, "undo": False,
        "rejected": False, "file": True,
    }  # fmt: skip


def test_rows_are_shown_with_their_differences_side_by_side():
    client = importer()
    car = VehicleFactory.create(reference="A-2", name="Lotus", make="Lotus", price=90000)

    answer = client.get(f"{read(client)}rows/?outcome=changed")

    assert answer.json() == {
        "count": 1,
        "next": None,
        "previous": None,
        "results": [
            {
                "line": 3,
                "outcome": "changed",
                "title": "Lotus Esprit (A-2)",
                "object_id": car.pk,
                "left_out": False,
                "changes": [{"column": "name", "before": "Lotus", "after": "Lotus Esprit"}],
                "faults": [],
            }
        ],
    }


def test_confirmed_import_lands():
    client = importer()

    address = landed(client)

    assert told(client, address, "state", "message") == ("done", "")
    assert set(Item.objects.values_list("reference", flat=True)) == {"A-1", "A-2"}


def test_import_that_is_undone_leaves_nothing():
    client = importer("catalog.delete_vehicle")
    address = landed(client)

    answer = post(client, f"{address}undo/", {"force": False})
    work.undo_now(answer.json()["id"])

    assert answer.status_code == 202
    assert told(client, address, "state") == ("undone",)
    assert not Item.objects.exists()


DEALERS = b"Stock No.;Fahrzeug;Preis\nA-1;1964 Aston Martin DB5;1.250.000,00 EUR\n"
RULES = {
    "reference": {"header": "Stock No."},
    "name": {"header": "Fahrzeug"},
    "price": {"header": "Preis", "decimal": ","},
    "currency": {"constant": "EUR"},
}


def test_import_with_unknown_headers_waits_and_suggests():
    client = importer()

    address = read(client, DEALERS)

    state, [sheet], links = told(client, address, "state", "sheets", "links")
    assert (state, sheet["header"]) == ("mapping", ["Stock No.", "Fahrzeug", "Preis"])
    assert sheet["sample"] == [["A-1", "1964 Aston Martin DB5", "1.250.000,00 EUR"]]
    assert sheet["suggestion"]["mapping"]["reference"] == {"header": "Stock No."}
    assert {proposal["column"] for proposal in sheet["suggestion"]["proposals"]} >= {"reference", "price"}
    assert [name for name, link in links.items() if link] == ["mapping", "cancel", "file"]
    assert client.get(f"{address}rows/").status_code == 409


def test_import_that_was_mapped_is_read_and_its_layout_is_remembered():
    client = importer()
    address = read(client, DEALERS)

    answer = post(
        client,
        f"{address}mapping/",
        {"sheets": [{"position": 0, "mapping": RULES}], "remember": True},
        "put",
    )
    work.read_now(answer.json()["id"])

    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert told(client, address, "state") == ("ready",)
    [row] = client.get(f"{address}rows/").json()["results"]
    assert {"column": "price", "before": "", "after": "1250000.00"} in row["changes"]
    assert told(client, read(client, DEALERS.replace(b"A-1", b"A-2")), "state") == ("ready",)


def test_upload_with_its_mapping_needs_no_question():
    client = importer()

    address = read(client, DEALERS, mapping=json.dumps(RULES))

    assert told(client, address, "state") == ("ready",)


def test_rows_and_columns_are_left_out_and_taken_back():
    client = importer()
    address = read(client)

    first = post(client, f"{address}leave-out/", {"lines": [2, 3], "columns": ["price"]})
    work.read_now(first.json()["id"])
    second = post(client, f"{address}leave-out/", {"take_back": [3]})
    work.read_now(first.json()["id"])
    post(client, f"{address}confirm/")
    work.land_now(first.json()["id"])

    assert (first.status_code, second.status_code) == (202, 202)
    assert list(Item.objects.values_list("reference", "price")) == [("A-2", None)]
    assert told(client, address, "counts")[0]["left_out"] == 1


BAD = b"reference,name,price\nA-1,DB5,1250000\nA-2,Esprit,cheap\n"


def test_rejected_rows_are_told_and_given_back_as_a_file():
    client = importer()
    address = read(client, BAD, name="stock list.csv")

    [row] = client.get(f"{address}rows/?outcome=rejected").json()["results"]
    file: Any = client.get(f"{address}rejected/", headers={"accept": "text/csv"})

    [fault] = row["faults"]
    assert (row["line"], fault["column"], fault["value"]) == (3, "price", "cheap")
    assert file["Content-Disposition"] == 'attachment; filename="stock list-rejected.csv"'
    lines = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0] == "reference,name,price,error"
    assert lines[1].startswith("A-2,Esprit,cheap,")
    assert len(lines) == 2


def test_file_of_rejected_rows_where_none_were_rejected():
    client = importer()

    answer = client.get(f"{read(client)}rejected/")

    assert (answer.status_code, answer.json()["detail"]) == (409, "No row of this import was rejected.")


def test_import_that_its_policy_stops_is_not_confirmed():
    client = importer()
    address = read(client, BAD, on_error="abort")

    answer = post(client, f"{address}confirm/")

    assert answer.status_code == 409
    assert answer.json()["detail"] == "Nothing lands, because rows were rejected."


def test_withdrawals_are_agreed_to_by_their_number():
    client = importer("catalog.publish_vehicle")
    gone = VehicleFactory.create(reference="A-9", published=True)
    address = read(client, full_list="true", max_withdrawn="100")
    [counts] = told(client, address, "counts")
    [shown] = client.get(f"{address}rows/?outcome=withdrawn").json()["results"]

    unasked, agreed = (
        post(client, f"{address}confirm/", {"withdraw": number}) for number in (None, counts["withdrawn"])
    )
    work.land_now(agreed.json()["id"])

    assert (counts["withdrawn"], shown["object_id"], shown["line"]) == (1, gone.pk, 0)
    assert (unasked.status_code, agreed.status_code) == (409, 202)
    assert "withdraws 1 item" in unasked.json()["detail"]
    assert Item.objects.get(pk=gone.pk).status == "draft"


def test_import_that_is_cancelled_leaves_nothing_and_cannot_go_on():
    client = importer()
    address = read(client)

    cancelled = post(client, f"{address}cancel/")
    steps = [
        post(client, f"{address}{step}/").status_code for step in ("confirm", "leave-out", "undo", "cancel")
    ]
    rows = client.get(f"{address}rows/")

    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    assert (steps, rows.status_code, Item.objects.count()) == ([409] * 4, 409, 0)


def test_import_that_cannot_be_read_says_why():
    client = importer()

    address = read(client, b"%PDF-1.7 not a workbook", name="stock.xlsx")

    state, message = told(client, address, "state", "message")
    assert state == "failed"
    assert message.endswith(".")


def test_workbook_is_one_import_with_its_sheets():
    book = openpyxl.Workbook()
    for title, *rows in [
        ("Vehicles", ("reference", "name"), ("A-1", "DB5")),
        ("Productions", ("title", "years", "kind"), ("Goldfinger", "1964", "film")),
        ("Appearances", ("reference", "title", "year", "role"), ("A-1", "Goldfinger", "1964", "hero")),
    ]:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    file = BytesIO()
    book.save(file)
    client = importer("catalog.add_production", "catalog.change_production", *APPEARANCES)

    address = landed(client, file.getvalue(), name="all.xlsx", target="workbook")

    sheets, counts = told(client, address, "sheets", "counts")
    assert [(sheet["name"], sheet["target"], sheet["counts"]["created"]) for sheet in sheets] == [
        ("Productions", "production", 1), ("Vehicles", "vehicle", 1), ("Appearances", "appearance", 1),
    ]  # fmt: skip
    assert counts["created"] == 3
    found = [client.get(f"{address}rows/?sheet={sheet['position']}").json()["count"] for sheet in sheets]
    assert found == [1, 1, 1]
