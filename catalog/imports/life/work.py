"""What a process does with a run: alone, watched over, and whatever stops it told as a state and a sentence."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone
from psycopg.errors import DeadlockDetected, LockNotAvailable

from catalog.imports import journal, landing, reading, staging
from catalog.imports.errors import ImportRefused, MovedOn
from catalog.imports.life import files
from catalog.imports.life.watch import Cancelled, Rows, Watch
from catalog.imports.reach import Reach, person_now
from catalog.imports.undoing import undo
from catalog.models import ImportOrigin, ImportRun, ImportState
from marketplace import faults

ATTEMPTS = 3  # at landing, where the database ends it because it and somebody's edit wait for each other
PATIENCE = "3s"  # a process that has told the run's next state lets go of the run within milliseconds
BUSY = (ImportState.READING, ImportState.LANDING)
AT_ONCE = "at_once"  # among a run's options: it is confirmed already if its preview leaves nothing to ask
INTERRUPTED = "The import was interrupted; nothing landed."
BROKEN = "The import broke off by a fault of the program, which the server's log tells; nothing landed."
CANCELLED = "Cancelled; nothing landed."
HELD_UP = (
    "Other imports or edits kept the catalogue locked for 15 minutes. Nothing landed; confirm again later."
)


class Busy(Exception):
    """Another process is at this run."""


@contextmanager
def working(run: ImportRun, on_rows: Rows | None = None) -> Iterator[Rows]:
    """Take a stored run from READING to its end in this process; gives what hears how many rows were read.

    Raises ImportRefused for whatever stopped the import; the run is FAILED then, as it is when the block ends and
    the run has not landed.
    """
    with _alone(run), _watched(run, on_rows) as tell:
        yield tell


@contextmanager
def keeping(run: ImportRun, path: Path) -> Iterator[Callable[[], object]]:
    """Put the file into the bucket beside what the block does; however that ends, the run says where the file lies.

    Gives what waits until the bucket has it, and raises ImportRefused where it does not take it.
    """
    try:
        with ThreadPoolExecutor(1) as aside:
            yield aside.submit(files.keep_path, run, path).result
    finally:
        if run.file_key:
            run.save(update_fields=landing.FILE)


def read_now(run_id: int) -> None:
    """Read and judge a run that is QUEUED: it becomes READY, MAPPING or FAILED."""
    _do(run_id, ImportState.QUEUED, ImportState.READING, _read)


def land_now(run_id: int) -> None:
    """Land a run that is CONFIRMED: it becomes DONE or FAILED, or is judged again where the catalogue moved on."""
    _do(run_id, ImportState.CONFIRMED, ImportState.LANDING, _land)


def undo_now(run_id: int) -> None:
    """Take back a run that is UNDOING: it becomes UNDONE, or DONE again with what stood in the way."""
    _do(run_id, ImportState.UNDOING, ImportState.UNDOING, _undo)


def lock_of(run_id: int) -> str:
    """Return the key of the run's lock, as SQL: whoever is at the run holds it, and loses it with its process."""
    return f"hashtextextended('catalog import run {int(run_id)}', 0)"


def holds(row: str, run_id: int) -> str:
    """Return the condition, as SQL, that this row of pg_locks is the run's lock, held by whoever is at the run."""
    return (  # the lock's 64 bits stand in two columns
        f"{row}.locktype = 'advisory' AND {row}.granted AND {row}.objsubid = 1"
        f" AND {row}.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        f" AND ({row}.classid::bigint << 32) | {row}.objid::bigint = {lock_of(run_id)}"
    )


def waits_for_another(run_id: int) -> bool:
    """Return whether the process that is at the run waits until another has landed or is taken back."""
    with connection.cursor() as cursor:
        cursor.execute(f"""SELECT EXISTS (SELECT FROM pg_locks AS own JOIN pg_locks AS awaited USING (pid)
                 WHERE {holds('own', run_id)} AND awaited.locktype = 'advisory' AND NOT awaited.granted)""")
        return bool(cursor.fetchone()[0])


def _do(
    run_id: int, before: ImportState, state: ImportState, work: Callable[[ImportRun, Rows], None]
) -> None:
    """Do the work if the run waits for it and nobody is at it; else somebody did, or does, what was asked."""
    run = ImportRun.objects.get(pk=run_id)
    with suppress(Busy, ImportRefused), _alone(run):
        if journal.move(run, [before], state, state.label, seen_at=timezone.now()):
            with _watched(run) as tell:
                work(run, tell)


def _read(run: ImportRun, tell: Rows) -> None:
    state = reading.read(run, partial(files.local, run, lambda: tell(0)), tell)
    asks = state == ImportState.MAPPING or run.withdrawn or landing.stops(run)
    if run.options.get(AT_ONCE) and not asks:
        _go_on(
            run,
            ImportState.CONFIRMED,
            "Confirmed, as was asked for with the upload",
            **confirmation(run.started_by_id, run.started_key_id),
        )
    else:
        _go_on(run, state, state.label)


