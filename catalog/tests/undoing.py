"""What the tests of undone imports share: what a run wrote, and how the catalogue stands."""

import pghistory
import pytest
from django.db import connection

from catalog.imports.errors import ImportRefused
from catalog.imports.reach import EVERYTHING
from catalog.imports.undoing.undo import UndoResult, undo_run
from catalog.models import (
    Appearance,
    ImportRun,
    ImportState,
    Item,
    MediaAsset,
    Production,
    Term,
)

KEPT_BY_DATABASE = {"updated_at", "version"}
TABLES = (Item, Production, Term, MediaAsset, Appearance)


class Landing:
    """What is written inside counts as the work of a run."""

    def __enter__(self) -> ImportRun:
        self.run = ImportRun.objects.create(target="vehicle", file_name="stock.csv", state=ImportState.DONE)
        self.context = pghistory.context(import_run=self.run.pk)
        self.run.history_context = self.context.__enter__().id
        self.run.save()
        return self.run

    def __exit__(self, *error):
        self.context.__exit__(*error)
        # History's context lasts until the transaction's end, which is the test's here.
        sql("SELECT set_config('pghistory.context_id', '', true)")


def everything():
    """Return all rows of the catalogue, without what the database keeps of their writing."""
    found = {}
    for model in TABLES:
        names = [f.attname for f in model._meta.concrete_fields if f.name not in KEPT_BY_DATABASE]
        found[model.__name__] = list(model.objects.order_by("pk").values(*names))
    return found


def undo(run, *, force=False, reach=EVERYTHING, dry_run=False) -> UndoResult:
    return undo_run(run, force=force, reach=reach, dry_run=dry_run)


def counts(result: UndoResult) -> tuple[int, int, int, int]:
    """Return (restored, removed, brought back, left alone)."""
    return result.restored, result.removed, result.brought_back, result.left_alone


def left(result: UndoResult) -> list[tuple[str, int, str, str]]:
    return [(row.table, row.id, row.title, row.why) for row in result.rows]


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def refused(run, **options) -> str:
    with pytest.raises(ImportRefused) as error:
        undo(run, **options)
    return str(error.value)
