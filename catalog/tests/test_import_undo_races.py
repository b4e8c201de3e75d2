"""An undo beside others who write, or cut short: all of it, or nothing."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pghistory
import pytest
from django.db import connection, transaction
from django.db.utils import OperationalError

from catalog.imports.errors import ImportRefused
from catalog.imports.locking import queue
from catalog.imports.reach import EVERYTHING
from catalog.imports.undoing.undo import UndoResult, undo_run
from catalog.models import ImportRun, ImportState, Item
from catalog.tests.factories import ItemFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def landed() -> ImportRun:
    """A run that raised the prices of three items from 5 to 6."""
    ItemFactory.create_batch(3, price=5)
    with transaction.atomic(), pghistory.context() as context:
        Item.objects.update(price=6)
    return ImportRun.objects.create(
        target="vehicle", file_name="stock.csv", state=ImportState.DONE, history_context=context.id
    )


def prices() -> list[int]:
    return [int(price) for price in Item.objects.order_by("pk").values_list("price", flat=True) if price]


def in_a_thread(run: ImportRun) -> UndoResult:
    try:
        return undo_run(ImportRun.objects.get(pk=run.pk), force=False, reach=EVERYTHING)
    finally:
        connection.close()


@contextmanager
def undo_that_waits(run: ImportRun) -> Iterator[tuple["Future[UndoResult]", int]]:
    """Begin an undo in a thread; yield it, with its backend's id, when it waits for a lock of this transaction."""
    with ThreadPoolExecutor(1) as pool:
        undone = pool.submit(in_a_thread, run)
        backend = None
        while backend is None and not undone.done():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT min(pid) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
                )
                (backend,) = cursor.fetchone()
            time.sleep(0.01)
        assert backend is not None
        yield undone, backend


def test_undo_refuses_when_a_row_is_edited_while_it_works(landed):
    last = Item.objects.latest("pk")
    with transaction.atomic():
        Item.objects.filter(pk=last.pk).update(price=7)
        waiting = undo_that_waits(landed)
        undone, _ = waiting.__enter__()

    with pytest.raises(ImportRefused) as error:
        undone.result()
    waiting.__exit__(None, None, None)

    assert str(error.value) == (
        "The catalogue was changed while the import was being undone; nothing was undone, try again."
    )
    landed.refresh_from_db()
    assert (prices(), landed.state) == ([6, 6, 7], ImportState.DONE)


def test_undo_refuses_when_a_slug_is_taken_while_it_works():
    ItemFactory.create(slug="old")
    with transaction.atomic(), pghistory.context() as context:
        Item.objects.update(slug="new")
    run = ImportRun.objects.create(
        target="vehicle", file_name="stock.csv", state=ImportState.DONE, history_context=context.id
    )
    with transaction.atomic():
        ItemFactory.create(slug="old")
        waiting = undo_that_waits(run)
        undone, _ = waiting.__enter__()

    with pytest.raises(ImportRefused, match="The catalogue was changed while the import was being undone"):
        undone.result()
    waiting.__exit__(None, None, None)
    assert set(Item.objects.values_list("slug", flat=True)) == {"old", "new"}


def test_undo_that_is_stopped_half_way_leaves_all_as_it_was(landed):
    with transaction.atomic():
        Item.objects.select_for_update().latest("pk")
        with undo_that_waits(landed) as (undone, backend), connection.cursor() as cursor:
            cursor.execute("SELECT pg_cancel_backend(%s)", [backend])
            with pytest.raises(OperationalError):
                undone.result()

    landed.refresh_from_db()
    assert (prices(), landed.state, landed.undo_counts) == ([6, 6, 6], ImportState.DONE, {})


def test_undo_waits_for_an_import_that_lands(landed):
    with transaction.atomic():
        with connection.cursor() as cursor:
            queue(cursor)
        waiting = undo_that_waits(landed)
        undone, _ = waiting.__enter__()

    assert undone.result().restored == 3
    waiting.__exit__(None, None, None)


def test_undo_twice_at_once_undoes_once(landed):
    with ThreadPoolExecutor(2) as pool:
        tries = [pool.submit(in_a_thread, landed) for _ in range(2)]

    failed = [error for undone in tries if (error := undone.exception())]
    assert [type(error) for error in failed] == [ImportRefused]
    assert str(failed[0]).startswith("This import has been undone already")
    assert prices() == [5, 5, 5]
