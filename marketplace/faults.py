"""Turns what the database, the bucket and the file system refuse into one sentence for the person who asked.

No sentence holds a password: what libpq and boto say names hosts, users and keys' ids only.
"""

import psycopg
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from django.conf import settings
from django.db import Error as DjangoDatabaseError
from procrastinate.exceptions import ProcrastinateException

from marketplace import embedded, environment

# What a command may end with through no fault of its code. --traceback shows where.
FAULTS = (
    psycopg.Error, DjangoDatabaseError, ProcrastinateException, BotoCoreError, ClientError, Boto3Error, OSError,
)  # fmt: skip


def sentence(error: BaseException) -> str:
    """Return one sentence about one of FAULTS: what failed, why, and which variable or command mends it."""
    cause = _root(error)
    match cause:
        case psycopg.Error():
            return _about_database(cause)
        case NoConnection() | HTTPClientError():
            return f"The bucket cannot be reached: {_endpoint()} does not answer; check S3_ENDPOINT_URL."
        case ClientError():
            return f"The bucket {settings.S3_BUCKET} at {_endpoint()} refuses: {one_line(cause)}"
        case BotoCoreError() | Boto3Error():
            return f"The bucket {settings.S3_BUCKET} at {_endpoint()} cannot be used: {one_line(cause)}"
        case OSError():
            named = f" ({cause.filename})" if cause.filename else ""
            return f"The system refuses: {cause.strerror or one_line(cause)}{named}."
    return one_line(cause)


def database_reason(error: BaseException) -> str:
    """Return why the database does not answer, in the words of libpq's first line."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    for prefix in ("connection failed: ", "connection is bad: "):
        reason = reason.removeprefix(prefix)
    return reason.replace("FATAL:  ", "")


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _root(error: BaseException) -> BaseException:
    """Return the library's own error below the wrappers of Django and procrastinate."""
    while isinstance(error, DjangoDatabaseError | ProcrastinateException | Boto3Error) and error.__cause__:
        error = error.__cause__
    return error


def _about_database(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return f"The database is not up to date ({database_reason(error)}): run `manage.py migrate`."
    if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
        whose = "of DATABASE_URL" if environment.is_set("DATABASE_URL") else f"under {embedded.var_dir()}"
        return f"The database {whose} cannot be used: {database_reason(error)}."
    return f"The database refuses: {database_reason(error)}."


def _endpoint() -> str:
    return str(settings.S3_ENDPOINT_URL or "Amazon S3")
