"""The file of a run as it was brought, for as long as the bucket keeps it."""

from contextlib import ExitStack
from functools import partial
from typing import Any

from accounts import audit
from accounts.models import Action
from catalog.imports.errors import ImportRefused
from catalog.imports.life import files
from catalog.imports.pages.rejected import Chunks, RunFile
from catalog.models import ImportRun

CONTENT_TYPE = "application/octet-stream"  # whatever somebody brought: to be saved, never shown in a browser
GONE = "The file of this import is not kept any more."


def original_file(run: ImportRun, *, by: Any) -> RunFile:
    """Return the file that was brought, byte for byte, and put on record who takes it.

    It may hold what never landed: rejected rows, columns that were left out. Raises ImportRefused where it is not
    kept any more, and where the bucket does not give it or gives another.
    """
    if not run.file_key:
        raise ImportRefused(GONE)
    with ExitStack() as failing:
        copy = failing.enter_context(files.local(run))
        file = failing.enter_context(copy.open("rb"))
        audit.record(Action.EXPORT, by=by, subject=run.file_name, run=run.pk, rows=run.rows)
        opened = failing.pop_all()
    return RunFile(run.file_name, CONTENT_TYPE, Chunks(iter(partial(file.read, files.BLOCK), b""), opened))
