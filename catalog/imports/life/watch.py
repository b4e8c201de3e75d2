"""A thread beside the process that is at a run: it tells how far that is, and hears when it has to stop.

The run's own transaction shows nobody anything before its end, so the thread has a connection of its own.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from django.db import Error, connection
from django.db.models.functions import Now

from catalog.models import ImportRun

BEAT_SECONDS = 1.0  # a person who looks at the progress should not wonder whether it goes on

Rows = Callable[[int], None]


class Cancelled(Exception):
    """Somebody asked for the run's end."""


class Watch:
    """While it is open, the run's `rows_read` and `seen_at` are kept up to date, and its cancellation is heard.

    A cancellation ends whatever statement the process waits for, with the database's error for that. Between
    statements nothing can be ended, so it is tried again with every beat, and `hear` raises Cancelled.
    `cancelled` tells afterwards why the error came. Nothing is ended any more once the watch is closed.
    """

    def __init__(self, run_id: int, on_rows: Rows | None = None) -> None:
        self.cancelled = False
        self._run = ImportRun.objects.filter(pk=run_id)
        self._on_rows = on_rows
        self._rows: int | None = None
        self._closed = threading.Event()
        connection.ensure_connection()
        self._backend = connection.connection.info.backend_pid
        self._thread = threading.Thread(target=self._look, name=f"watch over import {run_id}", daemon=True)

    def hear(self, rows: int) -> None:
        """Take note that so many rows were read."""
        self._rows = rows
        if self._on_rows:
            self._on_rows(rows)
        if self.cancelled:
            raise Cancelled

    def is_cut_off(self) -> bool:
        """Return whether the connection that the process had is gone; Django may have made another meanwhile."""
        made = connection.connection
        return made is None or made.closed or made.info.backend_pid != self._backend

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join()

    def _look(self) -> None:
        try:
            while not self._closed.is_set():
                with suppress(
                    Error
                ):  # the next beat is soon; what ails the database, the process itself finds
                    self._beat()
                self._closed.wait(BEAT_SECONDS)
            with suppress(Error):
                self._tell()
        finally:
            connection.close()

    def _beat(self) -> None:
        connection.close_if_unusable_or_obsolete()
        self.cancelled = self.cancelled or self._run.filter(cancel_requested=True).exists()
        if self.cancelled and not self._closed.is_set():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_cancel_backend(%s)", [self._backend])
        self._tell()

    def _tell(self) -> None:
        read = {} if self._rows is None else {"rows_read": self._rows}
        self._run.update(seen_at=Now(), **read)