def _land(run: ImportRun, tell: Rows) -> None:
    try:
        files.check(run, lambda: tell(run.rows_read))  # of 350 MB it takes longer than a cancellation may
        despite_deadlocks(partial(landing.land, run))
    except files.Unreachable as away:
        _go_on(run, ImportState.READY, str(away), message=f"{away} Nothing landed; confirm again later.")
    except MovedOn as moved:
        _go_on(run, ImportState.QUEUED, str(moved), message=str(moved))
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        _go_on(run, ImportState.READY, HELD_UP, message=HELD_UP)


def confirmation(by: int | None, key: int | None, withdraw: int | None = None) -> dict[str, Any]:
    """Return what a run notes when an account (its id) confirms it, by an API key (its id) or without one."""
    return {
        "confirmed_by": by,
        "confirmed_key": key,
        "confirmed_at": timezone.now(),
        "confirmed_withdrawals": withdraw,
        "message": "",
    }


def _undo(run: ImportRun, tell: Rows) -> None:
    by = person_now(run.undone_by, run.undone_key_id)
    if not by.has_perm("catalog.undo_importrun"):
        raise ImportRefused("The account that undoes this import may not do so any more; nothing was undone.")
    force = bool(run.undo_options.get("force"))
    despite_deadlocks(partial(undo.undo_run, run, force=force, reach=Reach.of(by)))


def despite_deadlocks(work: Callable[[], object]) -> None:
    """Do the work, and again where the database ended it in favour of another transaction."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            work()
        except OperationalError as error:
            if attempt == ATTEMPTS or not isinstance(error.__cause__, DeadlockDetected):
                raise
        else:
            return


def _go_on(run: ImportRun, state: ImportState, entry: str, **values: Any) -> None:
    """Give the run its next state, unless its end was asked for meanwhile."""
    if not journal.move(run, BUSY, state, entry, only={"cancel_requested": False}, **values):
        raise Cancelled
    if state in journal.JOBS:
        journal.enqueue(run)


@contextmanager
def _alone(run: ImportRun) -> Iterator[None]:
    """Hold the run's lock; raise Busy where another process has it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            cursor.execute(f"SELECT pg_advisory_lock({lock_of(run.pk)})")
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Busy from error
        raise
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_unlock({lock_of(run.pk)})")


@contextmanager
def _watched(run: ImportRun, on_rows: Rows | None = None) -> Iterator[Rows]:
    """Watch over the run while the block is at it, and account for how the block ends."""
    watch = Watch(run.pk, on_rows)
    with ExitStack() as stack:
        stack.push(partial(_account, run, watch))
        stack.enter_context(watch)  # closed before: what accounts is not to be cancelled
        yield watch.hear


def _account(
    run: ImportRun,
    watch: Watch,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> None:
    """Tell in the run what its process ended with; raise ImportRefused in place of what is nobody's mistake."""
    state, sentence = _verdict(run, error, cancelled=watch.cancelled)
    wrote = error is not None and run.state in (ImportState.LANDING, ImportState.UNDOING)
    if watch.is_cut_off() and run.origin != ImportOrigin.COMMAND:
        wrote = False  # the run's lock is gone, too: another process lets it go on, and may be at it
    elif not end(run, BUSY, state, sentence) and run.state == ImportState.DONE and error:
        sentence = f"The import landed, but did not end well: {sentence}"
    if wrote:
        with suppress(DatabaseError):
            landing.settle_run(run)
    if isinstance(error, (Cancelled, *faults.FAULTS)):
        raise ImportRefused(sentence) from error


def _verdict(run: ImportRun, error: BaseException | None, *, cancelled: bool) -> tuple[ImportState, str]:
    match error:
        case None:
            return ImportState.FAILED, landing.stops(run) or BROKEN
        case KeyboardInterrupt() | SystemExit():  # the latter is what SIGTERM ends in
            return ImportState.FAILED, INTERRUPTED
        case ImportRefused():
            return ImportState.FAILED, str(error)
    if cancelled or isinstance(error, Cancelled):
        return ImportState.CANCELLED, CANCELLED
    return ImportState.FAILED, faults.sentence(error) if isinstance(error, faults.FAULTS) else BROKEN


def end(run: ImportRun, before: Iterable[str], state: ImportState, sentence: str) -> bool:
    """Set a run in one of the states `before` to FAILED or CANCELLED; return whether it was in one.

    A run that was being undone is DONE again, whatever came in between.
    """
    with transaction.atomic():
        ended = journal.move(run, before, state, "", message=sentence, finished_at=timezone.now())
        if ended:
            journal.ended(run)
        else:
            journal.move(
                run, [ImportState.UNDOING], ImportState.DONE, f"Not undone: {sentence}", message=sentence
            )
    if ended and state == ImportState.CANCELLED:
        with suppress(DatabaseError):  # somebody looks at it; the nightly pruning drops it
            staging.drop(run)
    return ended
