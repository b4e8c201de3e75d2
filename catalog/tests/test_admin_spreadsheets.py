"""Spreadsheets in the admin: upload, preview, confirm; export; and who may."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page, expect

from catalog.models import ImportRun, Vehicle
from catalog.tests.factories import AppearanceFactory, VehicleFactory

SHEET = "reference,name,production_years,price\nV-1,Aston Martin DB5,1963-1965,6400000\nV-2,Broken,soon,1\n"


@pytest.fixture
def viewer(client: Client, django_user_model: Any) -> Client:
    """Sign in a member of staff who may see vehicles and no more."""
    user = django_user_model.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_vehicle"))
    client.force_login(user)
    return client


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "status"),
    [
        pytest.param("/admin/catalog/vehicle/", 200, id="list"),
        pytest.param("/admin/catalog/vehicle/export/", 200, id="export"),
        pytest.param("/admin/catalog/vehicle/import/", 403, id="import"),
        pytest.param("/admin/catalog/tool/export/", 403, id="export of another kind"),
    ],
)
def test_viewer_of_vehicles_may(address: str, status: int, viewer: Client) -> None:
    assert viewer.get(address).status_code == status


@pytest.mark.django_db
def test_export_of_many_rows_takes_few_queries(admin_client: Client) -> None:
    for car in VehicleFactory.create_batch(30):
        AppearanceFactory.create(item=car)
    admin_client.get("/admin/jsi18n/")  # the first request of a browser also begins its session

    with CaptureQueriesContext(connection) as captured:
        answer = admin_client.post("/admin/catalog/vehicle/export/", {"format": "0"})

    assert answer["Content-Type"] == "text/csv"
    assert answer.content.count(b"\n") == 31
    assert len(captured) <= 12


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_sheet_uploaded_previewed_and_confirmed(staff_page: Page, tmp_path: Path) -> None:
    sheet = tmp_path / "auction.csv"
    sheet.write_text(SHEET, encoding="utf-8")
    staff_page.goto("/admin/catalog/vehicle/import/")
    staff_page.locator("input[type=file]").set_input_files(sheet)
    staff_page.get_by_role("button", name="Submit").click()
    expect(staff_page.get_by_text("2 rows: 1 new, 0 changed, 0 unchanged, 1 rejected.")).to_be_visible()
    assert not Vehicle.objects.exists()

    staff_page.get_by_role("button", name="Confirm import").click()

    expect(staff_page.get_by_text("auction.csv: 2 rows: 1 new")).to_be_visible()
    assert Vehicle.objects.values_list("reference", "production_years").get() == ("V-1", [1963, 1964, 1965])
    assert ImportRun.objects.values_list("file_name", "created", "rejected").get() == ("auction.csv", 1, 1)
