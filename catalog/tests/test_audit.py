"""What the audit record tells of the catalogue: deletions by any door, exports, imports."""

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Action, AuditEvent
from accounts.tests.factories import UserFactory
from catalog.imports.engine import ImportOptions, import_file
from catalog.imports.errors import ImportRefused
from catalog.models import ImportRun, Item, MediaAsset, Production, Term
from catalog.tests.factories import (
    ItemFactory,
    MediaAssetFactory,
    ProductionFactory,
    TermFactory,
    VehicleFactory,
)
from catalog.tests.imports import table

pytestmark = pytest.mark.django_db


def told(action):
    """Return (who, subject, detail) of the events, oldest first."""
    return list(
        AuditEvent.objects.filter(action=action).order_by("id").values_list("actor", "subject", "detail")
    )


@pytest.mark.parametrize(
    ("model", "factory", "names", "subject"),
    [
        pytest.param(Item, ItemFactory, {"reference": "A-1"}, "1 item: A-1", id="item"),
        pytest.param(
            MediaAsset, MediaAssetFactory, {"key": "a/1.jpg"}, "1 media file: a/1.jpg", id="media file"
        ),
        pytest.param(
            Production, ProductionFactory, {"title": "Ronin"}, "1 production: Ronin", id="production"
        ),
        pytest.param(Term, TermFactory, {"name": "Heist"}, "1 term: Heist", id="term"),
    ],
)
def test_deletion_is_told(model, factory, names, subject):
    factory.create(**names)

    model.objects.filter(**names).delete()

    (name,) = names.values()
    assert told(Action.DELETED) == [("", subject, {"count": 1, "first": [name]})]


def test_deletion_of_many_by_sql_is_told_once():
    for number in range(10, 40):
        ItemFactory.create(reference=f"A-{number}")

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_item")

    detail = {"count": 30, "first": [f"A-{number}" for number in range(10, 30)]}
    assert told(Action.DELETED) == [("", "30 items: A-10, A-11, A-12, A-13, A-14 ...", detail)]


def test_deletion_of_nothing_is_not_told():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_item")

    assert told(Action.DELETED) == []


def test_deletion_is_told_without_a_join():
    """A kept plan of a join over the deleted rows could turn quadratic (see catalog.models.history)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'accounts_audit_deletion'")
        ((body,),) = cursor.fetchall()

    assert "JOIN" not in body.upper()


def test_deletion_in_the_admin_names_who(client):
    chief = UserFactory.create(username="chief", superuser=True)
    client.force_login(chief)
    car = VehicleFactory.create(reference="A-1")

    answer = client.post(reverse("admin:catalog_vehicle_delete", args=[car.pk]), {"post": "yes"})

    event = AuditEvent.objects.get(action=Action.DELETED)
    assert (answer.status_code, event.actor_id, event.actor) == (302, chief.pk, "chief")
    assert (event.subject, event.request_id) == ("1 item: A-1", answer.headers["X-Request-ID"])


@pytest.mark.parametrize(("choice", "kind"), [("0", "csv"), ("1", "xlsx")])
def test_export_is_told(client, choice, kind):
    client.force_login(UserFactory.create(username="chief", superuser=True))
    VehicleFactory.create_batch(2, genres=["Spy"])
    VehicleFactory.create(genres=["Western"])

    answer = client.post(f"{reverse('admin:catalog_vehicle_export')}?genres=Spy", {"format": choice})

    detail = {"rows": 2, "format": kind, "filters": "genres=Spy"}
    assert answer.status_code == 200
    assert told(Action.EXPORT) == [("chief", "vehicles (2)", detail)]


def test_export_that_is_refused_is_not_told(client):
    client.force_login(UserFactory.create(is_staff=True))
    assert client.post(reverse("admin:catalog_vehicle_export"), {"format": "0"}).status_code == 403
    assert told(Action.EXPORT) == []


def test_import_is_told(tmp_path):
    ada = UserFactory.create(username="ada")
    file = table(tmp_path / "cars.csv", "reference,name", ["A-1", "Aston Martin DB5"], ["A-2", ""])

    import_file(path=file, target="vehicle", options=ImportOptions(), by=ada)

    detail = {
        "run": ImportRun.objects.get().pk,
        "target": "vehicle",
        "state": "done",
        "rows": 2,
        "created": 1,
        "changed": 0,
        "rejected": 1,
        "withdrawn": 0,
    }
    assert told(Action.IMPORT) == [("ada", "cars.csv", detail)]


def test_import_that_fails_is_told(tmp_path):
    file = table(tmp_path / "cars.csv", "reference,name", ["A-1", "Aston Martin DB5"], ["A-2", ""])

    import_file(path=file, target="vehicle", options=ImportOptions(on_error="abort"))

    ((who, subject, detail),) = told(Action.IMPORT)
    assert (who, subject, detail["state"], detail["rejected"]) == ("", "cars.csv", "failed", 1)
    assert not Item.objects.exists()


def test_import_broken_off_is_told(tmp_path):
    file = table(tmp_path / "cars.csv", "reference,name")

    with pytest.raises(ImportRefused):
        import_file(path=file, target="vehicle", options=ImportOptions())

    assert [(subject, detail["state"]) for _, subject, detail in told(Action.IMPORT)] == [
        ("cars.csv", "failed")
    ]


def test_dry_run_is_not_told(tmp_path):
    file = table(tmp_path / "cars.csv", "reference,name", ["A-1", "Aston Martin DB5"])

    import_file(path=file, target="vehicle", options=ImportOptions(), dry_run=True)

    assert told(Action.IMPORT) == []
