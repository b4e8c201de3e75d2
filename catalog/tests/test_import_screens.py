"""The admin's import and export screens."""

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import User
from catalog.models import ImportRun, Item
from catalog.tests.factories import AppearanceFactory, ProductionFactory, VehicleFactory
from catalog.tests.imports import counts, run, table, workbook

pytestmark = pytest.mark.django_db

POLICIES = {"on_error": "skip", "blank": "keep", "terms": "create"}
EVERY_KIND_OF_VALUE = {
    "reference": "=1+1",
    "slug": "one", "name": "=cmd|' /C calc'!A0", "make": "@SUM(A1)", "model": "-5", "location": "'+tricky",
    "description": "two\nlines, \"quoted\"; and | bars", "production_years": [1966, 1964], "genres": ["Spy", "Sci-Fi"],
    "vehicle_types": ["Car"], "specs": {"Engine": "4.0 l", "Doors": 2}, "price": "1250000.50", "currency": "EUR",
    "status": "published", "published_at": datetime(2026, 1, 31, 18, 30, 5, 123456, tzinfo=UTC), "chassis_number": "0012",
}  # fmt: skip

STORED = [f.name for f in Item._meta.concrete_fields if f.name not in {"id", "created_at", "updated_at"}]


@pytest.fixture
def staff(client):
    client.force_login(User.objects.create_superuser("staff"))
    return client


def upload(client, file, **policies):
    url = reverse("admin:catalog_vehicle_import")
    content = SimpleUploadedFile(Path(file).name, Path(file).read_bytes())
    return client.post(url, {"import_file": content, "format": "0", "resource": "0", **POLICIES, **policies})


def confirm(client, preview, **changes):
    data = preview.context["confirm_form"].initial | changes
    return client.post(reverse("admin:catalog_vehicle_process_import"), data, follow=False)


def shown_messages(response):
    return [str(message) for message in response.wsgi_request._messages]


def test_import_screen_shows_form_and_columns(staff):
    page = staff.get(reverse("admin:catalog_vehicle_import")).content.decode()

    assert "production_years" in page
    assert 'name="on_error"' in page


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_import_screen_previews_then_lands(staff, tmp_path, ending):
    VehicleFactory.create(reference="A-1", name="Old")
    rows = [["A-1", "<b>New</b>"], ["A-2", "Two"], ["A-3", ""]]
    file = tmp_path / f"t.{ending}"
    if ending == "csv":
        table(file, "reference,name", *rows)
    else:
        workbook(file, ["reference", "name"], *rows)

    preview = upload(staff, file)
    page = preview.content.decode()
    untouched = list(Item.objects.values_list("name", flat=True))
    done = confirm(staff, preview)

    assert "3 rows: 1 new, 1 changed, 0 unchanged, 1 rejected." in page
    assert "Old → &lt;b&gt;New&lt;/b&gt;" in page
    assert [row.diff for row in preview.context["result"].rows] == [
        ["2", "A-1", "Old → <b>New</b>"],
        ["3", "A-2", "Two"],
    ]
    assert "An item needs a name." in page
    assert (untouched, ImportRun.objects.count()) == (["Old"], 1)
    assert done.url == reverse("admin:catalog_vehicle_changelist")
    assert dict(Item.objects.values_list("reference", "name")) == {"A-1": "<b>New</b>", "A-2": "Two"}
    assert shown_messages(done) == [
        f"t.{ending}: 3 rows: 1 new, 1 changed, 0 unchanged, 1 rejected.",
        f'<a class="underline" href="/admin/catalog/importrun/{ImportRun.objects.get().pk}/change/">'
        "See the rejected rows</a>",
    ]
    assert not Path("/tmp", preview.context["confirm_form"].initial["import_file_name"]).exists()


def test_import_screen_of_a_large_file_stays_small(staff, tmp_path):
    rows = [[f"A-{n}", f"Car {n}" if n % 2 else "", "x" * 300] for n in range(3000)]

    page = upload(staff, table(tmp_path / "t.csv", "reference,name,description", *rows))

    assert len(page.context["result"].rows) == 50
    assert len(page.context["result"].invalid_rows) == 100
    assert len(page.content) < 200_000
    assert "These are the first 100 rejected rows." in page.content.decode()
    assert "The first 50 rows that land" in page.content.decode()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("t.csv", "name\nA", "The header has no &#x27;reference&#x27; column; it has &#x27;name&#x27;."),
        ("t.xlsx", "%PDF-1.7", "t.xlsx is a PDF document, not a workbook."),
        ("t.exe", "x", "The file must end in one of .csv, .ods, .tsv, .txt, .xlsm, .xlsx."),
    ],
)
def test_import_screen_says_why_a_file_is_refused(staff, tmp_path, name, content, sentence):
    file = tmp_path / name
    file.write_text(content)

    page = upload(staff, file)

    assert sentence in page.content.decode()
    assert "Traceback" not in page.content.decode()
    assert "confirm_form" not in page.context


