"""Imports that are stopped, or that the database stops: nothing lands, and a sentence says why."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection

from catalog.imports import engine
from catalog.imports.errors import ImportRefused
from catalog.imports.judgement import tables
from catalog.models import ImportRun, Item
from catalog.tests.factories import ItemFactory
from catalog.tests.imports import run, table

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_interrupted_import_lands_nothing_and_says_so(tmp_path, stop):
    def interrupt(rows):
        raise stop

    path = table(tmp_path / "t.csv", "reference,name", ["A", "a"])

    with pytest.raises(stop):
        engine.import_file(path=path, target="vehicle", options=engine.ImportOptions(), on_rows=interrupt)

    record = ImportRun.objects.get()
    assert (record.state, record.message) == ("failed", "The import was interrupted; nothing landed.")
    assert not Item.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_item_added_by_another_meanwhile_is_not_counted_as_landed(tmp_path, monkeypatch):
    apply = tables.apply

    def add_first(cursor, plan, earlier):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(in_own_connection, ItemFactory.create, reference="a-1", name="Theirs").result()
        apply(cursor, plan, earlier)

    monkeypatch.setattr(tables, "apply", add_first)

    with pytest.raises(ImportRefused) as refused:
        run(table(tmp_path / "t.csv", "reference,name", ["A-1", "Ours"], ["A-2", "Ours too"]))

    sentence = "The catalogue was changed while the file was being imported; nothing landed, run it again."
    assert str(refused.value) == sentence
    assert ImportRun.objects.values_list("state", "message").get() == ("failed", sentence)
    assert list(Item.objects.values_list("name", flat=True)) == ["Theirs"]


@pytest.mark.django_db(transaction=True)
def test_edit_by_another_meanwhile_is_not_lost(tmp_path, monkeypatch):
    item, apply = ItemFactory.create(reference="A-1", name="One", make=""), tables.apply

    def edit_first(cursor, plan, earlier):
        with ThreadPoolExecutor(1) as pool:
            edit = Item.objects.filter(pk=item.pk).update
            pool.submit(in_own_connection, edit, name="Theirs").result()
        apply(cursor, plan, earlier)

    monkeypatch.setattr(tables, "apply", edit_first)

    with pytest.raises(ImportRefused) as refused:
        run(table(tmp_path / "t.csv", "reference,name,make", ["A-1", "", "Aston"]))

    sentence = "The catalogue was changed while the file was being imported; nothing landed, run it again."
    assert str(refused.value) == sentence
    assert list(Item.objects.values_list("name", "make")) == [("Theirs", "")]


def in_own_connection(work, **options):
    try:
        return work(**options)
    finally:
        connection.close()


def test_import_that_the_database_stops_ends_in_a_sentence(tmp_path, monkeypatch):
    def stop(cursor, plan, earlier):
        cursor.execute("SET LOCAL statement_timeout = 1")
        cursor.execute("SELECT pg_sleep(1)")

    monkeypatch.setattr(tables, "apply", stop)

    with pytest.raises(ImportRefused) as refused:
        run(table(tmp_path / "t.csv", "reference,name", ["A", "a"]))

    sentence = "The database refuses: canceling statement due to statement timeout."
    assert str(refused.value) == sentence
    assert isinstance(refused.value.__cause__, DatabaseError)
    assert ImportRun.objects.values_list("state", "message").get() == ("failed", sentence)
