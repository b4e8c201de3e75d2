"""A plan as a file: one line of JSON that says what it is based on, then one line for each decision."""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.db import DataError
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from media_sync.errors import SyncRefused
from media_sync.models import SyncRun
from media_sync.reconcile import report, staging
from media_sync.reconcile.apply import AS_IT_WAS, STATEMENTS
from media_sync.reconcile.decide import batches
from media_sync.reconcile.report import SyncResult
from media_sync.reconcile.staging import ESCAPES

FORMAT = 1
LONGEST_HEAD = 100_000  # characters
LINES = "SELECT json_strip_nulls(to_json(d))::text FROM decision d ORDER BY n"
COLUMNS = (
    "action, asset_id, key, item_id, position, kind, content_type, etag, size, modified,"
    " was_key, was_state, was_item_id, was_etag, was_size"
)
CREATE_LINES = "CREATE UNLOGGED TABLE plan_line (line text)"
COPY_LINES = "COPY plan_line FROM STDIN"
FILL = f"""
INSERT INTO decision ({COLUMNS})
SELECT {COLUMNS} FROM plan_line, jsonb_populate_record(NULL::decision, line::jsonb)
"""
OBJECT_DIFFERS = """
SELECT d.key FROM decision d LEFT JOIN listing l ON l.key = d.key
WHERE (d.action IN ('create', 'change', 'return', 'move')
        AND (l.key IS NULL OR (l.etag, l.size, l.modified) IS DISTINCT FROM (d.etag, d.size, d.modified)))
    OR (d.action = 'missing' AND l.key IS NOT NULL)
    OR (d.action = 'move' AND EXISTS (SELECT FROM listing o WHERE o.key = d.was_key))
ORDER BY d.n LIMIT 1
"""
RECORD_DIFFERS = f"""
SELECT d.key FROM decision d
WHERE (d.action <> 'create' AND NOT EXISTS (SELECT FROM catalog_mediaasset a WHERE {AS_IT_WAS}))
    OR (d.action IN ('create', 'move') AND EXISTS (SELECT FROM catalog_mediaasset a WHERE a.key = d.key))
    OR (d.action <> 'missing' AND d.item_id IS NOT NULL AND NOT EXISTS (SELECT FROM catalog_item i WHERE i.id = d.item_id))
ORDER BY d.n LIMIT 1
"""


@dataclass(frozen=True)
class Head:
    """What a plan is of. `sha256` is of all lines that follow."""

    plan: int
    bucket: str
    endpoint: str
    prefix: str
    made_at: str
    run: int
    counts: dict[str, int]
    ignored: dict[str, int]
    sha256: str


def write(run: SyncRun, path: Path, result: SyncResult) -> None:
    """Write the run's decisions to the file, whole or not at all. Raises SyncRefused where that cannot be."""
    try:
        with NamedTemporaryFile("wb+", dir=path.parent, prefix=f".{path.name}.") as body:
            digest = hashlib.sha256()
            with staging.inside(run) as cursor:
                counts = report.actions(cursor)
                for rows in batches(cursor, LINES):
                    lines = "".join(f"{line}\n" for (line,) in rows).encode()
                    digest.update(lines)
                    body.write(lines)
            head = Head(
                FORMAT, run.bucket, run.endpoint, run.prefix, timezone.now().isoformat(), run.pk, counts,
                result.ignored_by_reason, digest.hexdigest(),
            )  # fmt: skip
            _finish(path, head, body)
    except OSError as error:
        raise SyncRefused(f"The plan cannot be written to {path}: {error.strerror}.") from error


def _finish(path: Path, head: Head, body: Any) -> None:
    body.seek(0)
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(json.dumps(asdict(head), ensure_ascii=False).encode() + b"\n")
        shutil.copyfileobj(body, file)
    draft.replace(path)


def head(path: Path) -> Head:
    """Read what the plan is of, and make sure that it is whole. Raises SyncRefused."""
    try:
        with path.open("rb") as file:
            found = _checked(Head(**json.loads(file.readline(LONGEST_HEAD))))
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SyncRefused(f"The plan {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise SyncRefused(f"{path} is no plan of a sync: its first line says nothing of one.") from error
    if found.plan != FORMAT:
        raise SyncRefused(f"{path} is a plan of another version of this software; make it anew.")
    if found.sha256 != digest:
        raise SyncRefused(
            f"The plan {path} is not as it was written: it was cut short or edited; make it anew."
        )
    return found


def _checked(head: Head) -> Head:
    """Raise TypeError unless all is of the kind that it is written as."""
    texts = (head.bucket, head.endpoint, head.prefix, head.sha256)
    numbers = (*dict(head.counts).values(), *dict(head.ignored).values())
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(each, int) for each in numbers):
        raise TypeError
    return head


def check_head(head: Head, run: SyncRun) -> None:
    """Raise SyncRefused unless the plan is of the bucket that the settings name."""
    if (head.bucket, head.endpoint) != (run.bucket, run.endpoint):
        raise SyncRefused(
            f"The plan is of bucket {head.bucket} at {head.endpoint or 'Amazon S3'}, and S3_BUCKET and"
            f" S3_ENDPOINT_URL name {run.bucket} at {run.endpoint or 'Amazon S3'}; nothing was done."
        )


def read(cursor: CursorWrapper, path: Path, head: Head) -> None:
    """Fill the table of decisions from the file. Raises SyncRefused where it holds anything else."""
    cursor.execute(CREATE_LINES)
    try:
        _copy(cursor, path)
        cursor.execute(FILL)
    except (DataError, UnicodeDecodeError) as error:
        raise SyncRefused(f"{path} is no plan of a sync: {_first_line(error)}.") from error
    counts = report.actions(cursor)
    if counts != head.counts or counts.keys() - STATEMENTS.keys():
        raise SyncRefused(
            f"{path} is no plan of a sync: its decisions are not those that its first line counts."
        )


def _copy(cursor: CursorWrapper, path: Path) -> None:
    with path.open(encoding="utf-8", newline="\n") as file, cursor.copy(COPY_LINES) as copy:
        file.readline()
        for line in file:
            copy.write(f"{line.removesuffix(chr(10)).translate(ESCAPES)}\n")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def check_bucket(cursor: CursorWrapper) -> None:
    """Raise SyncRefused unless every object of the plan is as it was, or as gone as it was."""
    cursor.execute("ANALYZE listing; ANALYZE decision")
    cursor.execute(OBJECT_DIFFERS)
    _refuse("in the bucket", cursor.fetchall())


def check_catalogue(cursor: CursorWrapper) -> None:
    """Raise SyncRefused unless every record of the plan is as it was, and its item there."""
    cursor.execute(RECORD_DIFFERS)
    _refuse("in the catalogue", cursor.fetchall())


def check_written(planned: dict[str, int], written: dict[str, int]) -> None:
    """Raise SyncRefused, which undoes what was written, where that is not all."""
    if planned != {action: count for action, count in written.items() if count}:
        raise SyncRefused(
            "The catalogue changed while the plan was being done; nothing was done. Make it anew."
        )


def _refuse(where: str, rows: list[tuple[str]]) -> None:
    for (key,) in rows:
        raise SyncRefused(
            f"{key!r} is not as it was {where} when the plan was made; nothing was done. Make it anew."
        )
