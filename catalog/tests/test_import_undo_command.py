"""`manage.py undo_import` as an operator runs it."""

import json

import pghistory
import pytest
from django.core.management import call_command
from django.db import connection

from catalog.models import ImportRun, ImportState, Item
from catalog.tests.factories import ItemFactory
from marketplace.commands import CannotRun

pytestmark = pytest.mark.django_db


def printed(capsys, *arguments):
    """Return what the command printed and its exit code."""
    try:
        call_command("undo_import", *arguments)
    except SystemExit as end:
        return capsys.readouterr().out, end.code
    return capsys.readouterr().out, 0


@pytest.fixture
def landed():
    """A run that raised the price of an item from 5 to 6."""
    ItemFactory.create(reference="A-1", name="Car", price=5)
    with pghistory.context() as context:
        Item.objects.update(price=6)
    with (
        connection.cursor() as cursor
    ):  # history's context lasts until the transaction's end, here the test's
        cursor.execute("SELECT set_config('pghistory.context_id', '', true)")
    return ImportRun.objects.create(
        target="vehicle", file_name="stock.csv", state=ImportState.DONE, history_context=context.id
    )


def test_undo_import_prints_what_it_did(capsys, landed):
    out, code = printed(capsys, str(landed.pk))

    assert (out, code) == ("1 row restored, 0 removed, 0 brought back, 0 left alone.\n", 0)
    assert Item.objects.get().price == 5


def test_undo_import_lists_rows_left_alone_and_exits_with_1(capsys, landed):
    Item.objects.update(price=7)

    out, code = printed(capsys, str(landed.pk))

    assert out.splitlines() == [
        "0 rows restored, 0 removed, 0 brought back, 1 left alone.",
        f"item {Item.objects.get().pk}, Car (A-1): Changed since: price.",
    ]
    assert code == 1


def test_undo_import_prints_50_of_the_rows_left_alone(capsys, landed):
    ItemFactory.create_batch(52)
    with pghistory.context() as context:
        Item.objects.update(location="London")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pghistory.context_id', '', true)")
    ImportRun.objects.update(history_context=context.id)
    Item.objects.update(location="Paris")

    lines = printed(capsys, str(landed.pk))[0].splitlines()

    assert (len(lines), lines[-1]) == (52, "and 3 more rows left alone")


def test_undo_import_with_force_returns_them_too(capsys, landed):
    Item.objects.update(price=7)

    assert printed(capsys, str(landed.pk), "--force")[1] == 0
    assert Item.objects.get().price == 5


def test_undo_import_dry_run_prints_json_and_writes_nothing(capsys, landed):
    out, code = printed(capsys, str(landed.pk), "--dry-run", "--json")

    assert json.loads(out) == {
        "run": landed.pk,
        "dry_run": True,
        "restored": 1,
        "removed": 0,
        "brought_back": 0,
        "left_alone": 0,
        "rows_left_alone": [],
    }
    assert code == 0
    assert Item.objects.get().price == 6


def test_undo_import_says_where_there_is_no_such_run():
    with pytest.raises(CannotRun) as error:
        call_command("undo_import", "123")

    assert str(error.value) == "There is no import 123."


def test_undo_import_says_why_it_cannot(landed):
    call_command("undo_import", str(landed.pk))

    with pytest.raises(CannotRun) as error:
        call_command("undo_import", str(landed.pk))

    assert str(error.value).startswith("This import has been undone already, on ")
