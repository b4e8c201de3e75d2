"""Steps of an import over the API that are taken twice, or against each other, at the same moment."""

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.tests.client import at_once
from catalog.imports.life import work
from catalog.models import ImportRun, Item
from catalog.tests.api_imports import IMPORTS, importer, landed, post, read, told, upload

pytestmark = [
    pytest.mark.usefixtures("bucket", "empty_queue"),
    pytest.mark.django_db(transaction=True),
]


def states(found):
    return sorted(answer.status_code for answer in found)


def test_same_file_uploaded_twice_at_once_is_one_import():
    client = importer()

    found = at_once([lambda: upload(client)] * 4)

    assert states(found) == [202] * 4
    assert {answer["Location"] for answer in found} == {
        f"http://testserver{IMPORTS}{ImportRun.objects.get().pk}/"
    }
    assert ProcrastinateJob.objects.count() == 1


def test_import_confirmed_twice_at_once_lands_once():
    client = importer()
    address = read(client)
    before = ProcrastinateJob.objects.count()

    found = at_once([lambda: post(client, f"{address}confirm/")] * 4)
    work.land_now(found[0].json()["id"])
    again = post(client, f"{address}confirm/")

    assert states(found) == [202] * 4
    assert ProcrastinateJob.objects.count() == before + 1
    assert (again.status_code, again.json()["state"], Item.objects.count()) == (202, "done", 2)


def test_import_confirmed_and_cancelled_at_once_does_one_of_both():
    client = importer()
    address = read(client)

    found = at_once([lambda: post(client, f"{address}confirm/"), lambda: post(client, f"{address}cancel/")])
    work.land_now(found[1].json().get("id", ImportRun.objects.get().pk))

    assert {answer.status_code for answer in found} <= {202, 409}
    assert found[1].status_code == 202
    assert (told(client, address, "state"), Item.objects.count()) == (("cancelled",), 0)


def test_import_undone_twice_at_once_is_undone_once():
    client = importer("catalog.delete_vehicle")
    address = landed(client)

    found = at_once([lambda: post(client, f"{address}undo/")] * 3)

    assert states(found) == [202, 409, 409]
    assert told(client, address, "state") == ("undoing",)


def test_rows_of_an_import_that_is_cancelled_meanwhile():
    client = importer()
    address = read(client)

    found = at_once(
        [lambda: post(client, f"{address}cancel/"), *([lambda: client.get(f"{address}rows/")] * 3)]
    )

    assert found[0].status_code == 202
    assert {answer.status_code for answer in found[1:]} <= {200, 409}