def test_import_screen_offers_nothing_to_confirm_when_nothing_would_land(staff, tmp_path):
    file = table(tmp_path / "t.csv", "reference,name", ["A-1", "One"], ["A-2", ""])

    page = upload(staff, file, on_error="abort")

    assert "Nothing lands, because rows were rejected." in page.content.decode()
    assert "confirm_form" not in page.context


@pytest.mark.parametrize("change", [{"import_file_name": "/etc/passwd"}, {"format": "9"}, {"on_error": "x"}])
def test_import_confirmation_that_was_tampered_with_is_refused(staff, tmp_path, change):
    preview = upload(staff, table(tmp_path / "t.csv", "reference,name", ["A-1", "One"]))

    answer = confirm(staff, preview, **change)

    assert (answer.status_code, Item.objects.count()) == (200, 0)


def test_import_confirmed_twice_says_that_the_upload_is_gone(staff, tmp_path):
    preview = upload(staff, table(tmp_path / "t.csv", "reference,name", ["A-1", "One"]))
    shown_messages(confirm(staff, preview))

    again = confirm(staff, preview)

    assert "This upload is gone; upload the file again." in again.content.decode()
    assert (again.status_code, ImportRun.objects.count()) == (200, 1)


def test_import_screen_is_closed_to_staff_without_the_right(client):
    client.force_login(User.objects.create_user("viewer", is_staff=True))

    assert client.get(reverse("admin:catalog_vehicle_import")).status_code == 403


@pytest.mark.parametrize("rights", [["add_vehicle"], ["change_vehicle"], ["view_vehicle"]])
def test_import_screen_is_closed_to_staff_who_may_not_both_add_and_change(client, rights):
    client.force_login(clerk(*rights))

    assert client.get(reverse("admin:catalog_vehicle_import")).status_code == 403
    assert client.post(reverse("admin:catalog_vehicle_process_import")).status_code == 403


def test_import_of_another_kind_needs_the_right_to_it(client, tmp_path):
    client.force_login(clerk("add_vehicle", "change_vehicle", "add_tool"))
    file = table(tmp_path / "t.csv", "reference,name,kind", ["A-1", "One", "tool"], ["A-2", "Two", "vehicle"])

    preview = upload(client, file, terms="refuse")
    confirm(client, preview)

    assert "This import may not bring in items of the kind tool." in preview.content.decode()
    assert list(Item.objects.values_list("reference", "kind")) == [("A-2", "vehicle")]


def clerk(*rights):
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


def exported(client, ending, model="vehicle"):
    url = reverse(f"admin:catalog_{model}_export")
    answer = client.post(url, {"format": {"csv": "0", "xlsx": "1"}[ending], "resource": "0"})
    assert re.search(rf'filename=".*\.{ending}"', answer["Content-Disposition"])
    return answer.content


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_export_reads_back_without_a_change(staff, tmp_path, ending):
    item = VehicleFactory.create(**EVERY_KIND_OF_VALUE)
    AppearanceFactory.create(item=item, role="stunt", production=ProductionFactory.create(title="Gold: (II)"))
    VehicleFactory.create(reference="plain")
    file = tmp_path / f"t.{ending}"
    file.write_bytes(exported(staff, ending))

    before = Item.objects.values(*STORED).get(reference="=1+1")
    again = run(file)
    Item.objects.all().delete()
    anew = run(file)

    assert (again.issues, counts(again), counts(anew)) == ((), (0, 0, 2, 0), (2, 0, 0, 0))
    assert Item.objects.values(*STORED).get(reference="=1+1") == before
    assert list(Item.objects.values_list("appearances__role", flat=True).order_by("reference")) == [
        "stunt",
        None,
    ]


def test_export_holds_no_live_formula(staff):
    VehicleFactory.create(**EVERY_KIND_OF_VALUE)

    text = exported(staff, "csv").decode("utf-8-sig")
    book = openpyxl.load_workbook(io.BytesIO(exported(staff, "xlsx")))

    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert not [cell for row in book.active.iter_rows() for cell in row if cell.data_type == "f"]


def test_export_of_productions_reads_back_without_a_change(staff, tmp_path):
    ProductionFactory.create(
        title="Goldfinger", years=[1964], genres=["Spy"], external_ids={"imdb": "tt0058150"}
    )
    file = tmp_path / "t.csv"
    file.write_bytes(exported(staff, "csv", "production"))

    assert counts(run(file, "production")) == (0, 0, 1, 0)
